/** Runs one scenario to its end and lets the ledgers judge it. */
import { createHash } from 'node:crypto';
import { findBreaches } from './check.ts';
import { decisions as liveDecisions, type Decisions } from './decisions.ts';
import { isNextInLine } from './check-people.ts';
import { keepLogs, type Evidence } from './evidence.ts';
import type { TimedFault } from './faults.ts';
import { forge } from './forger.ts';
import { Office } from './office.ts';
import { keepHistory, loseHistory } from './loss.ts';
import { Provider, type Entry } from './provider.ts';
import { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import { tokenOf, type SimulatedGateway } from './parts.ts';
import { twin as liveTwin, type Twin } from './twin/index.ts';
import { ANSWERS, keyOf, type Base, type Move } from './twin/rows.ts';
import { SimulatedWorker } from './worker.ts';
import { Host, World, type StepFault } from './world.ts';

const END_MS = 2 * 3_600_000;
/** After the last fault and act, and after everything is settled: late receipts still come. */
const AFTERMATH_MS = 30_000;
const SEND_MAX_MS = 30_000;
const WINDOW = 3;
const PAUSE_WHEN_REFUSED = { share: 0.5, atLeast: 4 };

/** Statements and decisions as they run, or with a bug planted in one of them. */
export type Engine = { readonly twin: Twin; readonly decisions: Decisions };
export const liveEngine: Engine = { twin: liveTwin, decisions: liveDecisions };

export type RunOptions = {
  readonly engine?: Engine;
  /** Faults besides those of the scenario, by step. */
  readonly stepFaults?: ReadonlyMap<number, StepFault>;
  readonly traces?: boolean;
};

export type Outcome = {
  readonly seed: number;
  readonly breaches: readonly string[];
  readonly steps: number;
  /** The steps that changed something. */
  readonly effective: readonly number[];
  readonly requests: number;
  readonly lookups: number;
  readonly virtualMs: number;
  readonly trace: readonly string[];
};

export function runScenario(scenario: Scenario, options: RunOptions = {}): Outcome {
  const stage = new Stage(scenario, options);
  return stage.play();
}

class Stage {
  #scenario: Scenario;
  #engine: Engine;
  #world: World;
  #office: Office;
  #providers: ReadonlyMap<string, Provider>;
  #gateways: readonly SimulatedGateway[];
  #workers: SimulatedWorker[] = [];
  #installation: string;
  #quietSince: number | undefined;
  #databaseDownUntil = 0;
  #evidence: Evidence;
  #forger: Random;

  constructor(scenario: Scenario, options: RunOptions) {
    this.#scenario = scenario;
    this.#engine = options.engine ?? liveEngine;
    const stepFaults = new Map([...scenario.stepFaults, ...(options.stepFaults ?? [])]);
    this.#world = new World({
      seed: scenario.seed,
      faults: stepFaults,
      traces: options.traces ?? false,
    });
    this.#installation = this.#world.random.uuid();
    this.#forger = new Random(scenario.seed ^ 0xf0f9e);
    this.#providers = this.#openProviders();
    this.#gateways = this.#openGateways();
    this.#evidence = {
      scenario,
      stepFaults,
      base: this.#world.base,
      ledgers: new Map([...this.#providers].map(([id, provider]) => [id, provider.ledger])),
      texts: new Map([...this.#providers].map(([id, provider]) => [id, provider.texts])),
      probes: new Map([...this.#providers].map(([id, provider]) => [id, provider.probes])),
      moves: [],
      attempts: [],
      lookups: [],
      steering: [],
      released: new Map(),
      approved: new Map(),
      answered: [],
      corrected: [],
      risked: [],
      toldEarly: [],
      keysAway: [],
      losses: [],
      lostEnds: new Map(),
      readings: new Map(
        this.#gateways.filter((g) => g.canBeAsked).map((g) => [g.id, g.provider.readings]),
      ),
    };
    this.#office = new Office(this.#world, this.#engine, this.#evidence);
  }

  play(): Outcome {
    const world = this.#world;
    const evidence = this.#evidence;
    world.base.onMove = (move) => this.#noteMove(move);
    world.base.onAttempt = (attempt) => evidence.attempts.push({ ...attempt, at: world.now });
    world.base.onLookup = (lookup) => evidence.lookups.push({ ...lookup, at: world.now });
    world.keepLogs = () => keepLogs(evidence);
    world.onNotify = (channel, payload) => this.#tell(channel, payload);
    this.#office.open();
    for (const fault of this.#scenario.faults) this.#await(fault);
    for (let place = 0; place < this.#scenario.workers; place++) this.#startWorker(place, 1);
    world.run(END_MS, () => this.#isOver());
    return {
      seed: this.#scenario.seed,
      breaches: findBreaches(evidence),
      steps: world.steps,
      effective: world.effective,
      requests: [...evidence.ledgers.values()].flat().length,
      lookups: world.base.tables.lookup.length,
      virtualMs: world.now,
      trace: world.trace,
    };
  }

  #openProviders(): Map<string, Provider> {
    const { seed, habits, answers } = this.#scenario;
    const random = new Random(seed ^ 0x0badcafe);
    return new Map(
      ['notify', 'second', 'relay'].map((id) => {
        const provider = new Provider(this.#world, random, habits);
        provider.onReceipt = ({ providerId, reference }, status) => {
          if (this.#isPolled(id)) return;
          this.#office.receive({
            gatewayId: id,
            token: tokenOf(id),
            providerId,
            reference,
            status,
          });
        };
        provider.onRequest = (entry) => this.#tellLies(id, entry);
        provider.onDelivered = (entry) => {
          if (random.chance(answers))
            this.#world.after(random.between(500, random.pick([3_000, 60_000])), () => {
              if (this.#isPolled(id)) provider.takeText(entry);
              else this.#office.answer(entry);
            });
        };
        return [id, provider];
      }),
    );
  }

  /** Whatever it has to tell waits until it is asked. */
  #isPolled(gatewayId: string): boolean {
    return this.#gateways.some(({ id, isPolled }) => id === gatewayId && isPolled);
  }

  #openGateways(): SimulatedGateway[] {
    const { twin } = this.#engine;
    const { bucket, hasMail, hasSecond, secondCanBeAsked: canBeAsked } = this.#scenario;
    const shapes = [
      { id: 'notify', kind: 'notify', channel: 'text', canBeAsked: true },
      ...(hasSecond
        ? [{ id: 'second', kind: 'notify', channel: 'text', canBeAsked } as const]
        : []),
      ...(hasMail
        ? [{ id: 'relay', kind: 'smtp', channel: 'mail', canBeAsked: false } as const]
        : []),
    ] as const;
    return shapes.map((shape) => {
      const isPolled = this.#scenario.hasPolls && shape.canBeAsked;
      twin.upsertGateway(this.#world.base, {
        ...shape,
        polls: isPolled ? 'always' : 'never',
        bucket: { id: shape.id, ...bucket },
        takesReplies: true,
        settingsSealed: Buffer.alloc(0),
        callbackTokenHash: createHash('sha256').update(tokenOf(shape.id)).digest(),
      });
      return {
        ...shape,
        isPolled,
        isProbed: this.#scenario.hasProbes,
        window: WINDOW,
        sendMaxMs: SEND_MAX_MS,
        provider: this.#providers.get(shape.id)!,
      };
    });
  }

  /** Soon after a request, while it is still open what becomes of it. */
  #tellLies(gatewayId: string, entry: Entry): void {
    const { forgeries } = this.#scenario;
    const ids = this.#gateways.map(({ id }) => id);
    const random = this.#forger;
    if (!random.chance(forgeries)) return;
    this.#world.after(random.between(1, random.pick([200, 60_000])), () =>
      this.#office.receive(forge(random, ids, { gatewayId, entry })),
    );
  }

  #noteMove(move: Move): void {
    const { now, base } = this.#world;
    const { moves, toldEarly } = this.#evidence;
    moves.push({ ...move, at: now });
    if (move.from !== 'held' || move.to !== 'ready') return;
    const message = base.tables.message.get(move.messageId)!;
    const round = base.tables.round.get(keyOf(message.dispatchId, message.round));
    if (round?.openedAt !== null) return;
    const isInDoubt = isNextInLine(this.#evidence, message);
    toldEarly.push({ messageId: message.id, isInDoubt });
  }

  /** A worker that dies is started again, as a supervisor does. */
  #startWorker(place: number, life: number): void {
    const world = this.#world;
    const host = new Host(`worker ${place + 1}.${life}`, () => world.now);
    const { twin } = this.#engine;
    const { decisions, gateways } = this.#versionOf(place);
    const parts = {
      world,
      twin,
      decisions,
      installation: this.#installation,
      pauseWhenRefused: PAUSE_WHEN_REFUSED,
      lookupPace: this.#scenario.lookupPace,
      onReplies: () => world.after(5, () => this.#office.dealWithReplies()),
      onPaused: (dispatchId: string) => this.#office.noticePause(dispatchId),
    };
    const worker = new SimulatedWorker(parts, host, gateways);
    this.#workers[place] = worker;
    host.onEnd = () =>
      world.after(world.random.between(500, 8_000), () => this.#startWorker(place, life + 1));
    world.say(host, 'starts');
    worker.start();
  }

  /** Every second worker may be of another version: it allows other times, and has more at once. */
  #versionOf(place: number): { decisions: Decisions; gateways: readonly SimulatedGateway[] } {
    const { decisions } = this.#engine;
    if (!this.#scenario.hasTwoVersions || place % 2 === 0)
      return { decisions, gateways: this.#gateways };
    return {
      decisions: {
        ...decisions,
        leaseMsFor: (sendMaxMs) => decisions.leaseMsFor(sendMaxMs) + 45_000,
        quietMs: decisions.quietMs * 1.5,
        lookupGapMs: decisions.lookupGapMs * 2,
      },
      gateways: this.#gateways.map((gateway) => ({
        ...gateway,
        sendMaxMs: SEND_MAX_MS / 2,
        window: WINDOW + 2,
      })),
    };
  }

  /** A few notifications are lost; the beat makes up for them. */
  #tell(channel: string, payload: string): void {
    for (const worker of this.#workers)
      if (worker.host.isAlive && !this.#world.random.chance(0.03)) worker.hear(channel, payload);
  }

  #await(fault: TimedFault): void {
    const world = this.#world;
    if (!('lostMs' in fault)) return world.at(fault.atMs, () => this.#strike(fault));
    world.at(fault.atMs - fault.lostMs, () => {
      const kept = keepHistory(this.#evidence);
      world.at(fault.atMs, () => {
        world.say(undefined, `${fault.kind} ${fault.ms} ms, ${fault.lostMs} ms are lost`);
        this.#takeDown(fault.ms, () => {
          loseHistory(world, this.#evidence, { kept, kind: fault.kind });
          this.#office.noticeLoss();
        });
      });
    });
  }

  /** Outages may overlap: the database is back when the last of them is over. */
  #takeDown(ms: number, whenBack: () => void): void {
    const world = this.#world;
    world.isDatabaseDown = true;
    this.#databaseDownUntil = Math.max(this.#databaseDownUntil, world.now + ms);
    world.after(ms, () => {
      world.startDatabaseAgain();
      whenBack();
      if (world.now >= this.#databaseDownUntil) world.isDatabaseDown = false;
    });
  }

  #strike(fault: Exclude<TimedFault, { lostMs: number }>): void {
    const world = this.#world;
    if ('worker' in fault) {
      const worker = this.#workers[fault.worker % this.#scenario.workers];
      if (worker?.host.isAlive !== true) return;
      if (fault.kind === 'kill') world.crash(worker.host);
      else if (fault.kind === 'stop') worker.stop();
      else if (fault.kind === 'freeze') world.freeze(worker.host, fault.ms);
      else if (fault.kind === 'wall_jumps') worker.host.wallOffsetMs += fault.ms;
      return;
    }
    world.say(undefined, `${fault.kind} ${fault.ms} ms`);
    if (fault.kind === 'database_jumps') world.databaseOffsetMs += fault.ms;
    else if (fault.kind === 'database_down') this.#takeDown(fault.ms, () => {});
    else if (fault.kind === 'disk_full') this.#meanwhile(fault.ms, (is) => (world.isDiskFull = is));
    else if (fault.kind === 'keys_away') {
      this.#evidence.keysAway.push({ from: world.now, until: world.now + fault.ms });
      this.#meanwhile(fault.ms, (is) => (world.areKeysAway = is));
    } else if (fault.kind === 'provider_storms') {
      for (const provider of this.#providers.values())
        this.#meanwhile(fault.ms, (is) => (provider.isOverrun = is));
    } else if (fault.kind === 'provider_mute') {
      for (const provider of this.#providers.values())
        this.#meanwhile(fault.ms, (is) => (provider.isMute = is));
    } else {
      const [first, ...others] = this.#providers.values();
      const down = fault.kind === 'provider_down' ? [first!, ...others] : [first!];
      for (const provider of down) provider.isDown = true;
      world.after(fault.ms, () => {
        for (const provider of down) provider.isDown = false;
      });
    }
  }

  #meanwhile(ms: number, set: (is: boolean) => void): void {
    set(true);
    this.#world.after(ms, () => set(false));
  }

  #isOver(): boolean {
    const { now, base } = this.#world;
    if (!isQuiet(base) || now < this.#office.busyUntilMs) this.#quietSince = undefined;
    else this.#quietSince ??= now;
    return this.#quietSince !== undefined && now - this.#quietSince > AFTERMATH_MS;
  }
}

/** Nothing is on its way any more, nothing waits for its round, and history is whole. */
function isQuiet(base: Base): boolean {
  const { heldSince, provenStart } = base.tables.continuity.get('history')!;
  if (heldSince !== null || provenStart !== base.server.startedAt) return false;
  for (const { state } of base.tables.message.values())
    if (state === 'ready' || state === 'claimed' || state === 'unknown') return false;
  for (const { id, state } of base.tables.dispatch.values())
    if (id !== ANSWERS && (state === 'sending' || state === 'paused')) return false;
  return true;
}
