/** Twins of `src/dispatch/store-history.ts`. */
import type {
  AttemptRow,
  DispatchRound,
  DispatchRow,
  LookupRow,
  MessageOfOrganisation,
  ReceiptRow,
} from '#dispatch/store-history.ts';
import { roundsOf } from './rounds.ts';
import { compare, keyOf, type Base, type MessageRow } from './rows.ts';

const timeOf = (ms: number | null) => (ms === null ? null : new Date(ms));

export function findDispatch(base: Base, id: string): DispatchRow | undefined {
  const dispatch = base.tables.dispatch.get(id);
  if (dispatch === undefined || dispatch.lane === 0) return undefined;
  return {
    id: dispatch.id,
    label: dispatch.label,
    lane: dispatch.lane,
    exercise: dispatch.exercise,
    state: dispatch.state,
    epoch: dispatch.epoch,
    contentHash: dispatch.contentHash,
    pauseReason: dispatch.pauseReason,
    createdAt: new Date(dispatch.createdAt),
    releasedAt: timeOf(dispatch.releasedAt),
    endedAt: timeOf(dispatch.endedAt),
  };
}

export function listRounds(base: Base, dispatchId: string): DispatchRound[] {
  return roundsOf(base, dispatchId).map(({ round, opensAfter, opensAt, openedAt }) => ({
    round,
    opensAfterMs: opensAfter,
    opensAt: timeOf(opensAt),
    openedAt: timeOf(openedAt),
    // What is simulated plans none.
    reminds: false,
  }));
}

export function listMessagesOfOrganisation(
  base: Base,
  asked: { dispatchId: string; organisationId: string },
): MessageOfOrganisation[] {
  const settled = base.tables.settled.get(keyOf(asked.dispatchId, asked.organisationId));
  return base
    .messagesOf(asked.dispatchId)
    .filter((m) => base.creditedTo(m).includes(asked.organisationId))
    .toSorted(byDeparture)
    .map((m) => ({
      id: m.id,
      contactPointId: m.contactPointId,
      channel: m.channel,
      round: m.round,
      rank: m.rank,
      code: m.code,
      subject: m.subject,
      body: m.body,
      state: m.state,
      gatewayId: m.gatewayId,
      providerId: m.providerId,
      failureCode: m.failureCode,
      dueAt: timeOf(m.dueAt),
      expiresAt: timeOf(m.expiresAt),
      acceptedAt: timeOf(m.acceptedAt),
      finalAt: timeOf(m.finalAt),
      settledAt: timeOf(settled?.settledAt ?? null),
      creditedTo: base.creditedTo(m).sort(),
    }));
}

function byDeparture(a: MessageRow, b: MessageRow): number {
  const channels = a.channel < b.channel ? 1 : a.channel > b.channel ? -1 : 0;
  return a.round - b.round || channels || a.rank - b.rank || (a.id < b.id ? -1 : 1);
}

export function listAttempts(base: Base, messageIds: readonly string[]): AttemptRow[] {
  return [...base.tables.attempt.values()]
    .filter((a) => messageIds.includes(a.messageId))
    .toSorted(
      (a, b) => compare(a.messageId, b.messageId) || a.epoch - b.epoch || a.number - b.number,
    )
    .map((a) => {
      const end = base.tables.attemptEnd.get(keyOf(a.messageId, a.epoch, a.number));
      return {
        messageId: a.messageId,
        gatewayId: a.gatewayId,
        claimedAt: new Date(a.claimedAt),
        endedAt: timeOf(end?.endedAt ?? null),
        class: end?.class ?? null,
        code: end?.code ?? null,
      };
    });
}

export function listLookups(base: Base, messageIds: readonly string[]): LookupRow[] {
  return base.tables.lookup
    .filter((l) => messageIds.includes(l.messageId))
    .toSorted((a, b) => compare(a.messageId, b.messageId) || a.at - b.at)
    .map(({ messageId, at, answer, status }) => ({
      messageId,
      at: new Date(at),
      answer: answer as LookupRow['answer'],
      status,
    }));
}

export function listReceipts(base: Base, messageIds: readonly string[]): ReceiptRow[] {
  return messageIds
    .flatMap((id) => base.tables.message.get(id) ?? [])
    .flatMap((m) =>
      [...base.tables.receipt.values()]
        .filter((r) => r.gatewayId === m.gatewayId && r.providerId === m.providerId)
        .map(({ gatewayId, receivedAt, status }) => ({
          messageId: m.id,
          gatewayId,
          receivedAt: new Date(receivedAt),
          status,
        })),
    )
    .toSorted(
      (a, b) =>
        compare(a.messageId, b.messageId) ||
        a.receivedAt.getTime() - b.receivedAt.getTime() ||
        compare(a.status, b.status),
    );
}
