/** Files of the directory → rows that are right, and reasons for those that are not. Pure. */
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { exactMapping, missingColumns, type Mapping } from './columns.ts';
import { DateForms } from './date-forms.ts';
import { missingSentence, recognise, type Layout } from './layout.ts';
import type {
  ContactRow,
  ContactRules,
  DirectoryRules,
  ImportKind,
  OrganisationRow,
  RefusedRow,
} from '../model.ts';
import { contactKey, parseContact, type TextPermissions } from './parse-contact.ts';
import {
  odsDates,
  parseOdsPractice,
  parseOdsTrust,
  parseOrganisation,
} from './parse-organisation.ts';
import { Row } from './row.ts';
import { stepThroughSheet, type Sheet, type SheetRow } from './sheet.ts';

/** A row that is right, with the line where it begins. */
export type Numbered<T> = { readonly line: number; readonly row: T };

export type ParsedFile<T> = {
  readonly source: 'csv' | 'ods';
  readonly rows: readonly Numbered<T>[];
  readonly refusedRows: readonly RefusedRow[];
  readonly notes: readonly string[];
};

export type ParseOptions = {
  /** Which column is which, where their names do not say so. */
  readonly mapping?: Mapping | undefined;
};

/** Some rows of a file, and how much of it is read with them. */
export type ReadRows<T> = {
  readonly rows: readonly Numbered<T>[];
  readonly refusedRows: readonly RefusedRow[];
  /** 0 to 1. */
  readonly share: number;
};

/** A file being read, some hundred rows a step. What it ends with has no rows left. */
export type Reading<T> = Generator<ReadRows<T>, Outcome<ReadFile>>;

export type ReadFile = Pick<ParsedFile<unknown>, 'source' | 'notes'>;

/** All of it in one go. `onRead` hears how much is read, 0 to 1. */
export function readWhole<T>(
  reading: Reading<T>,
  onRead?: (share: number) => void,
): Outcome<ParsedFile<T>> {
  const rows: Numbered<T>[] = [];
  const refusedRows: RefusedRow[] = [];
  for (;;) {
    const step = reading.next();
    if (step.done === true) {
      return step.value.ok ? ok({ ...step.value.value, rows, refusedRows }) : step.value;
    }
    rows.push(...step.value.rows);
    refusedRows.push(...step.value.refusedRows);
    onRead?.(step.value.share);
  }
}

export function readOrganisations(
  bytes: Uint8Array,
  rules: DirectoryRules,
  options: ParseOptions = {},
): Reading<OrganisationRow> {
  const parsers = {
    named: (row: Row, { isShouted }: Layout) => parseOrganisation(row, rules, isShouted),
    trusts: parseOdsTrust,
    practices: parseOdsPractice,
  };
  return readRows(bytes, options, {
    kind: 'organisations',
    parse: (row, layout) => parsers[layout.rows](row, layout),
    key: (row) => row.code,
    keyColumn: 'code',
    check: (layout) => checkTypes(layout, rules),
  });
}

export function readContacts(
  bytes: Uint8Array,
  rules: ContactRules,
  textPermissions: TextPermissions = {},
  options: ParseOptions = {},
): Reading<ContactRow> {
  return readRows(bytes, options, {
    kind: 'contacts',
    parse: (row) => parseContact(row, rules, textPermissions),
    key: contactKey,
    keyColumn: 'name',
    check: () => undefined,
  });
}

const typesOf = { named: [], trusts: ['trust'], practices: ['practice', 'other'] } as const;

/** A centre may call its types otherwise: then every row would be refused for the same reason. */
function checkTypes({ rows, reads }: Layout, rules: DirectoryRules): Refused | undefined {
  const said = reads.constants.get('type');
  const types = [...typesOf[rows], ...(said === undefined ? [] : [said])];
  const absent = types.find((type) => !Object.hasOwn(rules.organisationTypes, type));
  return absent === undefined
    ? undefined
    : refused('invalid', `The operating model has no type "${absent}" for the rows of this file.`);
}

type RowParser<T> = {
  readonly kind: ImportKind;
  /** The value, or undefined where the row gathered refusals. */
  readonly parse: (row: Row, layout: Layout) => T | undefined;
  /** Equal keys mean the same thing told twice. */
  readonly key: (value: T) => string;
  readonly keyColumn: string;
  readonly check: (layout: Layout) => Refused | undefined;
};

function* readRows<T>(
  bytes: Uint8Array,
  { mapping }: ParseOptions,
  parser: RowParser<T>,
): Reading<T> {
  const reader = new Reader(parser);
  let share = 0;
  const steps = stepThroughSheet(bytes, (row, read) => {
    share = read;
    return reader.layout === undefined ? reader.begin(row, mapping) : reader.read(row);
  });
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) yield { ...reader.take(), share };
  if (!step.value.ok) return step.value;
  yield { ...reader.take(), share: 1 };
  const sheet = step.value.value;
  const layout = reader.layout!;
  if (sheet.isCutOff) {
    return refused(
      'invalid',
      'The last line has too few columns and no end: the file was cut off.',
    );
  }
  if (layout.rows === 'named' && sheet.rows === 1) {
    return refused('invalid', 'The file has a line of column names and no rows.');
  }
  const unclear = reader.dates.trouble();
  if (unclear !== undefined) return unclear;
  const notes = [...notesOn(sheet, layout), ...formulaNotes(reader.formulas)];
  return ok({ source: layout.source, notes });
}

/** Takes the rows of a file one after the other. */
class Reader<T> {
  /** Cells of right rows that a spreadsheet would run: they stay text. */
  readonly formulas: { readonly line: number; readonly field: string }[] = [];
  /** Of files of ODS; ours may write each date as it likes, with the day first. */
  readonly dates = new DateForms();
  layout: Layout | undefined;
  readonly #parser: RowParser<T>;
  #rows: Numbered<T>[] = [];
  #refusedRows: RefusedRow[] = [];
  readonly #lines = new Map<string, number>();

  constructor(parser: RowParser<T>) {
    this.#parser = parser;
  }

  /** What was read since the last time. */
  take(): Omit<ReadRows<T>, 'share'> {
    const taken = { rows: this.#rows, refusedRows: this.#refusedRows };
    this.#rows = [];
    this.#refusedRows = [];
    return taken;
  }

  /** The first row says what the file is. */
  begin(row: SheetRow, mapping: Mapping | undefined): Refused | undefined {
    const { kind, check } = this.#parser;
    const found = recognise(row.cells, kind, mapping);
    if (!found.ok) return found;
    const { layout } = found.value;
    if (layout === undefined) {
      const missing = missingColumns(kind, exactMapping(kind, row.cells));
      return missingSentence(missing, kind, row.cells);
    }
    this.layout = layout;
    return check(layout) ?? (layout.rows === 'named' ? undefined : this.read(row));
  }

  read(sheetRow: SheetRow): undefined {
    const { parse, key, keyColumn } = this.#parser;
    const layout = this.layout!;
    const row = new Row(layout.reads, sheetRow);
    if (layout.rows !== 'named')
      for (const column of odsDates) this.dates.note(row.line, row.text(column));
    const value = hasRightWidth(row, sheetRow, layout) ? parse(row, layout) : undefined;
    const earlier = value === undefined ? undefined : this.#lines.get(key(value));
    if (earlier !== undefined) row.refuse(keyColumn, `is already in line ${earlier}`);
    if (value === undefined || row.refused.length > 0) {
      this.#refusedRows.push(...row.refused);
    } else {
      this.#lines.set(key(value), row.line);
      this.#rows.push({ line: row.line, row: value });
      for (const field of row.formulas()) this.formulas.push({ line: row.line, field });
    }
  }
}

function hasRightWidth(row: Row, { cells }: SheetRow, { width }: Layout): boolean {
  const extra = cells.slice(width).some((cell) => cell !== '');
  if (cells.length >= width && !extra) return true;
  row.refuse('', `has ${cells.length} columns where ${width} are named`);
  return false;
}

/** How the note about them begins. */
export const UNREAD = 'Columns not read';

/** More would push the other notes out of sight. */
const FORMULAS_NAMED_MAX = 10;

function formulaNotes(found: Reader<unknown>['formulas']): string[] {
  const more = found.length - FORMULAS_NAMED_MAX;
  return [
    ...found
      .slice(0, FORMULAS_NAMED_MAX)
      .map(({ line, field }) => `Line ${line}, ${field}: looks like a formula; kept as text.`),
    ...(more > 0
      ? [
          `${more} more ${more === 1 ? 'cell looks like a formula' : 'cells look like formulas'}; kept as text.`,
        ]
      : []),
  ];
}

function notesOn(sheet: Sheet, { unread, note }: Layout): string[] {
  return [
    ...(note === undefined ? [] : [note]),
    ...(sheet.form === 'json' ? ['A list in JSON: its first entry is line 2.'] : []),
    ...(sheet.encoding === 'windows-1252'
      ? ['The file is not UTF-8; it was read as Windows-1252. Check names with accents.']
      : []),
    ...(unread.length > 0 ? [`${UNREAD}: ${unread.join(', ')}.`] : []),
  ];
}
