/**
 * Notices that a newer version has migrated the database under a process that runs: on several
 * machines they are updated one after the other, and an old sender does not know what the new one
 * agreed with the database.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import type { Database } from './database.ts';
import { readMigrations } from './migration-files.ts';
import { sql } from './sql.ts';

/** Until then both send: by the same guarded statements, or by such as the database refuses. */
const LOOK_MS = 2_000;

export type NewerVersionWatch = {
  /** Resolves with the name of the migration when there is one. */
  readonly overtaken: Promise<string>;
  stop(): Promise<void>;
};

/** Looks every two seconds until stopped; ends `database`. One that is away says nothing new. */
export function watchForNewerVersion(database: Database): NewerVersionWatch {
  const known = readMigrations().at(-1)?.number ?? 0;
  const overtaken = Promise.withResolvers<string>();
  const stopped = new AbortController();
  const looking = (async () => {
    while (!stopped.signal.aborted) {
      const newer = await findNewerMigration(database, known).catch(() => undefined);
      if (newer !== undefined) return overtaken.resolve(newer);
      await delay(LOOK_MS, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  return {
    overtaken: overtaken.promise,
    async stop() {
      stopped.abort();
      await looking;
      await database.end();
    },
  };
}

/** The last migration of the database, where its number is above `known`. */
async function findNewerMigration(database: Database, known: number): Promise<string | undefined> {
  const found = await database.withActor(system('version'), (tx) =>
    tx.maybe<{ name: string }>(sql`
      select name from kernel.migration where number > ${known} order by number desc limit 1`),
  );
  return found?.name;
}
