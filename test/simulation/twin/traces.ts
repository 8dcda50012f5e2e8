/**
 * What came before a random history begins, beside its messages: what was counted, heard and asked
 * for. Without it most histories of so few calls would find nothing to count, apply or forget.
 */
import type { ReceiptMeaning } from '#dispatch/model.ts';
import type { Random } from '../random.ts';
import type { Known } from './known.ts';
import { keyOf, type Base } from './rows.ts';

/** About the limits within which statements count: ten seconds, a minute, a quarter, an hour. */
const AGES_MS = [
  ...([0, 1_000, 9_500, 10_000, 59_000, 890_000, 900_000] as const),
  ...([3_480_000, 3_599_000, 3_600_000, 7_200_000] as const),
];

export function fillTraces(base: Base, random: Random, known: Known): void {
  fillTallies(base, random, known);
  fillReceipts(base, random);
  fillLookups(base, random);
  fillRisks(base, random);
  fillReplies(base, random, known);
  fillParts(base, random, known);
  fillPolls(base, random, known);
}

function fillTallies(base: Base, random: Random, known: Known): void {
  for (let i = random.below(7); i > 0; i--) {
    const receipts = random.below(9);
    base.tables.tally.push({
      gatewayId: random.pick(known.gatewayIds),
      at: base.now - random.pick(AGES_MS),
      turn: random.between(1, 4),
      dispatchId: random.pick([null, ...known.dispatchIds]),
      accepted: random.below(9),
      rejected: random.below(9),
      unknown: random.below(3),
      failed: random.below(9),
      receipts,
      slowReceipts: random.below(receipts + 1),
    });
  }
}

/** Of messages that a provider took: some applied already, some not yet. */
function fillReceipts(base: Base, random: Random): void {
  for (const { gatewayId, providerId } of base.tables.message.values()) {
    if (gatewayId === null || providerId === null) continue;
    for (const status of ['sending', 'temporary-failure', 'delivered']) {
      if (!random.chance(0.3)) continue;
      const receivedAt = base.now - 1 - random.below(100_000);
      const isHandled = random.chance(0.5);
      base.tables.receipt.set(keyOf(gatewayId, providerId, status), {
        gatewayId,
        providerId,
        status,
        reference: null,
        receivedAt,
        handledAt: isHandled ? receivedAt : null,
        outcome: isHandled ? 'applied' : null,
      });
    }
  }
}

function fillLookups(base: Base, random: Random): void {
  for (const { messageId, claimedAt } of base.tables.attempt.values()) {
    if (!random.chance(0.2)) continue;
    const [answer, status] = random.pick([
      ['found', 'sending'],
      ['absent', null],
      ['cannot_tell', null],
    ] as const);
    base.tables.lookup.push({
      messageId,
      at: claimedAt + 20_000,
      reference: 'one',
      answer,
      status,
    });
  }
}

/** Copies that were risked of an attempt before those that are here. */
function fillRisks(base: Base, random: Random): void {
  for (const { id: messageId, attempt } of base.tables.message.values()) {
    if (attempt === 0 || !random.chance(0.1)) continue;
    const taken = { messageId, attempt: 0, decisionId: random.uuid(), takenAt: base.now - 1_000 };
    base.tables.riskTaken.set(keyOf(messageId, 0), taken);
  }
}

function fillReplies(base: Base, random: Random, known: Known): void {
  for (let i = random.below(3); i > 0; i--) {
    const id = random.uuid();
    const receivedAt = base.now - random.below(100_000);
    base.tables.reply.set(id, {
      id,
      gatewayId: random.pick(known.gatewayIds),
      providerId: random.uuid(),
      addressIndex: Buffer.from([1, random.below(256)]),
      addressSealed: Buffer.from([2]),
      contentSealed: Buffer.from([3]),
      sentAt: random.pick([null, receivedAt - 1_000]),
      receivedAt,
      handledAt: random.pick([null, null, receivedAt]),
    });
  }
}

const ends: readonly (readonly [string, ReceiptMeaning] | readonly [null, null])[] = [
  [null, null],
  ['ENROUTE', 'retained'],
  ['UNDELIV', 'undelivered'],
  ['DELIVRD', 'delivered'],
  ['DELIVRD', 'delivered'],
  ['DELIVRD', 'delivered'],
];

/** Texts that were cut; the id says which part it is. */
function fillParts(base: Base, random: Random, known: Known): void {
  for (const gatewayId of known.gatewayIds) {
    for (const reference of ['a', 'b']) {
      if (random.chance(0.5)) continue;
      const parts = random.between(1, 3);
      for (let part = 1; part <= parts; part++) {
        if (random.chance(0.1)) continue;
        const providerId = `${reference}${part}`;
        const [status, meaning] = random.pick(ends);
        const row = { gatewayId, providerId, reference, part, parts, status, meaning };
        base.tables.part.set(keyOf(gatewayId, providerId), { ...row, updatedAt: base.now - 1_000 });
      }
    }
  }
}

function fillPolls(base: Base, random: Random, known: Known): void {
  for (const gatewayId of known.gatewayIds) {
    for (const what of ['statuses', 'texts'] as const) {
      if (random.chance(0.6)) continue;
      base.tables.poll.set(keyOf(gatewayId, what), {
        gatewayId,
        what,
        polledAt: random.pick([null, base.now - random.pick(AGES_MS)]),
        owner: random.pick(known.owners),
        leaseUntil: random.pick([null, base.now + random.between(-5_000, 5_000)]),
        olderThan: random.pick([null, null, 'a text']),
      });
    }
  }
}
