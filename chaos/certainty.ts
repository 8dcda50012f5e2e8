/**
 * How long each fault left something in doubt: from its beginning until no attempt that was made
 * before its end is still without an outcome.
 */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { pause } from './part.ts';

const LOOK_MS = 500;

type Doubt = { readonly name: string; readonly from: number; until: number | undefined };

export type Certain = { readonly name: string; readonly seconds: number };

export class CertaintyClock {
  readonly #database: Database;
  readonly #doubts = new Set<Doubt>();
  readonly certain: Certain[] = [];
  #stopping = false;
  #loop: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  start(): void {
    this.#loop = this.#watch();
  }

  /** A fault begins; call what it returns when it is over. */
  begin(name: string): () => void {
    const doubt: Doubt = { name, from: Date.now(), until: undefined };
    this.#doubts.add(doubt);
    return () => (doubt.until = Date.now());
  }

  /** Whether a fault of this name is not certain yet. */
  isOpen(name: string): boolean {
    return [...this.#doubts].some((doubt) => doubt.name === name);
  }

  /** How many faults are not certain yet. */
  get open(): number {
    return this.#doubts.size;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop;
  }

  async #watch(): Promise<void> {
    while (!this.#stopping) {
      // The database may be what is down: then nothing is certain.
      const oldest = await oldestInDoubt(this.#database).catch(() => -Infinity);
      const now = Date.now();
      for (const doubt of this.#doubts) {
        if (doubt.until === undefined || oldest <= doubt.until) continue;
        this.certain.push({ name: doubt.name, seconds: (now - doubt.from) / 1000 });
        this.#doubts.delete(doubt);
      }
      await pause(LOOK_MS);
    }
  }
}

/**
 * When the oldest attempt without an outcome was made, in epoch ms; infinite where there is none.
 * Before our history was compared with the provider there may be attempts that nobody knows of.
 */
export async function oldestInDoubt(database: Database): Promise<number> {
  const { oldest, isWhole } = await database.withActor(system('chaos'), (tx) =>
    tx.one<{ oldest: Date | null; isWhole: boolean }>(sql`
      select min(attempt.claimed_at) as oldest,
        (select held_since is null and proven_start = pg_postmaster_start_time()
          from dispatch.continuity) as is_whole
      from (select id, attempt from dispatch.message where state = 'claimed'
        union all select id, attempt from dispatch.message where state = 'unknown') doubtful
      join dispatch.attempt attempt on attempt.message_id = doubtful.id
        and attempt.number = doubtful.attempt
        and attempt.epoch = (select max(other.epoch) from dispatch.attempt other
          where other.message_id = attempt.message_id and other.number = attempt.number)`),
  );
  return isWhole ? (oldest?.getTime() ?? Infinity) : -Infinity;
}
