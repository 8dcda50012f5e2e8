/** The verbs of issuers. Each runs in the caller's transaction and leaves an entry. */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Issuer, IssuerSeals, IssuerSettings } from './issuer-model.ts';
import {
  markIssuerOff,
  markIssuerOn,
  markSessionsOfIssuerEnded,
  selectIssuersOf,
  selectIsUrlTaken,
  upsertIssuer,
} from './store-issuer.ts';

export type IssuerWish = Omit<Issuer, 'savedAt' | 'offAt'> & IssuerSettings;

/**
 * Adds an issuer, or gives one that is there other settings. It keeps its address: with another one
 * the same subjects would be other people.
 */
export async function saveIssuer(
  tx: Tx,
  { clientSecret, sendsSecretBy, ...wish }: IssuerWish,
  { seals, now }: { readonly seals: IssuerSeals; readonly now: Date },
): Promise<Outcome<void>> {
  const { id, url, organisationId, clientId, origins, acr, amr, authAgeMaxMs } = wish;
  if (await selectIsUrlTaken(tx, url, id)) return takenAddress;
  const settingsSealed = seals.sealSettings(id, { clientSecret, sendsSecretBy });
  const saved = { ...wish, settingsSealed, savedAt: now, savedBy: actorId(tx.actor) };
  if ((await upsertIssuer(tx, saved)) === 0) return otherAddress;
  const detail = { url, organisationId, clientId, origins, acr, amr, authAgeMaxMs };
  await record(tx, { action: 'issuer.saved', subject: { kind: 'issuer', id }, detail });
  return ok(undefined);
}

/** Nobody comes by it any more, and whoever did is signed out; says how many sessions ended. */
export async function switchOffIssuer(tx: Tx, id: string, now: Date): Promise<Outcome<number>> {
  if ((await markIssuerOff(tx, id, { at: now, by: actorId(tx.actor) })) === 0) return notOn;
  // After the switch: a sign-in that holds the issuer is waited for by it, and its session is seen.
  const ended = await markSessionsOfIssuerEnded(tx, id, now);
  const subject = { kind: 'issuer', id };
  await record(tx, { action: 'issuer.switched_off', subject, detail: { ended } });
  return ok(ended);
}

/** By the approval of another person; without one from the server's terminal alone. */
export async function switchOnIssuer(
  tx: Tx,
  id: string,
  approvalId: string | null = null,
): Promise<Outcome<void>> {
  if ((await markIssuerOn(tx, id, approvalId)) === 0) return notOff;
  const subject = { kind: 'issuer', id };
  await record(tx, {
    action: 'issuer.switched_on',
    subject,
    detail: { byTwo: approvalId !== null },
  });
  return ok(undefined);
}

/** Switches off all issuers of one organisation, such as one that was broken into; says which. */
export async function switchOffFederation(
  tx: Tx,
  organisationId: string,
  now: Date,
): Promise<readonly string[]> {
  const ids = await selectIssuersOf(tx, organisationId);
  for (const id of ids) await switchOffIssuer(tx, id, now);
  return ids;
}

const takenAddress = refused('conflict', 'Another issuer here has this address already.');

const otherAddress = refused(
  'conflict',
  'An issuer keeps its address: at another one the same people would be others. Add it under another id.',
);

const notOn = refused('conflict', 'There is no such issuer, or it is off already.');

export const notOff = refused('conflict', 'There is no such issuer, or it is on already.');
