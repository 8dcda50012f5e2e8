/**
 * Enrolment: one text and one answer show that a number reaches somebody and that we hear them; a
 * mail address is proven by the code that went there, typed on a page. Whoever gave proof before is
 * asked whether all on file is still right, and the answer is both (still-right.ts). Only one
 * organisation at a time: nothing here is a mass send (P5).
 */
import { randomInt } from 'node:crypto';
import { may, system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { record } from '#audit/index.ts';
import { sendSingleMessage, type SingleMessage } from '#dispatch/index.ts';
import { fillBlanks, singleReason } from '#operating-model/index.ts';
import { listOrganisationsOfContactPoint } from '../contacts/store-points.ts';
import type { DirectorySecrets } from '../imports/import-options.ts';
import { attestOwners, stillRightCode, stillRightPath } from './still-right.ts';
import {
  claimQuestion,
  listCodesInUse,
  lockPoints,
  markAsked,
  markProvenBy,
  markStopAsked,
  withdrawQuestion,
  type Question,
} from './store-enrol.ts';

/** What the operating model says of it. */
export type EnrolmentRules = {
  readonly version: string;
  readonly sender: string;
  readonly helpLine: string;
  readonly texts: Readonly<Record<'enrol' | 'enrolled' | 'stillRight' | 'stillRightNoted', string>>;
  readonly proofMail: Mail;
  /** Who holds a number and why, in few words and in a sentence. */
  readonly ownDetails: { readonly purpose: string; readonly notice: string };
  readonly attestation: { readonly everyMs: number; readonly mail: Mail };
  readonly passiveRepliesPerHour: number;
};

type Mail = { readonly subject: string; readonly body: string };

/** The task that sends what was asked; `main.ts` says who does it. */
export const PROOF_ASKED_TASK = 'proof_asked';

/** Asked again earlier, an answer to the first text would be taken for a wrong code. */
export const ASK_AGAIN_AFTER_MS = 10 * 60_000;

export type Asked = {
  readonly asked: number;
  /** Asked a few minutes ago. */
  readonly tooSoon: number;
};

export type Asking = {
  readonly organisationId: string;
  /** One number or address; null: all that are not proven yet. */
  readonly pointId: string | null;
};

/**
 * Asks one number or address of an organisation, or all that are not proven: each gets a code, and
 * the task that sends it is written in the same transaction.
 */
export async function askForProof(tx: Tx, asking: Asking, now: Date): Promise<Outcome<Asked>> {
  if (!may(tx.actor, 'directory.write'))
    return refused('forbidden', 'Your role may not change the directory.');
  const points = await lockPoints(tx, asking);
  const wanted =
    asking.pointId === null ? points.filter(({ provenAt }) => provenAt === null) : points;
  if (wanted.length === 0)
    return refused(
      'not_found',
      'There is nothing to ask here: it may have been changed meanwhile.',
    );
  const asked = wanted.filter(
    ({ askedAt }) => askedAt === null || now.getTime() - askedAt.getTime() >= ASK_AGAIN_AFTER_MS,
  );
  await askPoints(
    tx,
    asked.map(({ contactPointId }) => contactPointId),
    now,
  );
  if (asked.length > 0) {
    await record(tx, {
      action: 'proof.asked',
      subject: { kind: 'organisation', id: asking.organisationId },
      detail: { asked: asked.length },
    });
  }
  return ok({ asked: asked.length, tooSoon: wanted.length - asked.length });
}

/** Gives each a code, and writes the task that sends it. They must be locked. */
export async function askPoints(
  tx: Tx,
  contactPointIds: readonly string[],
  now: Date,
): Promise<void> {
  for (const contactPointId of contactPointIds) {
    const code = await drawUnusedCode(tx, contactPointId);
    await markAsked(tx, contactPointId, { code, at: now });
    await enqueue(tx, PROOF_ASKED_TASK, { contactPointId });
  }
}

export type QuestionContext = {
  readonly rules: EnrolmentRules;
  /** Of the links in mails, without the scheme. */
  readonly host: string;
  readonly secrets: Pick<DirectorySecrets, 'blindIndexKey'>;
};

/** Sends what was asked and is not answered yet; a second run finds it sent. */
export async function sendQuestion(
  database: Database,
  contactPointId: string,
  context: QuestionContext,
): Promise<void> {
  const { rules } = context;
  await database.withActor(system('organisations'), async (tx) => {
    const question = await claimQuestion(tx, contactPointId);
    if (question === undefined) return;
    const { addressSealed, code } = question;
    const words = wordsOf({ ...question, contactPointId }, context);
    const isQueued = await sendSingleMessage(tx, {
      contactPointId,
      addressSealed,
      code,
      ...words,
      gatewayId: null,
      perHourMax: rules.passiveRepliesPerHour,
    });
    if (!isQueued) await withdrawQuestion(tx, contactPointId);
  });
}

type Words = Pick<SingleMessage, 'subject' | 'body' | 'because'>;

/** A number is asked by a text to be answered; an address by a mail with the way to answer it. */
function wordsOf(
  question: Question & { readonly contactPointId: string },
  { rules, host, secrets }: QuestionContext,
): Words {
  const { channel, askedFor, code } = question;
  const isProof = askedFor === 'proof';
  const link = isProof ? '/proof' : stillRightPath(question, secrets);
  const values = {
    sender: rules.sender,
    organisation: namesOf(question.shortNames),
    code: channel === 'text' || isProof ? code : stillRightCode(question, secrets),
    help_line: rules.helpLine,
    link: `${host}${link}`,
    purpose: rules.ownDetails.purpose,
    notice: rules.ownDetails.notice,
  };
  const { enrol, stillRight } = rules.texts;
  const fact = isProof ? 'a proof was asked for' : 'they were to be asked again';
  if (channel === 'text') {
    const because = singleReason(rules, isProof ? 'texts.enrol' : 'texts.still_right', fact);
    return { body: fillBlanks(isProof ? enrol : stillRight, values), because };
  }
  const { subject, body } = isProof ? rules.proofMail : rules.attestation.mail;
  return {
    subject: fillBlanks(subject, values),
    body: fillBlanks(body, values),
    because: singleReason(rules, isProof ? 'proof_mail' : 'attestation.mail', fact),
  };
}

/** Four digits that no alert gave to this number: one code must never mean two things. */
export async function drawUnusedCode(tx: Tx, contactPointId: string): Promise<string> {
  const used = new Set(await listCodesInUse(tx, contactPointId));
  for (;;) {
    const code = String(randomInt(10_000)).padStart(4, '0');
    if (!used.has(code) || used.size >= 9_000) return code;
  }
}

function namesOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} +${others.length}`;
}

/** Its owner texted STOP: kept at the number, for a person to deal with. */
export async function noteStop(tx: Tx, contactPointId: string): Promise<void> {
  await markStopAsked(tx, contactPointId);
  const subject = { kind: 'contact_point', id: contactPointId };
  await record(tx, { action: 'contact_point.stop_asked', subject });
}

/**
 * The code we asked for came back: the number or address is proven, and this text goes back.
 * Undefined where nothing was asked, or the code is another one.
 */
export async function proveByReply(
  tx: Tx,
  reply: { readonly contactPointId: string; readonly code: string },
  { rules, host }: { readonly rules: EnrolmentRules; readonly host: string },
): Promise<Words | undefined> {
  const { contactPointId, code } = reply;
  const askedFor = await markProvenBy(tx, contactPointId, code);
  if (askedFor === undefined) return undefined;
  if (askedFor === 'still_right') await attestOwners(tx, contactPointId, 'answer');
  const organisations = await listOrganisationsOfContactPoint(tx, contactPointId);
  await record(tx, {
    action: 'proof.given',
    subject: { kind: 'contact_point', id: contactPointId },
    detail: { by: 'enrolment' },
  });
  const { enrolled, stillRightNoted } = rules.texts;
  const isProof = askedFor === 'proof';
  const body = fillBlanks(isProof ? enrolled : stillRightNoted, {
    sender: rules.sender,
    organisation: namesOf([...new Set(organisations.map(({ shortName }) => shortName))]),
    link: `${host}/ring-through`,
    help_line: rules.helpLine,
  });
  const rule = isProof ? 'texts.enrolled' : 'texts.still_right_noted';
  return { body, because: singleReason(rules, rule, 'the code that we sent came back') };
}
