/** Signing in and out: links, sessions. Each verb runs in the caller's transaction. */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { refuseShutOut } from './cut-off.ts';
import { isLive } from './installation.ts';
import { needsPasskey, type RoleModel } from './model.ts';
import { noSuchPerson } from './refusals.ts';
import { newToken, sha256 } from './secrets.ts';
import { selectHadPasskey } from './store-passkey.ts';
import {
  insertSession,
  markOtherSessionsEnded,
  markSessionEnded,
  type NewSession,
} from './store-session.ts';
import { insertLink, markLinkUsed, selectInstallationKind, selectPerson } from './store.ts';

export type SignInLink = {
  readonly token: string;
  readonly expiresAt: Date;
  /** True where it opens nothing until a second person agrees. */
  readonly waits?: boolean;
};

export type LinkWish = {
  readonly personId: string;
  readonly model: RoleModel;
  readonly now: Date;
  /** Of the form that asks for it. */
  readonly id?: string;
};

/**
 * A link that signs this person in once. The token is not kept: show it now or never. Asked for
 * twice with the id of one form, only the last token opens: nobody has seen the one before. Whoever
 * needs a passkey and ever had one is let in by it alone, or recovered by two persons
 * (recovery.ts): else the second of them could make another link, and be that person.
 */
export async function createSignInLink(tx: Tx, wish: LinkWish): Promise<Outcome<SignInLink>> {
  const person = await selectPerson(tx, wish.personId);
  if (person === undefined) return noSuchPerson;
  const isGuarded = needsPasskey(wish.model, person.roles) && (await isLive(tx));
  if (isGuarded && (await selectHadPasskey(tx, wish.personId))) return hasPasskeys;
  return await makeLink(tx, wish, null);
}

/** The link itself; one with an approval recovers, and opens nothing until it was agreed to. */
export async function makeLink(
  tx: Tx,
  { personId, model, now, id = newId(now.getTime()) }: LinkWish,
  approvalId: string | null,
): Promise<Outcome<SignInLink>> {
  const person = await selectPerson(tx, personId);
  if (person === undefined) return noSuchPerson;
  if (!person.active) return refused('conflict', 'This person is locked. Unlock them first.');
  const token = newToken();
  const expiresAt = new Date(now.getTime() + model.signingIn.linkHoldsForMs);
  const recovers = approvalId !== null;
  const times = { createdAt: now, expiresAt };
  const link = { id, tokenSha256: sha256(token), personId, ...times, recovers, approvalId };
  if ((await insertLink(tx, { ...link, createdBy: actorId(tx.actor) })) === 0)
    return refused('conflict', 'The link of this page was used already. Make a new one.');
  const subject = { kind: 'person', id: personId };
  const action = recovers ? 'recovery.asked' : 'sign_in_link.created';
  await record(tx, { action, subject, detail: { linkId: id } });
  return ok({ token, expiresAt });
}

export type SignIn = {
  readonly now: Date;
  /** Such as `Firefox on Android`. */
  readonly device: string;
  /** Roughly from where, as `placeOf` says it. */
  readonly place: string;
  /** The session that this browser is in: its token is overwritten by the new one, so it ends. */
  readonly before?: OwnSession | undefined;
};

export type OwnSession = { readonly id: string; readonly personId: string };

/** Uses a link and begins a session; its token goes into the cookie. Works once. */
export async function signIn(tx: Tx, token: string, how: SignIn): Promise<Outcome<string>> {
  const used = await markLinkUsed(tx, sha256(token), how.now);
  if (used === undefined) return deadLink;
  const { personId, createdBy, confirmedBy } = used;
  const vouchedBy = [createdBy, ...(confirmedBy === null ? [] : [confirmedBy])];
  return await startSession(tx, { personId, begunBy: 'link', vouchedBy, passkeyId: null }, how);
}

/** Begins a session without any proof: only where no real phone can ring (P11). */
export async function signInForDemonstration(
  tx: Tx,
  personId: string,
  how: SignIn,
): Promise<Outcome<string>> {
  // The caller knows it too. Asked here again, of the database, because this is a door without a
  // lock: a wrong wiring must not open it in a live installation.
  const installation = await selectInstallationKind(tx);
  const person = await selectPerson(tx, personId);
  if (installation?.kind !== 'demonstration' || person?.active !== true) return noSuchPerson;
  const whose = { personId, begunBy: 'demonstration', vouchedBy: [], passkeyId: null } as const;
  return await startSession(tx, whose, how);
}

export type NewlySignedIn = Pick<NewSession, 'personId' | 'begunBy' | 'vouchedBy' | 'passkeyId'> &
  // Of one that an issuer began.
  Partial<Pick<NewSession, 'issuerId' | 'issuerSession'>>;

/**
 * Begins a session for somebody who has proved to be it; its token. Refused to whoever holds roles
 * only for organisations that are cut off.
 */
export async function startSession(
  tx: Tx,
  whose: NewlySignedIn,
  how: SignIn,
): Promise<Outcome<string>> {
  const shutOut = await refuseShutOut(tx, whose.personId);
  if (shutOut !== undefined) return shutOut;
  const [id, token] = [newId(how.now.getTime()), newToken()];
  const { issuerId = null, issuerSession = null } = whose;
  const session = { id, tokenSha256: sha256(token), ...whose, issuerId, issuerSession };
  await insertSession(tx, { ...session, ...how });
  const subject = { kind: 'person', id: whose.personId };
  const through = issuerId === null ? {} : { issuer: issuerId };
  const detail = { sessionId: id, by: whose.begunBy, ...through };
  await record(tx, { action: 'session.begun', subject, detail });
  if (how.before !== undefined) await endSession(tx, how.before, how.now);
  return ok(token);
}

/** Ends a session of this person: their own at sign-out, or another one on the account page. */
export async function endSession(tx: Tx, session: OwnSession, now: Date): Promise<Outcome<void>> {
  if ((await markSessionEnded(tx, session, now)) === 0) {
    return refused('not_found', 'There is no such session.');
  }
  const subject = { kind: 'person', id: session.personId };
  await record(tx, { action: 'session.ended', subject, detail: { sessionId: session.id } });
  return ok(undefined);
}

/** Ends all sessions of this person but the one they are in; says how many. */
export async function endOtherSessions(
  tx: Tx,
  kept: { readonly id: string; readonly personId: string },
  now: Date,
): Promise<number> {
  const ended = await markOtherSessionsEnded(tx, kept, now);
  const subject = { kind: 'person', id: kept.personId };
  if (ended > 0)
    await record(tx, { action: 'session.others_ended', subject, detail: { kept: kept.id, ended } });
  return ended;
}

const hasPasskeys = refused(
  'conflict',
  'This person signs in with a passkey. Lost all of them? Then begin a recovery on their page.',
);

const deadLink = refused(
  'conflict',
  'This link was used already or is too old. Ask for a new one.',
);
