/** Who may change a contact. Pure. */
import { may, type Actor } from '#kernel/actor.ts';

/** Whoever writes the directory, and the contact itself. */
export function mayKeep(actor: Actor, contactId: string): boolean {
  return may(actor, 'directory.write') || (actor.kind === 'contact' && actor.id === contactId);
}
