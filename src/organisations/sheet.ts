/** Bytes of a file → rows of cells with their lines; a file that is none gets one sentence. */
import { parse, type CsvError } from 'csv-parse/sync';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';

export type SheetRow = { readonly line: number; readonly cells: readonly string[] };

export type Sheet = {
  readonly rows: readonly SheetRow[];
  readonly encoding: 'utf-8' | 'utf-16le' | 'windows-1252';
  /** False where the last line was cut off or simply not ended. */
  readonly endsWithNewline: boolean;
};

const CONTROL_CHARACTERS = '\\u0000-\\u0008\\u000e-\\u001f';
const CONTROL = new RegExp(`[${CONTROL_CHARACTERS}]`);
const BYTES_MAX = 64 * 1024 * 1024;
/** A forgotten quotation mark would otherwise swallow the rest of the file into one cell. */
const ROW_CHARACTERS_MAX = 20_000;

export function readSheet(bytes: Uint8Array): Outcome<Sheet> {
  if (bytes.length === 0) return refused('invalid', 'The file is empty.');
  if (bytes.length > BYTES_MAX) {
    return refused('invalid', 'The file is larger than 64 MB: split it and import the parts.');
  }
  if (startsWith(bytes, [0x50, 0x4b, 0x03, 0x04])) {
    return refused('invalid', 'This is an Excel workbook: save the sheet as "CSV UTF-8".');
  }
  const { text, encoding } = decoded(bytes);
  if (CONTROL.test(text)) {
    return refused('invalid', 'This is not a text file: save the sheet as CSV and import that.');
  }
  if (text.trim() === '') return refused('invalid', 'The file is empty.');
  // Lines are counted right only where they all end alike.
  const rows = rowsOf(text.replaceAll(/\r\n?/g, '\n'));
  return rows.ok ? ok({ rows: rows.value, encoding, endsWithNewline: /[\r\n]$/.test(text) }) : rows;
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}

/** Excel writes UTF-8 with a mark, UTF-16 as "Unicode text", and Windows-1252 as plain "CSV". */
function decoded(bytes: Uint8Array): { text: string; encoding: Sheet['encoding'] } {
  if (startsWith(bytes, [0xff, 0xfe])) {
    return { text: new TextDecoder('utf-16le').decode(bytes), encoding: 'utf-16le' };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252' };
  }
}

function rowsOf(text: string): Outcome<SheetRow[]> {
  try {
    const records = parse(text, {
      delimiter: delimiterOf(text),
      record_delimiter: '\n',
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: ROW_CHARACTERS_MAX,
      info: true,
      trim: true,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return ok(
      records
        .map(({ record, info }) => ({ line: info.lines - newlines(record), cells: record }))
        .filter(({ cells }) => cells.some((cell) => cell !== '')),
    );
  } catch (error) {
    return refused('invalid', sentence(error as CsvError));
  }
}

function newlines(cells: readonly string[]): number {
  return cells.join('').split('\n').length - 1;
}

/** The commonest of `,` `;` and tab outside quotes in the first line; Excel picks one by country. */
function delimiterOf(text: string): string {
  const line = text
    .trimStart()
    .replaceAll(/"[^"]*"/g, '')
    .split('\n', 1)[0]!;
  const counts = [',', ';', '\t'].map((mark) => ({ mark, count: line.split(mark).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).mark;
}

function sentence(error: CsvError): string {
  const line = Number(error['lines']);
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'The file ends inside a quoted cell: it was cut off, or a quotation mark is missing.';
    case 'CSV_MAX_RECORD_SIZE':
      return `A row near line ${line} does not end: a quotation mark is missing.`;
    case 'CSV_INVALID_CLOSING_QUOTE':
    case 'INVALID_OPENING_QUOTE':
      return `Line ${line} has a quotation mark inside a cell: double it, and quote the cell.`;
    default:
      throw error;
  }
}
