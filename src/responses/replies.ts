/**
 * Texts that came in. Those that wait are dealt with together: after an alert hundreds come in a
 * second, and one transaction for each was 45. What they say is one statement for all of them, what
 * needs a person one after the other.
 */
import { system } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { listPeopleByPhone, type Colleague } from '#identity/index.ts';
import {
  sendSingleMessages,
  lockWaitingReplies,
  markRepliesHandled,
  type KeptReply,
} from '#dispatch/index.ts';
import {
  listContactPointsByIndex,
  markAnswered,
  noteStop,
  type ContactPoint,
} from '#organisations/index.ts';
import { takeTogether } from './actions.ts';
import {
  decideReply,
  readReply,
  takeTurns,
  type ReplyDecision,
  type ReplyMeaning,
  type Sender,
} from './model.ts';
import { answerCheck } from './checks.ts';
import { answerColleague } from './colleagues.ts';
import { findOnlyOwner } from './owners.ts';
import { takeProof } from './proof.ts';
import {
  earliest,
  listPromisesTo,
  saidWords,
  textOf,
  whichAlertText,
  type AnswerContext,
} from './reply-texts.ts';
import { findAddressed, listOpenMessages, notifyResponse, type NewAnswer } from './store.ts';
import { openItem } from './open-item.ts';

const TOGETHER_MAX = 100;

type Handling<Decision extends ReplyDecision = ReplyDecision> = {
  readonly reply: KeptReply;
  readonly meaning: ReplyMeaning;
  readonly decision: Decision;
  readonly point: ContactPoint | undefined;
  /** Whose own number it is, of the centre: empty where it is one of the directory. */
  readonly colleagues: readonly Colleague[];
};

type ForDesk = Handling<ReplyDecision & { kind: 'desk' }>;
type Checking = Handling<ReplyDecision & { kind: 'check' }> & { readonly point: ContactPoint };
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
    else if (handling.colleagues.length > 0) await answerColleague(tx, context, handling);
    else if (isForDesk(handling)) await bringToDesk(tx, context, handling);
    else if (isCheck(handling)) await answerCheck(tx, context, handling);
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

function isCheck(handling: Handling): handling is Checking {
  return handling.decision.kind === 'check' && handling.point !== undefined;
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
    ['text'],
    replies.map(({ addressIndex }) => addressIndex),
  );
  const people = await listPeopleByPhone(
    tx,
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
    const colleagues =
      point === undefined ? people.filter((one) => one.phoneIndex.equals(reply.addressIndex)) : [];
    const sender = senderOf(point, colleagues);
    const decision = decideReply(meaning, own, sender);
    return { reply, meaning, point, colleagues, decision };
  });
}

function senderOf(point: ContactPoint | undefined, colleagues: readonly Colleague[]): Sender {
  if (point !== undefined) return 'contact';
  return colleagues.length > 0 ? 'colleague' : 'stranger';
}

async function takeAnswers(
  tx: Tx,
  context: AnswerContext,
  turn: readonly Answering[],
): Promise<void> {
  for (const handling of turn)
    if (handling.decision.alsoToDesk) await insertItem(tx, 'not_understood', handling);
  const taken = await takeTogether(tx, context.model, turn.map(answerOf));
  await markAnswered(
    tx,
    turn.map(({ point, decision }) => ({
      contactPointId: point.id,
      withCode: decision.evidence === 'text_with_code',
    })),
  );
  const asking = turn.filter(({ decision }) => decision.answer === 'help');
  const promises = await listPromisesTo(
    tx,
    asking.map(({ decision }) => decision.message),
  );
  const texts = turn.flatMap((one, i) => {
    const addressed = taken[i];
    if (addressed === undefined) return [];
    const { message, answer } = one.decision;
    const text = answer === 'help' ? 'afterHelp' : 'afterReply';
    const callBackAt = earliest(promises, message);
    const said = saidWords[answer];
    return [textOf(context, { ...one, message }, { addressed, text, callBackAt, said })];
  });
  await sendSingleMessages(tx, texts);
}

function answerOf({ decision, point }: Answering): NewAnswer {
  const { message, answer: kind, evidence } = decision;
  const { alertId, organisationIds } = message;
  const contactPointId = point.id;
  return { alertId, organisationIds, kind, evidence, contactPointId, recordedBy: null, note: null };
}

async function bringToDesk(tx: Tx, context: AnswerContext, handling: ForDesk): Promise<void> {
  const { reply, meaning, decision, point } = handling;
  const { gatewayId } = reply;
  // A code that no alert gave to this number may be that of an enrolment.
  if (point !== undefined)
    for (const code of meaning.codes)
      if (await takeProof(tx, context, { ...point, code, gatewayId })) return;
  await insertItem(tx, decision.item, handling);
  if (point === undefined) return;
  const { item, message, between } = decision;
  // Strangers and STOP get no text.
  if (item === 'stop') return await noteStop(tx, point.id);
  await markAnswered(tx, [{ contactPointId: point.id, withCode: false }]);
  if (message === undefined) return;
  const addressed = await findAddressed(tx, message.alertId, message.organisationIds);
  if (addressed === undefined) return;
  const known = { ...handling, message, point };
  const text =
    between.length > 1
      ? whichAlertText(context, known, between)
      : textOf(context, known, { addressed, text: 'notUnderstood' });
  await sendSingleMessages(tx, [text]);
}

async function insertItem(
  tx: Tx,
  kind: 'not_understood' | 'wrong_code' | 'stop' | 'unknown_sender',
  { reply, decision, point }: Handling<ReplyDecision & { kind: 'answer' | 'desk' }>,
): Promise<void> {
  const { message } = decision;
  await openItem(tx, {
    kind,
    alertId: message?.alertId ?? null,
    organisationId:
      message?.organisationIds[0] ?? (point ? await findOnlyOwner(tx, point.id) : null),
    contactPointId: point?.id ?? null,
    replyId: reply.id,
  });
  await notifyResponse(tx, message?.alertId ?? '');
}
