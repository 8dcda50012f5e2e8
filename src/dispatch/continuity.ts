/**
 * Whether our history is whole (P10). A restored backup, a promoted replica that lacked the last
 * commits and a disk that was turned back have one thing in common: the database says "not sent
 * yet" of texts that were sent. Most show themselves as another start of a server; so before
 * anything is sent from a new start, the lists of the providers are read back to the last claim
 * that we know of. A text of ours there that the database does not know, another timeline, server
 * or database mean lost history: everything is held, what was sent is adopted, and a person lets it
 * go on. Rows that are restored under a server that runs show nothing: there the first look of an
 * engine tells. Nor does a machine that was turned back with its memory, but for its wall clock,
 * which the host then puts right: where that jumps, an engine looks as if for the first time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import { record } from '#audit/index.ts';
import { adopt } from './adopt.ts';
import type { Gateway } from './gateways/gateway.ts';
import {
  neededFromMs,
  patiently,
  reaches,
  readBack,
  sightingsOf,
  type Reading,
  type Sighting,
} from './listing.ts';
import { formatReference } from './model.ts';
import {
  findUnknownReferences,
  markHeld,
  markHeldAnew,
  markLookedAt,
  markProven,
  readContinuity,
  type Continuity,
  type SightedText,
} from './store-continuity.ts';
import { notifyAnswers } from './store-answer.ts';
import { cancelAllSettled } from './store-settled.ts';
import { suppressStopped } from './store-stopped.ts';

export type ContinuityOptions = {
  readonly database: Database;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly installation: string;
  readonly log: Log;
  /** How long whoever claimed before the hold may still be sending, in ms. */
  readonly settleMs: number;
  /** How far the clocks of a provider and of ours may be apart, in ms. Tests shorten it. */
  readonly marginMs?: number;
  readonly isStopping: () => boolean;
  readonly firstLook: FirstLook;
  /** Told which provider could not be read: until it is, nothing is sent. */
  readonly onUnread: (gatewayId: string) => void;
};

/** What an engine has compared since it started. */
export type FirstLook = {
  /** Until then it waits for providers that do not answer; on the clock of `performance`, in ms. */
  readonly waitsUntilMs: number;
  /** The gateways whose newest page was compared. */
  readonly compared: Set<string>;
  /** Of the reading that is under way: whether history is whole as far as it was read. */
  reading?: Promise<boolean> | undefined;
};

/**
 * So long an engine waits for the newest page of a provider. Nothing says that history was lost,
 * and a provider that is down must not hold up the others for longer: as long as a breaker stays
 * open.
 */
const FIRST_LOOK_MS = 10_000;

/** `waitMs`: Infinity where it may send nothing before every provider has answered. */
export function beginFirstLook(waitMs = FIRST_LOOK_MS): FirstLook {
  return { waitsUntilMs: performance.now() + waitMs, compared: new Set() };
}

/**
 * Looks whether history is whole, and does what is to be done where it is not or is not known to
 * be. True where messages may be sent.
 */
export async function keepContinuity(options: ContinuityOptions): Promise<boolean> {
  const { database, settleMs } = options;
  const now = await database.withActor(system('dispatch'), readContinuity);
  if (now.heldReason !== null && !now.isHeldHere) {
    await holdAnew(options, now.heldReason);
    return false;
  }
  if (now.heldReason !== null) {
    if (!now.isLookedAt && now.heldForMs! >= settleMs) await recover(options, now);
    return false;
  }
  if (!now.isSameServer) {
    await hold(options, 'another database, server or timeline', now.readFrom);
    return false;
  }
  return now.isProven ? await lookFirst(options, now) : await prove(options, now);
}

/**
 * One page of each list, once in the life of an engine: in an ordinary start it knows all of it.
 * What does not answer is asked on, beside the work once the wait is over.
 */
async function lookFirst(options: ContinuityOptions, now: Continuity): Promise<boolean> {
  const { firstLook, log } = options;
  const left = listing(options).filter(({ id }) => !firstLook.compared.has(id));
  if (left.length === 0) return true;
  firstLook.reading ??= Promise.all(left.map((one) => compareNewest(options, one, now)))
    .then((found) => found.every((isWhole) => isWhole))
    .catch((error: unknown) => {
      log.error('dispatch.loop_failed', { error, part: 'first look' });
      return false;
    })
    .finally(() => (firstLook.reading = undefined));
  const waitMs = firstLook.waitsUntilMs - performance.now();
  if (waitMs <= 0) return true;
  const soonMs = Math.min(waitMs, FIRST_LOOK_MS);
  return await Promise.race([firstLook.reading, delay(soonMs, false, { ref: false })]);
}

/** False where the newest page could not be read, or has a text of ours that is not known. */
async function compareNewest(
  options: ContinuityOptions,
  gateway: Gateway,
  now: Continuity,
): Promise<boolean> {
  const page = await gateway.list?.();
  if (page === undefined) {
    options.onUnread(gateway.id);
    return false;
  }
  const reading = { sightings: sightingsOf(options.installation, page) };
  if (!(await isKnown(options, gateway, { reading, now }))) return false;
  options.firstLook.compared.add(gateway.id);
  return true;
}

/** True where the database knows what was read; else everything is held. */
async function isKnown(
  options: ContinuityOptions,
  gateway: Gateway,
  { reading, now }: { reading: Pick<Reading, 'sightings'>; now: Continuity },
): Promise<boolean> {
  const sighted = textsOf(options.installation, reading);
  const unknown = await options.database.withActor(system('dispatch'), (tx) =>
    findUnknownReferences(tx, sighted),
  );
  if (unknown.length === 0) return true;
  const reason = `${gateway.id} has sent texts that this database does not know`;
  await hold(options, reason, now.readFrom);
  return false;
}

/** Compares this start of the server with what the providers have. */
async function prove(options: ContinuityOptions, now: Continuity): Promise<boolean> {
  const { database, log } = options;
  const found = await Promise.all(
    listing(options).map(async (gateway) => {
      const reading = await readSince(options, gateway, now.readFrom);
      return reading !== undefined && (await isKnown(options, gateway, { reading, now }));
    }),
  );
  if (!found.every((isWhole) => isWhole)) return false;
  const proven = await database.withActor(system('dispatch'), async (tx) => {
    const marked = await markProven(tx, now.start);
    if (!marked) return false;
    await cancelAllSettled(tx);
    await suppressStopped(tx);
    await notifyAnswers(tx);
    return true;
  });
  if (proven) {
    for (const { id } of listing(options)) options.firstLook.compared.add(id);
    log.info('dispatch.history_whole');
  }
  return proven;
}

async function hold(
  { database, log }: ContinuityOptions,
  reason: string,
  readFrom: Date | null,
): Promise<void> {
  const held = await database.withActor(system('dispatch'), async (tx) => {
    if (!(await markHeld(tx, { reason, readFrom }))) return false;
    await notifyAnswers(tx);
    await record(tx, {
      action: 'dispatch.history_lost',
      subject: { kind: 'database', id: 'history' },
      detail: { reason },
    });
    return true;
  });
  if (held) log.error('dispatch.history_lost', { reason });
}

/** A server that comes up with a hold in it may lack that a person let sending go on. */
async function holdAnew({ database, log }: ContinuityOptions, reason: string): Promise<void> {
  const held = await database.withActor(system('dispatch'), async (tx) => {
    if (!(await markHeldAnew(tx))) return false;
    await record(tx, {
      action: 'dispatch.history_lost',
      subject: { kind: 'database', id: 'history' },
      detail: { reason },
    });
    return true;
  });
  if (held) log.error('dispatch.history_lost', { reason });
}

/** Reads every provider back to the last claim we know of, and adopts what it has. */
async function recover(options: ContinuityOptions, now: Continuity): Promise<void> {
  const { database, installation } = options;
  const gateways = listing(options);
  const readings = await Promise.all(
    gateways.map((gateway) => readSince(options, gateway, now.readFrom)),
  );
  if (!readings.every((reading) => reading !== undefined)) return;
  await database.withActor(system('dispatch'), async (tx) => {
    const gatewayIds = gateways.map(({ id }) => id);
    let adopted = 0;
    for (const [i, gateway] of gateways.entries())
      adopted += await adopt(tx, gateway.id, textsOf(installation, readings[i]!));
    if (!(await markLookedAt(tx, { heldSince: now.heldSince!, gatewayIds, adopted }))) return;
    await record(tx, {
      action: 'dispatch.history_read',
      subject: { kind: 'database', id: 'history' },
      detail: { gatewayIds, adopted },
    });
    await notifyAnswers(tx);
  });
}

function listing({ gateways }: ContinuityOptions): Gateway[] {
  return [...gateways.values()].filter((gateway) => gateway.list !== undefined);
}

/** What the provider has of ours since then; undefined, and said, where it cannot be read so far. */
async function readSince(
  options: ContinuityOptions,
  gateway: Gateway,
  from: Date | null,
): Promise<Reading | undefined> {
  const { installation, marginMs, isStopping } = options;
  const fromMs = from === null ? -Infinity : neededFromMs(from, marginMs);
  const reading = await readBack({
    list: patiently(gateway, isStopping),
    installation,
    fromMs,
  });
  if (reaches(reading.coversFromMs, fromMs)) return reading;
  options.onUnread(gateway.id);
  return undefined;
}

function textsOf(installation: string, { sightings }: Pick<Reading, 'sightings'>): SightedText[] {
  return [...sightings.values()].flat().map((sighting: Sighting) => ({
    ...sighting,
    reference: formatReference({ ...sighting, installation }),
  }));
}
