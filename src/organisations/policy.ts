/** Who may see and change what of an organisation and its contacts. Pure. */
import { isOwn, may, type Actor } from '#kernel/actor.ts';

/** Whoever reads the directory, and whoever keeps the contacts of this organisation. */
export function maySee(actor: Actor, organisationId: string): boolean {
  return may(actor, 'directory.read') || isOwn(actor, organisationId);
}

/** Whoever writes the directory, and whoever keeps the contacts of this organisation. */
export function keepsContactsOf(actor: Actor, organisationId: string): boolean {
  return may(actor, 'directory.write') || isOwn(actor, organisationId);
}

type Kept = { readonly id: string; readonly organisationId: string };

/** Those, and the contact itself. */
export function mayKeep(actor: Actor, { id, organisationId }: Kept): boolean {
  const isItself = actor.kind === 'contact' && actor.id === id;
  return isItself || keepsContactsOf(actor, organisationId);
}
