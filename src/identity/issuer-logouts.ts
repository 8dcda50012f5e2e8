/** Somebody signed out at an issuer: whoever came here by it is signed out too. */
import { recordAll } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { noSuchIssuer } from './issuer-visits.ts';
import type { LogoutToken } from './logout-token.ts';
import { sha256 } from './secrets.ts';
import { holdIssuer } from './store-issuer.ts';
import {
  insertIssuerLogout,
  markIssuerToldLogout,
  markSessionsLoggedOut,
  markVisitsLoggedOut,
} from './store-issuer-logout.ts';

/**
 * Ends the sessions that a logout token is about, and what waits for a number of an app to become
 * one. A token counts once. How many sessions ended: none is no fault.
 */
export async function logOutByIssuer(
  tx: Tx,
  issuerId: string,
  { id, subject, issuerSession }: LogoutToken,
  now: Date,
): Promise<Outcome<number>> {
  // A sign-in that holds the issuer is waited for, and its session is seen.
  if ((await holdIssuer(tx, issuerId)) === undefined) return noSuchIssuer;
  const taken = { issuerId, jtiSha256: sha256(id), takenAt: now };
  if ((await insertIssuerLogout(tx, taken)) === 0) return takenBefore;
  await markIssuerToldLogout(tx, issuerId, now);
  const gone = { issuerId, subject, issuerSession };
  const sessions = await markSessionsLoggedOut(tx, gone, now);
  const visits = await markVisitsLoggedOut(tx, gone, now);
  const people = [...new Set([...sessions, ...visits])];
  const countOf = (all: readonly string[], person: string) =>
    all.filter((one) => one === person).length;
  await recordAll(
    tx,
    people.map((person) => ({
      action: 'issuer.logged_out',
      subject: { kind: 'person', id: person },
      detail: {
        issuer: issuerId,
        sessions: countOf(sessions, person),
        waiting: countOf(visits, person),
      },
    })),
  );
  return ok(sessions.length);
}

const takenBefore = refused('conflict', 'This token was taken before.');
