/**
 * Enrolment: one text and one answer show that a number reaches somebody and that we hear them.
 * Only the numbers of one organisation at a time: nothing here is a mass send (P5).
 */
import { randomInt } from 'node:crypto';
import { may, system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { record } from '#audit/index.ts';
import { answerReply } from '#dispatch/index.ts';
import { fillBlanks } from '#operating-model/index.ts';
import { listOrganisationsOfContactPoint } from './store.ts';
import {
  claimQuestion,
  listCodesInUse,
  lockNumbers,
  markAsked,
  markProven,
  markProvenBy,
  withdrawQuestion,
} from './store-enrol.ts';

/** What the operating model says of it. */
export type EnrolmentRules = {
  readonly sender: string;
  readonly helpLine: string;
  readonly texts: { readonly enrol: string; readonly enrolled: string };
  readonly passiveRepliesPerHour: number;
};

/** The task that texts what was asked; `main.ts` says who does it. */
export const NUMBER_ASKED_TASK = 'number_asked';

/** Asked again earlier, an answer to the first text would be taken for a wrong code. */
export const ASK_AGAIN_AFTER_MS = 10 * 60_000;

export type Asked = {
  readonly asked: number;
  /** Asked a few minutes ago. */
  readonly tooSoon: number;
};

export type Asking = {
  readonly organisationId: string;
  /** Null: everybody whose number is not proven yet. */
  readonly contactId: string | null;
};

/**
 * Asks the numbers of one contact, or all of an organisation that are not proven: each gets a code,
 * and the task that texts it is written in the same transaction.
 */
export async function askForProof(tx: Tx, asking: Asking, now: Date): Promise<Outcome<Asked>> {
  if (!may(tx.actor, 'directory.write'))
    return refused('forbidden', 'Your role may not change the directory.');
  const numbers = await lockNumbers(tx, asking);
  const wanted =
    asking.contactId === null ? numbers.filter(({ provenAt }) => provenAt === null) : numbers;
  if (wanted.length === 0)
    return refused('not_found', 'There is no number to text: it may have been changed meanwhile.');
  const asked = wanted.filter(
    ({ askedAt }) => askedAt === null || now.getTime() - askedAt.getTime() >= ASK_AGAIN_AFTER_MS,
  );
  for (const { contactPointId } of asked) {
    const used = new Set(await listCodesInUse(tx, contactPointId));
    await markAsked(tx, contactPointId, { code: drawCode(used), at: now });
    await enqueue(tx, NUMBER_ASKED_TASK, { contactPointId });
  }
  if (asked.length > 0) {
    await record(tx, {
      action: 'numbers.asked',
      subject: { kind: 'organisation', id: asking.organisationId },
      detail: { asked: asked.length },
    });
  }
  return ok({ asked: asked.length, tooSoon: wanted.length - asked.length });
}

/** Texts a number that was asked and has not answered yet; a second run finds it texted. */
export async function textQuestion(
  database: Database,
  contactPointId: string,
  rules: EnrolmentRules,
): Promise<void> {
  await database.withActor(system('organisations'), async (tx) => {
    const question = await claimQuestion(tx, contactPointId);
    if (question === undefined) return;
    const { addressSealed, code, shortNames } = question;
    const isQueued = await answerReply(tx, {
      contactPointId,
      addressSealed,
      code,
      body: fillBlanks(rules.texts.enrol, {
        sender: rules.sender,
        organisation: namesOf(shortNames),
        code,
        help_line: rules.helpLine,
      }),
      gatewayId: null,
      perHourMax: rules.passiveRepliesPerHour,
    });
    if (!isQueued) await withdrawQuestion(tx, contactPointId);
  });
}

/** Four digits that no alert gave to this number: one code must never mean two things. */
function drawCode(used: ReadonlySet<string>): string {
  for (;;) {
    const code = String(randomInt(10_000)).padStart(4, '0');
    if (!used.has(code) || used.size >= 9_000) return code;
  }
}

function namesOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} +${others.length}`;
}

/**
 * A reply that carries the code we asked for: the number is proven, and this text goes back.
 * Undefined where nothing was asked, or the code is another one.
 */
export async function proveByReply(
  tx: Tx,
  reply: { readonly contactPointId: string; readonly code: string },
  { rules, host }: { readonly rules: EnrolmentRules; readonly host: string },
): Promise<string | undefined> {
  const { contactPointId, code } = reply;
  if (!(await markProvenBy(tx, contactPointId, code))) return undefined;
  const organisations = await listOrganisationsOfContactPoint(tx, contactPointId);
  await record(tx, {
    action: 'number.proven',
    subject: { kind: 'contact_point', id: contactPointId },
    detail: { by: 'enrolment' },
  });
  return fillBlanks(rules.texts.enrolled, {
    sender: rules.sender,
    organisation: namesOf([...new Set(organisations.map(({ shortName }) => shortName))]),
    link: `${host}/ring-through`,
    help_line: rules.helpLine,
  });
}

/** An alert was answered from this number with its code. */
export async function proveByAnswer(tx: Tx, contactPointId: string): Promise<void> {
  await markProven(tx, contactPointId);
}
