/** The keys of a process that runs: it follows what is exchanged, and the night tidies up. */
import type { Database } from '#db/database.ts';
import { readFileKeys } from '#db/data-folder.ts';
import type { Log } from '#log.ts';
import { followKeys, tidyKeys } from '#sealing/index.ts';
import type { Ground } from './ground.ts';
import { sealedColumns } from './sealed-columns.ts';

export function followKeysOf(
  { keyring, folder }: Pick<Ground, 'keyring' | 'folder'>,
  database: Database,
  { part, log }: { readonly part: 'web' | 'worker'; readonly log: Log },
): { stop(): Promise<void> } {
  const read = () => readFileKeys(folder.path);
  return followKeys(database, log, { keyring, readFileKeys: read, part });
}

/** The background task `keys`. As the owner of the tables: no other role may write all of them. */
export async function tidyKeysOf({ open, keyring }: Ground): Promise<void> {
  const owner = open('tocsin_owner', 1);
  try {
    await tidyKeys(owner, keyring, { columns: sealedColumns, now: new Date() });
  } finally {
    await owner.end();
  }
}
