/**
 * Whom a frozen audience tells in which round, as values: the decision that `freezeRounds` carries
 * out in the database for a million recipients (compose.test.ts compares the two). Pure.
 */
import type { RoundTemplate } from './texts.ts';

/** One number or address of a contact, as `organisations.v_reachable` has those told now. */
export type Reachable = {
  readonly organisationId: string;
  readonly shortName: string;
  readonly contactPointId: string;
  readonly channel: string;
  readonly role: string;
  readonly rank: number;
  readonly readerKind: string;
};

/** One message: to one number or address in one round, for all organisations that share it (P1). */
export type ComposedMessage = {
  readonly template: RoundTemplate;
  readonly contactPointId: string;
  readonly role: string;
  readonly rank: number;
  /** The first has its name in it and gave it its code. */
  readonly organisationIds: readonly string[];
  /** As it stands in the message: `Northmoor +1`. */
  readonly name: string;
  /** The reader kind in whose own words it is; null: the general ones. */
  readonly reader: string | null;
};

/** The rank with whose round those are told that are not chased: the first of round 1. */
export function firstRankOf(
  steps: readonly { readonly round: number; readonly ranks: readonly number[] }[],
): number {
  return Math.min(...steps.filter(({ round }) => round === 1).flatMap(({ ranks }) => ranks));
}

/**
 * Every message of every round. A number shared by several organisations gets one text in a round,
 * which names the first by rank and short name, and counts the others; in the general words if one
 * of the contacts behind it has none of their own. In the order in which the freeze numbers them
 * and the engine claims those of one rank.
 * @param unchased reader kinds that are told with the first round, whatever their rank
 */
export function composeRounds(
  people: readonly Reachable[],
  templates: readonly RoundTemplate[],
  unchased: readonly string[],
): ComposedMessage[] {
  const firstRank = firstRankOf(templates);
  const groups = templates.map(() => new Map<string, Reachable[]>());
  for (const person of people) {
    const isUnchased = unchased.includes(person.readerKind);
    const rank = isUnchased ? firstRank : person.rank;
    for (const [i, { channel, ranks, reminds }] of templates.entries()) {
      if (channel !== person.channel || !ranks.includes(rank) || (isUnchased && reminds)) continue;
      const sharing = groups[i]!.get(person.contactPointId);
      if (sharing === undefined) groups[i]!.set(person.contactPointId, [person]);
      else sharing.push(person);
    }
  }
  return templates
    .flatMap((template, i) =>
      Array.from(groups[i]!.values(), (sharing) => messageFor(template, sharing)),
    )
    .toSorted(byContactPoint);
}

/** Stable: those of one number keep the order of the templates. */
function byContactPoint(a: ComposedMessage, b: ComposedMessage): number {
  if (a.contactPointId === b.contactPointId) return 0;
  return a.contactPointId < b.contactPointId ? -1 : 1;
}

function messageFor(template: RoundTemplate, sharing: readonly Reachable[]): ComposedMessage {
  const ordered = sharing.length === 1 ? sharing : sharing.toSorted(firstComesFirst);
  const first = ordered[0]!;
  const organisationIds = [...new Set(ordered.map(({ organisationId }) => organisationId))];
  const others = organisationIds.length - 1;
  return {
    template,
    contactPointId: first.contactPointId,
    role: first.role,
    rank: first.rank,
    organisationIds,
    name: others === 0 ? first.shortName : `${first.shortName} +${others}`,
    reader: readerOf(template, ordered),
  };
}

function firstComesFirst(a: Reachable, b: Reachable): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.shortName === b.shortName) return 0;
  return a.shortName < b.shortName ? -1 : 1;
}

/** The first of the kinds behind it that have words of their own, unless one has none. */
function readerOf({ own }: RoundTemplate, sharing: readonly Reachable[]): string | null {
  const kinds = Object.keys(own);
  const places = sharing.map(({ readerKind }) => kinds.indexOf(readerKind));
  const least = Math.min(...places);
  return least < 0 ? null : kinds[least]!;
}

/** The words of a message, with the blanks of its recipient still in them. */
export function bodyOf({ template, reader }: ComposedMessage): string {
  return reader === null ? template.body : (template.own[reader] ?? template.body);
}
