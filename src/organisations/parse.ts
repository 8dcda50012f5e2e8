/** Files of the directory → rows that are right, and reasons for those that are not. Pure. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type {
  ContactRow,
  DirectoryRules,
  ImportKind,
  OrganisationRow,
  RefusedRow,
} from './model.ts';
import { contactColumns, contactKey, parseContact, type TextPermissions } from './parse-contact.ts';
import {
  isOdsRow,
  odsColumns,
  organisationColumns,
  parseOdsTrust,
  parseOrganisation,
} from './parse-organisation.ts';
import { columnName, Row } from './row.ts';
import { readSheet, type Sheet, type SheetRow } from './sheet.ts';

/** A row that is right, with the line where it begins. */
export type Numbered<T> = { readonly line: number; readonly row: T };

export type ParsedFile<T> = {
  readonly source: 'csv' | 'ods';
  readonly rows: readonly Numbered<T>[];
  readonly refusedRows: readonly RefusedRow[];
  readonly notes: readonly string[];
};

type Layout = {
  readonly kind: ImportKind | 'ods';
  readonly columns: readonly string[];
  readonly body: readonly SheetRow[];
};

export function parseOrganisationsFile(
  bytes: Uint8Array,
  rules: DirectoryRules,
): Outcome<ParsedFile<OrganisationRow>> {
  const sheet = readSheet(bytes);
  const layout = sheet.ok ? layoutOf(sheet.value, 'organisations') : sheet;
  if (!sheet.ok || !layout.ok) return layout as Outcome<never>;
  const { kind } = layout.value;
  if (kind === 'ods' && !('trust' in rules.organisationTypes)) {
    return refused(
      'invalid',
      'The operating model has no type "trust" for the trusts of this file.',
    );
  }
  return ok({
    source: kind === 'ods' ? 'ods' : 'csv',
    ...parseRows(layout.value, {
      parse: kind === 'ods' ? parseOdsTrust : (row) => parseOrganisation(row, rules),
      key: (row) => row.code,
      keyColumn: 'code',
    }),
    notes: notesOn(sheet.value, layout.value, organisationColumns),
  });
}

export function parseContactsFile(
  bytes: Uint8Array,
  rules: DirectoryRules,
  textPermissions: TextPermissions = {},
): Outcome<ParsedFile<ContactRow>> {
  const sheet = readSheet(bytes);
  const layout = sheet.ok ? layoutOf(sheet.value, 'contacts') : sheet;
  if (!sheet.ok || !layout.ok) return layout as Outcome<never>;
  return ok({
    source: 'csv',
    ...parseRows(layout.value, {
      parse: (row) => parseContact(row, rules, textPermissions),
      key: contactKey,
      keyColumn: 'name',
    }),
    notes: notesOn(sheet.value, layout.value, contactColumns),
  });
}

const required = {
  organisations: ['code', 'name', 'type'],
  contacts: ['organisation_code', 'name', 'role'],
} as const;

/** What the first row says about the file; a sentence where it is not of the wanted kind. */
function layoutOf(sheet: Sheet, wanted: ImportKind): Outcome<Layout> {
  const [first, ...rest] = sheet.rows;
  const columns = first!.cells.map(columnName);
  const kind = kindOf(first!.cells, columns);
  if (kind === 'epraccur') {
    return refused(
      'invalid',
      'This looks like epraccur.csv of ODS (practices): only etr.csv is read.',
    );
  }
  if (kind === undefined) {
    const missing = required[wanted].filter((name) => !columns.includes(name));
    return refused(
      'invalid',
      `The first line must name the columns: ${missing.join(', ')} missing.`,
    );
  }
  if ((kind === 'ods' ? 'organisations' : kind) !== wanted) {
    const other = kind === 'contacts' ? 'contacts' : 'organisations';
    return refused('invalid', `This is a file of ${other}: use "import ${other}".`);
  }
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) !== i);
  if (kind !== 'ods' && twice !== undefined) {
    return refused('invalid', `The column ${twice} is there twice.`);
  }
  if (isCutOff(sheet, columns.length)) {
    return refused(
      'invalid',
      'The last line has too few columns and no end: the file was cut off.',
    );
  }
  if (kind === 'ods') return ok({ kind, columns: odsColumns, body: sheet.rows });
  return rest.length === 0
    ? refused('invalid', 'The file has a line of column names and no rows.')
    : ok({ kind, columns, body: rest });
}

function kindOf(
  cells: readonly string[],
  columns: readonly string[],
): ImportKind | 'ods' | 'epraccur' | undefined {
  if (isOdsRow(cells)) {
    // Only the file of practices fills the status.
    return cells[12] === '' ? 'ods' : 'epraccur';
  }
  return (['contacts', 'organisations'] as const).find((kind) =>
    required[kind].every((name) => columns.includes(name)),
  );
}

function isCutOff(sheet: Sheet, width: number): boolean {
  return !sheet.endsWithNewline && sheet.rows.length > 1 && sheet.rows.at(-1)!.cells.length < width;
}

type RowParser<T> = {
  /** The value, or undefined where the row gathered refusals. */
  readonly parse: (row: Row) => T | undefined;
  /** Equal keys mean the same thing told twice. */
  readonly key: (value: T) => string;
  readonly keyColumn: string;
};

function parseRows<T>(
  layout: Layout,
  parser: RowParser<T>,
): Pick<ParsedFile<T>, 'rows' | 'refusedRows'> {
  const rows: Numbered<T>[] = [];
  const refusedRows: RefusedRow[] = [];
  const lines = new Map<string, number>();
  for (const sheetRow of layout.body) {
    const row = new Row(layout.columns, sheetRow);
    const value = hasRightWidth(row, sheetRow, layout) ? parser.parse(row) : undefined;
    const earlier = value === undefined ? undefined : lines.get(parser.key(value));
    if (earlier !== undefined) row.refuse(parser.keyColumn, `is already in line ${earlier}`);
    if (value === undefined || row.refused.length > 0) {
      refusedRows.push(...row.refused);
    } else {
      lines.set(parser.key(value), row.line);
      rows.push({ line: row.line, row: value });
    }
  }
  return { rows, refusedRows };
}

function hasRightWidth(row: Row, { cells }: SheetRow, { columns }: Layout): boolean {
  const extra = cells.slice(columns.length).some((cell) => cell !== '');
  if (cells.length >= columns.length && !extra) return true;
  row.refuse('', `has ${cells.length} columns where ${columns.length} are named`);
  return false;
}

/** Columns that a file of refused rows adds; it can be mended and imported as it is. */
const REFUSED_COLUMN = /^refused_/;

function notesOn(sheet: Sheet, layout: Layout, known: readonly string[]): string[] {
  const ignored = layout.columns.filter(
    (name) => !known.includes(name) && !odsColumns.includes(name) && !REFUSED_COLUMN.test(name),
  );
  return [
    ...(ignored.length > 0 ? [`Columns not read: ${ignored.join(', ')}.`] : []),
    ...(sheet.encoding === 'windows-1252'
      ? ['The file is not UTF-8; it was read as Windows-1252. Check names with accents.']
      : []),
  ];
}
