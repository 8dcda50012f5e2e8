/** Which column of a file is which of ours, remembered for the next one with the same first line. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Mapping } from './columns.ts';
import type { ImportKind } from '../model.ts';

export async function findMapping(
  tx: Tx,
  kind: ImportKind,
  headerSha256: string,
): Promise<Mapping | undefined> {
  const row = await tx.maybe<{ mapping: Mapping }>(sql`
    select mapping from organisations.import_mapping
    where kind = ${kind} and header_sha256 = ${headerSha256}`);
  return row?.mapping;
}

export async function saveMapping(
  tx: Tx,
  row: {
    readonly kind: ImportKind;
    readonly headerSha256: string;
    readonly mapping: Mapping;
    readonly savedAt: Date;
    readonly savedBy: string;
  },
): Promise<void> {
  await tx.run(sql`
    insert into organisations.import_mapping (kind, header_sha256, mapping, saved_at, saved_by)
    values (${row.kind}, ${row.headerSha256}, ${JSON.stringify(row.mapping)}::jsonb,
      ${row.savedAt}, ${row.savedBy})
    on conflict (kind, header_sha256) do update set mapping = excluded.mapping,
      saved_at = excluded.saved_at, saved_by = excluded.saved_by`);
}
