/** Rows that are right by themselves and do not fit what the directory has. Pure. */
import type { OrganisationRow, RefusedRow } from '../model.ts';
import type { Dates } from '../parents.ts';
import type { Numbered } from './parse.ts';
import { datesWith } from './plan-parents.ts';

type Told = Pick<OrganisationRow, 'code' | 'shortName' | 'openedOn' | 'closedOn'>;

export type Fit<R extends Told> = {
  readonly rows: readonly Numbered<R>[];
  readonly refusedRows: readonly RefusedRow[];
};

/** What there is so far: days by code, and in small letters whom texts call how. */
export type FitState = {
  readonly datesOf: ReadonlyMap<string, Dates>;
  readonly shortNames: ReadonlyMap<string, string>;
};

/**
 * Splits off rows that would close before they open, and those that want texts to call two
 * organisations alike: nobody would know which is meant.
 */
export function refuseMisfits<R extends Told>(
  rows: readonly Numbered<R>[],
  { datesOf, shortNames }: FitState,
): Fit<R> {
  const renamed = new Set(rows.flatMap(({ row }) => (row.shortName === undefined ? [] : row.code)));
  const lines = new Map<string, number>();
  const refusedRows: RefusedRow[] = [];
  const fitting = rows.filter(({ line, row }) => {
    const name = row.shortName?.toLowerCase();
    const why = wrongDays(row, datesOf) ?? takenName(name, { row, shortNames, renamed, lines });
    if (why !== undefined) refusedRows.push({ line, ...why });
    else if (name !== undefined) lines.set(name, line);
    return why === undefined;
  });
  return { rows: fitting, refusedRows };
}

type Why = Omit<RefusedRow, 'line'>;

function wrongDays(row: Told, stored: ReadonlyMap<string, Dates>): Why | undefined {
  if (row.openedOn === undefined && row.closedOn === undefined) return undefined;
  const { openedOn, closedOn } = datesWith(row, stored);
  if (openedOn === null || closedOn === null || openedOn <= closedOn) return undefined;
  return row.closedOn === undefined
    ? { field: 'opened_on', reason: `is after closed_on, which is ${closedOn} so far` }
    : { field: 'closed_on', reason: `is before opened_on, which is ${openedOn} so far` };
}

type Names = Pick<FitState, 'shortNames'> & {
  readonly row: Told;
  /** Codes of those that the file names. */
  readonly renamed: ReadonlySet<string>;
  /** Where the file gave a name already. */
  readonly lines: ReadonlyMap<string, number>;
};

function takenName(
  name: string | undefined,
  { row, shortNames, renamed, lines }: Names,
): Why | undefined {
  if (name === undefined) return undefined;
  const line = lines.get(name);
  if (line !== undefined) return { field: 'short_name', reason: `is already in line ${line}` };
  const holder = shortNames.get(name);
  if (holder === undefined || holder === row.code || renamed.has(holder)) return undefined;
  return { field: 'short_name', reason: `is what texts call ${holder} already` };
}
