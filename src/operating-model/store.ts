import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Keeps a version; says whether it was new. */
export async function insertVersion(tx: Tx, sha256: string, yaml: string): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into operating_model.version (sha256, yaml) values (${sha256}, ${yaml})
    on conflict (sha256) do nothing`);
  return inserted === 1;
}

export type VersionRow = { readonly sha256: string; readonly firstUsedAt: Date };

export async function findVersion(
  tx: Tx,
  sha256: string,
): Promise<(VersionRow & { readonly yaml: string }) | undefined> {
  return await tx.maybe(sql`
    select sha256, yaml, first_used_at from operating_model.version where sha256 = ${sha256}`);
}

/** Newest first, without the files. */
export async function listVersions(tx: Tx): Promise<VersionRow[]> {
  return await tx.rows(sql`
    select sha256, first_used_at from operating_model.version order by first_used_at desc, sha256`);
}
