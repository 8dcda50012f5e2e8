/** How far the directory reaches, as counts, a map of tiles and lists. Pure. */
import { scaleLinear } from 'd3-scale';
import type { DirectoryRules } from '../model.ts';

export const coverageBy = ['region', 'system', 'type'] as const;

export type CoverageBy = (typeof coverageBy)[number];

/** Why an organisation is to be mended, the worst first. Each has one gap: its worst. */
export const gaps = {
  nobody: 'Nobody can be told',
  mailOnly: 'Nobody gets a text',
  alone: 'One person only',
} as const;

export type Gap = keyof typeof gaps;

/** Organisations that exist today; `byText`, `mailOnly` and `nobody` add up to them. */
export type CoverageCounts = {
  readonly organisations: number;
  /** Somebody gets a text. */
  readonly byText: number;
  /** Somebody gets mail, and nobody a text. */
  readonly mailOnly: number;
  readonly nobody: number;
  /** One person only, by text or mail: nobody is next in line. */
  readonly alone: number;
};

/** One row of what the directory was asked. */
export type CoverageRow = CoverageCounts & {
  readonly by: CoverageBy | 'all';
  /** Of the region, system or type; null where an organisation has none. */
  readonly code: string | null;
  readonly name: string | null;
};

/** Of whatever has no region, system or type. */
const none = { region: 'No region', system: 'No system', type: 'No type' } as const;

export type CoverageLine = CoverageCounts & {
  readonly code: string | null;
  readonly label: string;
  /** Percent of organisations that a text reaches; never 100 while one is missing. */
  readonly percent: number;
};

/** Of a coverage one table. */
export function linesBy(
  rows: readonly CoverageRow[],
  by: CoverageBy,
  rules: DirectoryRules,
): CoverageLine[] {
  return rows
    .filter((row) => row.by === by)
    .map((row) => ({ ...row, label: labelOf(row, by, rules), percent: percentOf(row) }))
    .toSorted((a, b) => Number(a.code === null) - Number(b.code === null));
}

function labelOf({ code, name }: CoverageRow, by: CoverageBy, rules: DirectoryRules): string {
  if (code === null) return none[by];
  return by === 'type' ? (rules.organisationTypes[code]?.label ?? code) : (name ?? code);
}

/** Rounded down: "100 %" of 251 with one missing would be untrue. */
export function percentOf({ byText, organisations }: CoverageCounts): number {
  return organisations === 0 ? 0 : Math.floor((100 * byText) / organisations);
}

const TILE = { width: 200, height: 96, gap: 8 };
const BAR = { inset: 12, height: 8 };
/** As many beside each other as fit where no map says how regions lie. */
const COLUMNS = 3;

export type Tile = CoverageLine & {
  readonly x: number;
  readonly y: number;
  /** The bar at the foot of the tile: by text, by mail, nobody, one after the other. */
  readonly bar: readonly {
    readonly kind: 'byText' | 'mailOnly' | 'nobody';
    readonly x: number;
    readonly width: number;
  }[];
  readonly nameLines: readonly string[];
};

export type CoverageMap = {
  readonly width: number;
  readonly height: number;
  readonly tile: typeof TILE;
  readonly barHeight: number;
  readonly tiles: readonly Tile[];
};

/** Regions as tiles where they lie to each other; those of no known place follow below. */
export function drawMap(
  lines: readonly CoverageLine[],
  rows: readonly (readonly string[])[] = [],
): CoverageMap {
  const byCode = new Map(lines.map((line) => [line.code, line]));
  const columns = Math.max(...rows.map((row) => row.length), COLUMNS);
  const placed = rows.flatMap((row, y) =>
    row.flatMap((code, x) => {
      const line = byCode.get(code);
      return line === undefined ? [] : [{ line, x, y }];
    }),
  );
  const known = new Set(placed.map(({ line }) => line));
  const first = placed.length === 0 ? 0 : Math.max(...placed.map(({ y }) => y)) + 1;
  const others = lines
    .filter((line) => !known.has(line))
    .map((line, i) => ({ line, x: i % columns, y: first + Math.floor(i / columns) }));
  const all = [...placed, ...others];
  const height = all.length === 0 ? 0 : Math.max(...all.map(({ y }) => y)) + 1;
  return {
    width: columns * (TILE.width + TILE.gap) - TILE.gap,
    height: Math.max(0, height * (TILE.height + TILE.gap) - TILE.gap),
    tile: TILE,
    barHeight: BAR.height,
    tiles: all.map(({ line, x, y }) => ({
      ...line,
      x: x * (TILE.width + TILE.gap),
      y: y * (TILE.height + TILE.gap),
      bar: barOf(line),
      nameLines: wrapped(line.label),
    })),
  };
}

function barOf(line: CoverageLine): Tile['bar'] {
  const width = scaleLinear([0, Math.max(1, line.organisations)], [0, TILE.width - 2 * BAR.inset]);
  let before = 0;
  return (['byText', 'mailOnly', 'nobody'] as const).map((kind) => {
    const part = { kind, x: BAR.inset + width(before), width: width(line[kind]) };
    before += line[kind];
    return part;
  });
}

const NAME_CHARACTERS_MAX = 22;

/** A name in at most two lines of a tile. */
function wrapped(name: string): string[] {
  if (name.length <= NAME_CHARACTERS_MAX) return [name];
  const cut = name.lastIndexOf(' ', NAME_CHARACTERS_MAX);
  const [first, rest] = cut < 1 ? [name, ''] : [name.slice(0, cut), name.slice(cut + 1)];
  const line = (text: string) =>
    text.length <= NAME_CHARACTERS_MAX ? text : `${text.slice(0, NAME_CHARACTERS_MAX - 1)}…`;
  return rest === '' ? [line(first)] : [line(first), line(rest)];
}

/** The tables as one file: a row for each region, system and type. */
export function coverageTable(
  rows: readonly CoverageRow[],
  rules: DirectoryRules,
): readonly (readonly string[])[] {
  const cells = (by: string, line: CoverageLine) => [
    by,
    line.code ?? '',
    line.label,
    ...[line.organisations, line.byText, line.mailOnly, line.nobody, line.alone].map(String),
  ];
  return [
    ['by', 'code', 'name', 'organisations', 'by_text', 'mail_only', 'nobody', 'one_person_only'],
    ...coverageBy.flatMap((by) => linesBy(rows, by, rules).map((line) => cells(by, line))),
  ];
}
