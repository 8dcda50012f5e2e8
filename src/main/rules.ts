/** The rules in force, for a process that runs: each follows what two people adopt. */
import { system } from '#kernel/actor.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { listen } from '#db/listen.ts';
import type { Outcome } from '#kernel/outcome.ts';
import type { Log } from '#log.ts';
import {
  adoptFile,
  findInForce,
  findRules,
  parseOperatingModel,
  type OperatingModel,
  type Rules,
} from '#operating-model/index.ts';

const actor = system('operating model');

/**
 * The rules to begin with. `adopts`: this process obeys them for long, so the file comes into force
 * where nothing was adopted since; a command only reads.
 */
export async function readRules(
  configFor: (role: 'tocsin_web') => Database['config'],
  { file, adopts }: { readonly file: Outcome<OperatingModel>; readonly adopts: boolean },
): Promise<Outcome<Rules>> {
  const database = openDatabase(configFor('tocsin_web'), { connectionsMax: 1 });
  try {
    return await database.attempt(actor, async (tx) => {
      if (adopts && file.ok) await adoptFile(tx, file.value);
      return await findRules(tx, file);
    });
  } finally {
    await database.end();
  }
}

/** Follows the rules in force from now on; `onChange` is awaited, one change after the other. */
export function followRules(
  database: Database,
  log: Log,
  {
    current,
    onChange,
  }: {
    readonly current: OperatingModel;
    readonly onChange: (model: OperatingModel) => Promise<void> | void;
  },
): { stop(): Promise<void> } {
  let version = current.version;
  const look = async () => {
    try {
      const row = await database.withActor(actor, findInForce);
      if (row === undefined || row.sha256 === version) return;
      const next = parseOperatingModel(row.yaml, 'the operating model in force');
      if (!next.ok) {
        // Adopted by a newer release than this process: what it obeys stays right for it.
        log.error('rules.not_understood', { error: new Error(next.message) });
        return;
      }
      await onChange(next.value);
      version = row.sha256;
    } catch (error) {
      log.error('rules.not_followed', { error });
    }
  };
  let looking = Promise.resolve();
  const listener = listen({
    config: database.config,
    channels: ['tocsin_operating_model'],
    onNotify: () => void (looking = looking.then(look)),
    // What was adopted while nobody listened is not known: look.
    onGap: () => void (looking = looking.then(look)),
    onError: (error) => log.warn('rules.notifications_lost', { error }),
  });
  return {
    async stop() {
      await listener.stop();
      await looking;
    },
  };
}
