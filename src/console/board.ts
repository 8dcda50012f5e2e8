/** The live board as values: what of a reading a page, a stream and a test show of whom. */
import { drawCurve, type CurveView } from './curve.ts';
import {
  answerMinutes,
  everywhere,
  firstCalls,
  funnelOf,
  NONE,
  rowsWithin,
  tallyBy,
  tallyOf,
  type Call,
  type FigureRow,
  type Filter,
  type FilterBy,
  type FunnelStep,
  type Tally,
} from './figures.ts';
import { drawBoardMap, type BoardMap } from './map.ts';
import { type Claim } from './store-calls.ts';
import type { Reading } from './reading.ts';
import { CALLS_MOST } from './store-standings.ts';

export type NextCall = Call & {
  /** Who rings them now. */
  readonly claimedByName: string | undefined;
};

export type Board = Omit<Reading, 'figures' | 'claims' | 'names' | 'regionMap' | 'counted'> & {
  readonly filter: Filter;
  readonly tally: Tally;
  readonly funnel: readonly FunnelStep[];
  /** Nobody is chased any more. */
  readonly isOver: boolean;
  readonly nextCalls: readonly NextCall[];
  readonly map: BoardMap;
  readonly curve: CurveView;
  /** What a board can be narrowed to. */
  readonly choices: Readonly<Record<FilterBy, readonly Choice[]>>;
};

/** A region, system or type, and how many of its organisations must answer. */
export type Choice = { readonly code: string; readonly name: string; readonly count: number };

/** What a reading says of the organisations of a filter. */
export function boardOf(reading: Reading, filter: Filter = everywhere): Board {
  const { figures, claims, names, regionMap, counted: _, ...rest } = reading;
  const { alert, at, readAt, deadlineMinutes } = reading;
  const rows = rowsWithin(figures, filter);
  const tally = tallyOf(rows);
  const elapsedMs = (at ?? alert.closedAt ?? readAt).getTime() - alert.askedAt.getTime();
  const isOver = alert.closedAt !== null && (at ?? readAt) >= alert.closedAt;
  return {
    ...rest,
    filter,
    tally,
    funnel: funnelOf(tally),
    isOver,
    nextCalls: isOver ? [] : nextCallsOf(rows, claims),
    map: drawBoardMap(tallyBy(rows, 'region'), { names: names.region, rows: regionMap, isOver }),
    curve: drawCurve({
      answers: answerMinutes(rows),
      mustAnswer: tally.mustAnswer,
      elapsedMinutes: elapsedMs / 60_000,
      deadlineMinutes,
    }),
    choices: {
      region: choicesOf(figures, 'region', names.region),
      system: choicesOf(figures, 'system', names.system),
      type: choicesOf(figures, 'type', names.type),
    },
  };
}

function choicesOf(
  rows: readonly FigureRow[],
  by: FilterBy,
  names: ReadonlyMap<string, string>,
): Choice[] {
  return Array.from(tallyBy(rows, by), ([code, { mustAnswer }]) => ({
    code,
    name: code === NONE ? `No ${by}` : (names.get(code) ?? code),
    count: mustAnswer,
  })).toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

function nextCallsOf(rows: readonly FigureRow[], claims: readonly Claim[]): NextCall[] {
  return firstCalls(rows, CALLS_MOST).map((call) => ({
    ...call,
    claimedByName: claims.find(({ organisationId }) => organisationId === call.organisationId)
      ?.claimedByName,
  }));
}
