/**
 * Whether our history is whole (P10). A restored backup, a promoted replica that lacked the last
 * commits and a disk that was turned back have one thing in common: the database says "not sent
 * yet" of texts that were sent. Each shows itself as another start of a server; so before anything
 * is sent from a new start, the lists of the providers are read back to the last claim that we know
 * of. A text of ours there that the database does not know, another timeline or another server mean
 * lost history: everything is held, what was sent is adopted, and a person lets it go on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import type { Log } from '#log.ts';
import { record } from '#audit/index.ts';
import { raiseAlarms } from './alarms.ts';
import type { Gateway } from './gateways/gateway.ts';
import {
  neededFromMs,
  reaches,
  readBack,
  type Listed,
  type Reading,
  type Sighting,
} from './listing.ts';
import { formatReference } from './model.ts';
import {
  adoptLost,
  findUnknownReferences,
  listNeverSent,
  markHeld,
  markHeldAnew,
  markLookedAt,
  markProven,
  readContinuity,
  restoreAttempts,
  type Continuity,
  type SightedText,
} from './store-continuity.ts';
import { findSecondTexts } from './store-inbox.ts';
import { notifyAnswers } from './store-answer.ts';

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
  /** Told which provider could not be read: until it is, nothing is sent. */
  readonly onUnread: (gatewayId: string) => void;
};

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
    await hold(options, 'another database server or timeline', now.readFrom);
    return false;
  }
  return now.isProven || (await prove(options, now));
}

/** Compares this start of the server with what the providers have. */
async function prove(options: ContinuityOptions, now: Continuity): Promise<boolean> {
  const { database, log } = options;
  for (const gateway of listing(options)) {
    const reading = await readSince(options, gateway, now.readFrom);
    if (reading === undefined) {
      options.onUnread(gateway.id);
      return false;
    }
    const sighted = textsOf(options.installation, reading);
    const unknown = await database.withActor(system('dispatch'), (tx) =>
      findUnknownReferences(tx, sighted),
    );
    if (unknown.length > 0) {
      const reason = `${gateway.id} has sent texts that this database does not know`;
      await hold(options, reason, now.readFrom);
      return false;
    }
  }
  const proven = await database.withActor(system('dispatch'), async (tx) => {
    const marked = await markProven(tx, now.start);
    if (marked) await notifyAnswers(tx);
    return marked;
  });
  if (proven) log.info('dispatch.history_whole');
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
  const readings: [Gateway, Reading][] = [];
  for (const gateway of gateways) {
    const reading = await readSince(options, gateway, now.readFrom);
    if (reading === undefined) {
      options.onUnread(gateway.id);
      return;
    }
    readings.push([gateway, reading]);
  }
  await database.withActor(system('dispatch'), async (tx) => {
    const gatewayIds = gateways.map(({ id }) => id);
    let adopted = 0;
    for (const [gateway, reading] of readings)
      adopted += await adopt(tx, gateway.id, textsOf(installation, reading));
    if (!(await markLookedAt(tx, { heldSince: now.heldSince!, gatewayIds, adopted }))) return;
    await record(tx, {
      action: 'dispatch.history_read',
      subject: { kind: 'database', id: 'history' },
      detail: { gatewayIds, adopted },
    });
    await notifyAnswers(tx);
  });
}

/** Writes down the attempts that were lost, and moves their messages; says how many moved. */
async function adopt(tx: Tx, gatewayId: string, sighted: readonly SightedText[]): Promise<number> {
  const restored = await restoreAttempts(tx, gatewayId, sighted);
  const adopted = await adoptLost(tx, gatewayId, restored);
  const seconds = await findSecondTexts(
    tx,
    restored.map((one) => ({ ...one, gatewayId, to: 'delivered' })),
  );
  const neverSent = new Set(
    await listNeverSent(
      tx,
      restored.map(({ messageId }) => messageId),
    ),
  );
  await raiseAlarms(tx, [
    ...seconds
      .filter(({ messageId }) => !neverSent.has(messageId))
      .map((second) => ({ ...second, kind: 'accepted_twice' as const })),
    ...restored
      .filter(({ messageId }) => neverSent.has(messageId))
      .map(({ messageId, providerId }) => ({
        messageId,
        gatewayId,
        providerId,
        kind: 'sent_unrecorded' as const,
      })),
  ]);
  return adopted.length;
}

function listing({ gateways }: ContinuityOptions): Gateway[] {
  return [...gateways.values()].filter((gateway) => gateway.list !== undefined);
}

/** What the provider has of ours since then; undefined where it could not be read so far back. */
async function readSince(
  options: ContinuityOptions,
  gateway: Gateway,
  from: Date | null,
): Promise<Reading | undefined> {
  const { installation, marginMs } = options;
  const fromMs = from === null ? -Infinity : neededFromMs(from, marginMs);
  const reading = await readBack({
    list: (olderThan) => readPage(options, gateway, olderThan),
    installation,
    fromMs,
  });
  return reaches(reading.coversFromMs, fromMs) ? reading : undefined;
}

const PAGE_TRIES = 5;
const PAGE_AGAIN_MS = 1_000;

/**
 * One page, asked for again where it failed: after a busy hour there are hundreds, and one answer
 * that was lost must not make all of them be read anew. The first one is not: nothing is lost yet.
 */
async function readPage(
  { isStopping }: ContinuityOptions,
  gateway: Gateway,
  olderThan: string | undefined,
): Promise<readonly Listed[] | undefined> {
  for (let tries = 1; !isStopping(); tries += 1) {
    const page = await gateway.list?.(olderThan);
    if (page !== undefined || olderThan === undefined || tries === PAGE_TRIES) return page;
    await delay(PAGE_AGAIN_MS);
  }
  return undefined;
}

function textsOf(installation: string, { sightings }: Reading): SightedText[] {
  return [...sightings.values()].flat().map((sighting: Sighting) => ({
    ...sighting,
    reference: formatReference({ ...sighting, installation }),
  }));
}
