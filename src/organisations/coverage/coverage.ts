/** How far the directory reaches, as counts, a map of tiles and lists. Pure. */
import { barParts, layTiles, type BarPart, type Tile, type TileMap } from '#web/index.ts';
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

/** What a table and a map of tiles is called, and an address names it by. */
export const coverageTitles = { region: 'Regions', system: 'Systems', type: 'Types' } as const;

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

export type CoverageTile = CoverageLine & {
  /** By text, by mail, nobody. */
  readonly bar: readonly BarPart<'byText' | 'mailOnly' | 'nobody'>[];
};

export type CoverageMap = TileMap & { readonly tiles: readonly (CoverageTile & Tile)[] };

/** Places or types as tiles; regions where they lie to each other, those of no place below. */
export function drawMap(
  lines: readonly CoverageLine[],
  rows?: readonly (readonly string[])[],
): CoverageMap {
  const kinds = ['byText', 'mailOnly', 'nobody'] as const;
  const tiles = lines.map((line) => ({
    ...line,
    bar: barParts(
      kinds.map((kind) => ({ kind, count: line[kind] })),
      line.organisations,
    ),
  }));
  return layTiles(tiles, rows);
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
