/** Refusals that several verbs of identity share. */
import { refused, type Refused } from '#kernel/outcome.ts';

export const noSuchPerson = refused('not_found', 'There is no such person.');

export const notOneself = refused(
  'forbidden',
  'Nobody changes their own rights here. Ask somebody else who may manage people.',
);

export function unknownRole(role: string): Refused {
  const message = `The operating model has no role “${role}”`;
  return refused('invalid', message, { roles: message });
}
