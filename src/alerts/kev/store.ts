/** Statements about the catalogue of known exploited vulnerabilities. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Catalogue, KevEntry } from './model.ts';

export type KevImport = {
  catalogueVersion: string;
  catalogueReleasedAt: Date;
  entries: number;
  importedAt: Date;
  importedByName: string;
};

/** Two imports at once: the second waits, and sees the first. */
export async function lockCatalogue(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('alerts.kev_import', 0))`);
}

/** The import that stands; undefined where there was none. */
export async function findNewestImport(tx: Tx): Promise<KevImport | undefined> {
  return await tx.maybe<KevImport>(sql`
    select catalogue_version, catalogue_released_at, entries, imported_at, imported_by_name
    from alerts.kev_import order by imported_at desc, id desc limit 1`);
}

/** Writes what is new or other; says how many of each. */
export async function upsertEntries(
  tx: Tx,
  entries: readonly KevEntry[],
): Promise<{ added: number; changed: number }> {
  return await tx.one<{ added: number; changed: number }>(sql`
    with written as (
      insert into alerts.kev_entry as entry (cve, vendor, product, name, added_on, description,
        required_action, due_on, ransomware, links)
      select given.cve, given.vendor, given.product, given.name, given.added_on, given.description,
        given.required_action, given.due_on, given.ransomware, given.links
      from jsonb_to_recordset(${JSON.stringify(
        entries.map(({ addedOn, requiredAction, dueOn, ...rest }) => ({
          ...rest,
          added_on: addedOn,
          required_action: requiredAction,
          due_on: dueOn,
        })),
      )}::jsonb) as given (cve text, vendor text, product text, name text, added_on date,
        description text, required_action text, due_on date, ransomware boolean, links text[])
      on conflict (cve) do update set vendor = excluded.vendor, product = excluded.product,
        name = excluded.name, added_on = excluded.added_on, description = excluded.description,
        required_action = excluded.required_action, due_on = excluded.due_on,
        ransomware = excluded.ransomware, links = excluded.links
      where (entry.vendor, entry.product, entry.name, entry.added_on, entry.description,
          entry.required_action, entry.due_on, entry.ransomware, entry.links)
        is distinct from (excluded.vendor, excluded.product, excluded.name, excluded.added_on,
          excluded.description, excluded.required_action, excluded.due_on, excluded.ransomware,
          excluded.links)
      returning xmax = 0 as is_new
    )
    select count(*) filter (where is_new)::int as added,
      count(*) filter (where not is_new)::int as changed from written`);
}

/** Takes out what the catalogue has no more; says how many. */
export async function deleteOthers(tx: Tx, cves: readonly string[]): Promise<number> {
  return await tx.run(sql`delete from alerts.kev_entry where cve <> all (${[...cves]}::text[])`);
}

export async function insertImport(
  tx: Tx,
  done: {
    id: string;
    catalogue: Catalogue;
    added: number;
    changed: number;
    removed: number;
    byName: string;
  },
): Promise<void> {
  const { catalogue } = done;
  await tx.run(sql`
    insert into alerts.kev_import (id, catalogue_version, catalogue_released_at, entries, added,
      changed, removed, imported_by_name)
    values (${done.id}, ${catalogue.version}, ${catalogue.releasedAt}, ${catalogue.entries.length},
      ${done.added}, ${done.changed}, ${done.removed}, ${done.byName})`);
}

const columns = sql`cve, vendor, product, name, added_on::text as added_on, description,
  required_action, due_on::text as due_on, ransomware, links`;

/** Newest first; with words only those that have them in id, vendor, product or name. */
export async function listEntries(
  tx: Tx,
  { words, most }: { words: string; most: number },
): Promise<KevEntry[]> {
  const like = `%${words.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return await tx.rows<KevEntry>(sql`
    select ${columns} from alerts.kev_entry
    where concat_ws(' ', cve, vendor, product, name) ilike ${like}
    order by added_on desc, cve limit ${most}`);
}

export async function findEntries(tx: Tx, cves: readonly string[]): Promise<KevEntry[]> {
  return await tx.rows<KevEntry>(sql`
    select ${columns} from alerts.kev_entry where cve = any (${[...cves]}::text[])`);
}
