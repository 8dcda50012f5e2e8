/** Cursor pages: stable while rows are added, at any depth one index look-up. */

export type Page<Row> = {
  readonly rows: readonly Row[];
  /** Give it back as `?after=`; null on the last page. */
  readonly next: string | null;
};

export const PAGE_ROWS = 50;
export const PAGE_ROWS_MAX = 200;

/**
 * `rows` were read with `limit ${limit + 1}`: one more than shown says whether there is a next
 * page. `key` are the values the statement is ordered by, all of them, so that none is skipped.
 */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  key: (row: Row) => readonly (string | number)[],
): Page<Row> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? encodeCursor(key(last)) : null;
  return { rows: shown, next };
}

export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** What `encodeCursor` made it of, or anything else: whoever sent it may have made it up. */
export function decodeCursor(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
