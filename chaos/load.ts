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
  readonly #database: () => { owner: Database; web: Database };
  readonly #key: SealingKey;
  #stopping = false;
  #holding = false;
  #loop: Promise<void> | undefined;

  constructor(database: () => { owner: Database; web: Database }, key: SealingKey) {
    this.#database = database;
    this.#key = key;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop;
  }

  /** True: nothing new is planned, so that what is lost with a database is only what was sent. */
  hold(isHolding: boolean): void {
    this.#holding = isHolding;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      if (!this.#holding) await this.#top().catch(passOverLostConnections);
      await pause(LOOK_MS);
    }
  }

  async #top(): Promise<void> {
    const { owner, web } = this.#database();
    if ((await countReady(owner)) >= WAITING_LEAST) return;
    await release(web, await makeDispatch(owner, this.#key, DISPATCH_MESSAGES));
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
