/** What a board counts, for all organisations or some of them: sums of the rows of one read. */
import type { Listing } from './model.ts';

export const filterBy = ['region', 'system', 'type'] as const;

export type FilterBy = (typeof filterBy)[number];

/** The code of whatever has no region, or no system. */
export const NONE = '-';

/** Only organisations of this region, system and type; undefined: of every one. */
export type Filter = Readonly<Record<FilterBy, string | undefined>>;

export const everywhere: Filter = { region: undefined, system: undefined, type: undefined };

const counts = [
  'mustAnswer',
  'delivered',
  'deliveredLately',
  'acknowledged',
  'acknowledgedLately',
  'affected',
  'affectedLately',
  'help',
  'helpLately',
  'silent',
  'unreachable',
  'uncertain',
  'waiting',
  'toRing',
  'notGone',
  'noReceipt',
  'unanswered',
  'notSaid',
] as const;

/** Organisations that must answer, counted; the words are those of `listings`. */
export type Tally = Readonly<Record<(typeof counts)[number], number>>;

/** One region, system and type. */
export type FigureRow = Tally &
  Readonly<Record<FilterBy, string | null>> & {
    /** Seconds after the version that asked at which each acknowledged; in no order. */
    readonly answeredAfterS: readonly number[];
    /** The first that are to be rung, in the order of `firstCalls`. */
    readonly nextCalls: readonly Call[];
  };

const reasons = ['unreachable', 'uncertain', 'silent'] as const;

/** Somebody who is to be rung. */
export type Call = {
  readonly organisationId: string;
  readonly name: string;
  readonly why: (typeof reasons)[number];
  /** Said so before a correction took their acknowledgement back. */
  readonly saysAffected: boolean;
  /** Its network is in foreign hands. */
  readonly isCutOff: boolean;
};

/** The order of the call list (responses/calls) but for who has them and what was tried. */
function compareCalls(a: Call, b: Call): number {
  return (
    Number(b.saysAffected) - Number(a.saysAffected) ||
    reasons.indexOf(a.why) - reasons.indexOf(b.why) ||
    (a.name < b.name ? -1 : 1)
  );
}

export function firstCalls(rows: readonly FigureRow[], most: number): Call[] {
  return rows
    .flatMap(({ nextCalls }) => nextCalls)
    .toSorted(compareCalls)
    .slice(0, most);
}

/** Puts a call into the first `most` of them, where it belongs there. */
export function addCall(first: Call[], call: Call, most: number): void {
  const last = first.at(-1);
  if (first.length >= most && last !== undefined && compareCalls(call, last) >= 0) return;
  first.push(call);
  first.sort(compareCalls);
  if (first.length > most) first.pop();
}

export function rowsWithin(rows: readonly FigureRow[], filter: Filter): FigureRow[] {
  return rows.filter((row) =>
    filterBy.every((by) => filter[by] === undefined || filter[by] === (row[by] ?? NONE)),
  );
}

export function tallyOf(rows: readonly FigureRow[]): Tally {
  const sum = (name: keyof Tally) => rows.reduce((total, row) => total + row[name], 0);
  return Object.fromEntries(counts.map((name) => [name, sum(name)])) as Tally;
}

/** Minutes after the version that asked of each acknowledgement, in order. */
export function answerMinutes(rows: readonly FigureRow[]): number[] {
  return rows
    .flatMap(({ answeredAfterS }) => answeredAfterS)
    .map((seconds) => Math.max(0, seconds) / 60)
    .toSorted((a, b) => a - b);
}

/** The tallies of each region, or system, or type; those without one are `NONE`. */
export function tallyBy(rows: readonly FigureRow[], by: FilterBy): Map<string, Tally> {
  const groups = Map.groupBy(rows, (row) => row[by] ?? NONE);
  return new Map(Array.from(groups, ([code, group]) => [code, tallyOf(group)]));
}

/** What narrows a board or a list, as the beginning of a query string: '' or `region=Y60&`. */
export function queryOf(filter: Filter, at?: Date): string {
  const asked = filterBy.map((by) => [by, filter[by]] as const);
  return [...asked, ['at', at?.toISOString()] as const]
    .map(([name, value]) => (value === undefined ? '' : `${name}=${encodeURIComponent(value)}&`))
    .join('');
}

export type FunnelStep = {
  readonly listing: Listing;
  readonly label: string;
  readonly count: number;
  /** Those that came as far as the step before, and no further. */
  readonly lost?: { readonly listing: Listing; readonly label: string; readonly count: number };
};

/** From all that must answer to those that said what it means for them. Each step holds the next. */
export function funnelOf(tally: Tally): FunnelStep[] {
  const gone = tally.mustAnswer - tally.notGone;
  const reached = gone - tally.noReceipt;
  const lost = (listing: Listing, label: string, count: number) => ({ listing, label, count });
  return [
    { listing: 'must_answer', label: 'must answer', count: tally.mustAnswer },
    {
      listing: 'gone',
      label: 'sent',
      count: gone,
      lost: lost('not_gone', 'nothing has left', tally.notGone),
    },
    {
      listing: 'reached',
      label: 'reached',
      count: reached,
      lost: lost('no_receipt', 'no receipt yet', tally.noReceipt),
    },
    {
      listing: 'acknowledged',
      label: 'acknowledged',
      count: tally.acknowledged,
      lost: lost('unanswered', 'reached, no answer', tally.unanswered),
    },
    {
      listing: 'said',
      label: 'of these said whether affected',
      count: tally.acknowledged - tally.notSaid,
      lost: lost('not_said', 'have not said', tally.notSaid),
    },
  ];
}
