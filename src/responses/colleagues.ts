/**
 * Texts from the number that somebody of the centre is woken on. They answer for no organisation,
 * approve nothing and take nothing over: who is woken signs in. The desk reads the words, and who
 * wrote them is told so, lest they lie down again in the belief that "ok" was enough.
 */
import type { Tx } from '#db/database.ts';
import type { Colleague } from '#identity/index.ts';
import { sendSingleMessage, type KeptReply } from '#dispatch/index.ts';
import { fillBlanks, singleReason } from '#operating-model/index.ts';
import { answerCheck, NO_CODE } from './checks.ts';
import type { ReplyDecision, ReplyMeaning } from './model.ts';
import type { AnswerContext } from './reply-texts.ts';
import { notifyResponse } from './store.ts';
import { openItem } from './open-item.ts';

/** Deals with such a text. Where two share the number it names both. */
export async function answerColleague(
  tx: Tx,
  context: AnswerContext,
  {
    reply,
    meaning,
    decision,
    colleagues,
  }: {
    readonly reply: KeptReply;
    readonly meaning: ReplyMeaning;
    readonly decision: ReplyDecision;
    readonly colleagues: readonly Colleague[];
  },
): Promise<void> {
  const [first] = colleagues;
  if (first === undefined || decision.kind === 'ignore') return;
  const personName = colleagues.map(({ name }) => name).join(' or ');
  const point = { id: first.id, addressSealed: first.phoneSealed };
  if (decision.kind === 'check') {
    await answerCheck(tx, context, { reply, meaning, point, personName, decision });
    return;
  }
  await openItem(tx, {
    kind: 'colleague',
    alertId: null,
    organisationId: null,
    contactPointId: null,
    personName,
    replyId: reply.id,
  });
  await notifyResponse(tx, '');
  // Whoever texts STOP gets no text for it, here too.
  if (meaning.says === 'stop') return;
  const { model, clockOf } = context;
  const time = clockOf(reply.receivedAt);
  await sendSingleMessage(tx, {
    contactPointId: point.id,
    addressSealed: point.addressSealed,
    code: NO_CODE,
    body: fillBlanks(model.texts.toColleague, {
      sender: model.sender,
      time,
      help_line: model.helpLine,
    }),
    because: singleReason(model, 'texts.to_colleague', `their text of ${time} came in`),
    gatewayId: reply.gatewayId,
    perHourMax: model.passiveRepliesPerHour,
  });
}
