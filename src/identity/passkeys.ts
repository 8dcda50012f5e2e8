/**
 * Passkeys: made, used and removed. What a device is asked to sign is taken before it is checked,
 * in a transaction of its own, so that nothing can be tried twice (`takeAnswer`). The others run
 * in the caller's transaction; a refusal of `signInWithPasskey` and `proveAgain` has to be
 * committed too, because it may have left an entry.
 */
import { randomBytes } from 'node:crypto';
import { record } from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import { actorId, system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { isLive } from './installation.ts';
import { isFreshAt, mayMakeFirst, type RoleModel } from './model.ts';
import { noSuchPerson } from './refusals.ts';
import { newToken, sha256 } from './secrets.ts';
import { startSession, type SignIn } from './sign-in.ts';
import { insertChallenge, takeChallenge } from './store-challenge.ts';
import type { Asker, Purpose, TakenChallenge } from './store-challenge.ts';
import {
  insertPasskey,
  lockPerson,
  markPasskeyEnded,
  markPasskeyUsed,
  selectPasskeys,
  selectUsablePasskey,
  type UsablePasskey,
} from './store-passkey.ts';
import {
  markSessionProved,
  markSessionsOfPasskeyEnded,
  selectSessionProof,
} from './store-session.ts';
import { selectPerson } from './store.ts';
import { planTelling } from './telling.ts';
import {
  CHALLENGE_LIFE_MS,
  creationOptions,
  handleOf,
  requestOptions,
  verifyMade,
  verifyUsed,
  type Answered,
  type Made,
  type PasskeySite,
  type Used,
} from './webauthn.ts';

/** Somebody signed in, and the session that they are in. */
export type InSession = { readonly personId: string; readonly sessionId: string };

type At = { readonly site: PasskeySite; readonly now: Date };

const asker = system('sign-in');

/** Keeps what is to be signed, for minutes. */
export async function newChallenge(
  tx: Tx,
  purpose: Exclude<Purpose, 'approve'>,
  whose: Asker,
  now: Date,
): Promise<Buffer> {
  const challenge = randomBytes(32);
  const expiresAt = new Date(now.getTime() + CHALLENGE_LIFE_MS);
  await insertChallenge(tx, { challenge, purpose, asker: whose, expiresAt });
  return challenge;
}

/** Uses up what this answer signed; refused where we did not ask for it, here and now. */
export async function takeAnswer(
  database: Database,
  answered: Pick<Answered<unknown>, 'challenge'> | undefined,
  asked: { readonly purpose: Purpose; readonly asker: Asker; readonly now: Date },
): Promise<Outcome<TakenChallenge>> {
  if (answered === undefined) return notAccepted;
  const { challenge } = answered;
  const taken = await database.withActor(asker, (tx) => takeChallenge(tx, { ...asked, challenge }));
  return taken === undefined ? tooLate : ok(taken);
}

export function inSession({ sessionId }: Pick<InSession, 'sessionId'>): Asker {
  return { sessionId, ticketSha256: null };
}

export function withTicket(ticket: string): Asker {
  return { sessionId: null, ticketSha256: sha256(ticket) };
}

/** For whoever is about to sign in: what to sign, and the ticket that has to come with it. */
export async function askToSignIn(tx: Tx, { site, now }: At) {
  const ticket = newToken();
  const challenge = await newChallenge(tx, 'sign_in', withTicket(ticket), now);
  return { get: await requestOptions(site, challenge), ticket };
}

/** For whoever is signed in: what to sign with one of their own. */
export async function askToProve(tx: Tx, who: InSession, { site, now }: At) {
  const known = await selectPasskeys(tx, who.personId);
  if (known.length === 0) return noneYet;
  const challenge = await newChallenge(tx, 'prove', inSession(who), now);
  return ok({ get: await requestOptions(site, challenge, known) });
}

/** For a new passkey: what the device is asked. */
export async function askToMake(
  tx: Tx,
  who: InSession,
  { site, model, now }: At & { readonly model: RoleModel },
) {
  const person = await selectPerson(tx, who.personId);
  if (person === undefined) return noSuchPerson;
  const known = await selectPasskeys(tx, who.personId);
  const lacking = await lackingProof(tx, who, { model, now }, known.length);
  if (lacking) return lacking;
  const challenge = await newChallenge(tx, 'make', inSession(who), now);
  return ok({ create: await creationOptions(site, challenge, { owner: person, known }) });
}

/** Keeps a new passkey under this name; the session counts as proved by it, under a new token. */
export async function makePasskey(
  tx: Tx,
  who: InSession,
  made: { readonly name: string; readonly answered: Answered<Made> },
  { site, model, now }: At & { readonly model: RoleModel },
): Promise<Outcome<string>> {
  await lockPerson(tx, who.personId);
  const known = await selectPasskeys(tx, who.personId);
  const lacking = await lackingProof(tx, who, { model, now }, known.length);
  if (lacking) return lacking;
  const credential = await verifyMade(made.answered, site);
  if (credential === undefined) return notAccepted;
  const session = await selectSessionProof(tx, who.sessionId);
  const id = newId(now.getTime());
  const { personId } = who;
  const { domain } = site;
  const { name } = made;
  const vouchedBy = [...new Set(session?.vouchedBy)];
  const passkey = { ...credential, id, personId, domain, name, vouchedBy, createdAt: now };
  if ((await insertPasskey(tx, passkey)) === 0) return knownAlready;
  const token = newToken();
  const proof = { passkeyId: id, tokenSha256: sha256(token), now };
  await markSessionProved(tx, { id: who.sessionId, personId }, proof);
  const subject = { kind: 'person', id: personId };
  await record(tx, { action: 'passkey.made', subject, detail: { passkeyId: id } });
  await planTelling(tx, personId, 'passkey');
  return ok(token);
}

/**
 * What is missing before this session may add or remove a passkey: of whoever has one, that one,
 * used just now. The first one needs a link that somebody handed over, used just now: a session
 * that was left alone, or stolen, must not become a lasting way in.
 */
export async function lackingProof(
  tx: Tx,
  { sessionId }: Pick<InSession, 'sessionId'>,
  { model, now }: { readonly model: RoleModel; readonly now: Date },
  known: number,
): Promise<Refused | undefined> {
  const session = await selectSessionProof(tx, sessionId);
  if (known > 0) return isFreshAt(model, session?.passkeyAt ?? null, now) ? undefined : proveFirst;
  // A demonstration lets anybody be anybody, and no real phone rings there (P11).
  if (!(await isLive(tx))) return undefined;
  return session !== undefined && mayMakeFirst(model, session, now) ? undefined : linkFirst;
}

/** Removes one of several, and ends the sessions that began with it but this one. */
export async function removePasskey(
  tx: Tx,
  who: InSession,
  passkeyId: string,
  { model, now }: { readonly model: RoleModel; readonly now: Date },
): Promise<Outcome<void>> {
  const { personId, sessionId } = who;
  await lockPerson(tx, personId);
  const known = await selectPasskeys(tx, personId);
  if (!known.some(({ id }) => id === passkeyId)) return notYours;
  if (known.length === 1) return theLast;
  const lacking = await lackingProof(tx, who, { model, now }, known.length);
  if (lacking) return lacking;
  await markPasskeyEnded(tx, { id: passkeyId, personId }, { at: now, by: actorId(tx.actor) });
  await markSessionsOfPasskeyEnded(tx, { passkeyId, keptId: sessionId }, now);
  const subject = { kind: 'person', id: personId };
  await record(tx, { action: 'passkey.removed', subject, detail: { passkeyId } });
  return ok(undefined);
}

/** Begins a session for the owner of the passkey; its token. */
export async function signInWithPasskey(
  tx: Tx,
  answered: Answered<Used>,
  site: PasskeySite,
  how: SignIn,
): Promise<Outcome<string>> {
  const used = await usePasskey(tx, answered, { site, now: how.now });
  if (!used.ok) return used;
  const { id: passkeyId, personId, vouchedBy } = used.value;
  return await startSession(tx, { personId, begunBy: 'passkey', vouchedBy, passkeyId }, how);
}

/** Somebody signed in has used a passkey of theirs again; the token of their session from now on. */
export async function proveAgain(
  tx: Tx,
  { personId, sessionId }: InSession,
  answered: Answered<Used>,
  at: At,
): Promise<Outcome<string>> {
  const used = await usePasskey(tx, answered, { ...at, personId });
  if (!used.ok) return used;
  const passkeyId = used.value.id;
  const token = newToken();
  const proof = { passkeyId, tokenSha256: sha256(token), now: at.now };
  await markSessionProved(tx, { id: sessionId, personId }, proof);
  const subject = { kind: 'person', id: personId };
  await record(tx, { action: 'session.proved', subject, detail: { sessionId, passkeyId } });
  return ok(token);
}

/** Checks what was signed, and by whom. A counter that stands still is a copy: refused, with an entry. */
export async function usePasskey(
  tx: Tx,
  answered: Answered<Used>,
  { site, now, personId }: At & { readonly personId?: string },
): Promise<Outcome<UsablePasskey>> {
  const { id, response } = answered.answer;
  const passkey = await selectUsablePasskey(tx, Buffer.from(id, 'base64url'));
  if (passkey === undefined) return notAccepted;
  if (personId !== undefined && passkey.personId !== personId) return notAccepted;
  const handle = handleOf(passkey.personId).toString('base64url');
  if ((response.userHandle ?? handle) !== handle) return notAccepted;
  const verified = await verifyUsed(answered, passkey.publicKey, site);
  if (verified === undefined) return notAccepted;
  if ((await markPasskeyUsed(tx, passkey.id, { ...verified, now })) === 1) return ok(passkey);
  const subject = { kind: 'person', id: passkey.personId };
  const detail = { passkeyId: passkey.id, counter: verified.counter };
  await record(tx, { action: 'passkey.copy_suspected', subject, detail });
  return notAccepted;
}

/** One sentence for everything: a stranger learns nothing of who has which passkey. */
export const notAccepted = refused(
  'forbidden',
  'This passkey was not accepted. Try again, or use another one of yours.',
);

const tooLate = refused(
  'conflict',
  'That took too long, or was sent twice. Load the page again and use your passkey once more.',
);

const noneYet = refused('conflict', 'You have no passkey yet. Make one on your account page.');

const proveFirst = refused('forbidden', 'Use one of your passkeys first, then try again.');

const linkFirst = refused(
  'forbidden',
  'You came in too long ago to make a first passkey, or to set up an app. Ask whoever manages people for another link, and do it as soon as that let you in.',
);

const knownAlready = refused('conflict', 'This passkey is known already.');

const notYours = refused('not_found', 'You have no such passkey.');

const theLast = refused(
  'conflict',
  'This is your only passkey. Make another one first: without any you could not get in again.',
);
