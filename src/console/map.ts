/** Regions as tiles where they lie to each other, each with how far its organisations are. Pure. */
import { barParts, layTiles, type BarPart, type Tile, type TileMap } from '#web/index.ts';
import { NONE, type Tally } from './figures.ts';

export type RegionLine = Tally & {
  readonly code: string;
  readonly label: string;
  /** Of those that must answer; never 100 while one is missing. */
  readonly percent: number;
  readonly bar: readonly BarPart<'acknowledged' | 'waiting' | 'toRing'>[];
};

export type BoardMap = TileMap & { readonly tiles: readonly (RegionLine & Tile)[] };

export function drawBoardMap(
  tallies: ReadonlyMap<string, Tally>,
  {
    names,
    rows,
    isOver = false,
  }: {
    readonly names: ReadonlyMap<string, string>;
    readonly rows: readonly (readonly string[])[];
    /** Nobody is chased any more: whoever has not answered never did. */
    readonly isOver?: boolean;
  },
): BoardMap {
  const lines = Array.from(tallies, ([code, tally]) => ({
    ...tally,
    code,
    label: code === NONE ? 'No region' : (names.get(code) ?? code),
    percent: Math.floor((100 * tally.acknowledged) / Math.max(1, tally.mustAnswer)),
    bar: barParts(
      [
        { kind: 'acknowledged', count: tally.acknowledged },
        { kind: 'waiting', count: isOver ? 0 : tally.waiting - tally.toRing },
        { kind: 'toRing', count: isOver ? tally.waiting : tally.toRing },
      ],
      tally.mustAnswer,
    ),
  }));
  return layTiles(
    lines.toSorted((a, b) => a.label.localeCompare(b.label, 'en')),
    rows,
  );
}
