/** What only the directory's pages ask: how many a search finds, and which files came in. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { ImportCounts, ImportKind } from './model.ts';
import { dayOf, organisationsOn } from './store-as-at.ts';
import { matchesSearch, type OrganisationSearch } from './store.ts';

export type OrganisationCount = {
  readonly organisations: number;
  /** Those of them that did not exist any more on the day that is asked for. */
  readonly closed: number;
};

/** Counts what `listOrganisations` lists for the same search over all its pages. */
export async function countOrganisations(
  tx: Tx,
  search: Pick<OrganisationSearch, 'text' | 'question' | 'asAt'>,
): Promise<OrganisationCount> {
  return await tx.one<OrganisationCount>(sql`
    select count(*) as organisations,
      count(*) filter (where organisation.closed_on < ${dayOf(search.asAt)}) as closed
    from ${organisationsOn(search.asAt)}
    where ${matchesSearch(search)}`);
}

export type ImportEntry = {
  readonly id: string;
  readonly kind: ImportKind;
  readonly fileName: string;
  readonly finishedAt: Date;
  readonly counts: ImportCounts;
  readonly actor: string;
  /** Two persons agreed to it. */
  readonly byTwo: boolean;
  /** Null where no person did it: the command line, or the demonstration. */
  readonly personName: string | null;
  readonly undoneAt: Date | null;
  /** It is the last one, and how it was before is still known. */
  readonly canBeUndone: boolean;
};

/** Files that changed something, newest first. `after` is the id of the last one seen. */
export async function listImports(
  tx: Tx,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<ImportEntry[]> {
  // The cursor names a row, not its time: a Date would lose the microseconds of the order.
  return await tx.rows<ImportEntry>(sql`
    select import.id, import.kind, import.file_name, import.finished_at, import.counts,
      import.actor, person.name as person_name, import.approval_id is not null as by_two,
      import.undone_at,
      coalesce(import.id = (select image.import_id from organisations.import_image image limit 1),
        false) as can_be_undone
    from organisations.import
    left join identity.v_person person on person.id::text = import.actor
    where ${after === undefined ? sql`true` : isBefore(after)}
    order by import.finished_at desc, import.id desc
    limit ${limit}`);
}

function isBefore(id: string): Sql {
  return sql`(import.finished_at, import.id) < (
    select seen.finished_at, seen.id from organisations.import seen where seen.id = ${id})`;
}
