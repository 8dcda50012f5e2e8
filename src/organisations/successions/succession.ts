/**
 * Mergers and splits. On the first day of the successors each of them has everybody who was active
 * at those it takes over from; where two records may be the same person both stay, unless name,
 * role, and the number and address that alerts go to are equal: two posts called "On-call IT" are
 * two phones. Nobody loses reach: no number or address that alerts to a predecessor go to is
 * without them afterwards. A succession is a group of pairs: who takes over from whom may differ
 * within it. Words, the table of states and what a preview says. Pure.
 */

/** Every legal move; `applied` and `withdrawn` are final. */
export const successionMoves = {
  planned: ['confirmed', 'withdrawn'],
  confirmed: ['applied', 'withdrawn'],
  applied: [],
  withdrawn: [],
} as const satisfies Record<string, readonly string[]>;

export type SuccessionState = keyof typeof successionMoves;

export const successionStates: Readonly<Record<SuccessionState, string>> = {
  planned: 'Planned',
  confirmed: 'Confirmed',
  applied: 'Done',
  withdrawn: 'Withdrawn',
};

export type Body = {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  /** `2026-11-23`; the last day. */
  readonly closedOn: string | null;
  readonly openedOn: string | null;
};

/** One that hands over, and one that takes over from it; by id. */
export type Part = {
  readonly predecessorId: string;
  readonly successorId: string;
  /** Below it those come to stand who stood below the predecessor: one of its successors. */
  readonly takesChildren: boolean;
};

/** Who takes part, and who takes over from whom: a group of pairs that are carried out together. */
export type Group = {
  readonly predecessors: readonly Body[];
  readonly successors: readonly Body[];
  readonly parts: readonly Part[];
};

/** Who was given to a part by name, whoever takes the others; by code. */
export type GivenChild = { readonly child: string; readonly successor: string };

/** Who takes over from one of them. */
export function successorsOf({ successors, parts }: Group, predecessorId: string): Body[] {
  return successors.filter(({ id }) =>
    parts.some((part) => part.predecessorId === predecessorId && part.successorId === id),
  );
}

/** From whom one of them takes over. */
export function predecessorsOf({ predecessors, parts }: Group, successorId: string): Body[] {
  return predecessors.filter(({ id }) =>
    parts.some((part) => part.successorId === successorId && part.predecessorId === id),
  );
}

/** It takes over from itself too. */
export function goesOn({ parts }: Pick<Group, 'parts'>, id: string): boolean {
  return parts.some((part) => part.predecessorId === id && part.successorId === id);
}

/** Everybody takes over from everybody: one merger, or one split. */
export function isWhole({ predecessors, successors, parts }: Group): boolean {
  return parts.length === predecessors.length * successors.length;
}

/** Why these cannot take over from those, by field of the form; empty where they can. */
export function successionErrors(
  plan: Group & { readonly onDate: string },
): Record<string, string> {
  const { onDate, predecessors, successors } = plan;
  const errors: Record<string, string> = {};
  if (predecessors.length === 0) errors['predecessors'] = 'Name at least one organisation';
  if (successors.length === 0) errors['successors'] = 'Name at least one organisation';
  const gone = predecessors.filter(
    ({ closedOn }) => closedOn !== null && closedOn < dayBefore(onDate),
  );
  if (gone.length > 0) errors['predecessors'] = `Closed before that day already: ${codesOf(gone)}`;
  const unborn = predecessors.filter(({ openedOn }) => openedOn !== null && openedOn >= onDate);
  if (unborn.length > 0)
    errors['predecessors'] = `Not open before that day, nothing to hand over: ${codesOf(unborn)}`;
  const ended = successors.filter(({ closedOn }) => closedOn !== null && closedOn < onDate);
  if (ended.length > 0) errors['successors'] = `Closed on that day: ${codesOf(ended)}`;
  const late = successors.filter(({ openedOn }) => openedOn !== null && openedOn > onDate);
  if (late.length > 0)
    errors['successors'] = `Opens later than that day, so nobody would be told: ${codesOf(late)}`;
  const both = predecessors.filter(({ id }) => successors.some((one) => one.id === id));
  if (both.length > 0 && both.length === predecessors.length && both.length === successors.length)
    errors['successors'] = 'These would only follow themselves: name another organisation';
  const torn = both.filter(({ id }) => !goesOn(plan, id));
  if (torn.length > 0)
    errors['successors'] =
      `Closes and takes over on the same day: ${codesOf(torn)}. One that goes on takes over from itself too`;
  return errors;
}

function codesOf(bodies: readonly Body[]): string {
  return bodies.map(({ code }) => code).join(', ');
}

/** The day before, as `2026-03-31`. */
export function dayBefore(day: string): string {
  return daysAfter(day, -1);
}

export function dayAfter(day: string): string {
  return daysAfter(day, 1);
}

function daysAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T12:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** A person or post as the successor will have it. */
export type Heir = {
  readonly name: string;
  readonly role: string;
  readonly rank: number;
  /** Codes of all organisations that have it now. */
  readonly from: readonly string[];
  /** Those whose numbers and addresses it gets; the successor's own is not among them. */
  readonly contactIds: readonly string[];
};

/** A contact of one who takes part. */
export type Holder = {
  readonly id: string;
  readonly organisationId: string;
  readonly code: string;
  readonly name: string;
  /** Equal for names that the directory takes for one. */
  readonly nameKey: string;
  readonly role: string;
  readonly rank: number;
  readonly active: boolean;
  /**
   * The contact points that alerts go to: the first, and where that fails the next one with it.
   * Null: none of that channel.
   */
  readonly text: string | null;
  readonly mail: string | null;
};

/**
 * Whom a successor will have, in the order in which they are told: its own and those of the others.
 * A second one of a name and role whose number or address is another gets its organisation's code
 * behind its name.
 */
export function heirsOf(successorId: string, holders: readonly Holder[]): Heir[] {
  const isOwn = ({ organisationId }: Holder) => organisationId === successorId;
  const inOrder = holders.toSorted(
    (a, b) => Number(isOwn(b)) - Number(isOwn(a)) || a.rank - b.rank || (a.code < b.code ? -1 : 1),
  );
  const byKey = Map.groupBy(inOrder, ({ role, nameKey }) => `${role}|${nameKey}`);
  return [...byKey.values()]
    .flatMap(seatsOf)
    .map(({ name, members }) => ({ name, members: members.filter(({ active }) => active) }))
    .filter(({ members }) => members.length > 0)
    .map(({ name, members }) => ({
      name,
      role: members[0]!.role,
      rank: Math.min(...members.map(({ rank }) => rank)),
      from: [...new Set(members.map(({ code }) => code))].toSorted(),
      contactIds: members.filter((one) => !isOwn(one)).map(({ id }) => id),
    }))
    .toSorted((a, b) => a.rank - b.rank || a.name.localeCompare(b.name, 'en'));
}

type Seat = { readonly name: string; readonly members: readonly Holder[] };

/** Of one name and role: each is told by what the first of its seat is told by, or by less. */
function seatsOf(same: readonly Holder[]): readonly Seat[] {
  const seats: { name: string; members: Holder[] }[] = [];
  for (const one of same) {
    const seat = seats.find(({ members }) => isToldWith(one, members[0]!));
    if (seat !== undefined) seat.members.push(one);
    else
      seats.push({
        name: seats.length === 0 ? one.name : `${one.name} (${one.code})`,
        members: [one],
      });
  }
  return seats;
}

function isToldWith(one: Holder, first: Holder): boolean {
  const { text, mail } = one;
  return (text === null || text === first.text) && (mail === null || mail === first.mail);
}

/** What a reader should know before it is confirmed. */
export function warningsOf(heirs: readonly Heir[]): string[] {
  const first = heirs.filter(({ rank }) => rank === 1);
  const merged = heirs.filter(({ from }) => from.length > 1);
  return [
    ...(heirs.length === 0 ? ['Nobody can be told here: none of them has an active contact.'] : []),
    ...(heirs.length > 0 && first.length === 0
      ? ['Nobody has rank 1: the first round reaches nobody.']
      : []),
    ...(first.length > 1 ? [`${first.length} people have rank 1 and are told together.`] : []),
    ...merged.map(
      ({ name, from }) => `${name} is one contact from ${from.join(' and ')}, with all numbers.`,
    ),
  ];
}
