/** Scenes for the dispatch engine: a simulated Notify, an engine, and dispatches made by hand. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { blindIndex, open, seal, type SealingKey } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { openDatabase, type Database, type Tx } from '#db/database.ts';
import { createLog, type Log } from '#log.ts';
import type { QuietHours } from '#kernel/quiet-hours.ts';
import type { Approved } from '#kernel/approved.ts';
import {
  type Clocks,
  countMessages,
  Engine,
  type EngineOptions,
  type InboxSeals,
  type MessageState,
  openNotifyGateway,
  planDispatch,
  type Prove,
  releaseDispatch,
  sealDispatch,
  upsertGateway,
  type Gateway,
} from '#dispatch/index.ts';
import { DEFAULT_API_KEYS, startSimulator, type Simulator } from '#simulator/index.ts';

export { DEFAULT_API_KEYS, DEFAULT_TEMPLATES, type Simulator } from '#simulator/index.ts';

export const sealingKey: SealingKey = { id: 1, key: randomBytes(32) };
export const installation = newId();

/** Says nothing; `TOCSIN_TEST_LOG=1` shows what the engine logs. */
export const quiet: Log = createLog({
  level: process.env['TOCSIN_TEST_LOG'] === undefined ? 'silent' : 'debug',
});

export function openAddress(contactPointId: string, sealed: Buffer): string {
  return open([sealingKey], `contact_point|${contactPointId}`, sealed);
}

/** Hides what comes in, and lets a test see it. */
export const seals: InboxSeals = {
  indexNumber: (number) => blindIndex(sealingKey.key, 'text', number.replace(/\D/g, '')),
  sealNumber: (id, number) => seal(sealingKey, `reply_number|${id}`, number),
  sealContent: (id, content) => seal(sealingKey, `reply_content|${id}`, content),
};

type SimulatorOptions = Parameters<typeof startSimulator>[0];

/** A Notify that answers at once, without limits, and keeps no ledger. */
export async function startQuickSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  return await startSimulator({
    notifyPort: 0,
    controlPort: 0,
    smtpPort: 0,
    ledger: 'off',
    limiter: 'off',
    receiptDelayMs: [0, 0],
    ...options,
  });
}

export function notifyGateway(simulator: Simulator): Gateway {
  const { live } = DEFAULT_API_KEYS;
  return openNotifyGateway('notify', { baseUrl: simulator.notifyUrl, apiKey: live });
}

/** Writes the row of the gateway, with a bucket that never holds anything up unless told. */
export async function seedNotify(
  worker: Database,
  bucket = { ratePerSecond: 1e6, burst: 1e6 },
): Promise<void> {
  await seedGateway(worker, { id: 'notify', bucket });
}

/** The same for any gateway of texts; without a name of its own its bucket is called like it. */
export async function seedGateway(
  worker: Database,
  gateway: {
    readonly id: string;
    readonly channel?: 'text' | 'mail';
    readonly bucket?: { id?: string; ratePerSecond: number; burst: number };
  },
): Promise<void> {
  const { id, channel = 'text', bucket } = gateway;
  await worker.withActor(system('test'), (tx) =>
    upsertGateway(tx, {
      id,
      kind: 'notify',
      channel,
      bucket: { id, ratePerSecond: 1e6, burst: 1e6, ...bucket },
      canBeAsked: true,
      takesReplies: true,
      settingsSealed: Buffer.from('unused in tests'),
      callbackTokenHash: null,
    }),
  );
}

/** Whatever was released may leave: who approved it is asked where alerts are. */
export const letAll: Prove = (_tx, dispatchId) =>
  Promise.resolve({ holds: true, by: { approvalId: dispatchId, part: 'first', isAlone: false } });

export function startEngine(
  worker: Database,
  gateways: readonly Gateway[],
  options: Partial<EngineOptions> = {},
): Engine {
  const engine = new Engine({
    database: worker,
    gateways,
    openAddress,
    installation,
    seals,
    // A test of something else is not to be stopped by what it makes the provider refuse.
    pauseWhenRefused: { share: 1, atLeast: 1_000_000 },
    log: quiet,
    clockOf: (time) => time.toISOString().slice(11, 16),
    prove: letAll,
    ...options,
  });
  engine.start();
  return engine;
}

export type Scene = {
  readonly messages: number;
  readonly lane?: number;
  readonly rank?: (index: number) => number;
  /** No round opens in them. */
  readonly quietHours?: QuietHours;
  /** Messages of later rounds, each opening so long after release. */
  readonly laterRoundsMs?: readonly number[];
};

/** A dispatch with so many texts in round 1, each to a number of its own; not released. */
export async function makeDispatch(owner: Database, scene: Scene): Promise<string> {
  const id = newId();
  const rounds = [0, ...(scene.laterRoundsMs ?? [])].map((opensAfterMs, i) => ({
    round: i + 1,
    opensAfterMs,
  }));
  const points = Array.from({ length: scene.messages }, (_, i) => pointNumber(i));
  await owner.withActor(system('test'), async (tx) => {
    await planDispatch(tx, {
      id,
      label: 'Test',
      lane: scene.lane ?? 1,
      exercise: scene.lane === 4,
      expiresAfterMs: 3_600_000,
      receiptAsksMs: [120_000, 300_000, 600_000, 1_800_000],
      uncertainAfterMs: 300_000,
      quietHours: scene.quietHours,
      rounds,
    });
    for (const { round } of rounds) {
      await tx.run(sql`
        insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, organisation_id,
          channel, round, rank, code, body, address_sealed)
        select kernel.uuid_v7(), ${id}, point.id, point.id, 'text', ${round}, point.rank, '4821',
          'Northmoor: test ' || ${round}::text || '. Reply 4821=got it', point.sealed
        from unnest(${points.map((p) => p.id)}::uuid[], ${points.map((p) => p.sealed)}::bytea[],
          ${points.map((_, i) => scene.rank?.(i) ?? 1)}::smallint[]) as point (id, sealed, rank)`);
    }
  });
  return id;
}

function pointNumber(index: number): { id: string; sealed: Buffer } {
  const id = newId();
  const number = `4477000${String(index).padStart(5, '0')}`;
  return { id, sealed: seal(sealingKey, `contact_point|${id}`, number) };
}

/** Releases it as if a second person had approved exactly this. */
export async function release(web: Database, dispatchId: string): Promise<void> {
  await web.withActor(system('test'), async (tx) => {
    const hash = await sealDispatch(tx, dispatchId, '');
    const approved = { hash, approvedBy: newId(), approvedAt: new Date() } as Approved;
    const released = await releaseDispatch(tx, { dispatchId, approved, alsoCovers: '' });
    if (!released.ok) throw new Error(released.message);
  });
}

/** How many messages of the dispatch are in each state. */
export async function statesOf(owner: Database, id: string): Promise<Record<string, number>> {
  return await owner.withActor(system('test'), async (tx) => {
    const counts: Record<string, number> = {};
    for (const { state, messages } of await countMessages(tx, id))
      counts[state] = (counts[state] ?? 0) + messages;
    return counts;
  });
}

/** What is looked at is often a page, and takes the time of what is waited for. */
const PAUSE_MAX_MS = 200;

/** Waits until `holds`, looking after 20 ms and then less often; throws with what was last seen. */
export async function until<T>(
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MAX_MS)) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** One transaction that leaves no trace: for trying a statement on rows in each state. */
export async function rehearse<T>(database: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  const undo = new Error('undone on purpose');
  let result: { value: T } | undefined;
  try {
    await database.withActor(system('test'), async (tx) => {
      result = { value: await work(tx) };
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
  }
  return result!.value;
}

/**
 * Puts a message into a state, with the columns that belong to it: attempt 1 of `lease.owner` at
 * the gateway `notify`, due, good for an hour, its lease or next check a minute away.
 */
export async function putInState(
  tx: Tx,
  id: string,
  state: MessageState,
  lease: { readonly owner: string },
): Promise<void> {
  await tx.run(sql`
    insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner)
    values (${id}, 1, 1, 'notify', ${lease.owner}) on conflict do nothing`);
  await tx.run(sql`
    with wanted as (select ${state}::text as state, now() + interval '1 minute' as soon)
    update dispatch.message set state = wanted.state, attempt = 1, gateway_id = 'notify',
      home_gateway_id = 'notify',
      due_at = now() - interval '1 second', expires_at = now() + interval '1 hour',
      lease_owner = case when wanted.state = 'claimed' then ${lease.owner}::uuid end,
      lease_until = case when wanted.state = 'claimed' then soon end,
      check_at = case when wanted.state in ('unknown', 'accepted') then soon end,
      checks = 0, absences = 0,
      accepted_at = case when wanted.state in ('accepted', 'delivered', 'undelivered')
        then now() end,
      final_at = case when wanted.state not in ('held', 'ready', 'claimed', 'unknown', 'accepted')
        then now() end
    from wanted where id = ${id}`);
}

export type Row = {
  id: string;
  state: MessageState;
  attempt: number;
  round: number;
  absences: number;
  providerId: string | null;
  failureCode: string | null;
  leaseOwner: string | null;
};

/** The messages of a dispatch as they stand, by the order in which they were planned. */
export async function rowsOf(tx: Tx, dispatchId: string): Promise<Row[]> {
  return await tx.rows<Row>(sql`
    select id, state, attempt, round, absences, provider_id, failure_code, lease_owner
    from dispatch.message where dispatch_id = ${dispatchId} order by round, id`);
}

/** The reference of an attempt of this installation, written out: providers keep it for years. */
export function referenceOf(messageId: string, attempt = 1, epoch = 1): string {
  return `tocsin-${installation.slice(0, 8)}-${messageId}-${epoch}-${attempt}`;
}

/** What an engine in a process of its own is told. */
export type WorkerTask = {
  readonly config: Database['config'];
  readonly notifyUrl: string;
  /** False switches the check of the lease off: to see that the tests would notice. */
  readonly checksLease: boolean;
};

/** Short waits, so that a lease ends in seven seconds instead of a minute. */
export const quickWaits = {
  waits: { connectMs: 500, headersMs: 1_500, bodyMs: 500 },
  engine: { quietMs: 1_000, lookupGapMs: 1_000 },
} as const;

/**
 * For who counts what a provider accepted: one that gets no CPU accepts a request seconds after it
 * left, and what is looked up before that goes twice, by the test's fault and not the engine's.
 */
export const patientWaits = {
  waits: { connectMs: 1_000, headersMs: 6_000, bodyMs: 1_000 },
  engine: { quietMs: 5_000, lookupGapMs: 2_000 },
} as const;

export function quickGateway(notifyUrl: string, { waits }: Waits = quickWaits): Gateway {
  const settings = { baseUrl: notifyUrl, apiKey: DEFAULT_API_KEYS.live };
  return openNotifyGateway('notify', settings, { waits });
}

type Waits = { readonly waits: { connectMs: number; headersMs: number; bodyMs: number } };

/** Starts an engine in a child; resolves when it runs. Whoever starts it ends it. */
export async function spawnWorker(task: WorkerTask): Promise<ChildProcess> {
  const secrets = { key: sealingKey.key.toString('base64'), installation };
  const child = spawn(process.execPath, [import.meta.filename, JSON.stringify([task, secrets])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

if (process.argv[1] === import.meta.filename) {
  const [task, secrets] = JSON.parse(process.argv[2]!) as [
    WorkerTask,
    { key: string; installation: string },
  ];
  const key: SealingKey = { id: 1, key: Buffer.from(secrets.key, 'base64') };
  const frozen: Clocks = { monotonicMs: () => 0, wallMs: () => 0 };
  startEngine(openDatabase(task.config), [quickGateway(task.notifyUrl, patientWaits)], {
    ...patientWaits.engine,
    ...(!task.checksLease && { clocks: frozen }),
    installation: secrets.installation,
    openAddress: (id, sealed) => open([key], `contact_point|${id}`, sealed),
  });
  process.stdout.write('running\n');
}

/** Until a statement waits for a lock of another one. */
export async function untilOneWaits(owner: Database): Promise<void> {
  const look = () =>
    owner.withActor(system('test'), (tx) =>
      tx.one<{ waiting: number }>(sql`select count(*) as waiting from pg_locks
        where not granted and pid in (select pid from pg_stat_activity
          where datname = current_database())`),
    );
  await until(look, ({ waiting }) => waiting > 0, 2_000);
}
