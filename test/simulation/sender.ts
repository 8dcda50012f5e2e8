/** `src/dispatch/sender.ts` and `settler.ts` as steps: the same hops, the same decisions. */
import { hold, type Held } from '#dispatch/held.ts';
import { Lease } from '#dispatch/lease.ts';
import type { GiveBack } from '#dispatch/request.ts';
import type { Settlement } from '#dispatch/store-send.ts';
import type { Parts, SimulatedGateway } from './parts.ts';
import { SimulatedWatch, resultOf } from './watch.ts';
import {
  Bell,
  ConnectionLost,
  request,
  transact,
  wait,
  type Answer,
  type Host,
  type SILENCE,
  type Steps,
  type TOO_LATE,
} from './world.ts';

const POLL_MS = 1_000;
const TOKEN_WAIT_MIN_MS = 100;
const ERROR_WAIT_MS = 1_000;
const FLUSH_MS = 20;
const BATCH = 8;
const DRAIN_MS = 20_000;
const CONNECT_MS = [0, 0, 0, 5, 60] as const;

const gatewayOpen: GiveBack = { code: 'gateway_open', inMs: 0 };

export class SimulatedSender {
  readonly owner: string;
  readonly gateway: SimulatedGateway;
  readonly work = new Bell();
  #parts: Parts;
  #host: Host;
  #queue: Held[] = [];
  #inFlight = 0;
  #isStopping = false;
  #generation = 0;
  #calledOff = new Set<string>();
  #room = new Bell();
  #waiting: Settlement[] = [];
  #isFlushing = false;
  #watch: SimulatedWatch;
  #mayClaim: () => boolean;

  constructor(
    parts: Parts,
    host: Host,
    { gateway, mayClaim }: { gateway: SimulatedGateway; mayClaim: () => boolean },
  ) {
    this.#parts = parts;
    this.#mayClaim = mayClaim;
    this.#host = host;
    this.gateway = gateway;
    this.#watch = new SimulatedWatch(parts, { host, gateway }, () =>
      this.#giveBackQueue(gatewayOpen),
    );
    this.owner = parts.world.random.uuid();
  }

  callOff(dispatchId: string): void {
    this.#calledOff.add(dispatchId);
  }

  isCalledOff(dispatchId: string): boolean {
    return this.#calledOff.has(dispatchId);
  }

  dispatchIds(): string[] {
    return [...this.#calledOff, ...this.#queue.map((message) => message.dispatchId)];
  }

  allow(dispatchId: string): void {
    this.#calledOff.delete(dispatchId);
    this.work.ring();
  }

  *run(): Steps<void> {
    this.#parts.world.start(this.#host, this.#watch.run());
    while (!this.#isStopping) {
      if (!this.#mayClaim()) {
        yield* wait(POLL_MS, this.work);
        continue;
      }
      if (this.#queue.length >= this.#watch.window) {
        yield* wait(POLL_MS, this.#room);
        continue;
      }
      try {
        const claimed = yield* this.#claim();
        if (claimed === 0 && !this.#isStopping) yield* wait(yield* this.#idleMs(), this.work);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        this.dropQueue('database_lost');
        yield* wait(ERROR_WAIT_MS, this.work);
      }
    }
  }

  /** Claims no more, gives back what was not requested, waits for what is under way, settles. */
  *stop(): Steps<void> {
    this.#isStopping = true;
    this.work.ring();
    this.dropQueue('stopping');
    const deadline = this.#parts.world.now + DRAIN_MS;
    const isBusy = () => this.#inFlight > 0 || this.#waiting.length > 0 || this.#isFlushing;
    while (isBusy() && this.#parts.world.now < deadline) yield* wait(100);
  }

  *#claim(): Steps<number> {
    const { decisions, twin } = this.#parts;
    const { id: gatewayId, channel, sendMaxMs } = this.gateway;
    const leaseMs = decisions.leaseMsFor(sendMaxMs);
    const lease = new Lease(leaseMs, this.#host.clocks);
    const askedAt = this.#parts.world.now;
    const claimed = yield* transact(`claims for ${gatewayId}`, (base) =>
      twin.claimMessages(base, {
        gatewayId,
        channel,
        owner: this.owner,
        leaseMs,
        most: this.#most(),
      }),
    );
    const tookMs = this.#parts.world.now - askedAt;
    this.#queue.push(
      ...hold(claimed, { lease, tookMs, clockOf: () => '03:02', clocks: this.#host.clocks }),
    );
    if (this.#isStopping) this.dropQueue('stopping');
    this.#fill();
    return claimed.length;
  }

  #most(): number {
    return Math.max(1, Math.floor((BATCH * this.#watch.window) / this.gateway.window));
  }

  *#idleMs(): Steps<number> {
    const { id } = this.gateway;
    const waitMs = yield* transact(`waits for a token of ${id}`, (base) =>
      this.#parts.twin.waitForTokenMs(base, id),
    );
    return waitMs === 0 ? POLL_MS : Math.min(POLL_MS, Math.max(TOKEN_WAIT_MIN_MS, waitMs));
  }

  #fill(): void {
    while (this.#inFlight < this.#watch.window && this.#queue.length > 0) {
      this.#inFlight += 1;
      this.#parts.world.start(this.#host, this.#sendOne(this.#queue.shift()!));
    }
  }

  *#sendOne(message: Held): Steps<void> {
    const { decisions } = this.#parts;
    const giveBack = decisions.beforeRequest({
      calledOff: this.#calledOff.has(message.dispatchId),
      leaseOutlasts: decisions.outlasts(message.lease, this.gateway.sendMaxMs),
      tooOld: !message.use.outlasts(0),
    });
    if (giveBack !== undefined) this.#giveBack(message, giveBack);
    else if (this.#parts.world.areKeysAway)
      this.#giveBack(message, decisions.addressUnreadable(message.attempt));
    else yield* this.#request(message);
    this.#inFlight -= 1;
    this.#fill();
    if (this.#queue.length < this.#watch.window) this.#room.ring();
  }

  *#request(message: Held): Steps<void> {
    const { decisions, world, installation } = this.#parts;
    const { id: messageId, epoch, attempt } = message;
    const reference = decisions.formatReference({ installation, messageId, epoch, attempt });
    const { provider, sendMaxMs } = this.gateway;
    const startedAt = world.now;
    const generation = this.#generation;
    const watched = this.#watch.begin(message);
    const connectMs = world.random.pick(CONNECT_MS);
    if (connectMs > 0) yield* wait(connectMs);
    const answer = yield* request<Answer | typeof TOO_LATE | typeof SILENCE>({
      label: `asks ${this.gateway.id} to send ${reference}`,
      mayStart: () => generation === this.#generation && this.#mayStart(message),
      mostMs: sendMaxMs - (world.now - startedAt),
      receive: (give) =>
        provider.receive({ reference, body: message.body, messageId: message.id }, give),
    });
    const result = resultOf(answer, decisions);
    this.#settle(decisions.settlementOf(message, result, decisions.quietMs));
    yield* this.#watch.end(watched, result, !this.#mayStart(message));
  }

  /** Asked when a socket takes the request, which may have waited for one. */
  #mayStart(message: Held): boolean {
    const { decisions } = this.#parts;
    return decisions.mayStillStart(message) && !this.#calledOff.has(message.dispatchId);
  }

  /** The database is gone and may come back without these claims, or did. */
  dropQueue(code: string): void {
    this.#generation += 1;
    this.#giveBackQueue({ code, inMs: 0 });
  }

  #giveBackQueue(why: GiveBack): void {
    for (const message of this.#queue.splice(0)) this.#giveBack(message, why);
  }

  #giveBack(message: Held, why: GiveBack): void {
    this.#settle(this.#parts.decisions.settlementOfGiveBack(message, why));
  }

  #settle(settlement: Settlement): void {
    this.#waiting.push(settlement);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#parts.world.start(this.#host, this.#flush());
  }

  /** Each batch until it is written; if the process dies first, leases make unknowns of it. */
  *#flush(): Steps<void> {
    yield* wait(FLUSH_MS);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      const what = batch.map((s) => `${s.id.slice(0, 4)}/${s.attempt} ${s.class}`).join(', ');
      for (;;) {
        try {
          yield* transact(`settles ${what}`, (base) =>
            this.#parts.twin.settleMessages(base, this.owner, batch),
          );
          break;
        } catch (error) {
          if (!(error instanceof ConnectionLost)) throw error;
          this.dropQueue('database_lost');
          yield* wait(ERROR_WAIT_MS);
        }
      }
    }
    this.#isFlushing = false;
  }
}
