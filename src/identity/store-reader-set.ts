/** Statements about reader sets. */
import type { Tx } from '#db/database.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';

/**
 * The set of exactly these readers, for good: made where nobody named the same ones before, so that
 * the next alert to the same 10,000 organisations adds no row. `ids` is a query of one column.
 */
export async function nameReaders(
  tx: Tx,
  kind: 'organisations' | 'people',
  ids: Sql,
): Promise<string> {
  const { digest } = await tx.one<{ digest: Buffer }>(sql`
    select sha256(convert_to(${kind} || coalesce(string_agg(chr(10) || reader.id, ''
      order by reader.id), ''), 'UTF8')) as digest
    from (${ids}) reader (id)`);
  // Whoever makes the same set in this moment is waited for, and then found.
  const made = await tx.maybe<{ id: string }>(sql`
    insert into identity.reader_set (id, kind, digest) values (${newId()}, ${kind}, ${digest})
    on conflict (digest) do nothing returning id`);
  if (made === undefined) {
    const { id } = await tx.one<{ id: string }>(sql`
      select id from identity.reader_set where digest = ${digest}`);
    return id;
  }
  await tx.run(sql`
    insert into identity.reader_set_member (set_id, reader_kind, reader_id)
    select ${made.id}, ${kind === 'people' ? 'person' : 'organisation'}, reader.id
    from (${ids}) reader (id) order by reader.id`);
  return made.id;
}
