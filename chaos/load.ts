/** Keeps something to send: a dispatch after the other, while the database lets it. */
import { system } from '#kernel/actor.ts';
import type { SealingKey } from '#kernel/sealed.ts';
import { isDatabaseRefusal, type Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { makeDispatch, release } from '../bench/scene.ts';
import { pause } from './part.ts';

const DISPATCH_MESSAGES = 5_000;
const WAITING_LEAST = 5_000;
const LOOK_MS = 300;

export class Load {
  readonly #owner: Database;
  readonly #web: Database;
  readonly #key: SealingKey;
  #stopping = false;
  #isHolding = false;
  #topping: Promise<void> | undefined;
  #loop: Promise<void> | undefined;

  constructor({ owner, web }: { owner: Database; web: Database }, key: SealingKey) {
    this.#owner = owner;
    this.#web = web;
    this.#key = key;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop;
  }

  get isHolding(): boolean {
    return this.#isHolding;
  }

  /**
   * From when it resolves on nothing new is planned, so that what is lost with a database is only
   * what was sent.
   */
  async hold(): Promise<void> {
    this.#isHolding = true;
    await this.#topping;
  }

  goOn(): void {
    this.#isHolding = false;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      if (!this.#isHolding) {
        this.#topping = this.#top().catch(passOverLostConnections);
        await this.#topping;
      }
      await pause(LOOK_MS);
    }
  }

  async #top(): Promise<void> {
    if ((await countReady(this.#owner)) >= WAITING_LEAST) return;
    await release(this.#web, await makeDispatch(this.#owner, this.#key, DISPATCH_MESSAGES));
  }
}

/** What fails so was never released, or is there: the next look tells. */
function passOverLostConnections(error: unknown): void {
  if (isDatabaseRefusal(error)) throw error;
}

async function countReady(owner: Database): Promise<number> {
  const { ready } = await owner.withActor(system('chaos'), (tx) =>
    tx.one<{ ready: number }>(sql`
      select count(*) as ready from (select from dispatch.message where state = 'ready'
        limit ${WAITING_LEAST}) message`),
  );
  return ready;
}
