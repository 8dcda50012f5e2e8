/**
 * What came before a random history begins, beside its messages: what was counted, heard and asked
 * for. Without it most histories of so few calls would find nothing to count, apply or forget.
 */
import type { ReceiptMeaning } from '#dispatch/model.ts';
import { formatReference } from '#dispatch/model.ts';
import type { Random } from '../random.ts';
import { KEPT_MS, type Known } from './known.ts';
import { keyOf, type Base, type ReceiptRow } from './rows.ts';

/** About the limits within which statements count: ten seconds, a minute, a quarter, an hour. */
const AGES_MS = [
  ...([0, 1_000, 9_500, 10_000, 59_000, 100_000, 890_000, 900_000] as const),
  ...([3_480_000, 3_599_000, 3_600_000, 7_200_000] as const),
];

export function fillTraces(base: Base, random: Random, known: Known): void {
  fillTallies(base, random, known);
  fillReceipts(base, random, known);
  fillLookups(base, random);
  fillRisks(base, random);
  fillReplies(base, random, known);
  fillParts(base, random, known);
  fillPolls(base, random, known);
  fillAlarms(base, random, known);
  fillAuditor(base, random, known);
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

const INSTALLATION = '0a1b2c3d';

/** Mostly of this very attempt; else of the next one. */
function referenceOf(random: Random, messageId: string, number: number): string {
  const attempt = random.chance(0.7) ? number : number + 1;
  return formatReference({ installation: INSTALLATION, messageId, epoch: 1, attempt });
}

/** Of what a provider took: some applied already, some not yet, some of another text or gateway. */
function fillReceipts(base: Base, random: Random, known: Known): void {
  for (const { id, attempt, gatewayId: own, providerId } of base.tables.message.values()) {
    if (own === null || providerId === null) continue;
    for (const status of ['sending', 'temporary-failure', 'delivered', 'DELIVRD']) {
      if (!random.chance(0.3)) continue;
      const reference = random.chance(0.3) ? null : referenceOf(random, id, attempt);
      const gatewayId = random.chance(0.85) ? own : random.pick(known.gatewayIds);
      const named = random.chance(0.8) ? providerId : random.uuid();
      const receipt = { gatewayId, providerId: named, status, reference };
      base.tables.receipt.set(keyOf(gatewayId, named, status), {
        ...receipt,
        ...drawHandling(base, random),
      });
    }
  }
}

function drawHandling(
  base: Base,
  random: Random,
): Pick<ReceiptRow, 'receivedAt' | 'handledAt' | 'outcome'> {
  const isHandled = random.chance(0.5);
  const olderMs = isHandled && random.chance(0.3) ? KEPT_MS : 0;
  const receivedAt = base.now - 1 - random.below(random.pick([20_000, 100_000])) - olderMs;
  return isHandled
    ? {
        receivedAt,
        handledAt: receivedAt,
        outcome: random.pick(['applied', 'applied', 'repeated']),
      }
    : { receivedAt, handledAt: null, outcome: null };
}

function fillLookups(base: Base, random: Random): void {
  for (const { messageId, number, claimedAt } of base.tables.attempt.values()) {
    if (!random.chance(0.3)) continue;
    const [answer, status] = random.pick([
      ['found', 'sending'],
      ['found', 'created'],
      ['absent', null],
      ['cannot_tell', null],
    ] as const);
    const reference = referenceOf(random, messageId, number);
    base.tables.lookup.push({ messageId, at: claimedAt + 20_000, reference, answer, status });
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
    const receivedAt = base.now - random.below(100_000) - random.pick([0, 0, KEPT_MS]);
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
        const updatedAt = base.now - random.below(1_000_000) - random.pick([0, 0, KEPT_MS]);
        base.tables.part.set(keyOf(gatewayId, providerId), { ...row, updatedAt });
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

function fillAlarms(base: Base, random: Random, known: Known): void {
  for (const messageId of base.tables.message.keys()) {
    if (!random.chance(0.05)) continue;
    const providerId = random.pick(['one', 'two']);
    const kind = random.pick(['accepted_twice', 'stuck_at_provider'] as const);
    base.tables.alarm.set(keyOf(messageId, kind, providerId), {
      kind,
      messageId,
      gatewayId: random.pick(known.gatewayIds),
      providerId,
      raisedAt: base.now - random.pick([1_000, 2 * 86_400_000]),
    });
  }
}

/** Rounds of the auditor before, and one thing that it found. */
function fillAuditor(base: Base, random: Random, known: Known): void {
  if (random.chance(0.3)) return;
  Object.assign(base.tables.auditor.get('auditor')!, {
    owner: random.pick(known.owners),
    begunAt: base.now - random.pick(AGES_MS),
    endedAt: random.pick([null, base.now - random.pick(AGES_MS)]),
    tookMs: random.pick([null, 120]),
  });
  const breaches = random.pick([0, 3]);
  base.tables.invariant.set('counted', {
    id: 'counted',
    holds: 'it holds',
    mend: 'report',
    checkedAt: base.now - 60_000,
    breaches,
    sample: breaches > 0 ? 'one' : null,
    brokenSince: breaches > 0 ? base.now - 120_000 : null,
    lastBrokenAt: random.pick([null, base.now - 120_000]),
  });
}
