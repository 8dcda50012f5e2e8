/** Places as tiles where they lie to each other, and a bar at the foot of each. Pure. */
import { scaleLinear } from 'd3-scale';

const TILE = { width: 200, height: 96, gap: 8 };
const BAR = { inset: 12, height: 8 };
/** As many beside each other as fit where no map says how places lie; of many places more. */
const COLUMNS = [
  { from: 13, columns: 6 },
  { from: 7, columns: 4 },
  { from: 0, columns: 3 },
];

export type Place = { readonly code: string | null; readonly label: string };

export type Tile = {
  readonly x: number;
  readonly y: number;
  readonly nameLines: readonly string[];
};

export type TileMap = {
  readonly width: number;
  readonly height: number;
  readonly tile: typeof TILE;
  readonly barHeight: number;
};

/** `rows` says how codes lie, "" is a gap; places of no known place follow below. */
export function layTiles<T extends Place>(
  places: readonly T[],
  rows: readonly (readonly string[])[] = [],
): TileMap & { readonly tiles: readonly (T & Tile)[] } {
  const byCode = new Map(places.map((place) => [place.code, place]));
  const placed = rows.flatMap((row, y) =>
    row.flatMap((code, x) => {
      const place = byCode.get(code);
      return place === undefined ? [] : [{ place, x, y }];
    }),
  );
  const known = new Set(placed.map(({ place }) => place));
  // A map of other places says nothing of these.
  const unplaced = placed.length === 0 ? places.length : 0;
  const beside = COLUMNS.find(({ from }) => unplaced >= from)!.columns;
  const columns = placed.length === 0 ? beside : Math.max(...rows.map((row) => row.length), beside);
  const first = placed.length === 0 ? 0 : Math.max(...placed.map(({ y }) => y)) + 1;
  const others = places
    .filter((place) => !known.has(place))
    .map((place, i) => ({ place, x: i % columns, y: first + Math.floor(i / columns) }));
  const all = [...placed, ...others];
  const height = all.length === 0 ? 0 : Math.max(...all.map(({ y }) => y)) + 1;
  return {
    width: columns * (TILE.width + TILE.gap) - TILE.gap,
    height: Math.max(0, height * (TILE.height + TILE.gap) - TILE.gap),
    tile: TILE,
    barHeight: BAR.height,
    tiles: all.map(({ place, x, y }) => ({
      ...place,
      x: x * (TILE.width + TILE.gap),
      y: y * (TILE.height + TILE.gap),
      nameLines: wrapped(place.label),
    })),
  };
}

export type BarPart<Kind extends string> = {
  readonly kind: Kind;
  readonly x: number;
  readonly width: number;
};

/** The parts of a whole, one after the other along the foot of a tile. */
export function barParts<Kind extends string>(
  parts: readonly { readonly kind: Kind; readonly count: number }[],
  whole: number,
): BarPart<Kind>[] {
  const width = scaleLinear([0, Math.max(1, whole)], [0, TILE.width - 2 * BAR.inset]);
  let before = 0;
  return parts.map(({ kind, count }) => {
    const part = { kind, x: BAR.inset + width(before), width: width(count) };
    before += count;
    return part;
  });
}

const NAME_CHARACTERS_MAX = 18;

/** A name in at most two lines of a tile. */
function wrapped(name: string): string[] {
  if (name.length <= NAME_CHARACTERS_MAX) return [name];
  const cut = name.lastIndexOf(' ', NAME_CHARACTERS_MAX);
  const [first, rest] = cut < 1 ? [name, ''] : [name.slice(0, cut), name.slice(cut + 1)];
  const line = (text: string) =>
    text.length <= NAME_CHARACTERS_MAX ? text : `${text.slice(0, NAME_CHARACTERS_MAX - 1)}…`;
  return rest === '' ? [line(first)] : [line(first), line(rest)];
}
