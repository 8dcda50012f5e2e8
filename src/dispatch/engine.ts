/**
 * The running engine: a sender for each gateway, and one beat a second for timers. Any number of
 * engines may run on one database; every step is a guarded statement.
 */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import { listen, type Listener } from '#db/listen.ts';
import { openDueRounds } from './actions.ts';
import type { Gateway } from './gateways/gateway.ts';
import { applyWaitingReceipts } from './inbox.ts';
import { quietMs } from './model.ts';
import { reconcile } from './reconcile.ts';
import { Sender } from './sender.ts';
import { Signal } from './signal.ts';
import { findDispatchState } from './store-plan.ts';
import { cancelLeftovers, endDispatches, expireLeases, expireMessages } from './store-send.ts';

const BEAT_MS = 1_000;

export type EngineOptions = {
  readonly database: Database;
  readonly gateways: readonly Gateway[];
  readonly openAddress: (contactPointId: string, sealed: Buffer) => string;
  readonly installation: string;
  readonly log: Log;
  /** A time as readers of texts see it, such as 03:02. */
  readonly clockOf: (time: Date) => string;
};

export class Engine {
  #options: EngineOptions;
  #gateways: ReadonlyMap<string, Gateway>;
  #senders: readonly Sender[];
  #receipts = new Signal();
  #timers = new Signal();
  #lookups = new Signal();
  #stopping = false;
  #loops: Promise<void>[] = [];
  #listener: Listener | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#gateways = new Map(options.gateways.map((gateway) => [gateway.id, gateway]));
    this.#senders = options.gateways.map((gateway) => new Sender({ ...options, gateway }));
  }

  start(): void {
    const { database } = this.#options;
    this.#listener = listen({
      config: database.config,
      channels: ['tocsin_steer', 'tocsin_receipt'],
      onNotify: (channel, payload) => {
        if (channel === 'tocsin_receipt') this.#receipts.wake();
        else void this.#steered(payload);
      },
      onGap: () => this.#senders.forEach((sender) => sender.wake()),
      onError: (error) => this.#options.log.warn('dispatch.notifications_lost', { error }),
    });
    for (const sender of this.#senders) sender.start();
    this.#loops = [
      this.#every('timers', () => this.#beat(), this.#timers),
      this.#every('receipts', () => this.#applyReceipts(), this.#receipts),
      this.#every(
        'look-ups',
        () => reconcile({ ...this.#options, gateways: this.#gateways }),
        this.#lookups,
      ),
    ];
  }

  /** Drains: nothing new is claimed, what is under way ends and is settled. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const signal of [this.#receipts, this.#timers, this.#lookups]) signal.wake();
    await this.#listener?.stop();
    await Promise.all([...this.#senders.map((sender) => sender.stop()), ...this.#loops]);
  }

  /** One beat of the timers. Each statement is its own transaction: one failure delays one. */
  async #beat(): Promise<void> {
    const { database, clockOf } = this.#options;
    if ((await openDueRounds(database, clockOf)) > 0) this.#senders.forEach((s) => s.wake());
    const act = system('dispatch');
    await database.withActor(act, (tx) => expireLeases(tx, quietMs));
    await database.withActor(act, (tx) => expireMessages(tx));
    await database.withActor(act, (tx) => cancelLeftovers(tx));
    await database.withActor(act, (tx) => endDispatches(tx));
  }

  async #applyReceipts(): Promise<void> {
    while (!this.#stopping) {
      const applied = await applyWaitingReceipts(this.#options.database, this.#gateways);
      if (applied === 0) return;
    }
  }

  /** A dispatch changed: send, or stop what was claimed for it. */
  async #steered(dispatchId: string): Promise<void> {
    const { database, log } = this.#options;
    try {
      const state = await database.withActor(system('dispatch'), (tx) =>
        findDispatchState(tx, dispatchId),
      );
      for (const sender of this.#senders) {
        if (state === 'sending') sender.allow(dispatchId);
        else sender.callOff(dispatchId);
      }
    } catch (error) {
      log.error('dispatch.state_unread', { error });
    }
  }

  async #every(name: string, act: () => Promise<unknown>, signal: Signal): Promise<void> {
    while (!this.#stopping) {
      try {
        await act();
      } catch (error) {
        this.#options.log.error('dispatch.loop_failed', { error, part: name });
      }
      if (!this.#stopping) await signal.wait(BEAT_MS);
    }
  }
}
