/**
 * The sequencer: each ten seconds one worker gives the entries that were committed since their
 * positions in the log, and signs and exports what the log is now.
 *
 * Promises kept here: leaves are committed before anything is signed over them, so that no
 * checkpoint vouches for what a crash took back. Nothing is signed that does not go on from every
 * checkpoint we know of, unless a person said in the log that history was lost. Entries wait in a
 * table until they have a leaf, so a kill at any moment loses none.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import type { Log } from '#log.ts';
import { appendCheckpoint, readLastCheckpoint } from './checkpoint-file.ts';
import { keyEntry } from './key-entry.ts';
import { makeFirstKey, readKeys, retireBefore, type LogKey } from './keys.ts';
import type { StopReason } from './model.ts';
import { originOf, signNote } from './note.ts';
import { isBeginning, proveConsistency, readRoot } from './proofs.ts';
import { record } from './record.ts';
import {
  insertCheckpoint,
  insertLeaves,
  insertNodes,
  lockLog,
  markRun,
  readSize,
  selectAcceptances,
  selectKeyEntries,
  selectLastCheckpoint,
} from './store-log.ts';
import { isConsistent } from './tree.ts';

const EVERY_MS = 10_000;
/** A statement of some 50 ms; a million entries are then two hundred short transactions. */
const BATCH = 5_000;

export type SequencerOptions = {
  /** As `tocsin_sequencer`: no other role may write the log. */
  readonly database: Database;
  readonly log: Pick<Log, 'error'>;
  readonly installation: string;
  readonly keysFile: string;
  readonly checkpointsFile: string;
  readonly everyMs?: number;
};

/** What one turn did; `elsewhere`: another worker had it. */
export type Turn =
  | { readonly state: 'elsewhere' }
  | { readonly state: 'stopped'; readonly reason: StopReason; readonly leaves: number }
  | { readonly state: 'unchanged' | 'signed'; readonly leaves: number };

type Known = { readonly size: number; readonly root: Buffer };

export class Sequencer {
  readonly #options: SequencerOptions;
  readonly #stopping = new AbortController();
  #stopped: StopReason | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: SequencerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Signs what was written last. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { everyMs = EVERY_MS } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      const isLast = signal.aborted;
      await this.#tryTurn();
      if (isLast) return;
      await delay(everyMs, undefined, { signal }).catch(() => {});
    }
  }

  async #tryTurn(): Promise<void> {
    const { log } = this.#options;
    try {
      const turn = await this.turn();
      const stopped = turn.state === 'stopped' ? turn.reason : undefined;
      if (stopped !== undefined && stopped !== this.#stopped)
        log.error('audit.signing_stopped', { reason: stopped });
      this.#stopped = stopped;
    } catch (error) {
      log.error('audit.sequencing_failed', { error });
    }
  }

  /** One turn: key, leaves, checkpoint, each in a transaction of its own. */
  async turn(): Promise<Turn> {
    const keys = await this.#locked((tx) => this.#findKeys(tx));
    if (keys === undefined) return { state: 'elsewhere' };
    let leaves = 0;
    for (;;) {
      const added = await this.#locked(addLeaves);
      if (added === undefined) return { state: 'elsewhere' };
      leaves += added;
      if (added < BATCH) break;
    }
    const signed = await this.#locked(async (tx) => {
      const outcome = typeof keys === 'string' ? keys : await this.#sign(tx, keys);
      const isStopped = outcome !== 'signed' && outcome !== 'unchanged';
      await markRun(tx, isStopped ? outcome : null);
      return isStopped ? ({ state: 'stopped', reason: outcome } as const) : { state: outcome };
    });
    return signed === undefined ? { state: 'elsewhere' } : { ...signed, leaves };
  }

  async #locked<T>(work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    return await this.#options.database.withActor(system('sequencer'), async (tx) =>
      (await lockLog(tx)) ? await work(tx) : undefined,
    );
  }

  /** The keys of the file. Where the log names none yet, the first is made and named. */
  async #findKeys(tx: Tx): Promise<readonly LogKey[] | StopReason> {
    const { keysFile, installation } = this.#options;
    const found = readKeys(keysFile);
    if (!found.ok) return 'key_missing';
    if ((await selectKeyEntries(tx)).length > 0) return found.value;
    const keys = found.value.length > 0 ? found : makeFirstKey(keysFile);
    const first = keys.ok ? keys.value[0] : undefined;
    if (!keys.ok || first === undefined) return 'key_missing';
    await record(tx, keyEntry('audit.key_made', installation, first.publicKey));
    return keys.value;
  }

  async #sign(tx: Tx, keys: readonly LogKey[]): Promise<StopReason | 'signed' | 'unchanged'> {
    const { checkpointsFile, keysFile, installation } = this.#options;
    const exported = tryFile(() => readLastCheckpoint(checkpointsFile));
    if (exported === 'cannot_write') return exported;
    const copied = await selectLastCheckpoint(tx);
    const size = await readSize(tx);
    const current = { size, root: await readRoot(tx, size) };
    for (const known of [exported, copied]) {
      const why = known && (await this.#refuse(tx, known, current));
      if (why !== undefined) return why;
    }
    if (size === 0 || (exported?.size === size && exported.root.equals(current.root)))
      return 'unchanged';
    const signers = await findSigners(tx, keys, { before: exported?.size ?? 0, size });
    if (signers === undefined) return 'key_missing';
    const before = exported && (await isBeginning(tx, exported, size)) ? exported : undefined;
    const proof = before === undefined ? [] : await proveConsistency(tx, before.size, size);
    if (before !== undefined && !isConsistent(before, current, proof)) return 'differs';
    const origin = originOf(installation);
    const privateKeys = signers.map(({ privateKey }) => privateKey!);
    const note = signNote({ origin, ...current }, privateKeys);
    const line = { note, from: before?.size ?? null, proof, at: new Date() };
    const written = tryFile(() => appendCheckpoint(checkpointsFile, line));
    if (written === 'cannot_write') return written;
    await insertCheckpoint(tx, { ...current, note });
    retireBefore(keysFile, keys, signers.at(-1)!.publicKey);
    return 'signed';
  }

  /** Why the log may not be signed beside a known checkpoint; undefined where it goes on from it. */
  async #refuse(tx: Tx, known: Known, current: Known): Promise<StopReason | undefined> {
    if (await isBeginning(tx, known, current.size)) return undefined;
    const root = known.root.toString('hex');
    const accepted = (await selectAcceptances(tx)).some(
      ({ exportedSize, exportedRoot }) => exportedSize === known.size && exportedRoot === root,
    );
    if (accepted) return undefined;
    return known.size > current.size ? 'shorter' : 'differs';
  }
}

/** Whatever keeps us from the file is for a person to mend. */
function tryFile<T>(work: () => T): T | 'cannot_write' {
  try {
    return work();
  } catch {
    return 'cannot_write';
  }
}

async function addLeaves(tx: Tx): Promise<number> {
  const before = await readSize(tx);
  const added = await insertLeaves(tx, BATCH);
  const size = before + added;
  for (let level = 1, width = 2; size >= width; level += 1, width *= 2) {
    const [from, to] = [Math.floor(before / width), Math.floor(size / width)];
    if (from === to) break;
    await insertNodes(tx, { level, from, to });
  }
  return added;
}

/**
 * Whoever signs: the key in force at this size; the one before it too where it changed since the
 * last checkpoint, so that whoever trusts that one can trust the new one. Undefined where the key
 * in force is not ours.
 */
async function findSigners(
  tx: Tx,
  keys: readonly LogKey[],
  { before, size }: { readonly before: number; readonly size: number },
): Promise<readonly LogKey[] | undefined> {
  const entries = await selectKeyEntries(tx);
  const inForce = (at: number) =>
    entries.findLast(({ position }) => position !== null && position < at)?.publicKey;
  const find = (publicKey: string | undefined) =>
    keys.find((key) => key.publicKey.toString('hex') === publicKey && key.privateKey);
  const now = find(inForce(size));
  if (now === undefined) return undefined;
  const earlier = inForce(before) === inForce(size) ? undefined : find(inForce(before));
  return earlier === undefined ? [now] : [earlier, now];
}
