/**
 * Below whom organisations stand, by date: one parent at a time, and nobody below itself at any
 * date. A line of time is a list of stretches that do not overlap, the earliest first. Pure.
 */
import { dayAfter, dayBefore } from './successions/succession.ts';

/** Days as `2026-11-23`; both are within it. */
export type Stretch = {
  /** Code of the parent. */
  readonly parent: string;
  /** Null: nobody said since when. */
  readonly from: string | null;
  /** Null: no end is known. */
  readonly until: string | null;
};

export type Lines = ReadonlyMap<string, readonly Stretch[]>;

/** What somebody says: below whom (null: nobody), and from when until when as far as they know. */
export type SaidParent = Omit<Stretch, 'parent'> & { readonly parent: string | null };

const FIRST_DAY = '0000-01-01';
const LAST_DAY = '9999-12-31';

export function firstOf({ from }: Pick<Stretch, 'from'>): string {
  return from ?? FIRST_DAY;
}

export function lastOf({ until }: Pick<Stretch, 'until'>): string {
  return until ?? LAST_DAY;
}

/** The stretch that holds on a day. */
export function stretchOn(line: readonly Stretch[], day: string): Stretch | undefined {
  return line.find((one) => firstOf(one) <= day && day <= lastOf(one));
}

/**
 * The line after somebody said who the parent is. Without a first day it is so from today on, or
 * for as long as anybody knows where nothing was known before; without a last day until a day to
 * come of which something else was said before. The same parent without days changes nothing.
 * Undefined where its last day would be before its first.
 */
export function lineWith(
  line: readonly Stretch[],
  said: SaidParent,
  today: string,
): readonly Stretch[] | undefined {
  const now = stretchOn(line, today);
  const isKnown = (now?.parent ?? null) === said.parent;
  if (isKnown && said.from === null && said.until === null) return line;
  const goesOn = isKnown && now !== undefined ? now.from : today;
  const from = said.from ?? (line.length === 0 ? null : goesOn);
  const beginsAt = from !== null && from > today ? from : today;
  const next = line.find((one) => firstOf(one) > beginsAt);
  const until = said.until ?? (next === undefined ? null : dayBefore(firstOf(next)));
  if (firstOf({ from }) > lastOf({ until })) return undefined;
  return joined([...without(line, { from, until }), ...stretches(said.parent, from, until)]);
}

function stretches(
  parent: string | null,
  from: string | null,
  until: string | null,
): readonly Stretch[] {
  return parent === null ? [] : [{ parent, from, until }];
}

/** What of a line lies outside of these days. */
export function without(
  line: readonly Stretch[],
  days: Pick<Stretch, 'from' | 'until'>,
): readonly Stretch[] {
  return line.flatMap((one) => {
    if (lastOf(one) < firstOf(days) || firstOf(one) > lastOf(days)) return [one];
    const before = firstOf(one) < firstOf(days);
    const after = lastOf(one) > lastOf(days);
    return [
      ...(before ? [{ ...one, until: dayBefore(firstOf(days)) }] : []),
      ...(after ? [{ ...one, from: dayAfter(lastOf(days)) }] : []),
    ];
  });
}

/** In order, and what goes on below the same parent the next day in one piece. */
export function joined(pieces: readonly Stretch[]): readonly Stretch[] {
  const line: Stretch[] = [];
  for (const piece of pieces.toSorted((a, b) => (firstOf(a) < firstOf(b) ? -1 : 1))) {
    const last = line.at(-1);
    const goesOn =
      last !== undefined &&
      last.until !== null &&
      last.parent === piece.parent &&
      dayAfter(last.until) === piece.from;
    if (goesOn) line[line.length - 1] = { ...last, until: piece.until };
    else line.push(piece);
  }
  return line;
}

export function isSameLine(a: readonly Stretch[], b: readonly Stretch[]): boolean {
  return a.length === b.length && a.every((one, i) => isSame(one, b[i]!));
}

function isSame(a: Stretch, b: Stretch): boolean {
  return a.parent === b.parent && a.from === b.from && a.until === b.until;
}

/** More steps from the bottom to the top nobody would oversee; none that we know of has ten. */
export const LEVELS_MAX = 20;

/** A way from an organisation up to itself, or up too far. */
export type Climb = {
  readonly kind: 'ring' | 'deep';
  /** From it to the last one. */
  readonly codes: readonly string[];
  /** When that is so. */
  readonly days: Pick<Stretch, 'from' | 'until'>;
};

/** The first way up from this organisation that is wrong on any day; undefined where none is. */
export function findWrongClimb(code: string, lines: Lines): Climb | undefined {
  const climb = (days: Stretch, trail: readonly string[]): Climb | undefined => {
    for (const one of lines.get(days.parent) ?? []) {
      const both = overlap(days, one);
      if (both === undefined) continue;
      const codes = [...trail, one.parent];
      if (one.parent === code) return { kind: 'ring', codes, days: both };
      if (codes.length > LEVELS_MAX) return { kind: 'deep', codes, days: both };
      // A ring of others, found from each of them.
      if (trail.includes(one.parent)) continue;
      const found = climb(both, codes);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return climb({ parent: code, from: null, until: null }, [code]);
}

/** The days of both, below the parent of the second. */
function overlap(a: Stretch, b: Stretch): Stretch | undefined {
  const from = firstOf(a) > firstOf(b) ? a.from : b.from;
  const until = lastOf(a) < lastOf(b) ? a.until : b.until;
  if (firstOf({ from }) > lastOf({ until })) return undefined;
  return { parent: b.parent, from, until };
}

export function climbSentence({ kind, codes, days }: Climb): string {
  const when = daysInWords(days);
  return kind === 'ring'
    ? `would stand below itself${when}: ${codes.join(' below ')}`
    : `would stand more than ${LEVELS_MAX} levels below the top${when}`;
}

/** When an organisation exists, as far as anybody knows. */
export type Dates = { readonly openedOn: string | null; readonly closedOn: string | null };

/**
 * Why the dates of a parent do not fit; undefined where they do. One that is closed already cannot
 * go on as a parent; one that will close may, and its children are told of (`orphansOf`): whom they
 * belong to then, somebody must say, and until then everybody who asks for them still finds them.
 */
export function datesTrouble(
  stretch: Stretch,
  child: Dates,
  parent: Dates,
  today: string,
): string | undefined {
  const { openedOn, closedOn } = parent;
  if (stretch.from !== null && openedOn !== null && stretch.from < openedOn)
    return `opens on ${openedOn}, later than the first day below it`;
  if (closedOn !== null && closedOn < today && lastNeeded(stretch, child) > closedOn)
    return `closed on ${closedOn}, before what is below it: name who follows it`;
  return undefined;
}

/** The last day on which a child needs its parent. */
function lastNeeded(stretch: Stretch, { closedOn }: Dates): string {
  const until = lastOf(stretch);
  return closedOn !== null && closedOn < until ? closedOn : until;
}

/** Codes of those that stand below an organisation after its last day. */
export function orphansOf(
  code: string,
  lines: Lines,
  datesOf: ReadonlyMap<string, Dates>,
): readonly string[] {
  const closedOn = datesOf.get(code)?.closedOn ?? null;
  if (closedOn === null) return [];
  return [...lines].flatMap(([child, line]) => {
    const dates = datesOf.get(child);
    const isOrphan =
      dates !== undefined &&
      line.some((one) => one.parent === code && lastNeeded(one, dates) > closedOn);
    return isOrphan ? [child] : [];
  });
}

/** `QOP to 2026-03-31, QMJ from 2026-04-01`; empty without a parent. */
export function lineInWords(line: readonly Stretch[]): string {
  return line.map((one) => `${one.parent}${daysInWords(one)}`).join(', ');
}

/** ` from 2026-04-01 to 2027-03-31`, with a space before; empty where no day is known. */
export function daysInWords({ from, until }: Pick<Stretch, 'from' | 'until'>): string {
  return `${from ? ` from ${from}` : ''}${until ? ` to ${until}` : ''}`;
}
