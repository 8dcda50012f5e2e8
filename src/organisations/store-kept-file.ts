/** Files between "Check" and "Import". Row-level security shows each to its uploader only. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { ImportCounts, ImportKind } from './model.ts';

export type NewKeptFile = {
  readonly id: string;
  readonly kind: ImportKind;
  readonly fileSealed: Buffer;
  readonly uploadedBy: string;
  readonly uploadedAt: Date;
  readonly expiresAt: Date;
};

export type KeptFileRow = NewKeptFile & {
  /** With `counts`: it was imported already. */
  readonly importedAt: Date | null;
  readonly counts: ImportCounts | null;
};

export async function insertKeptFile(tx: Tx, row: NewKeptFile): Promise<void> {
  await tx.run(sql`
    insert into organisations.kept_file (id, kind, file_sealed, uploaded_by, uploaded_at,
      expires_at)
    values (${row.id}, ${row.kind}, ${row.fileSealed}, ${row.uploadedBy}, ${row.uploadedAt},
      ${row.expiresAt})`);
}

/** Undefined where it never was, is somebody else's, or has expired. */
export async function findKeptFile(
  tx: Tx,
  id: string,
  { now, lock = false }: { readonly now: Date; readonly lock?: boolean },
): Promise<KeptFileRow | undefined> {
  return await tx.maybe<KeptFileRow>(sql`
    select id, kind, file_sealed, uploaded_by, uploaded_at, expires_at, imported_at, counts
    from organisations.kept_file
    where id = ${id} and expires_at > ${now}
    ${lock ? sql`for update` : sql``}`);
}

export async function markImported(
  tx: Tx,
  id: string,
  { now, counts }: { readonly now: Date; readonly counts: ImportCounts },
): Promise<number> {
  return await tx.run(sql`
    update organisations.kept_file
    set imported_at = ${now}, counts = ${JSON.stringify(counts)}::jsonb
    where id = ${id} and imported_at is null`);
}

/** What has expired, and of each person all but the newest ones. For the system only. */
export async function deleteOldKeptFiles(
  tx: Tx,
  { now, keptPerPerson }: { readonly now: Date; readonly keptPerPerson: number },
): Promise<number> {
  return await tx.run(sql`
    delete from organisations.kept_file
    where expires_at <= ${now} or id in (
      select ranked.id from (
        select kept_file.id, row_number() over (
          partition by kept_file.uploaded_by order by kept_file.id desc) as place
        from organisations.kept_file
      ) ranked
      where ranked.place > ${keptPerPerson})`);
}
