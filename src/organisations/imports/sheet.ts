/** Bytes of a file → rows of cells with their lines; a file that is none gets one sentence. */
import { parse, type CsvError } from 'csv-parse/sync';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { listOf } from './sheet-json.ts';

export type SheetRow = { readonly line: number; readonly cells: readonly string[] };

export type Sheet = {
  readonly encoding: 'utf-8' | 'utf-16le' | 'windows-1252';
  readonly form: 'csv' | 'json';
  /** True where the last row has fewer cells than the first, and the line no end. */
  readonly isCutOff: boolean;
  readonly rows: number;
};

/** Gets one row after the other; a refusal ends the reading. `share`: of the file, 0 to 1. */
export type RowVisitor = (row: SheetRow, share: number) => Refused | undefined;

const CONTROL_CHARACTERS = '\\u0000-\\u0008\\u000e-\\u001f';
const CONTROL = new RegExp(`[${CONTROL_CHARACTERS}]`);
const BYTES_MAX = 64 * 1024 * 1024;
/** A forgotten quotation mark would otherwise swallow the rest of the file into one cell. */
const ROW_CHARACTERS_MAX = 20_000;
/** They are read in less than 10 ms. */
const ROWS_A_STEP = 250;
/** Enough for the first rows, also where their cells are long. */
const HEAD_BYTES = 128 * 1024;

/**
 * Reads a file some rows a step and keeps nothing: 100,000 rows as arrays of cells would take
 * 150 MB. Between the steps others have a turn. Rows without anything in them are left out.
 */
export function* stepThroughSheet(
  bytes: Uint8Array,
  visit: RowVisitor,
): Generator<undefined, Outcome<Sheet>> {
  const opened = openSheet(bytes);
  if (!opened.ok) return opened;
  const { text, encoding } = opened.value;
  if (isJson(text)) return walkJson(text, encoding, visit);
  let [rows, firstWidth, lastWidth] = [0, 0, 0];
  const stopped = yield* stepThroughCsv(text, (row, share) => {
    lastWidth = row.cells.length;
    if (rows === 0) firstWidth = lastWidth;
    rows += 1;
    return visit(row, share);
  });
  if (stopped !== undefined) return stopped;
  const isCutOff = !/[\r\n]$/.test(text) && rows > 1 && lastWidth < firstWidth;
  return ok({ encoding, form: 'csv', isCutOff, rows });
}

/** The whole file in one go. */
function walkSheet(bytes: Uint8Array, visit: RowVisitor): Outcome<Sheet> {
  return toEnd(stepThroughSheet(bytes, visit));
}

function toEnd<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The first rows alone, one at least, from the beginning of the file: quick however large it is. */
export function readHead(bytes: Uint8Array, rows: number): Outcome<SheetRow[]> {
  const isWhole = bytes.length <= HEAD_BYTES;
  const opened = openSheet(bytes.subarray(0, HEAD_BYTES), !isWhole);
  if (!opened.ok) return opened;
  const head: SheetRow[] = [];
  // A list in JSON has no beginning that could be read without its end.
  if (isJson(opened.value.text)) {
    const walked = walkSheet(bytes, (row) => (head.push(row) < rows ? undefined : enough));
    return walked.ok || walked === enough ? ok(head) : walked;
  }
  const stopped = toEnd(
    stepThroughCsv(opened.value.text, (row) => (head.push(row) < rows ? undefined : enough)),
  );
  const isReadable = stopped === undefined || stopped === enough || (!isWhole && head.length > 0);
  if (!isReadable) return stopped;
  return head.length === 0 ? nothingFirst : ok(head);
}

/** The cells of these lines, and of the first one. */
export function readLines(
  bytes: Uint8Array,
  lines: ReadonlySet<number>,
): { first: readonly string[]; cells: ReadonlyMap<number, readonly string[]> } {
  let first: readonly string[] | undefined;
  const cells = new Map<number, readonly string[]>();
  walkSheet(bytes, (row) => {
    first ??= row.cells;
    if (lines.has(row.line)) cells.set(row.line, row.cells);
    return undefined;
  });
  return { first: first ?? [], cells };
}

const enough = refused('invalid', 'enough');
const nothingFirst = refused(
  'invalid',
  'The file begins with empty cells: name its columns first.',
);

const asCsv = 'save the sheet as "CSV UTF-8"';
const inIt = 'take the CSV file out of it, and import that';

/** Files that are no sheet though some of them are text, by their first bytes. */
const otherKinds: readonly {
  readonly what: string;
  readonly begins: readonly (readonly number[])[];
  readonly way: string;
}[] = [
  { what: 'an Excel workbook', begins: [[0xd0, 0xcf, 0x11, 0xe0]], way: asCsv },
  // Excel's newer workbooks are archives too: the first file in it says so (`isWorkbook`).
  { what: 'a ZIP archive', begins: [[0x50, 0x4b, 0x03, 0x04]], way: inIt },
  {
    what: 'a picture',
    begins: [
      [0x89, ...Buffer.from('PNG')],
      [0xff, 0xd8, 0xff],
    ],
    way: asCsv,
  },
  { what: 'a PDF', begins: [[...Buffer.from('%PDF-')]], way: asCsv },
  { what: 'a document', begins: [[...Buffer.from('{\\rtf')]], way: asCsv },
  { what: 'a compressed file', begins: [[0x1f, 0x8b]], way: inIt },
];
const MARKUP = /^\s*<(?:!|\?xml|html|table|svg)/i;

type Opened = { readonly text: string; readonly encoding: Sheet['encoding'] };

function openSheet(bytes: Uint8Array, isPart = false): Outcome<Opened> {
  if (bytes.length === 0) return refused('invalid', 'The file is empty.');
  if (bytes.length > BYTES_MAX) {
    return refused('invalid', 'The file is larger than 64 MB: split it and import the parts.');
  }
  if (isWorkbook(bytes)) return refused('invalid', `This is an Excel workbook: ${asCsv}.`);
  const other = otherKinds.find(({ begins }) => begins.some((start) => startsWith(bytes, start)));
  if (other !== undefined) return refused('invalid', `This is ${other.what}: ${other.way}.`);
  const { text, encoding } = decoded(bytes, isPart);
  if (CONTROL.test(text)) {
    return refused('invalid', 'This is not a text file: save the sheet as CSV and import that.');
  }
  if (MARKUP.test(text)) {
    return refused('invalid', 'This is a web page or XML: save the sheet as CSV and import that.');
  }
  if (text.trim() === '') return refused('invalid', 'The file is empty.');
  return ok({ text, encoding });
}

/** Where names of an archive's first file begin, and how those of a workbook do. */
const ZIP_NAME_AT = 30;
const WORKBOOK_NAME =
  /^(?:\[Content_Types\]\.xml|_rels\/|docProps\/|xl\/|mimetypeapplication\/vnd\.oasis)/;

function isWorkbook(bytes: Uint8Array): boolean {
  const isArchive = startsWith(bytes, [0x50, 0x4b, 0x03, 0x04]);
  const name = Buffer.from(bytes.subarray(ZIP_NAME_AT, ZIP_NAME_AT + 60)).toString('latin1');
  return isArchive && WORKBOOK_NAME.test(name);
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}

/** Excel writes UTF-8 with a mark, UTF-16 as "Unicode text", and Windows-1252 as plain "CSV". */
function decoded(bytes: Uint8Array, isPart: boolean): Opened {
  if (startsWith(bytes, [0xff, 0xfe])) {
    return { text: new TextDecoder('utf-16le').decode(bytes), encoding: 'utf-16le' };
  }
  try {
    // The beginning of a file may end within a character: "stream" waits for the rest of it.
    const decoder = new TextDecoder('utf-8', { fatal: true });
    return { text: decoder.decode(bytes, { stream: isPart }), encoding: 'utf-8' };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252' };
  }
}

function isJson(text: string): boolean {
  return /^\s*(?:\{\s*"|\[\s*[[{])/.test(text);
}

function walkJson(text: string, encoding: Sheet['encoding'], visit: RowVisitor): Outcome<Sheet> {
  const list = listOf(text);
  if (!list.ok) return list;
  const { columns, entries } = list.value;
  const all = [columns, ...entries];
  for (const [i, cells] of all.entries()) {
    const stopped = visit({ line: i + 1, cells }, i / all.length);
    if (stopped !== undefined) return stopped;
  }
  return ok({ encoding, form: 'json', isCutOff: false, rows: all.length });
}

/** Carries a refusal of the visitor out of the parser. */
class Stopped extends Error {
  readonly refused: Refused;

  constructor(why: Refused) {
    super(why.message);
    this.refused = why;
  }
}

/** The parser tells rows alone where it stands: each step is a run of its own from there. */
function* stepThroughCsv(
  text: string,
  visit: RowVisitor,
): Generator<undefined, Refused | undefined> {
  // Lines are counted right only where they all end alike.
  const content = Buffer.from(text.replaceAll(/\r\n?/g, '\n'));
  const delimiter = delimiterOf(text);
  let [at, line] = [0, 0];
  while (at < content.length) {
    const step = { lines: 0, bytes: content.length - at };
    const [stepAt, lineBefore] = [at, line];
    try {
      parse(content.subarray(at), {
        delimiter,
        record_delimiter: '\n',
        relax_column_count: true,
        skip_empty_lines: true,
        max_record_size: ROW_CHARACTERS_MAX,
        trim: true,
        to: ROWS_A_STEP,
        on_record(cells: string[], { lines, bytes }) {
          Object.assign(step, { lines, bytes });
          if (!cells.some((cell) => cell !== '')) return;
          const row = { line: lineBefore + lines - newlines(cells), cells };
          const stopped = visit(row, (stepAt + bytes) / content.length);
          if (stopped !== undefined) throw new Stopped(stopped);
        },
      });
    } catch (error) {
      if (error instanceof Stopped) return error.refused;
      return refused('invalid', sentence(error as CsvError, line));
    }
    at += step.bytes;
    line += step.lines;
    yield;
  }
  return undefined;
}

function newlines(cells: readonly string[]): number {
  return cells.reduce(
    (sum, cell) => sum + (cell.includes('\n') ? cell.split('\n').length - 1 : 0),
    0,
  );
}

/** The commonest of `,` `;` and tab outside quotes in the first line; Excel picks one by country. */
function delimiterOf(text: string): string {
  const line = text
    .slice(0, ROW_CHARACTERS_MAX)
    .trimStart()
    .replaceAll(/"[^"]*"/g, '')
    .split(/[\r\n]/, 1)[0]!;
  const counts = [',', ';', '\t'].map((mark) => ({ mark, count: line.split(mark).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).mark;
}

function sentence(error: CsvError, linesBefore: number): string {
  const line = linesBefore + Number(error['lines']);
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'The file ends inside a quoted cell: it was cut off, or a quotation mark is missing.';
    case 'CSV_MAX_RECORD_SIZE':
      return `The row at line ${line} is longer than 20,000 characters: a quotation mark is missing, or a cell holds far too much.`;
    case 'CSV_INVALID_CLOSING_QUOTE':
    case 'INVALID_OPENING_QUOTE':
      return `Line ${line} has a quotation mark inside a cell: double it, and quote the cell.`;
    default:
      throw error;
  }
}
