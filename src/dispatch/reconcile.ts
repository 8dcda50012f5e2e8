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
import {
  neededFromMs,
  patiently,
  provesAbsence,
  readPages,
  type Reading,
  type Sighting,
} from './listing.ts';
import { afterLookup, formatReference, isStuck, lookupGapMs, type Found } from './model.ts';
import type { Gateway } from './gateways/gateway.ts';
import { applyReceipts, type ReceiptMove } from './store-inbox.ts';
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
/** A page tells of 250: from a few on it is cheaper to read than to ask. */
const LISTED_FROM = 20;
const LISTED_MAX = 5_000;
const LOOKUPS_AT_ONCE = 8;
/** From here on the doubts lie deep: what is left is asked for beside the pages. */
const PAGES_ALONE = 20;

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

/** One message that was asked for, and what the provider said of it. */
type Looked = ToCheck & { readonly found: Found; readonly foundAttempt: number };

/** Looks up what is due at a gateway that can be asked; says how many. */
export async function reconcile(options: ReconcileOptions, gateway: Gateway): Promise<number> {
  const { database, lookupGapMs: gapMs = lookupGapMs } = options;
  const most = gateway.list === undefined ? CHECKS_MAX : LISTED_MAX;
  const due = await database.withActor(system('dispatch'), (tx) =>
    claimChecks(tx, { gatewayIds: [gateway.id], gapMs, most }),
  );
  // What the list leaves open is asked for one by one; the rest of it when it is due again.
  const left = due.length < LISTED_FROM ? due : await findOnPages(options, gateway, due);
  for (let i = 0; i < left.length && options.isStopping?.() !== true; i += LOOKUPS_AT_ONCE)
    await askFor(options, gateway, left.slice(i, i + LOOKUPS_AT_ONCE));
  return due.length;
}

/**
 * Keeps what the provider's list decides of the checks: found on it, or proved absent by it. Each
 * page at once, for after a busy hour there are hundreds, and who reads may be killed before the
 * last. It ends where asking for the others, several at once, takes no longer than the pages took,
 * which come one after the other: so never more than twice the time of whoever knew it in advance.
 * Deep down a few are asked for beside each page, or whoever reads could be killed each time before
 * it comes to them; from a place of its own, since other workers may be at the same ones. Returns
 * those to ask for.
 */
async function findOnPages(
  options: ReconcileOptions,
  gateway: Gateway,
  due: readonly ToCheck[],
): Promise<readonly ToCheck[]> {
  const { installation, isStopping, marginMs } = options;
  const place = Math.floor(Math.random() * due.length);
  const told = new Map<string, number>();
  const asked = new Set<string>();
  let left = [...due.slice(place), ...due.slice(0, place)];
  const readings = readPages({
    list: patiently(gateway, () => isStopping?.() === true),
    installation,
    fromMs: Math.min(...due.map(({ claimedAt }) => neededFromMs(claimedAt, marginMs))),
  });
  for (let pages = 1; ; pages += 1) {
    const some = pages > PAGES_ALONE ? left.slice(0, LOOKUPS_AT_ONCE) : [];
    const [next] = await Promise.all([readings.next(), askFor(options, gateway, some)]);
    for (const { id } of some) asked.add(id);
    const reading = next.value;
    if (reading === undefined)
      return left.slice(some.length, Math.max(CHECKS_MAX, pages * LOOKUPS_AT_ONCE));
    const looked = due.flatMap((check) => {
      const found = asked.has(check.id) ? undefined : onPages(reading, check, marginMs);
      // Once more where an older page has another text of it.
      const isNews = found !== undefined && told.get(check.id) !== sightedOf(reading, check);
      return isNews ? [{ ...check, ...found }] : [];
    });
    if (looked.length > 0) await keep(options, gateway, looked);
    for (const check of looked) told.set(check.id, sightedOf(reading, check));
    left = left.filter(({ id }) => !told.has(id) && !asked.has(id));
    if (left.length <= pages * LOOKUPS_AT_ONCE) return left;
  }
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

/** How many texts of it were seen. */
function sightedOf(reading: Reading, { id }: ToCheck): number {
  return reading.sightings.get(id)?.length ?? 0;
}

function onPages(
  reading: Reading,
  check: ToCheck,
  marginMs: number | undefined,
): Pick<Looked, 'found' | 'foundAttempt'> | undefined {
  const [first, ...others] = reading.sightings.get(check.id) ?? [];
  // A later attempt than we know of: history was lost, which is settled elsewhere (continuity.ts).
  if ([first, ...others].some((one) => one !== undefined && one.attempt > check.attempt))
    return { found: { answer: 'cannot_tell' }, foundAttempt: check.attempt };
  if (first !== undefined) return sighted(check, first, others);
  return provesAbsence(reading, check.claimedAt, marginMs)
    ? { found: { answer: 'absent' }, foundAttempt: check.attempt }
    : undefined;
}

/** What an accepted message is asked for is its own text; of an unknown the first one counts. */
function sighted(check: ToCheck, first: Sighting, others: readonly Sighting[]) {
  const own = [first, ...others].find(({ attempt }) => attempt === check.attempt);
  const counted = check.state === 'accepted' && own !== undefined ? own : first;
  const doubles = [first, ...others].filter((one) => one !== counted);
  return {
    found: {
      answer: 'found' as const,
      providerId: counted.providerId,
      status: counted.status,
      doubles: doubles.map(({ providerId }) => providerId),
    },
    foundAttempt: counted.attempt,
  };
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
  if (receipts.length > 0) await applyReceipts(tx, receipts);
  if (later.length > 0) await setNextReceiptAsks(tx, later);
}

function alarmsOf(installation: string, looked: Looked): NewAlarm[] {
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
