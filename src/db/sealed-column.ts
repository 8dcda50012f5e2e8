/**
 * Columns of sealed values (`src/kernel/sealed.ts`), as each slice names its own in
 * `store-sealed.ts`. Whoever exchanges a key reads there what has to be sealed anew;
 * `src/cli/keys.test.ts` compares with the columns of the database, so that none is forgotten.
 */
import type { SealedPurpose } from '#kernel/sealed.ts';
import type { Tx } from './database.ts';
import { identifier, join, sql, type Sql } from './sql.ts';

export type SealedColumn = {
  /** With its schema. */
  readonly table: string;
  /** Ends in `_sealed`. */
  readonly column: string;
  readonly purpose: SealedPurpose;
  /** The primary key, by column, in its order. */
  readonly key: Readonly<Record<string, 'uuid' | 'text' | 'integer'>>;
  /** What its values are sealed under: a word, then columns; `['gateway', 'id']` → `gateway|notify`. */
  readonly context: readonly [word: string, ...columns: string[]];
  /** Fewer than usual are read together, where a value may be large. */
  readonly rowsAtOnce?: number;
};

export type SealedRow = {
  readonly key: readonly string[];
  readonly context: string;
  readonly sealed: Buffer;
};

/** The next rows, by key, whose value is sealed by another key than these. */
export async function listSealedByOthers(
  tx: Tx,
  column: SealedColumn,
  options: {
    readonly keyIds: readonly number[];
    readonly after?: SealedRow;
    readonly most: number;
  },
): Promise<SealedRow[]> {
  const { keyIds, after, most } = options;
  const keys = Object.entries(column.key);
  const names = keys.map(([name]) => identifier(name));
  const [word, ...columns] = column.context;
  const from = keys.map(([, type], i) => cast(after?.key[i] ?? '', type));
  return await tx.rows<SealedRow>(sql`
    select array[${join(names.map((name) => sql`${name}::text`))}] as key,
      concat_ws('|', ${word}::text, ${join(columns.map((name) => identifier(name)))}) as context,
      ${identifier(column.column)} as sealed
    from ${identifier(column.table)}
    where ${others(column, keyIds)}
      and ${after === undefined ? sql`true` : sql`(${join(names)}) > (${join(from)})`}
    order by ${join(names)} limit ${most}`);
}

/** Exchanges the bytes of these rows, where they are still what they were. Returns how many. */
export async function replaceSealed(
  tx: Tx,
  column: SealedColumn,
  rows: readonly (SealedRow & { readonly fresh: Buffer })[],
): Promise<number> {
  const keys = Object.entries(column.key);
  const name = identifier(column.column);
  const same = keys.map(
    ([part, type], i) => sql`stored.${identifier(part)} = ${cast(identifier(`given.k${i}`), type)}`,
  );
  return await tx.run(sql`
    update ${identifier(column.table)} as stored set ${name} = given.fresh
    from unnest(${join(keys.map((_, i) => sql`${rows.map(({ key }) => key[i])}::text[]`))},
      ${rows.map(({ sealed }) => sealed)}::bytea[], ${rows.map(({ fresh }) => fresh)}::bytea[])
      as given (${join(keys.map((_, i) => identifier(`k${i}`)))}, was, fresh)
    where ${join(same, ' and ')} and stored.${name} = given.was`);
}

/** How many values of the column are sealed by another key than these. */
export async function countSealedByOthers(
  tx: Tx,
  column: SealedColumn,
  keyIds: readonly number[],
): Promise<number> {
  const { count } = await tx.one<{ count: number }>(sql`
    select count(*) from ${identifier(column.table)} where ${others(column, keyIds)}`);
  return count;
}

function others(column: SealedColumn, keyIds: readonly number[]): Sql {
  const name = identifier(column.column);
  return sql`${name} is not null and kernel.sealed_by(${name}) <> all (${keyIds}::integer[])`;
}

function cast(value: unknown, type: SealedColumn['key'][string]): Sql {
  const casts = {
    uuid: sql`${value}::text::uuid`,
    text: sql`${value}::text`,
    integer: sql`${value}::text::integer`,
  };
  return casts[type];
}
