/**
 * Recovery of somebody who needs a passkey and lost all of theirs: one person makes the link and
 * hands it over, another one with the same right agrees; then the old passkeys and sessions end,
 * and the link opens. Neither of the two can do it alone.
 */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId, may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { agreeTo, askAgreement, endAgreement, hashOfGiven, type Given } from './agreement.ts';
import { isLive } from './installation.ts';
import { isSelf, needsPasskey, rolesWith, type RoleModel } from './model.ts';
import { noSuchPerson, notOneself } from './refusals.ts';
import { makeLink, type LinkWish, type SignInLink } from './sign-in.ts';
import { markAppsEnded } from './store-code.ts';
import { markAllIssuerLinksEnded } from './store-issuer.ts';
import { markAllSessionsEnded } from './store-session.ts';
import { markAllPasskeysEnded, selectHadPasskey } from './store-passkey.ts';
import {
  markLinksEnded,
  markRecoveryConfirmed,
  markRecoveryRefused,
  selectApprovalOfLink,
  selectRecoveries,
} from './store-recovery.ts';
import { countConfirmers } from './store-second-person.ts';
import { selectPerson } from './store.ts';
import { planTelling } from './telling.ts';

/** True of somebody whom a sign-in link alone does not let in. */
export async function needsRecovery(tx: Tx, personId: string, model: RoleModel): Promise<boolean> {
  const person = await selectPerson(tx, personId);
  if (person === undefined || !needsPasskey(model, person.roles)) return false;
  return (await isLive(tx)) && (await selectHadPasskey(tx, personId));
}

/** A link that opens nothing yet. Shown once, as any other. */
export async function askRecovery(tx: Tx, wish: LinkWish): Promise<Outcome<SignInLink>> {
  if (isSelf(tx.actor, wish.personId)) return notOneself;
  if ((await selectPerson(tx, wish.personId)) === undefined) return noSuchPerson;
  if (!(await needsRecovery(tx, wish.personId, wish.model))) return noNeed;
  await planTelling(tx, wish.personId, 'recovery_asked');
  return await makeRecovery(tx, wish);
}

/** The link, and what a second person is asked to sign. */
async function makeRecovery(tx: Tx, wish: LinkWish): Promise<Outcome<SignInLink>> {
  const { personId, now, id = newId(now.getTime()) } = wish;
  const asked = { kind: 'recovery', id, given: givenOf({ linkId: id, personId }) };
  const life = { now, lifeMs: wish.model.signingIn.linkHoldsForMs };
  const known = await selectApprovalOfLink(tx, id);
  return await makeLink(tx, { ...wish, id }, known ?? (await askAgreement(tx, asked, life)));
}

function givenOf({ linkId, personId }: Answer): Given {
  return { recovery: linkId, person: personId };
}

/** Those that wait, each with what a second person signs. */
export async function listRecoveries(tx: Tx, now: Date, personId?: string) {
  const waiting = await selectRecoveries(tx, now, personId);
  return waiting.map((one) => ({ ...one, hash: hashOfGiven(givenOf(one)) }));
}

type Answer = { readonly linkId: string; readonly personId: string };
type By = { readonly model: RoleModel; readonly now: Date };

/** The second person agrees to exactly what was shown: what the person had before ends, and the link opens. */
export async function confirmRecovery(
  tx: Tx,
  { linkId, personId, hash }: Answer & { readonly hash: string },
  { model, now }: By,
): Promise<Outcome<void>> {
  const { actor } = tx;
  if (actor.kind !== 'person' || !may(actor, 'person.manage')) return notAllowed;
  if (isSelf(actor, personId)) return notOneself;
  const asked = (await listRecoveries(tx, now, personId)).find((one) => one.linkId === linkId);
  if (asked === undefined) return notYours;
  const agreeing = { approvalId: asked.approvalId, hash, given: givenOf(asked) };
  const agreed = await agreeTo(tx, agreeing, { model, now });
  if (!agreed.ok) return agreed;
  const since = new Date(now.getTime() - model.signingIn.sessionEndsMs);
  const by = { personId: actor.id, roles: rolesWith(model, 'person.manage'), since, now };
  const confirmed = await markRecoveryConfirmed(tx, { linkId, recoveredId: personId, ...by });
  if (confirmed === 0) return notYours;
  await endAllProofs(tx, personId, now);
  const subject = { kind: 'person', id: personId };
  await record(tx, { action: 'recovery.confirmed', subject, detail: { linkId } });
  await planTelling(tx, personId, 'recovered');
  return ok(undefined);
}

/** Anybody who manages people takes it back, whoever asked for it: the link never opens. */
export async function refuseRecovery(
  tx: Tx,
  { linkId, personId }: Answer,
  now: Date,
): Promise<Outcome<void>> {
  const approvalId = await markRecoveryRefused(tx, { linkId, personId, now });
  if (approvalId === undefined) return gone;
  const subject = { kind: 'person', id: personId };
  await record(tx, { action: 'recovery.refused', subject, detail: { linkId } });
  return await endAgreement(tx, approvalId, now);
}

/**
 * From the server's terminal. Where nobody is left who could agree, whoever runs the server does
 * both: they could change the database as well. Else it waits for a second person, as any other.
 */
export async function recoverFromTerminal(tx: Tx, wish: LinkWish): Promise<Outcome<SignInLink>> {
  const { personId, model, now } = wish;
  const roles = rolesWith(model, 'person.manage');
  const waits = (await countConfirmers(tx, { exceptIds: [personId], roles })) > 0;
  if (!waits) {
    await endAllProofs(tx, personId, now);
    const subject = { kind: 'person', id: personId };
    await record(tx, { action: 'recovery.by_operator', subject, detail: {} });
  }
  await planTelling(tx, personId, waits ? 'recovery_asked' : 'recovered');
  const link = await (waits ? makeRecovery(tx, wish) : makeLink(tx, wish, null));
  return link.ok ? ok({ ...link.value, waits }) : link;
}

async function endAllProofs(tx: Tx, personId: string, now: Date): Promise<void> {
  const ended = { at: now, by: actorId(tx.actor) };
  await markAllPasskeysEnded(tx, personId, ended);
  await markAllIssuerLinksEnded(tx, personId, ended);
  await markAppsEnded(tx, { personId, keptId: null }, ended);
  await markLinksEnded(tx, personId, now);
  await markAllSessionsEnded(tx, personId, now);
}

const noNeed = refused(
  'conflict',
  'This person has no passkey that could be lost. A sign-in link lets them in.',
);

const notAllowed = refused('forbidden', 'Only a person who manages people can agree to this.');

const notYours = refused(
  'conflict',
  'This is not yours to agree to: you asked for it, or whoever did let you in or gave you your role; or it is over.',
);

const gone = refused('conflict', 'This recovery is over already.');
