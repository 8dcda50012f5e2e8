/** What a merger or a split does to who stands below whom (parents.ts). Pure. */
import {
  findWrongClimb,
  firstOf,
  isSameLine,
  joined,
  lastOf,
  stretchOn,
  without,
  type Lines,
  type Stretch,
} from '../parents.ts';
import type { GivenChild, Group } from './succession.ts';

export type HandingOver = {
  /** The first day of the successors. */
  readonly onDate: string;
  /** Codes: who takes over from whom, and which of them takes who stands below. */
  readonly parts: readonly {
    readonly predecessor: string;
    readonly successor: string;
    readonly takesChildren: boolean;
  }[];
  /** Codes: who was given to one of the successors by name. Absent: nobody. */
  readonly children?: readonly GivenChild[];
};

export function handingOverOf(
  row: Group & Required<Pick<HandingOver, 'onDate' | 'children'>>,
): HandingOver {
  const codeOf = new Map(
    [...row.predecessors, ...row.successors].map(({ id, code }) => [id, code]),
  );
  return {
    onDate: row.onDate,
    children: row.children,
    parts: row.parts.map(({ predecessorId, successorId, takesChildren }) => ({
      predecessor: codeOf.get(predecessorId)!,
      successor: codeOf.get(successorId)!,
      takesChildren,
    })),
  };
}

/**
 * Who stands below one that hands over on the first day, with its code; whoever takes part goes as
 * it is said there.
 */
export function childrenBelow(
  lines: Lines,
  { onDate, parts }: HandingOver,
): ReadonlyMap<string, string> {
  const takesPart = new Set(parts.flatMap((part) => [part.predecessor, part.successor]));
  const handsOver = new Set(parts.map(({ predecessor }) => predecessor));
  return new Map(
    [...lines].flatMap(([child, line]): [string, string][] => {
      const parent = stretchOn(line, onDate)?.parent;
      const isBelow = parent !== undefined && handsOver.has(parent) && !takesPart.has(child);
      return isBelow ? [[child, parent]] : [];
    }),
  );
}

/** Who may take somebody below `parent`; the first is who does where nothing is said. */
export function takersOf({ parts }: HandingOver, parent: string): string[] {
  const takers = parts.filter(({ predecessor }) => predecessor === parent);
  const isFirst = ({ successor, takesChildren }: (typeof takers)[number]) =>
    takers.some((one) => one.successor === parent) ? successor === parent : takesChildren;
  return [...takers.filter(isFirst), ...takers.filter((one) => !isFirst(one))].map(
    ({ successor }) => successor,
  );
}

/**
 * The lines that a merger or a split changes. What stood below a predecessor that closes stands
 * below the successor that takes its children from that day on, or below the one that it was given
 * to by name, also where the predecessor goes on; a successor that stood there itself does not come
 * to stand below its sibling. A successor without a parent gets the one that its
 * predecessors had, where they had the same. Whoever would come to stand below itself stays.
 */
export function successionLines(lines: Lines, succession: HandingOver): Lines {
  const { onDate } = succession;
  const heirs = heirsOf(succession);
  const closing = new Set(heirs.closing);
  const after = { from: onDate, until: null };
  const changed = new Map<string, readonly Stretch[]>();
  for (const [child, line] of lines) {
    const next = closing.has(child)
      ? without(line, after)
      : joined(line.flatMap((one) => handedOver(one, child, succession, heirs)));
    if (!isSameLine(line, next)) changed.set(child, next);
  }
  for (const code of new Set(succession.parts.map(({ successor }) => successor))) {
    const line = changed.get(code) ?? lines.get(code) ?? [];
    const isTaken = line.some((one) => lastOf(one) >= onDate);
    const parent = isTaken ? undefined : commonParent(code, { lines, succession, heirs });
    if (parent !== undefined) changed.set(code, joined([...line, { parent, ...after }]));
  }
  return withoutRings(changed, lines);
}

type Heirs = {
  readonly closing: readonly string[];
  /** Who takes those below, by code of the predecessor. */
  readonly heirOf: ReadonlyMap<string, string>;
  /** By code of the child. */
  readonly givenTo: ReadonlyMap<string, string>;
};

function heirsOf({ parts, children = [] }: HandingOver): Heirs {
  const goesOn = new Set(
    parts.flatMap(({ predecessor, successor }) => (predecessor === successor ? [successor] : [])),
  );
  const over = parts.filter(({ predecessor }) => !goesOn.has(predecessor));
  const takers = over.filter(({ takesChildren }) => takesChildren);
  return {
    closing: [...new Set(over.map(({ predecessor }) => predecessor))],
    heirOf: new Map(takers.map(({ predecessor, successor }) => [predecessor, successor])),
    givenTo: new Map(children.map(({ child, successor }) => [child, successor])),
  };
}

function handedOver(
  one: Stretch,
  child: string,
  succession: HandingOver,
  { givenTo }: Heirs,
): readonly Stretch[] {
  const { onDate } = succession;
  const takers = takersOf(succession, one.parent);
  const given = givenTo.get(child);
  const heir = takers.find((taker) => taker === given) ?? takers[0];
  if (heir === undefined || heir === one.parent || lastOf(one) < onDate) return [one];
  const from = firstOf(one) > onDate ? one.from : onDate;
  const before = without([one], { from: onDate, until: null });
  return takers.includes(child) ? before : [...before, { ...one, parent: heir, from }];
}

function commonParent(
  code: string,
  given: { readonly lines: Lines; readonly succession: HandingOver; readonly heirs: Heirs },
): string | undefined {
  const { lines, heirs } = given;
  const { onDate, parts } = given.succession;
  const before = parts.flatMap(({ predecessor, successor }) =>
    successor === code && heirs.closing.includes(predecessor) ? [predecessor] : [],
  );
  const parents = before.flatMap((one) => {
    const parent = stretchOn(lines.get(one) ?? [], onDate)?.parent;
    return parent === undefined ? [] : [heirs.heirOf.get(parent) ?? parent];
  });
  const [first, ...others] = [...new Set(parents)].filter((parent) => parent !== code);
  const isClear = first !== undefined && others.length === 0 && !heirs.closing.includes(first);
  return isClear ? first : undefined;
}

function withoutRings(changed: ReadonlyMap<string, readonly Stretch[]>, lines: Lines): Lines {
  const kept = new Map(changed);
  for (;;) {
    const all = new Map([...lines, ...kept]);
    const wrong = [...kept.keys()].filter((code) => findWrongClimb(code, all)?.kind === 'ring');
    if (wrong.length === 0) return kept;
    for (const code of wrong) kept.delete(code);
  }
}
