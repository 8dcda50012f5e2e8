/**
 * Signing in by two things: a code that goes to the address of the account, and the number of an
 * app (TOTP). For those whose role takes no passkey. Whoever asks learns nothing of who has an
 * account (P8): asking writes the same row for everybody, and the look-up is the worker's.
 */
import { randomInt, timingSafeEqual } from 'node:crypto';
import { record } from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { sendSingleMessage } from '#dispatch/index.ts';
import { system } from '#kernel/actor.ts';
import { newId, NOBODY } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { fillBlanks, singleReason } from '#operating-model/index.ts';
import { needsPasskey, type MailRules, type RoleModel } from './model.ts';
import { lackingProof, type InSession } from './passkeys.ts';
import { startSession, type SignIn } from './sign-in.ts';
import {
  countCodesFrom,
  insertApp,
  insertCodeFor,
  insertCodeOfApp,
  lockCode,
  lockCodeCounts,
  markAppConfirmed,
  markAppsEnded,
  markCodeSent,
  markCodeUsed,
  markCodeWrong,
  markStepUsed,
  selectApp,
  selectCodeOfApp,
  selectCodeToSend,
  selectPendingApp,
  type App,
  type CodeRow,
} from './store-code.ts';
import { countPasskeys } from './store-passkey.ts';
import { markSessionsBegunByEnded, selectSessionProof } from './store-session.ts';
import { selectPerson } from './store.ts';
import { planTelling } from './telling.ts';
import { newSecret, stepOfNumber } from './totp.ts';

/** The task that sends a code; `main` says who does it. */
export const SIGN_IN_CODE_TASK = 'sign_in_code_asked';

/** OWASP ASVS 5.0, 6.5.5: ten minutes at the most for what comes out of band. */
export const CODE_LIFE_MS = 10 * 60_000;
/** A guess of both is right once in 10^11; of the digits alone, five tries in 200,000. */
const WRONG_TRIES_MAX = 5;
const HOUR_MS = 3_600_000;

export type CodeSeals = {
  readonly sealSecret: (appId: string, secret: string) => Buffer;
  readonly openSecret: (appId: string, sealed: Buffer) => string;
  /** Of the digits under the id of their row: the hash of one says nothing of another. */
  readonly indexCode: (id: string, code: string) => Buffer;
};

type By = { readonly model: RoleModel; readonly now: Date };

const asker = system('sign-in');

/** Writes down that a code was asked for, the same for an address that nobody has. */
export async function askForCode(
  database: Database,
  asked: { readonly id: string; readonly email: string; readonly networkIndex: Buffer },
  { model, now }: By,
): Promise<Outcome<void>> {
  return await database.attempt(asker, async (tx) => {
    await lockCodeCounts(tx);
    const lately = await countCodesFrom(tx, asked.networkIndex, hourBefore(now));
    if (lately >= model.signingIn.codesPerHour.network) return tooMany;
    await insertCodeFor(tx, { ...asked, askedAt: now }, asked.email.toLowerCase());
    await enqueue(tx, SIGN_IN_CODE_TASK, { id: asked.id });
    return ok(undefined);
  });
}

function hourBefore(now: Date): Date {
  return new Date(now.getTime() - HOUR_MS);
}

type Sending = {
  readonly model: MailRules;
  readonly seals: Pick<CodeSeals, 'indexCode'>;
  /** Seals an address as the dispatch engine opens it. */
  readonly sealAddress: (personId: string, address: string) => Buffer;
  readonly now: Date;
};

/** Draws the code and mails it, where somebody has that address and the limits allow. */
export async function sendSignInCode(
  database: Database,
  id: string,
  { model, seals, sealAddress, now }: Sending,
): Promise<void> {
  await database.withActor(asker, async (tx) => {
    const askedAfter = new Date(now.getTime() - CODE_LIFE_MS);
    await lockCodeCounts(tx);
    const asked = await selectCodeToSend(tx, id, { askedAfter, anHourAgo: hourBefore(now) });
    if (asked === undefined || needsPasskey(model, asked.roles)) return;
    const { codesPerHour, codeMail } = model.signingIn;
    if (asked.inHour >= codesPerHour.person || asked.inAll >= codesPerHour.all) return;
    const { personId, email } = asked;
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    const values = { sender: model.sender, help_line: model.helpLine, code };
    const isQueued = await sendSingleMessage(tx, {
      contactPointId: personId,
      addressSealed: sealAddress(personId, email),
      // Nobody is asked to text anything back: a message wants four digits, and these mean nothing.
      code: '0000',
      subject: fillBlanks(codeMail.subject, values),
      body: fillBlanks(codeMail.body, values),
      because: singleReason(model, 'signing_in.code_mail', 'a code was asked for to sign in'),
      gatewayId: null,
      perHourMax: codesPerHour.person,
    });
    if (!isQueued) return;
    await markCodeSent(tx, { id, codeIndex: seals.indexCode(id, code), now });
    await record(tx, { action: 'sign_in_code.sent', subject: { kind: 'person', id: personId } });
  });
}

export type Typed = { readonly code: string; readonly number: string };

/** Both are right: a session. A wrong try is counted, so the refusal must be committed. */
export async function signInWithCode(
  tx: Tx,
  { id, ...typed }: Typed & { readonly id: string },
  { model, seals, how }: { model: RoleModel; seals: CodeSeals; how: SignIn },
): Promise<Outcome<string>> {
  const { now } = how;
  const row = await lockCode(tx, id);
  if (row === undefined || row.appId !== null || !isAlive(row, now)) return deadCode;
  const personId = row.personId ?? NOBODY;
  const person = await selectPerson(tx, personId);
  const app = await selectApp(tx, personId);
  const isMember = person?.active === true && !needsPasskey(model, person.roles);
  const isRight = await areRight(
    tx,
    { row, id, typed, app: isMember ? app : undefined },
    seals,
    now,
  );
  if (!isRight || person === undefined || app === undefined) return await wrongTry(tx, id, row);
  await markCodeUsed(tx, id, now);
  const { vouchedBy } = app;
  const whose = { personId: person.id, begunBy: 'code', vouchedBy, passkeyId: null } as const;
  return await startSession(tx, whose, how);
}

/** Both are looked at whatever the first says, and a number that is right is used up. */
async function areRight(
  tx: Tx,
  tried: {
    readonly row: CodeRow;
    readonly id: string;
    readonly typed: Typed;
    readonly app: App | undefined;
  },
  seals: CodeSeals,
  now: Date,
): Promise<boolean> {
  const { row, id, typed, app } = tried;
  const typedIndex = seals.indexCode(id, typed.code);
  const isCode = row.codeIndex !== null && timingSafeEqual(row.codeIndex, typedIndex);
  const secret = app ? seals.openSecret(app.id, app.secretSealed) : newSecret();
  const step = stepOfNumber(secret, typed.number, now);
  if (!isCode || app === undefined || step === undefined) return false;
  return (await markStepUsed(tx, app.id, step)) === 1;
}

async function wrongTry(tx: Tx, id: string, row: CodeRow) {
  await markCodeWrong(tx, id);
  return row.wrongTries + 1 >= WRONG_TRIES_MAX ? deadCode : wrong;
}

function isAlive({ askedAt, usedAt, wrongTries }: CodeRow, now: Date): boolean {
  const isYoung = now.getTime() - askedAt.getTime() < CODE_LIFE_MS;
  return isYoung && usedAt === null && wrongTries < WRONG_TRIES_MAX;
}

/** What stands in the way of setting up, or removing, an app in this session. */
export async function lackingForApp(
  tx: Tx,
  { personId, sessionId }: InSession,
  { model, now }: By,
) {
  const person = await selectPerson(tx, personId);
  if (person === undefined || needsPasskey(model, person.roles)) return passkeyOnly;
  const known = await countPasskeys(tx, personId);
  return await lackingProof(tx, { sessionId }, { model, now }, known);
}

/** Begins to set up an app: its id; a code goes to the address, which has to be proven too. */
export async function beginApp(
  tx: Tx,
  who: InSession & { readonly networkIndex: Buffer },
  { model, now, seals }: By & { readonly seals: CodeSeals },
): Promise<Outcome<string>> {
  const lacking = await lackingForApp(tx, who, { model, now });
  if (lacking) return lacking;
  await lockCodeCounts(tx);
  const lately = await countCodesFrom(tx, who.networkIndex, hourBefore(now));
  if (lately >= model.signingIn.codesPerHour.network) return tooMany;
  const { personId, sessionId, networkIndex } = who;
  const [id, codeId] = [newId(now.getTime()), newId(now.getTime())];
  const secretSealed = seals.sealSecret(id, newSecret());
  const vouchedBy = (await selectSessionProof(tx, sessionId))?.vouchedBy ?? [];
  await insertApp(tx, { id, personId, sessionId, secretSealed, vouchedBy, madeAt: now });
  await insertCodeOfApp(tx, { id: codeId, personId, appId: id, networkIndex, askedAt: now });
  await enqueue(tx, SIGN_IN_CODE_TASK, { id: codeId });
  await record(tx, { action: 'app.begun', subject: { kind: 'person', id: personId } });
  return ok(id);
}

/** The secret of one that is being set up in this very session. */
export async function findPendingSecret(
  tx: Tx,
  who: InSession,
  id: string,
  { seals, now }: { readonly seals: CodeSeals; readonly now: Date },
): Promise<string | undefined> {
  const app = await selectPendingApp(tx, id);
  const isOwn = app?.personId === who.personId && app.sessionId === who.sessionId;
  if (!isOwn || now.getTime() - app.madeAt.getTime() >= CODE_LIFE_MS) return undefined;
  return seals.openSecret(id, app.secretSealed);
}

/** Both are right: it takes the place of the one before. A wrong try is counted. */
export async function confirmApp(
  tx: Tx,
  who: InSession,
  { id, ...typed }: Typed & { readonly id: string },
  { model, now, seals }: By & { readonly seals: CodeSeals },
): Promise<Outcome<void>> {
  const lacking = await lackingForApp(tx, who, { model, now });
  if (lacking) return lacking;
  const app = await selectPendingApp(tx, id);
  if (app?.personId !== who.personId || app.sessionId !== who.sessionId) return deadCode;
  const codeId = await selectCodeOfApp(tx, id);
  const row = codeId === undefined ? undefined : await lockCode(tx, codeId);
  if (codeId === undefined || row === undefined || !isAlive(row, now)) return deadCode;
  const isRight = await areRight(tx, { row, id: codeId, typed, app }, seals, now);
  if (!isRight) return await wrongTry(tx, codeId, row);
  await markCodeUsed(tx, codeId, now);
  const { personId } = who;
  await markAppsEnded(tx, { personId, keptId: id }, { at: now, by: personId });
  if ((await markAppConfirmed(tx, id, now)) === 0) return deadCode;
  await record(tx, { action: 'app.confirmed', subject: { kind: 'person', id: personId } });
  await planTelling(tx, personId, 'app');
  return ok(undefined);
}

/** Removes it, and ends the sessions that began by its numbers but this one. */
export async function removeApp(tx: Tx, who: InSession, by: By): Promise<Outcome<void>> {
  const lacking = await lackingForApp(tx, who, by);
  if (lacking) return lacking;
  const { personId } = who;
  const ended = await markAppsEnded(tx, { personId, keptId: null }, { at: by.now, by: personId });
  if (ended === 0) return refused('conflict', 'You have no app here any more.');
  const began = { personId, begunBy: 'code', issuerId: null, keptId: who.sessionId } as const;
  await markSessionsBegunByEnded(tx, began, by.now);
  await record(tx, { action: 'app.removed', subject: { kind: 'person', id: personId } });
  return ok(undefined);
}

const wrong = refused('invalid', 'The two do not fit. Check both, and wait for a new number.', {
  code: 'Check the code of the newest mail',
  number: 'Check the number that the app shows now',
});

const deadCode = refused(
  'conflict',
  'This was used, is too old or was tried too often. Begin again with a new code.',
);

export const tooMany = refused(
  'forbidden',
  'Too many codes were asked for from your network. Try again in an hour, or use a passkey.',
);

const passkeyOnly = refused(
  'forbidden',
  'What your role allows takes a passkey. Make one instead.',
);
