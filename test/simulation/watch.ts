/** `src/dispatch/watch.ts` as steps: what requests came to is counted, and moves the breaker. */
import { plainCode, type SendResult } from '#dispatch/model.ts';
import type { KnownBreaker, TallyRow } from '#dispatch/store-breaker.ts';
import type { Decisions } from './decisions.ts';
import { PROBE_EVERY_MS, type Parts, type SimulatedGateway } from './parts.ts';
import type { Base } from './twin/rows.ts';
import {
  Bell,
  ConnectionLost,
  SILENCE,
  TOO_LATE,
  request,
  transact,
  wait,
  type Answer,
  type Host,
  type Steps,
} from './world.ts';

const PULSE_MS = 1_000;
const LATE_MS = 8_000;
const FROZEN_MS = 5_000;
const wordsAt = () => ({ subject: 'Probe', body: 'Probe' });

export type Watched = {
  readonly turn: number;
  readonly dispatchId: string | null;
  readonly isAlone: boolean;
  startedAt: number;
  isLate: boolean;
};

type Counts = { -readonly [Key in keyof TallyRow]: TallyRow[Key] };

export class SimulatedWatch {
  #parts: Parts;
  #gateway: SimulatedGateway;
  #host: Host;
  #isProbing = false;
  #onOpen: () => void;
  #underWay = new Set<Watched>();
  #counts = new Map<string, Counts>();
  #refusals = new Map<string, string>();
  #breaker: KnownBreaker | undefined;
  #inARow = { turn: 0, count: 0, alone: 0 };
  #pulsedAt: number;
  #bell = new Bell();

  constructor(
    parts: Parts,
    { host, gateway }: { host: Host; gateway: SimulatedGateway },
    onOpen: () => void,
  ) {
    this.#parts = parts;
    this.#host = host;
    this.#gateway = gateway;
    this.#onOpen = onOpen;
    this.#pulsedAt = parts.world.now;
  }

  get window(): number {
    const window = this.#parts.decisions.windowOf(this.#breaker, this.#gateway.window);
    return this.#goesAlone ? Math.min(1, window) : window;
  }

  get #goesAlone(): boolean {
    const { turn, count } = this.#inARow;
    return this.#parts.decisions.isRow(count) && turn === this.#breaker?.turn;
  }

  begin({ turn, dispatchId }: { turn: number; dispatchId: string | null }): Watched {
    const [startedAt, isAlone] = [this.#parts.world.now, this.#goesAlone];
    const watched = { turn, dispatchId, isAlone, startedAt, isLate: false };
    this.#underWay.add(watched);
    return watched;
  }

  /** `isOurs`: we came too late ourselves, which says nothing about the gateway. */
  *end(watched: Watched, result: SendResult, isOurs: boolean): Steps<void> {
    this.#underWay.delete(watched);
    const isTooFast = result.class === 'not_sent' && result.tooFast === true;
    if (result.class !== 'not_sent') this.#countsOf(watched)[result.class] += 1;
    if (result.class === 'rejected' && watched.dispatchId !== null)
      this.#refusals.set(watched.dispatchId, plainCode(result.code));
    if (result.class === 'accepted' || result.class === 'rejected') {
      const { turn } = watched;
      if (turn === this.#inARow.turn) this.#inARow = { turn, count: 0, alone: 0 };
    } else if (!isOurs && !isTooFast && !watched.isLate) this.#noteFailure(watched);
    if (this.#breaker?.state === 'half_open') this.#bell.ring();
    const pause = this.#parts.decisions.pauseAfter(result);
    if (pause === undefined) return;
    const { id: gatewayId } = this.#gateway;
    yield* this.#untilItFails(`pauses the bucket of ${gatewayId}`, (base) =>
      this.#parts.twin.pauseBucket(base, { gatewayId, ...pause }),
    );
  }

  *run(): Steps<void> {
    for (;;) {
      this.#findLate();
      yield* this.#pulse();
      yield* wait(PULSE_MS, this.#bell);
    }
  }

  #countsOf({ turn, dispatchId }: Watched): Counts {
    const key = `${turn} ${dispatchId}`;
    const fresh = { turn, dispatchId, accepted: 0, rejected: 0, unknown: 0, failed: 0 };
    const counts = this.#counts.get(key) ?? fresh;
    this.#counts.set(key, counts);
    return counts;
  }

  #noteFailure(watched: Watched): void {
    const { turn, isAlone } = watched;
    this.#countsOf(watched).failed += 1;
    if (turn > this.#inARow.turn) this.#inARow = { turn, count: 0, alone: 0 };
    if (turn !== this.#inARow.turn) return;
    this.#inARow.count += 1;
    if (isAlone) this.#inARow.alone += 1;
    if (this.#parts.decisions.isRow(this.#inARow.alone)) this.#bell.ring();
  }

  #findLate(): void {
    const { now } = this.#parts.world;
    const wasFrozen = now - this.#pulsedAt > FROZEN_MS;
    this.#pulsedAt = now;
    for (const watched of this.#underWay) {
      if (wasFrozen) watched.startedAt = now;
      if (watched.isLate || now - watched.startedAt < LATE_MS) continue;
      watched.isLate = true;
      this.#noteFailure(watched);
    }
  }

  *#pulse(): Steps<void> {
    const rows = [...this.#counts.values()];
    const refusals = this.#refusals;
    this.#counts = new Map();
    this.#refusals = new Map();
    const breaker = yield* this.#untilItFails(`watches ${this.#gateway.id}`, (base) => {
      if (rows.length > 0) this.#parts.twin.insertTally(base, this.#gateway.id, rows);
      for (const [dispatchId, code] of refusals) this.#judge(base, dispatchId, code);
      return this.#move(base);
    });
    this.#breaker = breaker ?? this.#breaker;
    if (breaker?.state === 'open') this.#onOpen();
    if (breaker?.probeIsDue === true && this.#gateway.isProbed && !this.#isProbing) {
      this.#isProbing = true;
      this.#parts.world.start(this.#host, this.#sendProbe());
    }
  }

  /** One message to an address of ours, if no other worker is at it. */
  *#sendProbe(): Steps<void> {
    const { twin, decisions, world } = this.#parts;
    const { id: gatewayId, provider, sendMaxMs } = this.#gateway;
    const turn = yield* this.#untilItFails(`claims the probe of ${gatewayId}`, (base) =>
      twin.claimProbe(base, { gatewayId, everyMs: PROBE_EVERY_MS }),
    );
    if (turn !== undefined) {
      const watched = this.begin({ turn, dispatchId: null });
      const own = { id: world.random.uuid(), address: 'a handset of ours' };
      const { reference, body } = decisions.probeTo(own, { wordsAt }, new Date(world.now));
      const answer = yield* request<Answer | typeof TOO_LATE | typeof SILENCE>({
        label: `asks ${gatewayId} to send ${reference}`,
        mayStart: () => true,
        mostMs: sendMaxMs,
        receive: (give) => provider.receiveProbe({ reference, body }, give),
      });
      yield* this.end(watched, resultOf(answer, decisions), false);
    }
    this.#isProbing = false;
  }

  #judge(base: Base, dispatchId: string, code: string): void {
    const { twin, pauseWhenRefused: rule, onPaused } = this.#parts;
    if (twin.pauseRefused(base, { dispatchId, rule, code }) === undefined) return;
    twin.notifyDispatch(base, dispatchId);
    onPaused(dispatchId);
  }

  #move(base: Base): KnownBreaker | undefined {
    const { twin, decisions } = this.#parts;
    const { id: gatewayId } = this.#gateway;
    const breaker = twin.readBreaker(base, gatewayId);
    if (breaker === undefined) return undefined;
    const inARow = this.#inARow.turn === breaker.turn ? this.#inARow.count : 0;
    const leaseMs = decisions.leaseMsFor(this.#gateway.sendMaxMs);
    const step = decisions.nextStep(
      breaker,
      { ...breaker, inARow },
      { canProbe: this.#gateway.isProbed, leaseMs },
    );
    if (step === undefined) return breaker;
    const moved = twin.moveBreaker(base, { gatewayId, turn: breaker.turn, step });
    return moved ? twin.readBreaker(base, gatewayId) : breaker;
  }

  *#untilItFails<T>(label: string, run: (base: Base) => T): Steps<T | undefined> {
    try {
      return yield* transact(label, run);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      return undefined;
    }
  }
}

/** What the adapter makes of an answer: before the first byte "not sent", after it "unknown". */
export function resultOf(
  answer: Answer | typeof TOO_LATE | typeof SILENCE,
  decisions: Decisions,
): SendResult {
  if (answer === 'refused') return { class: 'not_sent', code: 'ECONNREFUSED' };
  if (answer === TOO_LATE) return { class: 'not_sent', code: TOO_LATE };
  if (answer === SILENCE) return { class: 'unknown', code: 'deadline' };
  if (answer === 'reset') return { class: 'unknown', code: 'ECONNRESET' };
  return decisions.classify(answer);
}
