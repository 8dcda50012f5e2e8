/**
 * The running engine: a sender for each gateway, and one beat a second for timers. Any number of
 * engines may run on one database; every step is a guarded statement.
 */
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import { listen, type Listener } from '#db/listen.ts';
import type { Rest } from './breaker.ts';
import { beginFirstLook, keepContinuity } from './continuity.ts';
import type { Gateway } from './gateways/gateway.ts';
import { openInbox } from './inbound.ts';
import { applyReceiptsInTurns, type InboxSeals } from './inbox.ts';
import { Drift, type Clocks } from './lease.ts';
import { leaseMsFor } from './request.ts';
import { quietMs } from './model.ts';
import { endDone, endLeases, endUse } from './passed.ts';
import type { Probing } from './probe.ts';
import { reconcile } from './reconcile.ts';
import { openDueRounds, restExercises } from './rounds.ts';
import { listPolled, poll } from './poll.ts';
import { Prover, type Prove } from './proof.ts';
import { Sender } from './sender.ts';
import { watchReplica } from './replica.ts';
import { readTemplates } from './templates.ts';
import { Signal, Sometimes } from './signal.ts';
import { deleteOldTallies, shiftSlow, type RefusalRule } from './store-breaker.ts';
import { findHomes } from './store-home.ts';
import { settleUncertain } from './uncertain.ts';
import { listSending } from './store-plan.ts';
import { STOPPED } from './store-stopped.ts';
import { cancelLeftovers, markCleared } from './store-send.ts';

const BEAT_MS = 1_000;
/** For whoever looks at the page; each dispatch reads it again before it begins (`TemplateCheck`). */
const TEMPLATES_MS = 180_000;
/** How soon it is seen that a replica is away, or back. */
const REPLICA_MS = 2_000;
const MINUTE_MS = 60_000;
/** Half a second of work each: a beat must not hold up the others. */
const HOMES_MAX = 10_000;
const LEFTOVERS_MAX = 20_000;
const UNREAD_NOTE_MS = 60_000;

export type EngineOptions = {
  readonly database: Database;
  readonly gateways: readonly Gateway[];
  readonly openAddress: (contactPointId: string, sealed: Buffer) => string;
  readonly installation: string;
  readonly prove: Prove;
  /** How what comes in through a gateway is hidden. */
  readonly seals: InboxSeals;
  readonly log: Log;
  /** A time as readers of texts see it, such as 03:02. */
  readonly clockOf: (time: Date) => string;
  /** When a dispatch pauses because of refusals. */
  readonly pauseWhenRefused: RefusalRule;
  /** How gateways with an address of ours prove themselves; absent: they do not. */
  readonly probing?: Probing;
  /** Tests shorten these waits of the model and set the clocks; production leaves them out. */
  readonly quietMs?: number;
  readonly lookupGapMs?: number;
  readonly marginMs?: number;
  readonly firstLookMs?: number;
  readonly rest?: Rest;
  readonly clocks?: Clocks;
};

export class Engine {
  #options: EngineOptions;
  #gateways: ReadonlyMap<string, Gateway>;
  #senders: readonly Sender[];
  #prover: Prover;
  #receipts = new Signal();
  #minutely = new Sometimes(MINUTE_MS);
  /** Of the loops: none waits once it is to stop. */
  #signals: Signal[] = [];
  #owner = newId();
  #firstLook;
  #drift: Drift;
  /** Nothing is claimed before a beat found history whole: the first one, or after a jump. */
  #mayClaim = Promise.withResolvers<void>();
  #unread = new Sometimes(UNREAD_NOTE_MS);
  #stopping = false;
  #steering: Promise<void> = Promise.resolve();
  #loops: Promise<void>[] = [];
  #listener: Listener | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#firstLook = beginFirstLook(options.firstLookMs);
    this.#drift = new Drift(options.clocks);
    this.#gateways = new Map(options.gateways.map((gateway) => [gateway.id, gateway]));
    const prover = (this.#prover = new Prover(options));
    this.#senders = options.gateways.map((gateway) => new Sender({ ...options, gateway, prover }));
  }

  start(): void {
    const { database } = this.#options;
    this.#listener = listen({
      config: database.config,
      channels: ['tocsin_steer', 'tocsin_receipt'],
      onNotify: (channel, payload) => {
        if (channel === 'tocsin_receipt') this.#receipts.wake();
        else this.#heed(payload);
      },
      // What was steered meanwhile is not known: ask for everything that is held, then look.
      onGap: () => void this.#steer([]).then(() => this.#senders.forEach((s) => s.wake())),
      onError: (error) => {
        this.#options.log.warn('dispatch.notifications_lost', { error });
        this.#senders.forEach((sender) => sender.dropQueue('database_lost'));
      },
    });
    for (const gateway of this.#gateways.values())
      gateway.receive?.(openInbox(gateway.id, this.#options));
    for (const sender of this.#senders) sender.start(() => this.#untilMayClaim());
    this.#loops = [
      this.#every('timers', () => this.#beat()),
      this.#every(
        'receipts',
        () => applyReceiptsInTurns(database, this.#gateways, () => this.#stopping),
        BEAT_MS,
        this.#receipts,
      ),
      ...this.#lookUp(),
      ...this.#poll(),
      this.#every('proofs', () => this.#prover.lookAtNew()),
      this.#every('templates', () => readTemplates(this.#options), TEMPLATES_MS),
      this.#every('replica', () => watchReplica(this.#options), REPLICA_MS),
    ];
  }

  /** Drains: nothing new is claimed, what is under way ends and is settled. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const signal of this.#signals) signal.wake();
    await this.#listener?.stop();
    const stopped = this.#senders.map((sender) => sender.stop());
    this.#mayClaim.resolve();
    await Promise.all([...stopped, ...this.#loops]);
    await this.#steering;
  }

  /** One beat of the timers. Each statement is its own transaction: one failure delays one. */
  async #beat(): Promise<void> {
    const { database } = this.#options;
    // Before anything may be claimed, at a start too.
    await restExercises(database);
    if (!(await this.#mayGoOn())) return;
    await this.#steer([]);
    if ((await openDueRounds(database)) > 0) this.#senders.forEach((s) => s.wake());
    if ((await settleUncertain(database)) > 0) this.#senders.forEach((s) => s.wake());
    const [act, beat] = [system('dispatch'), { database, owner: this.#owner }];
    await database.withActor(act, (tx) => findHomes(tx, HOMES_MAX));
    await endUse(beat);
    await database.withActor(act, (tx) => cancelLeftovers(tx, LEFTOVERS_MAX));
    await database.withActor(act, (tx) => markCleared(tx));
    await endDone(beat);
    await this.#minutely.note(async () => {
      await database.withActor(act, (tx) => shiftSlow(tx));
      await database.withActor(act, (tx) => deleteOldTallies(tx));
    });
  }

  /**
   * False while our history may have holes: then nothing counts as too old, called off or due, and
   * what was claimed before is given back.
   */
  async #mayGoOn(): Promise<boolean> {
    const { database, quietMs: quiet = quietMs, gateways, log } = this.#options;
    this.#heedClocks();
    const [firstLook, mayClaim] = [this.#firstLook, this.#mayClaim];
    await endLeases({ database, owner: this.#owner }, quiet);
    const isWhole = await keepContinuity({
      ...this.#options,
      gateways: this.#gateways,
      settleMs: Math.max(0, ...gateways.map(({ sendMaxMs }) => leaseMsFor(sendMaxMs))) + quiet,
      firstLook,
      isStopping: () => this.#stopping,
      onUnread: (gateway) =>
        void this.#unread.note(async () => log.warn('dispatch.history_unread', { gateway })),
    });
    if (isWhole) mayClaim.resolve();
    else this.#senders.forEach((sender) => sender.dropQueue('history_in_doubt'));
    return isWhole;
  }

  /**
   * A machine that was turned back with its memory, database and all, knows nothing of what it has
   * sent since. Its wall clock tells, once it is put right: the providers are asked before anything
   * else leaves, however long they take.
   */
  #heedClocks(): void {
    const { clocks, log } = this.#options;
    if (!this.#drift.hasJumped || this.#stopping) return;
    log.warn('dispatch.clock_jumped');
    this.#drift = new Drift(clocks);
    this.#firstLook = beginFirstLook(Infinity);
    // Whoever waits for the old one finds the new one.
    this.#mayClaim.resolve();
    this.#mayClaim = Promise.withResolvers();
    for (const sender of this.#senders) sender.dropQueue('clock_jumped');
  }

  async #untilMayClaim(): Promise<void> {
    for (;;) {
      this.#heedClocks();
      const { promise } = this.#mayClaim;
      await promise;
      const isLatest = promise === this.#mayClaim.promise && !this.#drift.hasJumped;
      if (isLatest || this.#stopping) return;
    }
  }

  /**
   * A loop for each gateway that can be asked: the pages of one that hangs take minutes. Each time
   * until nothing is due: after a crash there may be hundreds, and a beat takes fifty.
   */
  #lookUp(): Promise<void>[] {
    const isStopping = () => this.#stopping;
    const options = { ...this.#options, isStopping };
    const asked = [...this.#gateways.values()].filter((gateway) => gateway.find !== undefined);
    return asked.map((gateway) => {
      const lookUp = async () => {
        while (!this.#stopping && (await reconcile(options, gateway)) > 0);
      };
      return this.#every(`look-ups at ${gateway.id}`, lookUp);
    });
  }

  /** News: a dispatch's id, ` halt` behind it where nothing more of it may leave; or a stop. */
  #heed(payload: string): void {
    if (payload === STOPPED) return this.#senders.forEach((s) => s.dropQueue('address_stopped'));
    const [id = '', halt] = payload.split(' ');
    if (halt !== undefined) for (const sender of this.#senders) sender.callOff(id);
    void this.#steer([id]);
  }

  /** A loop for each thing to ask: texts wait for no status, and no gateway for another one. */
  #poll(): Promise<void>[] {
    const isStopping = () => this.#stopping;
    const options = { ...this.#options, gateways: this.#gateways, owner: this.#owner, isStopping };
    return listPolled(this.#gateways).map((polled) =>
      this.#every(`polls of ${polled.what}`, () => poll(polled, options)),
    );
  }

  /**
   * Brings the senders in line with the dispatches that changed and with all they hold back. News
   * may be lost or overtake each other, so what counts is the state that is read, one reading after
   * the other; each beat reads again, or a missed "resume" would hold a dispatch back for ever.
   */
  #steer(changed: readonly string[]): Promise<void> {
    this.#steering = this.#steering.then(async () => {
      const { database, log } = this.#options;
      try {
        const held = this.#senders.flatMap((sender) => sender.dispatchIds());
        const ids = [...new Set([...changed, ...held])];
        if (ids.length === 0) return;
        const sending = new Set(
          await database.withActor(system('dispatch'), (tx) => listSending(tx, ids)),
        );
        for (const sender of this.#senders) {
          for (const id of ids) {
            if (!sending.has(id)) sender.callOff(id);
            else if (changed.includes(id) || sender.isCalledOff(id)) sender.allow(id);
          }
        }
      } catch (error) {
        log.error('dispatch.state_unread', { error });
      }
    });
    return this.#steering;
  }

  async #every(
    name: string,
    act: () => Promise<unknown>,
    everyMs = BEAT_MS,
    signal = new Signal(),
  ): Promise<void> {
    this.#signals.push(signal);
    while (!this.#stopping) {
      try {
        await act();
      } catch (error) {
        this.#options.log.error('dispatch.loop_failed', { error, part: name });
      }
      if (!this.#stopping) await signal.wait(everyMs);
    }
  }
}
