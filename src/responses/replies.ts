/**
 * Texts that came in. Those that wait are dealt with together: after an alert hundreds come in a
 * second, and one transaction for each was 45. What they say is one statement for all of them, what
 * needs a person one after the other.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  answerReplies,
  lockWaitingReplies,
  markRepliesHandled,
  type AnswerText,
  type KeptReply,
} from '#dispatch/index.ts';
import { fillBlanks, type OperatingModel } from '#operating-model/index.ts';
import { listContactPointsByIndex, markAnswered, type ContactPoint } from '#organisations/index.ts';
import { takeTogether } from './actions.ts';
import {
  decideReply,
  readReply,
  takeTurns,
  type OpenMessage,
  type ReplyDecision,
  type ReplyMeaning,
} from './model.ts';
import { takeProof } from './proof.ts';
import {
  findAddressed,
  insertDeskItem,
  listOpenMessages,
  notifyResponse,
  type Addressed,
  type NewAnswer,
} from './store.ts';

/** What answering needs from outside: the words, the address of the page, and the seals. */
export type AnswerContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  /** Such as `cyber.example`: as it is read in a text. */
  readonly host: string;
  readonly clockOf: (at: Date) => string;
  readonly openReply: (replyId: string, sealed: Buffer) => string;
};

const TOGETHER_MAX = 100;

type Handling<Decision extends ReplyDecision = ReplyDecision> = {
  readonly reply: KeptReply;
  readonly meaning: ReplyMeaning;
  readonly decision: Decision;
  readonly point: ContactPoint | undefined;
};

type ForDesk = Handling<ReplyDecision & { kind: 'desk' }>;
type Answering = Handling<ReplyDecision & { kind: 'answer' }> & { readonly point: ContactPoint };

/**
 * Deals with every reply that waits, each once. Where one cannot be dealt with the others are, one
 * by one, and what was wrong is thrown in the end: it waits for the next time.
 */
export async function handleReplies(context: AnswerContext): Promise<void> {
  const failed: string[] = [];
  let most = TOGETHER_MAX;
  let problem: unknown;
  for (;;) {
    let replies: readonly KeptReply[] = [];
    try {
      await context.database.withActor(system('responses'), async (tx) => {
        replies = await lockWaitingReplies(tx, { most, except: failed });
        if (replies.length > 0) await handle(tx, context, replies);
      });
      if (replies.length === 0) break;
    } catch (error) {
      const [first, ...others] = replies;
      if (first === undefined) throw error;
      if (others.length === 0) failed.push(first.id);
      most = 1;
      problem = error;
    }
  }
  if (failed.length > 0) throw problem;
}

async function handle(
  tx: Tx,
  context: AnswerContext,
  replies: readonly KeptReply[],
): Promise<void> {
  const answering: Answering[] = [];
  for (const handling of await decideAll(tx, context, replies)) {
    if (isAnswering(handling)) answering.push(handling);
    else if (isForDesk(handling)) await bringToDesk(tx, context, handling);
  }
  const turns = takeTurns(answering, ({ point, decision }) => [
    point.id,
    ...decision.message.organisationIds,
  ]);
  for (const turn of turns) await takeAnswers(tx, context, turn);
  await markRepliesHandled(
    tx,
    replies.map(({ id }) => id),
  );
}

function isAnswering(handling: Handling): handling is Answering {
  return handling.decision.kind === 'answer' && handling.point !== undefined;
}

function isForDesk(handling: Handling): handling is ForDesk {
  return handling.decision.kind === 'desk';
}

async function decideAll(
  tx: Tx,
  { openReply }: AnswerContext,
  replies: readonly KeptReply[],
): Promise<Handling[]> {
  const points = await listContactPointsByIndex(
    tx,
    'text',
    replies.map(({ addressIndex }) => addressIndex),
  );
  const open = await listOpenMessages(
    tx,
    points.map(({ id }) => id),
  );
  return replies.map((reply) => {
    const point = points.find(({ addressIndex }) => addressIndex.equals(reply.addressIndex));
    const own = open.filter(({ contactPointId }) => contactPointId === point?.id);
    const meaning = readReply(openReply(reply.id, reply.contentSealed));
    return { reply, meaning, point, decision: decideReply(meaning, own, point !== undefined) };
  });
}

async function takeAnswers(
  tx: Tx,
  context: AnswerContext,
  turn: readonly Answering[],
): Promise<void> {
  for (const handling of turn)
    if (handling.decision.alsoToDesk) await insertItem(tx, 'not_understood', handling);
  const taken = await takeTogether(tx, turn.map(answerOf));
  await markAnswered(
    tx,
    turn.map(({ point, decision }) => ({
      contactPointId: point.id,
      withCode: decision.evidence === 'text_with_code',
    })),
  );
  const { afterHelp, afterReply } = context.model.texts;
  const texts = turn.flatMap((one, i) => {
    const { message, answer } = one.decision;
    const template = answer === 'help' ? afterHelp : afterReply;
    const addressed = taken[i];
    return addressed ? [textOf(context, { ...one, message }, { addressed, template })] : [];
  });
  await answerReplies(tx, texts);
}

function answerOf({ decision, point }: Answering): NewAnswer {
  const { message, answer: kind, evidence } = decision;
  const { alertId, organisationIds } = message;
  const contactPointId = point.id;
  return { alertId, organisationIds, kind, evidence, contactPointId, recordedBy: null, note: null };
}

async function bringToDesk(tx: Tx, context: AnswerContext, handling: ForDesk): Promise<void> {
  const { reply, meaning, decision, point } = handling;
  const { code } = meaning;
  // A code that no alert gave to this number may be that of an enrolment.
  if (point !== undefined && code !== undefined) {
    const { gatewayId } = reply;
    if (await takeProof(tx, context, { ...point, code, gatewayId })) return;
  }
  await insertItem(tx, decision.item, handling);
  if (point === undefined) return;
  await markAnswered(tx, [{ contactPointId: point.id, withCode: false }]);
  const { item, message } = decision;
  // Strangers and STOP get no text.
  if (item !== 'not_understood' || message === undefined) return;
  const addressed = await findAddressed(tx, message.alertId, message.organisationIds);
  if (addressed === undefined) return;
  const known = { ...handling, message, point };
  const template = context.model.texts.notUnderstood;
  await answerReplies(tx, [textOf(context, known, { addressed, template })]);
}

async function insertItem(
  tx: Tx,
  kind: 'not_understood' | 'stop' | 'unknown_sender',
  { reply, decision, point }: Handling<Exclude<ReplyDecision, { kind: 'ignore' }>>,
): Promise<void> {
  const { message } = decision;
  await insertDeskItem(tx, {
    kind,
    alertId: message?.alertId ?? null,
    organisationId: message?.organisationIds[0] ?? null,
    contactPointId: point?.id ?? null,
    replyId: reply.id,
  });
  await notifyResponse(tx, message?.alertId ?? '');
}

/** What we text back, by the gateway where their text came in. */
function textOf(
  { model, host, clockOf }: AnswerContext,
  to: {
    readonly reply: KeptReply;
    readonly message: OpenMessage;
    readonly point: ContactPoint;
  },
  words: { readonly addressed: Addressed; readonly template: string },
): AnswerText {
  const { reply, message, point } = to;
  const { addressed, template } = words;
  const { alertNumber, nextUpdateAt, shortNames } = addressed;
  const { code, organisationIds } = message;
  const names = organisationIds.flatMap((id) => shortNames[id] ?? []);
  const [first = '', ...others] = names.toSorted((a, b) => a.localeCompare(b, 'en'));
  const body = fillBlanks(template, {
    sender: model.sender,
    alert: String(alertNumber),
    severity: '',
    organisation: others.length === 0 ? first : `${first} +${others.length}`,
    code,
    help_line: model.helpLine,
    time: clockOf(reply.receivedAt),
    link: `${host}/${alertNumber}`,
    next_news: nextUpdateAt === null ? '' : `Next news ${clockOf(nextUpdateAt)}. `,
  });
  return {
    contactPointId: point.id,
    addressSealed: point.addressSealed,
    code,
    body,
    gatewayId: reply.gatewayId,
    perHourMax: model.passiveRepliesPerHour,
  };
}
