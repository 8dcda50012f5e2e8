/** One row read column by column; what is wrong is gathered with line and column, never the cell. */
import { isFormula } from '#web/index.ts';
import type { RefusedRow } from '../model.ts';
import type { SheetRow } from './sheet.ts';

/** A column's name as files may write it: `Organisation code` is `organisation_code`. */
export function columnName(cell: string): string {
  return cell
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
}

/** Where our columns stand in a file, and what every row of it has though no column says so. */
export type Reads = {
  /** Place of the file's column by our name, from 0. */
  readonly places: ReadonlyMap<string, number>;
  /** By our name. */
  readonly constants: ReadonlyMap<string, string>;
};

export class Row {
  readonly line: number;
  readonly refused: RefusedRow[] = [];
  readonly #reads: Reads;
  readonly #cells: readonly string[];

  constructor(reads: Reads, row: SheetRow) {
    this.line = row.line;
    this.#reads = reads;
    this.#cells = row.cells;
  }

  has(column: string): boolean {
    return this.#reads.places.has(column) || this.#reads.constants.has(column);
  }

  /** '' for an empty cell and for a column that the file does not have. */
  text(column: string): string {
    const place = this.#reads.places.get(column);
    if (place === undefined) return this.#reads.constants.get(column) ?? '';
    return oneLine(this.#cells[place] ?? '');
  }

  /** Our columns whose cells a spreadsheet would run. */
  formulas(): string[] {
    return [...this.#reads.places.keys()].filter((column) => isFormula(this.text(column)));
  }

  /** Undefined where the file does not have the column, null where the cell is empty. */
  optional(column: string): string | null | undefined {
    return this.has(column) ? this.text(column) || null : undefined;
  }

  refuse(field: string, reason: string): undefined {
    this.refused.push({ line: this.line, field, reason });
    return undefined;
  }

  required(column: string, lengthMax: number): string {
    const text = this.limited(column, lengthMax);
    if (text === '') this.refuse(column, 'is empty');
    return text;
  }

  limited(column: string, lengthMax: number): string {
    const text = this.text(column);
    if (text.length > lengthMax) this.refuse(column, `is longer than ${lengthMax} characters`);
    return text;
  }

  /** A code of an organisation, region or system, in capitals. */
  code(column: string): string {
    const code = this.text(column).toUpperCase();
    if (code !== '' && !/^[A-Z0-9][A-Z0-9-]{1,19}$/.test(code)) {
      this.refuse(column, 'must be 2 to 20 letters, digits and hyphens');
    }
    return code;
  }

  /** The key of `entries` that the cell names by key or by label, in any case. */
  keyOf(column: string, entries: Readonly<Record<string, { readonly label: string }>>): string {
    const wanted = this.text(column).toLowerCase();
    const found = Object.entries(entries).find(
      ([key, { label }]) => key.toLowerCase() === wanted || label.toLowerCase() === wanted,
    );
    if (found === undefined) {
      this.refuse(column, `must be one of ${Object.keys(entries).join(', ')}`);
    }
    return found?.[0] ?? '';
  }

  /** Undefined where the cell is empty. */
  yesOrNo(column: string): boolean | undefined {
    const text = this.text(column).toLowerCase();
    if (text === '') return undefined;
    if (['yes', 'y', 'true', '1'].includes(text)) return true;
    if (['no', 'n', 'false', '0'].includes(text)) return false;
    return this.refuse(column, 'must be yes or no');
  }

  /** `2026-11-23`, `23/11/2026` or `20261123` as `2026-11-23`. */
  date(column: string): string | null | undefined {
    const text = this.optional(column);
    if (text === null || text === undefined) return text;
    return isoDay(text) ?? this.refuse(column, 'must be a date such as 2026-11-23');
  }
}

/** Null where it is no day of the calendar in one of the three forms. */
export function isoDay(text: string): string | null {
  const british = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(text);
  const plain = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text);
  const parts = british ? british.slice(1).reverse() : plain?.slice(1);
  const date = parts?.join('-');
  return date !== undefined && isDate(date) ? date : null;
}

/** A day of the calendar, as `2026-11-23`; years of PostgreSQL and of people, not of typing errors. */
export function isDate(text: string): boolean {
  if (text < '1000') return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** Letters with accents in one form, too: a file of a Mac has "Zoë" as four characters. */
function oneLine(cell: string): string {
  const text = cell.normalize('NFC');
  return /\s\s|[^\S ]/.test(text) ? text.replaceAll(/\s+/g, ' ').trim() : text.trim();
}
