/**
 * Asks before it retries: an unknown is looked up at the provider by its reference, adopted if it
 * is there, sent again only on proof of absence (P2). Accepted messages whose receipt does not come
 * are asked for in the same way. Many of one gateway are found on the pages of its list.
 */
import { createHash } from 'node:crypto';
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import type { Log } from '#log.ts';
import { record } from '#audit/index.ts';
import { raiseAlarms } from './alarms.ts';
import { takeReceipts } from './inbox.ts';
import { patiently } from './listing.ts';
import { afterLookup, formatReference, isStuck, lookupGapMs } from './model.ts';
import type { Gateway } from './gateways/gateway.ts';
import { lookupPace, planPages, type Looked } from './on-pages.ts';
import type { ReceiptMove } from './store-inbox.ts';
import {
  adoptMessages,
  claimChecks,
  recordLookups,
  requeueMessages,
  setNextChecks,
  setNextReceiptAsks,
  type Adoption,
  type Asked,
  type NewAlarm,
  type NextCheck,
  type ToCheck,
} from './store-check.ts';

const CHECKS_MAX = 50;
const LISTED_MAX = 5_000;

export type ReconcileOptions = {
  readonly database: Database;
  readonly installation: string;
  readonly log: Log;
  /** Between two look-ups of one unknown, in ms. Tests shorten it. */
  readonly lookupGapMs?: number;
  /** How far the clocks of a provider and of ours may be apart, in ms. Tests shorten it. */
  readonly marginMs?: number;
  /** Look-ups of a provider that does not answer must not hold up the end of the process. */
  readonly isStopping?: () => boolean;
};

/** Looks up what is due at a gateway that can be asked; says how many. */
export async function reconcile(options: ReconcileOptions, gateway: Gateway): Promise<number> {
  const { database, lookupGapMs: gapMs = lookupGapMs } = options;
  const most = gateway.list === undefined ? CHECKS_MAX : LISTED_MAX;
  const due = await database.withActor(system('dispatch'), (tx) =>
    claimChecks(tx, { gatewayIds: [gateway.id], gapMs, most }),
  );
  // What the list leaves open is asked for one by one; the rest of it when it is due again.
  const { atOnce, listedFrom } = lookupPace;
  const left = due.length < listedFrom ? due : await findOnPages(options, gateway, due);
  for (let i = 0; i < left.length && options.isStopping?.() !== true; i += atOnce)
    await askFor(options, gateway, left.slice(i, i + atOnce));
  return due.length;
}

/** Reads the pages as they are wanted, and keeps what they decide; returns those to ask for. */
async function findOnPages(
  options: ReconcileOptions,
  gateway: Gateway,
  due: readonly ToCheck[],
): Promise<readonly ToCheck[]> {
  const { installation, isStopping, marginMs } = options;
  const list = patiently(gateway, () => isStopping?.() === true);
  const place = Math.floor(Math.random() * due.length);
  const pages = planPages({ due, installation, place, marginMs });
  let step = pages.next();
  while (step.done !== true) {
    if (step.value.kind === 'keep') {
      await keep(options, gateway, step.value.looked);
      step = pages.next();
    } else {
      const { olderThan, beside } = step.value;
      const [page] = await Promise.all([list(olderThan), askFor(options, gateway, beside)]);
      step = pages.next(page);
    }
  }
  return step.value;
}

/** Asks for each of these by its reference, all at once, and keeps what is said. */
async function askFor(
  options: ReconcileOptions,
  gateway: Gateway,
  checks: readonly ToCheck[],
): Promise<void> {
  if (checks.length === 0) return;
  const looked = await Promise.all(checks.map((check) => lookUp(options, gateway, check)));
  await keep(options, gateway, looked);
}

async function lookUp(
  { installation }: ReconcileOptions,
  gateway: Gateway,
  check: ToCheck,
): Promise<Looked> {
  const found = await gateway.find!(referenceOf(installation, check));
  return { ...check, found, foundAttempt: check.attempt };
}

function referenceOf(installation: string, { id, epoch, attempt }: ToCheck): string {
  return formatReference({ installation, messageId: id, epoch, attempt });
}

/** Keeps what was said and moves the messages by it, in one transaction. */
async function keep(
  options: ReconcileOptions,
  gateway: Gateway,
  told: readonly Looked[],
): Promise<void> {
  const { database, installation, log } = options;
  const looked = told.map((one) => believe(one, gateway));
  const raised = await database.withActor(system('dispatch'), async (tx) => {
    await recordLookups(
      tx,
      looked.map((one) => ({
        messageId: one.id,
        reference: referenceOf(installation, { ...one, attempt: one.foundAttempt }),
        answer: one.found.answer,
        status: one.found.answer === 'found' ? one.found.status : null,
      })),
    );
    await resolveUnknowns(tx, options, looked);
    await applyStatuses(tx, gateway, looked);
    return await raiseAlarms(
      tx,
      looked.flatMap((one) => alarmsOf(installation, one)),
    );
  });
  for (const { kind, messageId } of raised) log.error(`dispatch.${kind}`, { messageId });
}

/** Beyond what the provider keeps, absent is no answer. */
function believe(looked: Looked, { can }: Gateway): Looked {
  const tooOld = looked.found.answer === 'absent' && looked.ageMs > (can.keepsMs ?? Infinity);
  return tooOld ? { ...looked, found: { answer: 'cannot_tell' } } : looked;
}

async function resolveUnknowns(
  tx: Tx,
  { lookupGapMs: gapMs = lookupGapMs }: ReconcileOptions,
  looked: readonly Looked[],
): Promise<void> {
  const adoptions: Adoption[] = [];
  const absent: Asked[] = [];
  const later: NextCheck[] = [];
  for (const { id, attempt, foundAttempt, state, found, absences } of looked) {
    if (state !== 'unknown') continue;
    const step = afterLookup(found, { absences, gapMs });
    if (step.kind === 'adopt')
      adoptions.push({ id, attempt, foundAttempt, providerId: step.providerId });
    else if (step.kind === 'requeue') absent.push({ id, attempt });
    else later.push({ id, attempt, inMs: step.inMs, absences: step.absences });
  }
  if (later.length > 0) await setNextChecks(tx, later);
  const adopted = adoptions.length === 0 ? [] : await adoptMessages(tx, adoptions);
  const requeued = absent.length === 0 ? [] : await requeueMessages(tx, absent);
  if (adopted.length + requeued.length === 0) return;
  await record(tx, {
    action: 'messages.looked_up',
    subject: { kind: 'gateway', id: looked[0]!.gatewayId },
    detail: {
      adopted: adopted.length,
      requeued: requeued.length,
      hash: hashOf(adopted, requeued),
    },
  });
}

/** What the audit entry vouches for: every message that moved, and whereto (P9). */
function hashOf(adopted: readonly string[], requeued: readonly string[]): string {
  const lines = [
    ...adopted.map((id) => `${id} adopted`),
    ...requeued.map((id) => `${id} requeued`),
  ];
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

/** A final status found by asking counts like a receipt; otherwise ask again, ever more seldom. */
async function applyStatuses(tx: Tx, gateway: Gateway, looked: readonly Looked[]): Promise<void> {
  const receipts: ReceiptMove[] = [];
  const later: Asked[] = [];
  for (const { id, attempt, foundAttempt, state, found } of looked) {
    const meaning = found.answer === 'found' ? gateway.meaningOf(found.status) : undefined;
    if (found.answer === 'found' && (meaning === 'delivered' || meaning === 'undelivered'))
      receipts.push({
        gatewayId: gateway.id,
        messageId: id,
        attempt: foundAttempt,
        providerId: found.providerId,
        to: meaning,
      });
    else if (state === 'accepted') later.push({ id, attempt });
  }
  if (receipts.length > 0) await takeReceipts(tx, receipts);
  if (later.length > 0) await setNextReceiptAsks(tx, later);
}

/** What a person should hear of. */
export function alarmsOf(installation: string, looked: Looked): NewAlarm[] {
  const { id, gatewayId, state, found, ageMs } = looked;
  const alarm = { messageId: id, gatewayId };
  // It counts as gone, and nobody got it. Named by its reference: there is no text with an id.
  if (found.answer === 'absent' && state === 'accepted')
    return [
      {
        ...alarm,
        kind: 'missing_at_provider' as const,
        providerId: referenceOf(installation, looked),
      },
    ];
  if (found.answer !== 'found') return [];
  return [
    ...(found.doubles ?? []).map((providerId) => ({
      ...alarm,
      kind: 'accepted_twice' as const,
      providerId,
    })),
    ...(isStuck(found, ageMs)
      ? [{ ...alarm, kind: 'stuck_at_provider' as const, providerId: found.providerId }]
      : []),
  ];
}
