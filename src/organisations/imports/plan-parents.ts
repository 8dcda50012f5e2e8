/** Below whom the organisations of a file come to stand, and which rows cannot be so. Pure. */
import type { OrganisationRow, RefusedRow } from '../model.ts';
import {
  climbSentence,
  datesTrouble,
  findWrongClimb,
  isSameLine,
  lineWith,
  orphansOf,
  type Dates,
  type Lines,
  type SaidParent,
  type Stretch,
} from '../parents.ts';
import type { Numbered } from './parse.ts';

export type ParentState = {
  /** Of all that have a parent at any time, by code. */
  readonly lines: Lines;
  /** Of the whole directory, by code. */
  readonly datesOf: ReadonlyMap<string, Dates>;
};

/** What of a row matters here. */
type Told = Pick<OrganisationRow, 'code' | 'openedOn' | 'closedOn' | 'parent'>;

export type ParentPlan<R extends Told> = {
  readonly rows: readonly Numbered<R>[];
  /** Lines that become different, by code of the child. */
  readonly changed: Lines;
  readonly refusedRows: readonly RefusedRow[];
  readonly notes: readonly string[];
};

/** Rows whose parent cannot be are refused whole; the others are looked at as if those were not there. */
export function planParents<R extends Told>(
  rows: readonly Numbered<R>[],
  state: ParentState,
  today: string,
): ParentPlan<R> {
  const planner = new Planner(rows, state, today);
  planner.takeAll();
  while (planner.refuseWrongClimbs()) planner.takeAll();
  return planner.plan();
}

type Tried =
  | { readonly line: readonly Stretch[] }
  | { readonly field: string; readonly reason: string };

class Planner<R extends Told> {
  readonly #state: ParentState;
  readonly #today: string;
  /** What stands, by code. */
  readonly #rows: Map<string, Numbered<R>>;
  readonly #datesOf: Map<string, Dates>;
  readonly #refused: RefusedRow[] = [];
  #changed = new Map<string, readonly Stretch[]>();
  #leftOut = { unknown: 0, closed: 0 };

  constructor(rows: readonly Numbered<R>[], state: ParentState, today: string) {
    this.#state = state;
    this.#today = today;
    this.#rows = new Map(rows.map((one) => [one.row.code, one]));
    this.#datesOf = new Map(state.datesOf);
    for (const { row } of rows) this.#datesOf.set(row.code, datesWith(row, state.datesOf));
  }

  /** Every row by itself; what was refused takes those with it that it would have been above. */
  takeAll(): void {
    this.#changed = new Map();
    this.#leftOut = { unknown: 0, closed: 0 };
    const below = Map.groupBy(this.#rows.values(), ({ row: { parent } }) =>
      parent?.isDerived === false ? parent.said[0]?.parent : undefined,
    );
    const queue = [...this.#rows.values()];
    for (const one of queue) {
      if (one.row.parent === undefined || !this.#rows.has(one.row.code)) continue;
      const tried = this.#try(one.row);
      if ('reason' in tried) {
        this.#refuse(one, tried);
        queue.push(...(below.get(one.row.code) ?? []));
      } else if (!isSameLine(tried.line, this.#lineOf(one.row.code))) {
        this.#changed.set(one.row.code, tried.line);
      }
    }
  }

  #lineOf(code: string): readonly Stretch[] {
    return this.#state.lines.get(code) ?? [];
  }

  #try(row: R): Tried {
    const { said, isDerived } = row.parent!;
    const found = said.find(({ parent }) => parent === null || this.#datesOf.has(parent));
    const before = this.#lineOf(row.code);
    if (found === undefined) {
      if (!isDerived)
        return { field: 'parent', reason: 'is not in the directory, nor in this file' };
      this.#leftOut.unknown += 1;
      return { line: before };
    }
    const tried = this.#tryLine(row, found);
    if (!('reason' in tried) || !isDerived) return tried;
    this.#leftOut.closed += 1;
    return { line: before };
  }

  #tryLine({ code }: R, said: SaidParent): Tried {
    if (said.parent === code) return { field: 'parent', reason: 'is the organisation itself' };
    const line = lineWith(this.#lineOf(code), said, this.#today);
    if (line === undefined) return { field: 'parent_until', reason: 'is before its first day' };
    const own = this.#datesOf.get(code)!;
    const reason = line
      .filter(({ parent }) => parent === said.parent)
      .map((one) => datesTrouble(one, own, this.#datesOf.get(one.parent)!, this.#today))
      .find((trouble) => trouble !== undefined);
    return reason === undefined ? { line } : { field: 'parent', reason };
  }

  #refuse({ line, row }: Numbered<R>, why: { field: string; reason: string }): void {
    this.#refused.push({ line, ...why });
    this.#rows.delete(row.code);
    this.#changed.delete(row.code);
    const stored = this.#state.datesOf.get(row.code);
    if (stored === undefined) this.#datesOf.delete(row.code);
    else this.#datesOf.set(row.code, stored);
  }

  /** True where there were some: then all the others are to be looked at again. */
  refuseWrongClimbs(): boolean {
    const lines = this.#linesNow();
    const wrong = [...this.#changed.keys()].flatMap((code) => {
      const climb = findWrongClimb(code, lines);
      return climb === undefined ? [] : [{ code, reason: climbSentence(climb) }];
    });
    for (const { code, reason } of wrong)
      this.#refuse(this.#rows.get(code)!, { field: 'parent', reason });
    return wrong.length > 0;
  }

  #linesNow(): Lines {
    return new Map([...this.#state.lines, ...this.#changed]);
  }

  plan(): ParentPlan<R> {
    return {
      rows: [...this.#rows.values()],
      changed: this.#changed,
      refusedRows: this.#refused.toSorted((a, b) => a.line - b.line),
      notes: [...this.#leftOutNotes(), ...this.#orphanNotes()],
    };
  }

  #leftOutNotes(): string[] {
    const { unknown, closed } = this.#leftOut;
    return [
      ...(unknown === 0
        ? []
        : [
            `${rowsWords(unknown)} a parent that is not in the directory and stay where they are: import the parents, then this file again.`,
          ]),
      ...(closed === 0
        ? []
        : [`${rowsWords(closed)} a parent whose dates do not fit and stay where they are.`]),
    ];
  }

  #orphanNotes(): string[] {
    const lines = this.#linesNow();
    const closing = [...this.#rows.values()].filter(
      ({ row }) => row.closedOn && row.closedOn !== this.#state.datesOf.get(row.code)?.closedOn,
    );
    const parents = new Set(
      [...lines.values()].flatMap((line) => line.map(({ parent }) => parent)),
    );
    return closing.flatMap(({ row: { code } }) => {
      const count = parents.has(code) ? orphansOf(code, lines, this.#datesOf).length : 0;
      const who =
        count === 1
          ? '1 organisation below it goes'
          : `${count.toLocaleString('en-GB')} organisations below it go`;
      return count === 0 ? [] : [`${code} closes and ${who} on: say whom they belong to then.`];
    });
  }
}

function rowsWords(count: number): string {
  return count === 1 ? '1 row names' : `${count.toLocaleString('en-GB')} rows name`;
}

/** The days of an organisation once its row is written. */
export function datesWith(
  row: Pick<Told, 'code' | 'openedOn' | 'closedOn'>,
  stored: ReadonlyMap<string, Dates>,
): Dates {
  const before = stored.get(row.code);
  return {
    openedOn: row.openedOn !== undefined ? row.openedOn : (before?.openedOn ?? null),
    closedOn: row.closedOn !== undefined ? row.closedOn : (before?.closedOn ?? null),
  };
}
