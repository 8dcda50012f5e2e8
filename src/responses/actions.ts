/** The verbs of answering: by text, by the page with a code, by a call somebody wrote down. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { actorId, system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { findReleased } from '#alerts/index.ts';
import { record } from '#audit/index.ts';
import { answerReply, findWaitingReply, markReplyHandled, standDown } from '#dispatch/index.ts';
import { fillBlanks, type OperatingModel } from '#operating-model/index.ts';
import { findContactPointByIndex, markAnswered } from '#organisations/index.ts';
import { decideReply, readReply, type AnswerKind, type ReplyDecision } from './model.ts';
import {
  findAddressed,
  insertAnswers,
  insertDeskItem,
  listOpenMessages,
  notifyResponse,
  upsertResponses,
  type NewAnswer,
} from './store.ts';
import { NOBODY, noteWrongCode, refuseGuessing } from './guessing.ts';
import { takeProof } from './proof.ts';
import { isWrittenDown } from './store-read.ts';

/** What answering needs from outside: the words, the address of the page, and the seals. */
export type AnswerContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  /** Such as `cyber.example`: as it is read in a text. */
  readonly host: string;
  readonly clockOf: (at: Date) => string;
  readonly openReply: (replyId: string, sealed: Buffer) => string;
};

/**
 * Takes an answer for these organisations: history, present state, later rounds called off, the
 * duty desk told where help is asked for. All or nothing.
 */
export async function takeAnswer(tx: Tx, answer: NewAnswer): Promise<Outcome<void>> {
  const { alertId, organisationIds } = answer;
  const addressed = await findAddressed(tx, alertId, organisationIds);
  if (addressed === undefined || addressed.organisations.length < organisationIds.length)
    return refused('not_found', 'This alert was not sent to that organisation.');
  if ((await insertAnswers(tx, answer)) < organisationIds.length)
    return await refuseAnother(tx, answer);
  await upsertResponses(tx, answer);
  await standDown(tx, { dispatchId: addressed.dispatchId, organisationIds });
  if (answer.kind === 'help')
    for (const organisationId of organisationIds)
      await insertDeskItem(tx, {
        kind: 'help',
        alertId,
        organisationId,
        contactPointId: answer.contactPointId,
        replyId: null,
      });
  await record(tx, {
    action: `response.${answer.kind}`,
    subject: { kind: 'alert', id: alertId },
    detail: { organisations: [...organisationIds], evidence: answer.evidence },
  });
  await notifyResponse(tx, alertId);
  return ok(undefined);
}

/** The form was posted twice: done already, unless it says something else now. */
async function refuseAnother(tx: Tx, answer: NewAnswer): Promise<Outcome<void>> {
  const { id = '', organisationIds } = answer;
  const [organisationId = ''] = organisationIds;
  if (await isWrittenDown(tx, { ...answer, id, organisationId })) return ok(undefined);
  return refused(
    'conflict',
    'This form was used for a call that is written down already. Press again to write down another.',
  );
}

/** Deals with one kept reply, once; a second run finds it handled and does nothing. */
export async function handleReply(context: AnswerContext, replyId: string): Promise<void> {
  await context.database.withActor(system('responses'), async (tx) => {
    const reply = await findWaitingReply(tx, replyId);
    if (reply === undefined) return;
    const point = await findContactPointByIndex(tx, 'text', reply.addressIndex);
    const open = point === undefined ? [] : await listOpenMessages(tx, point.id);
    const meaning = readReply(context.openReply(replyId, reply.contentSealed));
    const decision = decideReply(meaning, open, point !== undefined);
    const { gatewayId, receivedAt } = reply;
    const handling = { decision, replyId, point, gatewayId, receivedAt };
    // A code that no alert gave to this number may be that of an enrolment.
    const { code } = meaning;
    const isProof =
      decision.kind === 'desk' &&
      point !== undefined &&
      code !== undefined &&
      (await takeProof(tx, context, { ...point, code, gatewayId }));
    if (!isProof) await carryOut(tx, context, handling);
    await markReplyHandled(tx, replyId);
  });
}

type Handling = {
  readonly decision: ReplyDecision;
  readonly replyId: string;
  readonly point: { readonly id: string; readonly addressSealed: Buffer } | undefined;
  /** Where it came in. */
  readonly gatewayId: string;
  readonly receivedAt: Date;
};

async function carryOut(tx: Tx, context: AnswerContext, handling: Handling): Promise<void> {
  const { decision, replyId, point } = handling;
  if (decision.kind === 'ignore') return;
  const contactPointId = point?.id ?? null;
  if (decision.kind === 'desk' || decision.alsoToDesk) {
    const { message } = decision;
    await insertDeskItem(tx, {
      kind: decision.kind === 'desk' ? decision.item : 'not_understood',
      alertId: message?.alertId ?? null,
      organisationId: message?.organisationIds[0] ?? null,
      contactPointId,
      replyId,
    });
    await notifyResponse(tx, message?.alertId ?? '');
  }
  if (decision.kind === 'answer')
    await takeAnswer(tx, {
      alertId: decision.message.alertId,
      organisationIds: decision.message.organisationIds,
      kind: decision.answer,
      evidence: decision.evidence,
      contactPointId,
      recordedBy: null,
      note: null,
    });
  if (point !== undefined) {
    const withCode = decision.kind === 'answer' && decision.evidence === 'text_with_code';
    await markAnswered(tx, point.id, { withCode });
  }
  const body = await answerText(tx, context, handling);
  if (body !== undefined && point !== undefined)
    await answerReply(tx, {
      contactPointId: point.id,
      addressSealed: point.addressSealed,
      code: decision.message?.code ?? '0000',
      body,
      gatewayId: handling.gatewayId,
      perHourMax: context.model.passiveRepliesPerHour,
    });
}

/** What we text back; undefined where nothing is: strangers and STOP get no text. */
async function answerText(
  tx: Tx,
  context: AnswerContext,
  handling: Handling,
): Promise<string | undefined> {
  const { model, host, clockOf } = context;
  const { decision, receivedAt } = handling;
  if (decision.kind === 'ignore' || decision.message === undefined) return undefined;
  if (decision.kind === 'desk' && decision.item !== 'not_understood') return undefined;
  const { alertId, code, organisationIds } = decision.message;
  const addressed = await findAddressed(tx, alertId, organisationIds);
  if (addressed === undefined) return undefined;
  const [first, ...others] = addressed.organisations;
  const values = {
    sender: model.sender,
    alert: String(addressed.alertNumber),
    severity: '',
    organisation: others.length === 0 ? first! : `${first} +${others.length}`,
    code,
    help_line: model.helpLine,
    time: clockOf(receivedAt),
    link: `${host}/${addressed.alertNumber}`,
    next_news:
      addressed.nextUpdateAt === null ? '' : `Next news ${clockOf(addressed.nextUpdateAt)}. `,
  };
  if (decision.kind === 'desk') return fillBlanks(model.texts.notUnderstood, values);
  const template = decision.answer === 'help' ? model.texts.afterHelp : model.texts.afterReply;
  return fillBlanks(template, values);
}

export type CodeAnswer = {
  /** The number in the address of the page. */
  readonly alertNumber: number;
  readonly channel: 'text' | 'mail';
  readonly addressIndex: Buffer;
  /** Blind index of the visitor's network. */
  readonly networkIndex: Buffer;
  readonly code: string;
  readonly kind: AnswerKind;
};

/**
 * An answer from the public page: the address the alert came to, and the code that came with it.
 * Whatever is wrong, the words, the count and the work are the same, so that nobody learns which
 * numbers we know or which alerts there are (P8). Not by `attempt`: a wrong try has to be kept.
 */
export async function answerWithCode(tx: Tx, answer: CodeAnswer): Promise<Outcome<string[]>> {
  const { addressIndex } = answer;
  const tooMany = await refuseGuessing(tx, answer);
  const alert = await findReleased(tx, answer.alertNumber);
  const point = await findContactPointByIndex(tx, answer.channel, addressIndex);
  const open = await listOpenMessages(tx, point?.id ?? NOBODY);
  const message = open.find((one) => one.alertId === alert?.alertId && one.code === answer.code);
  if (tooMany !== undefined) return tooMany;
  if (point === undefined || message === undefined) {
    await noteWrongCode(tx, answer);
    return refused('invalid', 'That address and code do not belong together.', {
      code: 'Check the address the alert came to and the four digits that came with it',
    });
  }
  const taken = await takeAnswer(tx, {
    alertId: message.alertId,
    organisationIds: message.organisationIds,
    kind: answer.kind,
    evidence: 'link_with_code',
    contactPointId: point.id,
    recordedBy: null,
    note: null,
  });
  if (!taken.ok) return taken;
  await markAnswered(tx, point.id, { withCode: true });
  return ok([...message.organisationIds]);
}

/** An officer rang and writes down what was said. */
export async function recordCall(
  tx: Tx,
  call: {
    /** Of the form: posted twice it is one call. */
    id?: string;
    alertId: string;
    organisationId: string;
    kind: AnswerKind;
    note: string;
  },
): Promise<Outcome<void>> {
  return await takeAnswer(tx, {
    ...(call.id !== undefined && { id: call.id }),
    alertId: call.alertId,
    organisationIds: [call.organisationId],
    kind: call.kind,
    evidence: 'call',
    contactPointId: null,
    recordedBy: actorId(tx.actor),
    note: call.note === '' ? null : call.note,
  });
}
