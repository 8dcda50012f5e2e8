/**
 * Watches the requests of one sender: counts what became of them, a row a second, and moves the
 * breaker by it. So the cost is one small statement a second, whatever the pace; only the few
 * trials of a gateway that comes back are written as they end.
 *
 * Promise kept here: what is counted belongs to the turn in which the request was claimed, so an
 * old time-out cannot undo a trial that began after it.
 */
import { newId } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import type { Log } from '#log.ts';
import { record } from '#audit/index.ts';
import { isRow, nextStep, windowOf, type Rest } from './breaker.ts';
import type { Gateway } from './gateways/gateway.ts';
import { plainCode, type SendResult } from './model.ts';
import { probeTo, type Probing } from './probe.ts';
import { leaseMsFor, pauseAfter } from './request.ts';
import { Signal } from './signal.ts';
import {
  claimProbe,
  insertTally,
  moveBreaker,
  pauseRefused,
  readBreaker,
  type KnownBreaker,
  type RefusalRule,
  type TallyRow,
} from './store-breaker.ts';
import { markGatewayFailed, markGatewayProven } from './store-gateway.ts';
import { notifyDispatch } from './store-plan.ts';
import { pauseBucket } from './store-bucket.ts';

const PULSE_MS = 1_000;
/** Without an answer for so long a request counts as failed: its own time-out would be too late. */
const LATE_MS = 8_000;
/** A pulse so late says that we stood still, not that the provider did. */
const FROZEN_MS = 5_000;

export type WatchOptions = {
  readonly database: Database;
  readonly gateway: Gateway;
  readonly log: Log;
  /** The gateway takes nothing more for now: what is claimed and not requested goes back. */
  readonly onOpen: () => void;
  /** When refusals of one dispatch are no accident. */
  readonly pauseWhenRefused: RefusalRule;
  readonly probing?: Probing | undefined;
  readonly rest?: Rest | undefined;
};

/** One request under way. */
export type Watched = {
  readonly turn: number;
  readonly dispatchId: string | null;
  /** Begun by itself after a row of failures. */
  readonly isAlone: boolean;
  startedAt: number;
  isLate: boolean;
};

/** The last refusal of each dispatch since the last pulse, in the provider's words. */
type Refusals = Map<string, string>;

type Counts = { -readonly [Key in keyof TallyRow]: TallyRow[Key] };

export class Watch {
  #options: WatchOptions;
  #underWay = new Set<Watched>();
  #counts = new Map<string, Counts>();
  #breaker: KnownBreaker | undefined;
  /** Failures since the last answer, in this turn; `alone`: of those begun by themselves. */
  #inARow = { turn: 0, count: 0, alone: 0 };
  #refusals: Refusals = new Map();
  #proven = false;
  #failure: string | undefined;
  #pulsedAt = performance.now();
  #stopping = false;
  #signal = new Signal();
  #loop: Promise<void> | undefined;
  #probe: Promise<void> | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Writes what was counted last. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#signal.wake();
    await this.#loop;
    await this.#probe;
  }

  /**
   * Requests that may be under way at once, as the breaker stands; a single one after a row of
   * failures: a provider that died fails fast, and in a second thousands of texts that may have
   * left would be requested. If it is answered, it was only the connections that broke.
   */
  get window(): number {
    const window = windowOf(this.#breaker, this.#options.gateway.window);
    return this.#goesAlone ? Math.min(1, window) : window;
  }

  get #goesAlone(): boolean {
    return isRow(this.#inARow.count) && this.#inARow.turn === this.#breaker?.turn;
  }

  get #canProbe(): boolean {
    return this.#options.probing?.addresses.has(this.#options.gateway.id) === true;
  }

  begin(request: { turn: number; dispatchId: string | null }): Watched {
    const { turn, dispatchId } = request;
    const [startedAt, isAlone] = [performance.now(), this.#goesAlone];
    const watched = { turn, dispatchId, isAlone, startedAt, isLate: false };
    this.#underWay.add(watched);
    return watched;
  }

  /** `isOurs`: we came too late ourselves, which says nothing about the gateway. */
  async end(watched: Watched, result: SendResult, isOurs: boolean): Promise<void> {
    this.#underWay.delete(watched);
    const counts = this.#countsOf(watched);
    const isTooFast = result.class === 'not_sent' && result.tooFast === true;
    if (result.class !== 'not_sent') counts[result.class] += 1;
    if (result.class === 'accepted') this.#proven = true;
    if (result.class === 'rejected' && watched.dispatchId !== null)
      this.#refusals.set(watched.dispatchId, plainCode(result.code));
    if (result.class === 'accepted' || result.class === 'rejected') this.#noteAnswer(watched.turn);
    else {
      this.#failure = plainCode(result.code);
      if (!isOurs && !isTooFast && !watched.isLate) this.#noteFailure(watched);
    }
    // A trial is written at once: killed within the second, a worker would leave it lost.
    if (this.#breaker?.state === 'half_open') this.#signal.wake();
    const pause = pauseAfter(result);
    if (pause !== undefined) await this.#pause(pause);
  }

  async #pause(pause: { forMs: number; reason: string; tooFast: boolean }): Promise<void> {
    const { database, gateway, log } = this.#options;
    const gatewayId = gateway.id;
    try {
      await database.withActor(system('dispatch'), (tx) =>
        pauseBucket(tx, { gatewayId, ...pause }),
      );
    } catch (error) {
      log.error('dispatch.health_not_noted', { gateway: gateway.id, error });
    }
  }

  #countsOf({ turn, dispatchId }: Watched): Counts {
    const key = `${turn} ${dispatchId}`;
    const fresh = { turn, dispatchId, accepted: 0, rejected: 0, unknown: 0, failed: 0 };
    const counts = this.#counts.get(key) ?? fresh;
    this.#counts.set(key, counts);
    return counts;
  }

  #noteAnswer(turn: number): void {
    if (turn === this.#inARow.turn) this.#inARow = { turn, count: 0, alone: 0 };
  }

  #noteFailure(watched: Watched): void {
    const { turn, isAlone } = watched;
    this.#countsOf(watched).failed += 1;
    if (turn > this.#inARow.turn) this.#inARow = { turn, count: 0, alone: 0 };
    if (turn !== this.#inARow.turn) return;
    this.#inARow.count += 1;
    if (isAlone) this.#inARow.alone += 1;
    if (isRow(this.#inARow.alone)) this.#signal.wake();
  }

  async #run(): Promise<void> {
    const { gateway, log } = this.#options;
    for (;;) {
      // Read first: what is counted until then is still written.
      const isLast = this.#stopping;
      this.#findLate();
      try {
        await this.#pulse();
      } catch (error) {
        log.error('dispatch.health_not_noted', { gateway: gateway.id, error });
      }
      if (isLast) return;
      await this.#signal.wait(PULSE_MS);
    }
  }

  #findLate(): void {
    const now = performance.now();
    const wasFrozen = now - this.#pulsedAt > FROZEN_MS;
    this.#pulsedAt = now;
    for (const watched of this.#underWay) {
      if (wasFrozen) watched.startedAt = now;
      if (watched.isLate || now - watched.startedAt < LATE_MS) continue;
      watched.isLate = true;
      this.#noteFailure(watched);
    }
  }

  async #pulse(): Promise<void> {
    const { database, gateway } = this.#options;
    const rows = [...this.#counts.values()];
    const [proven, failure, refusals] = [this.#proven, this.#failure, this.#refusals];
    this.#counts = new Map();
    this.#refusals = new Map();
    this.#proven = false;
    this.#failure = undefined;
    const breaker = await database.withActor(system('dispatch'), async (tx) => {
      if (rows.length > 0) await insertTally(tx, gateway.id, rows);
      if (proven) await markGatewayProven(tx, gateway.id);
      if (failure !== undefined) await markGatewayFailed(tx, gateway.id, failure);
      for (const [dispatchId, code] of refusals) await this.#judge(tx, dispatchId, code);
      return await this.#move(tx);
    });
    this.#breaker = breaker;
    if (breaker?.state === 'open') this.#options.onOpen();
    if (breaker?.probeIsDue === true && !this.#stopping)
      this.#probe ??= this.#sendProbe().finally(() => (this.#probe = undefined));
  }

  /** One message to an address of ours, if this gateway has one and no other worker is at it. */
  async #sendProbe(): Promise<void> {
    const { database, gateway, log, probing } = this.#options;
    const address = probing?.addresses.get(gateway.id);
    if (probing === undefined || address === undefined) return;
    const { everyMs } = probing;
    try {
      const turn = await database.withActor(system('dispatch'), (tx) =>
        claimProbe(tx, { gatewayId: gateway.id, everyMs }),
      );
      if (turn === undefined) return;
      const watched = this.begin({ turn, dispatchId: null });
      const probe = probeTo({ id: newId(), address }, probing, new Date());
      await this.end(watched, await gateway.send(probe), false);
    } catch (error) {
      log.error('dispatch.probe_failed', { gateway: gateway.id, error });
    }
  }

  /** Something is wrong with all of it: a text that nobody takes, a list of dead numbers. */
  async #judge(tx: Tx, dispatchId: string, code: string): Promise<void> {
    const rule = this.#options.pauseWhenRefused;
    const reason = await pauseRefused(tx, { dispatchId, rule, code });
    if (reason === undefined) return;
    await notifyDispatch(tx, dispatchId);
    await record(tx, {
      action: 'dispatch.paused',
      subject: { kind: 'dispatch', id: dispatchId },
      detail: { reason },
    });
    this.#options.log.error('dispatch.refusals', { dispatchId });
  }

  /** Moves the breaker where what was counted asks for it; returns it as it then stands. */
  async #move(tx: Tx): Promise<KnownBreaker | undefined> {
    const { gateway, log, rest } = this.#options;
    const breaker = await readBreaker(tx, gateway.id);
    if (breaker === undefined) return undefined;
    const inARow = this.#inARow.turn === breaker.turn ? this.#inARow.count : 0;
    const step = nextStep(
      breaker,
      { ...breaker, inARow },
      { canProbe: this.#canProbe, leaseMs: leaseMsFor(gateway.sendMaxMs), rest },
    );
    if (step === undefined) return breaker;
    if (!(await moveBreaker(tx, { gatewayId: gateway.id, turn: breaker.turn, step })))
      return breaker;
    const { state: to, reason } = step;
    await record(tx, {
      action: 'gateway.breaker_moved',
      subject: { kind: 'gateway', id: gateway.id },
      detail: { from: breaker.state, to, ...(reason !== null && { reason }) },
    });
    log.warn('dispatch.breaker_moved', { gateway: gateway.id, state: to });
    return await readBreaker(tx, gateway.id);
  }
}
