/**
 * How a contact comes to its own details: a code goes to the number or address on file, and whoever
 * types it is that contact for four hours. Whoever asks learns nothing of who is on file (P8):
 * asking only writes down what was typed, and the look-up is the worker's.
 */
import { randomInt, timingSafeEqual } from 'node:crypto';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { blindIndex } from '#kernel/sealed.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { record } from '#audit/index.ts';
import { sendSingleMessage } from '#dispatch/index.ts';
import { newToken, sha256 } from '#identity/index.ts';
import { fillBlanks, singleReason } from '#operating-model/index.ts';
import type { Sessions } from '#web/index.ts';
import { drawUnusedCode } from '../proof/enrol.ts';
import type { DirectorySecrets } from '../imports/import-options.ts';
import { markProven } from '../proof/store-enrol.ts';
import {
  countCodesOfNetwork,
  deleteOldCodes,
  endCodeSession,
  findCodeSession,
  findCodeToSend,
  insertCode,
  insertCodeSession,
  lockCode,
  lockCodeCounts,
  markCodeSent,
  markCodeUsed,
  markCodeWrong,
  type CodeRow,
  type CodeToSend,
} from './store-own.ts';
import {
  listOrganisationsOfContactPoint,
  type PointOrganisation,
} from '../contacts/store-points.ts';

/** What the operating model says of it. */
export type OwnDetailsRules = {
  readonly version: string;
  readonly sender: string;
  readonly helpLine: string;
  readonly texts: { readonly ownCode: string };
  readonly ownDetails: {
    readonly codesPerHour: Readonly<Record<'number' | 'network' | 'all', number>>;
    readonly codesPerDay: number;
    readonly mail: { readonly subject: string; readonly body: string };
    readonly replaced: { readonly subject: string; readonly body: string };
    readonly notice: string;
  };
  readonly passiveRepliesPerHour: number;
};

/** The task that sends a code; `main.ts` says who does it. */
export const OWN_CODE_TASK = 'own_code_asked';

/** OWASP ASVS 5.0, 6.5.5: ten minutes at the most for what comes out of band. */
export const CODE_LIFE_MS = 10 * 60_000;
/** With six digits, a guess of so many is right once in 200,000. */
const WRONG_TRIES_MAX = 5;
/** Whatever happens: a phone is lent, a screen is left. */
export const CODE_SESSION_MS = 4 * 3_600_000;
const HOUR_MS = 3_600_000;

const asker = system('own details');

export type Asking = {
  /** Of the form: posted twice it is one code. */
  readonly id: string;
  readonly channel: 'text' | 'mail';
  readonly addressIndex: Buffer;
  readonly networkIndex: Buffer;
};

/** Writes down what was typed, and the task that sends a code where it is on file. */
export async function askForCode(
  database: Database,
  asking: Asking,
  { rules, now }: { readonly rules: OwnDetailsRules; readonly now: Date },
): Promise<Outcome<void>> {
  return await database.attempt(asker, async (tx) => {
    const since = new Date(now.getTime() - HOUR_MS);
    await lockCodeCounts(tx);
    const asked = await countCodesOfNetwork(tx, asking.networkIndex, since);
    if (asked >= rules.ownDetails.codesPerHour.network) {
      const message = `Too many codes were asked for from your network. Try again in an hour, or ring ${rules.helpLine}.`;
      return refused('forbidden', message, { address: message });
    }
    await insertCode(tx, {
      ...asking,
      askedAt: now,
      contactId: null,
      replacesId: null,
      contactPointId: null,
    });
    await enqueue(tx, OWN_CODE_TASK, { id: asking.id });
    return ok(undefined);
  });
}

type Keys = Pick<DirectorySecrets, 'blindIndexKey'>;

/** Draws the code and sends it, where it is on file and the limits allow; a second run finds it sent. */
export async function sendOwnCode(
  database: Database,
  id: string,
  { rules, secrets, now }: { rules: OwnDetailsRules; secrets: Keys; now: Date },
): Promise<void> {
  await database.withActor(asker, async (tx) => {
    const askedAfter = new Date(now.getTime() - CODE_LIFE_MS);
    const anHourAgo = new Date(now.getTime() - HOUR_MS);
    const aDayAgo = new Date(now.getTime() - 24 * HOUR_MS);
    await lockCodeCounts(tx);
    const asked = await findCodeToSend(tx, id, { askedAfter, anHourAgo, aDayAgo });
    if (asked === undefined || isEnough(asked, rules)) return;
    const { contactPointId, channel, addressSealed } = asked;
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    const values = { sender: rules.sender, help_line: rules.helpLine, code };
    const { mail } = rules.ownDetails;
    const rule = channel === 'mail' ? 'own_details.mail' : 'texts.own_code';
    const words =
      channel === 'mail'
        ? { subject: fillBlanks(mail.subject, values), body: fillBlanks(mail.body, values) }
        : { body: fillBlanks(rules.texts.ownCode, values) };
    const isQueued = await sendSingleMessage(tx, {
      contactPointId,
      addressSealed,
      // Nobody is asked to text anything back: the message wants one that means nothing else.
      code: await drawUnusedCode(tx, contactPointId),
      ...words,
      because: singleReason(rules, rule, 'a code was asked for to see their own details'),
      gatewayId: null,
      // Codes have limits of their own (`isEnough`): what we answered lately takes none away.
      perHourMax: rules.passiveRepliesPerHour + rules.ownDetails.codesPerHour.number,
    });
    if (!isQueued) return;
    await markCodeSent(tx, { id, contactPointId, codeIndex: indexOf(secrets, id, code) });
    const subject = { kind: 'contact_point', id: contactPointId };
    await record(tx, { action: 'own_code.sent', subject });
  });
}

/** Anybody may ask: a phone must not ring all night for it, nor the bill grow. */
function isEnough(
  { inHour, inDay, inAll }: CodeToSend,
  { ownDetails: { codesPerHour, codesPerDay } }: OwnDetailsRules,
): boolean {
  return inHour >= codesPerHour.number || inDay >= codesPerDay || inAll >= codesPerHour.all;
}

/** Of the digits under their own row: the hash of one says nothing of another. */
function indexOf({ blindIndexKey }: Keys, id: string, code: string): Buffer {
  return blindIndex(blindIndexKey, `one_time_code|${id}`, code);
}

export type TypedCode = { readonly id: string; readonly code: string };

/**
 * The code where it is right, alive and this contact's; a wrong try is counted, so the refusal must
 * be committed. `used` is the caller's to write.
 */
export async function checkCode(
  tx: Tx,
  { id, code }: TypedCode,
  { contactId, secrets, now }: { contactId: string | null; secrets: Keys; now: Date },
): Promise<Outcome<CodeRow & { readonly contactPointId: string }>> {
  const row = await lockCode(tx, id);
  if (row === undefined || row.contactId !== contactId || !isAlive(row, now)) return deadCode;
  const { codeIndex, contactPointId } = row;
  const typedIndex = indexOf(secrets, id, code);
  const isRight = codeIndex !== null && timingSafeEqual(codeIndex, typedIndex);
  if (isRight && contactPointId !== null) return ok({ ...row, contactPointId });
  await markCodeWrong(tx, id);
  return row.wrongTries + 1 >= WRONG_TRIES_MAX ? deadCode : wrongCode;
}

function isAlive({ askedAt, usedAt, wrongTries }: CodeRow, now: Date): boolean {
  const isYoung = now.getTime() - askedAt.getTime() < CODE_LIFE_MS;
  return isYoung && usedAt === null && wrongTries < WRONG_TRIES_MAX;
}

export type Opened =
  | { readonly token: string }
  /** Several have this number: who is it? */
  | { readonly choices: readonly PointOrganisation[] };

/** The code becomes a session; the number that it went to is proven by it. */
export async function openOwnSession(
  database: Database,
  typed: TypedCode & { readonly contactId: string },
  { secrets, now }: { readonly secrets: Keys; readonly now: Date },
): Promise<Outcome<Opened>> {
  // Not `attempt`: a wrong try stays counted.
  return await database.withActor(asker, async (tx) => {
    const right = await checkCode(tx, typed, { contactId: null, secrets, now });
    if (!right.ok) return right;
    const { contactPointId } = right.value;
    const choices = await listOpenOrganisations(tx, contactPointId);
    if (choices.length === 0) return deadCode;
    const [only] = choices.length === 1 ? choices : [];
    const chosen = only ?? choices.find(({ contactId }) => contactId === typed.contactId);
    if (chosen === undefined) return ok({ choices });
    await markCodeUsed(tx, typed.id, now);
    await markProven(tx, contactPointId);
    const { contactId } = chosen;
    return ok({ token: await beginSession(tx, { contactId, contactPointId, openedAt: now }) });
  });
}

/** Whom the number stands for, but for organisations that are cut off: no code opens those. */
export async function listOpenOrganisations(
  tx: Tx,
  contactPointId: string,
): Promise<PointOrganisation[]> {
  const all = await listOrganisationsOfContactPoint(tx, contactPointId);
  return all.filter(({ isCutOff }) => !isCutOff);
}

async function beginSession(
  tx: Tx,
  session: { readonly contactId: string; readonly contactPointId: string; readonly openedAt: Date },
): Promise<string> {
  const [id, token] = [newId(), newToken()];
  await insertCodeSession(tx, { ...session, id, tokenSha256: sha256(token) });
  await record(tx, {
    action: 'code_session.begun',
    subject: { kind: 'contact', id: session.contactId },
    detail: { sessionId: id, contactPoint: session.contactPointId },
  });
  return token;
}

/** Somebody else with the same number, until the same hour: a new session with a new token. */
export async function switchContact(
  database: Database,
  { sessionId, contactId }: { readonly sessionId: string; readonly contactId: string },
  now: Date,
): Promise<Outcome<{ token: string; openedAt: Date }>> {
  return await database.attempt(asker, async (tx) => {
    const ended = await endCodeSession(tx, sessionId, now);
    const choices = ended && (await listOpenOrganisations(tx, ended.contactPointId));
    if (!ended || !choices?.some((one) => one.contactId === contactId))
      return refused('not_found', 'There is no such contact.');
    return ok({ token: await beginSession(tx, { ...ended, contactId }), openedAt: ended.openedAt });
  });
}

export async function endOwnSession(
  database: Database,
  session: { readonly id: string; readonly contactId: string },
  now: Date,
): Promise<void> {
  await database.withActor(asker, async (tx) => {
    if ((await endCodeSession(tx, session.id, now)) === undefined) return;
    await record(tx, {
      action: 'code_session.ended',
      subject: { kind: 'contact', id: session.contactId },
      detail: { sessionId: session.id },
    });
  });
}

/** What the server kit asks for at each page of a contact. */
export function contactSessionsOf(database: Database): Sessions {
  return {
    async findSession(token, now) {
      const openedAfter = new Date(now.getTime() - CODE_SESSION_MS);
      const found = await database.withActor(asker, (tx) =>
        findCodeSession(tx, sha256(token), openedAfter),
      );
      if (found === undefined) return undefined;
      const { id, name, contactId, organisationId, openedAt } = found;
      return {
        id,
        name,
        expiresAt: new Date(openedAt.getTime() + CODE_SESSION_MS),
        actor: { kind: 'contact', id: contactId, organisationIds: [organisationId] },
      };
    },
  };
}

/** Retention: codes and sessions of yesterday open nothing. */
export async function forgetOwnCodes(database: Database, now: Date): Promise<void> {
  const before = new Date(now.getTime() - 24 * HOUR_MS);
  await database.withActor(asker, (tx) => deleteOldCodes(tx, before));
}

const wrongCode: Refused = refused('invalid', 'That is not the code.', {
  code: 'Check the six digits of the newest message',
});
const deadCode: Refused = refused(
  'conflict',
  'This code was used, is too old or was tried too often. Ask for a new one.',
);
