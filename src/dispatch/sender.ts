/**
 * Sends for one gateway: claim → lease check → request → settle, with as many requests under way as
 * the gateway's window. No database connection is held during a request.
 *
 * Promises kept here: a row is requested only under a live lease (P2); each request ends in exactly
 * one class; a dispatch that is called off stops before the next request.
 */
import { newId } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import { formatReference, quietMs, type SendResult } from './model.ts';
import {
  addressUnreadable,
  batchFor,
  beforeRequest,
  leaseMsFor,
  settlementOf,
  settlementOfGiveBack,
  type GiveBack,
} from './request.ts';
import type { Rest } from './breaker.ts';
import type { Gateway } from './gateways/gateway.ts';
import { hold, mayStillStart, type Held } from './held.ts';
import { Lease, type Clocks } from './lease.ts';
import { Line } from './line.ts';
import { isClaimKept } from './replica.ts';
import { Settler } from './settler.ts';
import { Signal } from './signal.ts';
import type { Prover } from './proof.ts';
import { pauseForContent, TemplateCheck } from './templates.ts';
import type { Probing } from './probe.ts';
import type { RefusalRule } from './store-breaker.ts';
import { waitForTokenMs } from './store-bucket.ts';
import { readReplica } from './store-replica.ts';
import { claimMessages } from './store-send.ts';
import { Watch } from './watch.ts';

const MEASURE_MS = 250;
const POLL_MS = 1_000;
/** Tokens that trickle in are fetched a few at a time. */
const TOKEN_WAIT_MIN_MS = 100;
const ERROR_WAIT_MS = 1_000;
const DRAIN_MS = 20_000;
/** The breaker opened: what is here and was not requested goes by another gateway. */
const gatewayOpen: GiveBack = { code: 'gateway_open', inMs: 0 };
/** Lost with this server, the claim could be made again elsewhere. */
const replicaAway: GiveBack = { code: 'replica_away', inMs: 0 };

export type SenderOptions = {
  readonly database: Database;
  readonly gateway: Gateway;
  /** Opens the sealed address of a contact point. */
  readonly openAddress: (contactPointId: string, sealed: Buffer) => string;
  readonly installation: string;
  readonly log: Log;
  /** A time as readers of texts see it, such as 03:02. */
  readonly clockOf: (time: Date) => string;
  /** From the end of a request without an answer to its first look-up. Tests shorten it. */
  readonly quietMs?: number;
  readonly clocks?: Clocks;
  readonly pauseWhenRefused: RefusalRule;
  readonly prover: Prover;
  readonly probing?: Probing;
  readonly rest?: Rest;
};

export class Sender {
  readonly owner = newId();
  #options: SenderOptions;
  #settler: Settler;
  #line: Line;
  #inFlight = 0;
  #generation = 0;
  #finished = 0;
  #batch: number;
  #stopping = false;
  #calledOff = new Set<string>();
  #room = new Signal();
  #work = new Signal();
  #loop: Promise<void> | undefined;
  #watch: Watch;

  constructor(options: SenderOptions) {
    this.#options = options;
    const { database, log, gateway, pauseWhenRefused, probing, rest } = options;
    this.#batch = batchFor(gateway, 0);
    this.#settler = new Settler({
      database,
      owner: this.owner,
      onFenced: (count) => log.warn('dispatch.fenced', { gateway: gateway.id, count }),
      onError: (error) => {
        log.error('dispatch.settle_failed', { gateway: gateway.id, error });
        this.dropQueue('database_lost');
      },
    });
    const template = new TemplateCheck({ database, gateway, log });
    this.#line = new Line([options.prover, template], () => {
      this.#fill();
      this.wake();
    });
    const onOpen = () => this.#giveBackQueue(gatewayOpen);
    this.#watch = new Watch({ database, gateway, log, onOpen, pauseWhenRefused, probing, rest });
  }

  /** `mayClaim` is asked before each claim, which waits until it resolves. */
  start(mayClaim: () => Promise<void>): void {
    this.#watch.start();
    this.#loop = this.#run(mayClaim);
  }

  /** There may be something to send. */
  wake(): void {
    this.#work.wake();
  }

  /** Nothing of this dispatch is to be requested any more by what was claimed before. */
  callOff(dispatchId: string): void {
    this.#calledOff.add(dispatchId);
  }

  isCalledOff(dispatchId: string): boolean {
    return this.#calledOff.has(dispatchId);
  }

  /** The dispatches that are held back or wait in the queue: those whose state matters here. */
  dispatchIds(): string[] {
    return [...this.#calledOff, ...this.#line.dispatchIds];
  }

  allow(dispatchId: string): void {
    this.#calledOff.delete(dispatchId);
    this.wake();
  }

  /**
   * Requests nothing more of what was claimed: the database is gone and may come back without these
   * claims. What came of them is kept until it does; it is never more than was claimed.
   */
  dropQueue(code: string): void {
    this.#generation += 1;
    this.#giveBackQueue({ code, inMs: 0 });
  }

  /** Claims no more, gives back what was not requested, waits for what is under way, settles. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#work.wake();
    this.#room.wake();
    this.dropQueue('stopping');
    const deadline = performance.now() + DRAIN_MS;
    while (this.#inFlight > 0 && performance.now() < deadline) await this.#room.wait(100);
    await this.#loop;
    await this.#watch.stop();
    await this.#settler.drain(DRAIN_MS);
    await this.#options.gateway.close();
  }

  async #run(mayClaim: () => Promise<void>): Promise<void> {
    const { gateway, log } = this.#options;
    let measuredAt = performance.now();
    for (;;) {
      await mayClaim();
      if (this.#stopping) return;
      if (this.#line.length >= this.#watch.window) {
        await this.#room.wait(POLL_MS);
        continue;
      }
      if (performance.now() - measuredAt >= MEASURE_MS) {
        this.#batch = batchFor(gateway, this.#finished / MEASURE_MS);
        this.#finished = 0;
        measuredAt = performance.now();
      }
      try {
        const claimed = await this.#claim();
        if (claimed === 0 && !this.#stopping) await this.#work.wait(await this.#idleMs());
      } catch (error) {
        log.error('dispatch.claim_failed', { gateway: gateway.id, error });
        this.dropQueue('database_lost');
        await this.#work.wait(ERROR_WAIT_MS);
      }
    }
  }

  async #claim(): Promise<number> {
    const { database, gateway } = this.#options;
    // Counted from before the statement, so that our lease ends before the database's.
    const leaseMs = leaseMsFor(gateway.sendMaxMs);
    const lease = new Lease(leaseMs, this.#options.clocks);
    const askedAt = performance.now();
    const generation = this.#generation;
    const { claimed, replica } = await database.withActor(system('dispatch'), async (tx) => ({
      claimed: await claimMessages(tx, {
        gatewayId: gateway.id,
        channel: gateway.channel,
        owner: this.owner,
        leaseMs,
        most: Math.max(1, Math.floor((this.#batch * this.#watch.window) / gateway.window)),
        notOf: this.#line.beginning,
      }),
      replica: await readReplica(tx),
    }));
    const isKept = claimed.length === 0 || (await isClaimKept(this.#options, replica));
    const tookMs = performance.now() - askedAt;
    const held = hold(claimed, { ...this.#options, lease, tookMs });
    if (!isKept) {
      for (const message of held) this.#giveBack(message, replicaAway);
      return 0;
    }
    this.#line.add(held);
    if (this.#stopping) this.dropQueue('stopping');
    else if (generation !== this.#generation) this.dropQueue('database_lost');
    this.#fill();
    return claimed.length;
  }

  async #idleMs(): Promise<number> {
    const { database, gateway } = this.#options;
    const waitMs = await database.withActor(system('dispatch'), (tx) =>
      waitForTokenMs(tx, gateway.id),
    );
    return waitMs === 0 ? POLL_MS : Math.min(POLL_MS, Math.max(TOKEN_WAIT_MIN_MS, waitMs));
  }

  #fill(): void {
    while (this.#inFlight < this.#watch.window) {
      const message = this.#line.next();
      if (message === undefined) return;
      this.#inFlight += 1;
      void this.#sendOne(message).finally(() => {
        this.#inFlight -= 1;
        this.#finished += 1;
        this.#fill();
        if (this.#line.length < this.#watch.window) this.#room.wake();
      });
    }
  }

  async #sendOne(message: Held): Promise<void> {
    const { gateway, installation, log, openAddress, prover } = this.#options;
    const giveBack = beforeRequest({
      calledOff: this.#calledOff.has(message.dispatchId) || !prover.allows(message),
      leaseOutlasts: message.lease.outlasts(gateway.sendMaxMs),
      tooOld: !message.use.outlasts(0),
    });
    if (giveBack !== undefined) {
      if (giveBack.code === 'lease_too_short')
        log.warn('dispatch.lease_too_short', { gateway: gateway.id, messageId: message.id });
      this.#giveBack(message, giveBack);
      return;
    }
    let address: string;
    try {
      address = openAddress(message.contactPointId, message.addressSealed);
    } catch (error) {
      log.error('dispatch.address_unreadable', { messageId: message.id, error });
      this.#giveBack(message, addressUnreadable(message.attempt));
      return;
    }
    const watched = this.#watch.begin(message);
    let result: SendResult;
    try {
      const { id: messageId, epoch, attempt, subject, body, expiresAt } = message;
      const reference = formatReference({ installation, messageId, epoch, attempt });
      const outgoing = { reference, address, subject, body, expiresAt };
      const generation = this.#generation;
      const mayStart = () => generation === this.#generation && this.#mayStart(message);
      result = await gateway.send(outgoing, mayStart);
    } catch (error) {
      log.error('dispatch.gateway_threw', { gateway: gateway.id, error });
      result = { class: 'unknown', code: 'gateway_threw' };
    }
    await this.#finish(message, result);
    await this.#watch.end(watched, result, !this.#mayStart(message));
  }

  /** Asked when a socket takes the request, which may have waited for one. */
  #mayStart(message: Held): boolean {
    return mayStillStart(message) && !this.#calledOff.has(message.dispatchId);
  }

  async #finish(message: Held, result: SendResult): Promise<void> {
    this.#settler.add(settlementOf(message, result, this.#options.quietMs ?? quietMs));
    const differs = result.class === 'accepted' && result.contentDiffers === true;
    // Once for all that is on its way: said late, it would pause what a person has resumed.
    if (differs && !this.isCalledOff(message.dispatchId)) {
      this.callOff(message.dispatchId);
      await pauseForContent(this.#options, message.dispatchId);
    }
  }

  #giveBackQueue(why: GiveBack): void {
    for (const message of this.#line.takeAll()) this.#giveBack(message, why);
  }

  /** Claimed and surely not requested: back in line, where the lease still stands. */
  #giveBack(message: Held, why: GiveBack): void {
    this.#settler.add(settlementOfGiveBack(message, why));
  }
}
