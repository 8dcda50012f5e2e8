/**
 * What became of each message, from what is stored: who asked which gateway when, what it said, how
 * it ended. Nothing is guessed; a time that nobody wrote down is not there.
 */
import type { Tx } from '#db/database.ts';
import {
  listAttempts,
  listLookups,
  listMessagesOfOrganisation,
  listReceipts,
  type MessageOfOrganisation,
} from './store-history.ts';

/** What each event of a message means, in one sentence. */
export const messageEvents = {
  due: 'it was to leave from here on',
  requested: 'a worker began a request to the gateway',
  accepted: 'the gateway took it',
  rejected: 'the gateway refused it for good',
  not_sent: 'the request surely did not leave, or was refused for now; it is tried again',
  unknown: 'nobody can tell whether the gateway took it',
  looked_up: 'the provider was asked what it knows',
  receipt: 'the provider told by itself',
  final: 'it came to the state that it has now',
} as const;

export type MessageEventKind = keyof typeof messageEvents;

export type MessageEvent = {
  readonly at: Date;
  readonly kind: MessageEventKind;
  readonly gatewayId: string | null;
  /** The provider's word, such as `delivered` or an error type. */
  readonly detail: string | null;
};

export type MessageHistory = MessageOfOrganisation & { readonly events: readonly MessageEvent[] };

/** Every message of a dispatch that counts for an organisation, each with its history. */
export async function readHistories(
  tx: Tx,
  asked: { dispatchId: string; organisationId: string },
): Promise<MessageHistory[]> {
  const messages = await listMessagesOfOrganisation(tx, asked);
  const ids = messages.map(({ id }) => id);
  const told = [
    ...(await listAttempts(tx, ids)).flatMap(({ messageId, gatewayId, ...attempt }) => [
      { messageId, at: attempt.claimedAt, kind: 'requested' as const, gatewayId, detail: null },
      ...(attempt.endedAt === null || attempt.class === null
        ? []
        : [
            {
              messageId,
              at: attempt.endedAt,
              kind: attempt.class,
              gatewayId,
              detail: attempt.code,
            },
          ]),
    ]),
    ...(await listLookups(tx, ids)).map(({ messageId, at, answer, status }) => ({
      messageId,
      at,
      kind: 'looked_up' as const,
      gatewayId: null,
      detail: status ?? answer,
    })),
    ...(await listReceipts(tx, ids)).map(({ messageId, gatewayId, receivedAt, status }) => ({
      messageId,
      at: receivedAt,
      kind: 'receipt' as const,
      gatewayId,
      detail: status,
    })),
  ];
  return messages.map((message) => {
    const own = told
      .filter(({ messageId }) => messageId === message.id)
      .map(({ at, kind, gatewayId, detail }) => ({ at, kind, gatewayId, detail }));
    return { ...message, events: [...own, ...timesOf(message)].toSorted(byTime) };
  });
}

function timesOf({ dueAt, finalAt, state, failureCode }: MessageOfOrganisation): MessageEvent[] {
  const none = { gatewayId: null, detail: null };
  return [
    ...(dueAt === null ? [] : [{ ...none, at: dueAt, kind: 'due' as const }]),
    ...(finalAt === null
      ? []
      : [{ ...none, at: finalAt, kind: 'final' as const, detail: failureCode ?? state }]),
  ];
}

const order = Object.keys(messageEvents) as MessageEventKind[];

/** Things of the same millisecond in the order in which they happen. */
function byTime(a: MessageEvent, b: MessageEvent): number {
  return a.at.getTime() - b.at.getTime() || order.indexOf(a.kind) - order.indexOf(b.kind);
}
