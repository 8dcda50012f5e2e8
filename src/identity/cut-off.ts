/** What of its people ends when an organisation is cut off (ADR 0026). */
import type { Tx } from '#db/database.ts';
import { actorId } from '#kernel/actor.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import { switchOffFederation } from './issuers.ts';
import {
  markInvitationsEnded,
  markKeysOfPeopleRevoked,
  markSessionsOfPeopleEnded,
  markSignInsEnded,
  selectIsShutOut,
  selectPeopleOf,
} from './store-cut-off.ts';

export type EndedAccess = {
  readonly people: number;
  readonly sessions: number;
  readonly signIns: number;
  readonly invitations: number;
  readonly keys: number;
  /** Sign-ins of its own (OpenID Connect) that are off from now on. */
  readonly issuers: number;
};

/**
 * Ends what everybody has open who holds a role for this organisation, beside other roles too:
 * nobody can say which of it is in foreign hands. Whoever has another role signs in anew for that.
 */
export async function endAccessOf(tx: Tx, organisationId: string, now: Date): Promise<EndedAccess> {
  const personIds = await selectPeopleOf(tx, organisationId);
  const by = actorId(tx.actor);
  return {
    people: personIds.length,
    sessions: await markSessionsOfPeopleEnded(tx, personIds, now),
    signIns: await markSignInsEnded(tx, personIds, now),
    invitations: await markInvitationsEnded(tx, { organisationId, personIds }, now),
    keys: await markKeysOfPeopleRevoked(tx, personIds, { at: now, by }),
    issuers: (await switchOffFederation(tx, organisationId, now)).length,
  };
}

/** How many people hold a role for it, and would be signed out. */
export async function countPeopleOf(tx: Tx, organisationId: string): Promise<number> {
  return (await selectPeopleOf(tx, organisationId)).length;
}

/** Why this person may not sign in, however they prove to be it; undefined: they may. */
export async function refuseShutOut(tx: Tx, personId: string): Promise<Refused | undefined> {
  return (await selectIsShutOut(tx, personId)) ? shutOut : undefined;
}

const shutOut = refused(
  'forbidden',
  'Your organisation is cut off from here for now. Ring the help line; do not answer by mail.',
);
