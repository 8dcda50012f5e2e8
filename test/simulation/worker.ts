/** `src/dispatch/engine.ts` and `inbox.ts` as steps: one process of the engine. */
import { isHeldByQuiet } from '#dispatch/uncertain.ts';
import { Drift } from '#dispatch/lease.ts';
import { beginFirstLook, keepContinuity, type FirstLook } from './continuity.ts';
import { lookUpDue } from './lookups.ts';
import { poll } from './polls.ts';
import { readyPart, restExercises, takeRound } from './rounds.ts';
import type { Parts, SimulatedGateway } from './parts.ts';
import { SimulatedSender } from './sender.ts';
import type { Base } from './twin/rows.ts';
import { Bell, ConnectionLost, transact, wait, type Host, type Steps } from './world.ts';

const BEAT_MS = 1_000;
const RECEIPTS_MAX = 1_000;
const HOMES_MAX = 10_000;
const LEFTOVERS_MAX = 20_000;

export class SimulatedWorker {
  readonly host: Host;
  #parts: Parts;
  #gateways: ReadonlyMap<string, SimulatedGateway>;
  #senders: readonly SimulatedSender[];
  #receipts = new Bell();
  #timers = new Bell();
  #isStopping = false;
  #isSteering = false;
  #firstLook: FirstLook;
  #drift: Drift;
  #haveStarted = false;
  #mayClaim = false;

  constructor(parts: Parts, host: Host, gateways: readonly SimulatedGateway[]) {
    this.host = host;
    this.#parts = parts;
    this.#firstLook = beginFirstLook(parts.world.now);
    this.#gateways = new Map(gateways.map((gateway) => [gateway.id, gateway]));
    this.#drift = new Drift(host.clocks);
    const mayClaim = () => {
      this.#heedClocks();
      return this.#mayClaim;
    };
    this.#senders = gateways.map(
      (gateway) => new SimulatedSender(parts, host, { gateway, mayClaim }),
    );
  }

  start(): void {
    const { world } = this.#parts;
    world.start(
      this.host,
      this.#every(() => this.#beat(), this.#timers),
    );
    world.start(
      this.host,
      this.#every(() => this.#applyReceipts(), this.#receipts),
    );
    const parts = this.#parts;
    const isStopping = () => this.#isStopping;
    for (const gateway of this.#gateways.values()) {
      const place = { parts, host: this.host, gateway, isStopping };
      const every = (act: () => Steps<void>) => this.#every(act, new Bell());
      if (gateway.canBeAsked)
        world.start(
          this.host,
          every(() => lookUpDue(place)),
        );
      for (const what of gateway.isPolled ? (['statuses', 'texts'] as const) : [])
        world.start(
          this.host,
          every(() => poll(place, what)),
        );
    }
  }

  /** Drains, as after SIGTERM. */
  stop(): void {
    const { world } = this.#parts;
    world.say(this.host, 'is told to stop');
    this.#isStopping = true;
    world.start(this.host, this.#drain());
  }

  *#drain(): Steps<void> {
    for (const sender of this.#senders) yield* sender.stop();
    this.#parts.world.crash(this.host);
  }

  hear(channel: string, payload: string): void {
    if (channel === 'tocsin_receipt') this.#receipts.ring();
    if (channel !== 'tocsin_steer') return;
    const [id = '', halt] = payload.split(' ');
    if (halt !== undefined) for (const sender of this.#senders) sender.callOff(id);
    this.#parts.world.start(
      this.host,
      this.#untilItFails(() => this.#steer([id])),
    );
  }

  *#untilItFails(act: () => Steps<void>): Steps<void> {
    try {
      yield* act();
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    }
  }

  *#every(act: () => Steps<void>, bell: Bell): Steps<void> {
    while (!this.#isStopping) {
      yield* this.#untilItFails(act);
      if (!this.#isStopping) yield* wait(BEAT_MS, bell);
    }
  }

  *#beat(): Steps<void> {
    const { twin } = this.#parts;
    if (!(yield* this.#mayGoOn())) return;
    yield* this.#untilItFails(() => this.#steer([]));
    const opened = yield* this.#openDueRounds();
    const settled = yield* transact('settles the uncertain', (base) => this.#settleUncertain(base));
    if (opened + settled > 0) for (const sender of this.#senders) sender.work.ring();
    yield* transact('finds homes', (base) => twin.findHomes(base, HOMES_MAX));
    yield* transact('forgets tallies', (base) => twin.deleteOldTallies(base));
    yield* transact('expires messages', (base) => twin.expireMessages(base));
    yield* transact('cancels leftovers', (base) => twin.cancelLeftovers(base, LEFTOVERS_MAX));
    yield* transact('clears', (base) => twin.markCleared(base));
    yield* transact('ends dispatches', (base) => twin.endDispatches(base));
  }

  /** False while history may have holes: nothing is too old then, called off or due. */
  *#mayGoOn(): Steps<boolean> {
    const { twin, decisions } = this.#parts;
    this.#heedClocks();
    const firstLook = this.#firstLook;
    yield* transact('expires leases', (base) => twin.expireLeases(base, decisions.quietMs));
    const isWhole = yield* keepContinuity(this.#parts, [...this.#gateways.values()], firstLook);
    if (isWhole && firstLook === this.#firstLook) this.#startSenders();
    if (isWhole) return true;
    for (const sender of this.#senders) sender.dropQueue('history_in_doubt');
    return false;
  }

  /** Nothing is claimed before a beat found history whole: the first one, or after a jump. */
  #startSenders(): void {
    if (this.#mayClaim || this.#isStopping) return;
    this.#mayClaim = true;
    for (const sender of this.#senders) {
      if (this.#haveStarted) sender.work.ring();
      else this.#parts.world.start(this.host, sender.run());
    }
    this.#haveStarted = true;
  }

  #heedClocks(): void {
    if (!this.#drift.hasJumped || this.#isStopping) return;
    this.#drift = new Drift(this.host.clocks);
    this.#firstLook = { waitsUntilMs: Infinity, compared: new Set() };
    this.#mayClaim = false;
    for (const sender of this.#senders) sender.dropQueue('clock_jumped');
  }

  *#openDueRounds(): Steps<number> {
    const { twin } = this.#parts;
    let ready = 0;
    const listed = transact('lists rounds', (base) => {
      restExercises(twin, base);
      return twin.listDueRounds(base);
    });
    for (const due of yield* listed)
      ready += yield* transact('opens a part', (base) => {
        if (!takeRound(twin, base, due)) return 0;
        return readyPart(twin, base, due);
      });
    return ready;
  }

  /** `src/dispatch/uncertain.ts`: what was decided, and whoever is next in line. */
  #settleUncertain(base: Base): number {
    const { twin } = this.#parts;
    let ready = 0;
    for (const { dispatchId, messages } of twin.applyRiskDecisions(base)) {
      ready += messages;
      twin.notifyDispatch(base, dispatchId);
    }
    for (const waiting of twin.listWaitingDeputies(base)) {
      if (isHeldByQuiet(waiting)) continue;
      const { dispatchId } = waiting;
      const told = twin.readyDeputies(base, dispatchId);
      if (told > 0) twin.notifyDispatch(base, dispatchId);
      ready += told;
    }
    return ready;
  }

  /** One reading after the other: news may be lost or overtake each other. */
  *#steer(changed: readonly string[]): Steps<void> {
    while (this.#isSteering) yield* wait(1);
    this.#isSteering = true;
    try {
      const held = this.#senders.flatMap((sender) => sender.dispatchIds());
      const ids = [...new Set([...changed, ...held])];
      if (ids.length === 0) return;
      const sending = yield* transact('reads what is sending', (base) =>
        this.#parts.twin.listSending(base, ids),
      );
      for (const sender of this.#senders) {
        for (const id of ids) {
          if (!sending.includes(id)) sender.callOff(id);
          else if (changed.includes(id) || sender.isCalledOff(id)) sender.allow(id);
        }
      }
    } finally {
      this.#isSteering = false;
    }
  }

  *#applyReceipts(): Steps<void> {
    const { twin, decisions } = this.#parts;
    const gatewayIds = [...this.#gateways.keys()];
    yield* transact('applies receipts', (base) => {
      const waiting = twin.claimReceipts(base, { gatewayIds, most: RECEIPTS_MAX });
      if (waiting.length === 0) return;
      const planned = waiting.map((receipt) => ({
        receipt,
        move: decisions.moveOf(receipt, decisions.meaningOf(receipt.status)),
      }));
      const moves = planned.flatMap(({ move }) => move ?? []);
      const seconds = twin.findSecondTexts(base, moves);
      twin.insertAlarms(
        base,
        seconds.map((second) => ({ ...second, kind: 'accepted_twice' as const })),
      );
      const moved = new Set(twin.applyReceipts(base, moves).map(({ id }) => id));
      twin.markReceiptsHandled(
        base,
        planned.map(({ receipt, move }) => ({
          ...receipt,
          outcome: decisions.outcomeOf(move, moved),
        })),
      );
    });
  }
}
