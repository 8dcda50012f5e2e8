/**
 * Somebody texts CHECK: is this text genuine? Answered from what really left to the number, and the
 * desk is told where none did, for then somebody sends texts in our name. It acknowledges nothing.
 */
import type { Tx } from '#db/database.ts';
import { sendSingleMessage, type KeptReply } from '#dispatch/index.ts';
import { fillBlanks, singleReason } from '#operating-model/index.ts';
import { markAnswered } from '#organisations/index.ts';
import type { OpenMessage, ReplyMeaning } from './model.ts';
import { findOnlyOwner } from './owners.ts';
import { textOf, type AnswerContext, type Sent } from './reply-texts.ts';
import { findAddressed, notifyResponse } from './store.ts';
import { openItem } from './open-item.ts';
import { findLastText } from './store-read.ts';

/** No alert gives it to anybody (its codes begin with 1 to 9): an answer that belongs to none. */
export const NO_CODE = '0000';

export async function answerCheck(
  tx: Tx,
  context: AnswerContext,
  check: {
    readonly reply: KeptReply;
    readonly meaning: ReplyMeaning;
    readonly point: Sent;
    /** Who of the centre asks. */
    readonly personName?: string;
    readonly decision: { readonly message: OpenMessage | undefined };
  },
): Promise<void> {
  const { reply, meaning, point, decision } = check;
  await markAnswered(tx, [{ contactPointId: point.id, withCode: false }]);
  const { message } = decision;
  const addressed = message && (await findAddressed(tx, message.alertId, message.organisationIds));
  if (message !== undefined && addressed !== undefined) {
    const time = context.whenOf(message.sentAt ?? reply.receivedAt, reply.receivedAt);
    const words = { addressed, text: 'genuine', time } as const;
    await sendSingleMessage(tx, textOf(context, { reply, point, message }, words));
    return;
  }
  const sentAt = await findLastText(tx, point.id, meaning.codes);
  if (sentAt === undefined) await warnOfForgery(tx, check);
  const { model, clockOf, whenOf } = context;
  const { genuineOther, notOurs } = model.texts;
  const time = sentAt === undefined ? '' : whenOf(sentAt, reply.receivedAt);
  const asked = `their text of ${clockOf(reply.receivedAt)} asked whether a text is genuine`;
  await sendSingleMessage(tx, {
    contactPointId: point.id,
    addressSealed: point.addressSealed,
    code: NO_CODE,
    body: fillBlanks(sentAt === undefined ? notOurs : genuineOther, {
      sender: model.sender,
      help_line: model.helpLine,
      time,
    }),
    because:
      sentAt === undefined
        ? singleReason(model, 'texts.not_ours', `${asked}; no such text of ours went there`)
        : singleReason(model, 'texts.genuine_other', `${asked}; ours went there ${time}`),
    gatewayId: reply.gatewayId,
    perHourMax: model.passiveRepliesPerHour,
  });
}

async function warnOfForgery(
  tx: Tx,
  { reply, meaning, point, personName }: Parameters<typeof answerCheck>[2],
): Promise<void> {
  await openItem(tx, {
    kind: meaning.codes.length === 0 ? 'not_ours' : 'wrong_code',
    alertId: null,
    organisationId: await findOnlyOwner(tx, point.id),
    ...(personName === undefined
      ? { contactPointId: point.id }
      : { contactPointId: null, personName }),
    replyId: reply.id,
  });
  await notifyResponse(tx, '');
}
