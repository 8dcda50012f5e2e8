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

export type HandingOver = {
  /** The first day of the successors. */
  readonly onDate: string;
  /** Codes: who takes over from whom, and which of them takes who stands below. */
  readonly parts: readonly {
    readonly predecessor: string;
    readonly successor: string;
    readonly takesChildren: boolean;
  }[];
};

/**
 * The lines that a merger or a split changes. What stood below a predecessor that closes stands
 * below the successor that takes its children from that day on; a successor that stood there itself
 * does not come to stand below its sibling. A successor without a parent gets the one that its
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
};

function heirsOf({ parts }: HandingOver): Heirs {
  const goesOn = new Set(
    parts.flatMap(({ predecessor, successor }) => (predecessor === successor ? [successor] : [])),
  );
  const over = parts.filter(({ predecessor }) => !goesOn.has(predecessor));
  const takers = over.filter(({ takesChildren }) => takesChildren);
  return {
    closing: [...new Set(over.map(({ predecessor }) => predecessor))],
    heirOf: new Map(takers.map(({ predecessor, successor }) => [predecessor, successor])),
  };
}

function handedOver(
  one: Stretch,
  child: string,
  { onDate, parts }: HandingOver,
  { heirOf }: Heirs,
): readonly Stretch[] {
  const heir = heirOf.get(one.parent);
  if (heir === undefined || lastOf(one) < onDate) return [one];
  const from = firstOf(one) > onDate ? one.from : onDate;
  const before = without([one], { from: onDate, until: null });
  const isSibling = parts.some(
    ({ predecessor, successor }) => predecessor === one.parent && successor === child,
  );
  return isSibling ? before : [...before, { ...one, parent: heir, from }];
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
