/** Who may do what to an alert; the same answer for every verb. */
import { may, type Actor, type Permission } from '#kernel/actor.ts';
import { refused, type Refused } from '#kernel/outcome.ts';

/** Why the actor may not; undefined where it may. */
export function lacks(actor: Actor, permission: Permission): Refused | undefined {
  if (may(actor, permission)) return undefined;
  return refused('forbidden', 'Your role does not allow this.');
}

export const absent = refused('not_found', 'There is no such alert.');

export const overtaken = refused('conflict', 'Its state changed meanwhile. Look at it once more.');
