/** What kind of file it is, told by its first row: how its rows are to be read. Pure. */
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import {
  columnsOf,
  exactMapping,
  guessMapping,
  missingColumns,
  REFUSED_COLUMN,
  type Mapping,
} from './columns.ts';
import type { ImportKind } from '../model.ts';
import { isOdsRow, odsColumns } from './parse-organisation.ts';
import { columnName, type Reads } from './row.ts';

export type Layout = {
  readonly kind: ImportKind;
  /** `trusts` and `practices`: etr.csv and epraccur.csv of ODS, which have no line of names. */
  readonly rows: 'named' | 'trusts' | 'practices';
  readonly source: 'csv' | 'ods';
  readonly reads: Reads;
  /** How many cells a row has. */
  readonly width: number;
  /** Names are written in capitals, which read as shouting. */
  readonly isShouted: boolean;
  /** Columns of the file that are not read. */
  readonly unread: readonly string[];
  /** What a reader should know of such a file. */
  readonly note?: string;
};

/** Columns that are not named as ours: what was guessed, to be said yes to or changed. */
export type Unnamed = { readonly guess: Mapping; readonly isComplete: boolean };

export type Recognised = {
  /** Undefined where columns that are needed were not found by name. */
  readonly layout: Layout | undefined;
  /** Undefined where every column that could be ours is named so. */
  readonly unnamed: Unnamed | undefined;
};

type Known = {
  readonly has: readonly string[];
  readonly reads: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly note?: string;
};

/** Files of others whose names of columns are known. */
const knownFiles: readonly Known[] = [
  {
    has: ['practice_code', 'practice_name', 'stp_code', 'comm_region_code'],
    reads: {
      code: 'practice_code',
      name: 'practice_name',
      postcode: 'practice_postcode',
      system: 'stp_code',
      system_name: 'stp_name',
      region: 'comm_region_code',
      region_name: 'comm_region_name',
      parent: 'pcn_code',
    },
    type: 'practice',
    note: 'Practices of “Patients registered at a GP practice”: its STP is their system.',
  },
  {
    has: ['ods_code', 'name', 'region_code', 'predecessors'],
    reads: {
      code: 'ods_code',
      name: 'name',
      region: 'region_code',
      region_name: 'region_name',
      system: 'ods_code',
      system_name: 'name',
      opened_on: 'valid_from',
    },
    type: 'board',
    note: 'Integrated care boards: each is the system of its own code, and names it.',
  },
  {
    has: ['ods_code', 'name', 'icb_2022', 'icb_2026', 'open_date'],
    reads: {
      code: 'ods_code',
      name: 'name',
      region: 'region_code',
      system: 'icb_2026',
      postcode: 'postcode',
      town: 'town',
      latitude: 'lat',
      longitude: 'lon',
      opened_on: 'open_date',
    },
    type: 'trust',
    note: 'Trusts with the board after April 2026: where that is not certain, they have no system.',
  },
  // Refused rows of etr.csv and epraccur.csv, mended.
  { has: ['code', 'name', 'type', '_19_', '_27_'], reads: { ...named(columnsOf.organisations) } },
];

function named(columns: readonly string[]): Record<string, string> {
  return Object.fromEntries(columns.map((name) => [name, name]));
}

/** `chosen`: which column is which, said by a person; it goes before every name. */
export function recognise(
  first: readonly string[],
  wanted: ImportKind,
  chosen?: Mapping,
): Outcome<Recognised> {
  if (isOdsRow(first)) return odsLayout(first, wanted);
  const names = first.map(columnName);
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) !== i);
  if (chosen !== undefined) {
    const missing = missingColumns(wanted, chosen);
    if (missing.length > 0) return missingSentence(missing, wanted, first);
    return ok({ layout: namedLayout(wanted, first, chosen), unnamed: undefined });
  }
  const known = knownFiles.find(({ has }) => has.every((name) => names.includes(name)));
  const other = wanted === 'contacts' ? 'organisations' : 'contacts';
  const exact = exactMapping(wanted, first);
  const isWanted = missingColumns(wanted, exact).length === 0;
  const isOther =
    known !== undefined || missingColumns(other, exactMapping(other, first)).length === 0;
  if (known === undefined ? !isWanted && isOther : wanted === 'contacts') return wrongKind(wanted);
  if (twice !== undefined) return refused('invalid', `The column ${twice} is there twice.`);
  if (known !== undefined) return ok({ layout: knownLayout(known, first), unnamed: undefined });
  const guess = guessMapping(wanted, first);
  const isComplete = missingColumns(wanted, guess).length === 0;
  const hasMore = Object.keys(guess).length > Object.keys(exact).length;
  return ok({
    layout: isWanted ? namedLayout(wanted, first, exact) : undefined,
    unnamed: isWanted && !hasMore ? undefined : { guess, isComplete },
  });
}

function wrongKind(wanted: ImportKind): Refused {
  const other = wanted === 'contacts' ? 'organisations' : 'contacts';
  return refused('invalid', `This is a file of ${other}: use "import ${other}".`);
}

/** What is missing, with the words that would name columns which look like ours. */
export function missingSentence(
  missing: readonly string[],
  kind: ImportKind,
  first: readonly string[],
): Refused {
  const guess = guessMapping(kind, first);
  const ways = Object.entries(guess)
    .filter(([ours, place]) => columnName(first[Number(place)]!) !== ours)
    .map(([ours, place]) => ` --map ${ours}="${first[Number(place)]!.trim()}"`);
  const way = ways.length === 0 ? '' : ` If others mean the same:${ways.join('')}`;
  return refused(
    'invalid',
    `The first line must name the columns: ${missing.join(', ')} missing.${way}`,
  );
}

function odsLayout(first: readonly string[], wanted: ImportKind): Outcome<Recognised> {
  if (wanted === 'contacts') return wrongKind(wanted);
  const places = new Map(odsColumns.map((name, i) => [name, i]));
  // Only the file of practices fills the status.
  const rows = first[12] === '' ? 'trusts' : 'practices';
  const layout: Layout = {
    kind: 'organisations',
    rows,
    source: 'ods',
    reads: { places, constants: new Map() },
    width: odsColumns.length,
    isShouted: true,
    unread: [],
  };
  return ok({ layout, unnamed: undefined });
}

function namedLayout(kind: ImportKind, first: readonly string[], mapping: Mapping): Layout {
  const entries = Object.entries(mapping);
  const places = new Map(
    entries.flatMap(([ours, at]) => (typeof at === 'number' ? [[ours, at] as const] : [])),
  );
  const said = entries.flatMap(([ours, at]) =>
    typeof at === 'string' ? [[ours, at.slice(1)] as const] : [],
  );
  const read = new Set(places.values());
  return {
    kind,
    rows: 'named',
    source: 'csv',
    reads: { places, constants: new Map(said) },
    width: first.length,
    isShouted: false,
    unread: first
      .filter((_, i) => !read.has(i))
      .map(columnName)
      .filter((name) => name !== '' && !REFUSED_COLUMN.test(name)),
  };
}

function knownLayout({ reads, type, note }: Known, first: readonly string[]): Layout {
  const names = first.map(columnName);
  const found = Object.entries(reads).filter(([, theirs]) => names.includes(theirs));
  return {
    kind: 'organisations',
    rows: 'named',
    source: 'ods',
    reads: {
      places: new Map(found.map(([ours, theirs]) => [ours, names.indexOf(theirs)])),
      constants: new Map(type === undefined ? [] : [['type', type]]),
    },
    width: first.length,
    isShouted: true,
    unread: [],
    ...(note !== undefined && { note }),
  };
}
