/** The form of the import page, and the refused rows as a file that a spreadsheet may open. Pure. */
import { parse } from 'csv-parse/sync';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { many, type Form, type Upload } from '#web/index.ts';
import { refusedFile, toCsv } from './csv.ts';
import type { DirectoryRules, ImportKind, RefusedRow } from './model.ts';
import { parseContactsFile, parseOrganisationsFile } from './parse.ts';
import type { TextPermissions } from './parse-contact.ts';

export const importFields: readonly string[] = ['kind', 'file'];

export const FILE_BYTES_MAX = 20 * 1024 * 1024;
export const tooLarge = 'The file is larger than 20 MB: split it and import the parts';
/** Parsing holds the whole process, live boards too: 50,000 rows for 2 s, 300,000 for 20 s. */
const LINES_MAX = 50_000;
const tooLong =
  'The file has more than 50,000 lines: split it, or use bin/tocsin import on the server';

const FILE_NAME_MAX = 120;

export const kindLabels: Readonly<Record<ImportKind, string>> = {
  organisations: 'Organisations',
  contacts: 'Contacts',
};

export type ImportUpload = {
  readonly kind: ImportKind;
  readonly name: string;
  readonly bytes: Uint8Array;
};

/** A file whose columns can be read; whether its rows are right is another question. */
export function parseUpload(
  form: Form,
  files: Readonly<Record<string, Upload>>,
  rules: DirectoryRules & { readonly textPermissions?: TextPermissions },
): Outcome<ImportUpload> {
  const kind = (Object.keys(kindLabels) as ImportKind[]).find(
    (one) => one === many(form['kind'])[0],
  );
  const upload = files['file'];
  if (kind === undefined || upload === undefined) {
    return refusedForm({
      ...(kind === undefined && { kind: 'Choose what the file holds' }),
      ...(upload === undefined && { file: 'Choose a file' }),
    });
  }
  const { bytes } = upload;
  if (bytes.length > FILE_BYTES_MAX) return refusedForm({ file: tooLarge });
  if (countLines(bytes) > LINES_MAX) return refusedForm({ file: tooLong });
  const parsed =
    kind === 'organisations'
      ? parseOrganisationsFile(bytes, rules)
      : parseContactsFile(bytes, rules, rules.textPermissions);
  if (!parsed.ok) return refusedForm(wordsFor(parsed.message));
  return ok({ kind, name: fileName(upload.name), bytes });
}

function countLines(bytes: Uint8Array): number {
  let [feeds, returns] = [0, 0];
  for (const byte of bytes) {
    if (byte === 0x0a) feeds++;
    else if (byte === 0x0d) returns++;
  }
  return Math.max(feeds, returns);
}

function refusedForm(fields: Record<string, string>): Outcome<never> {
  return refused('invalid', 'Put right what is marked below.', fields);
}

/** The parser speaks to the command line; here the kind is a choice on the page. */
function wordsFor(message: string): Record<string, string> {
  const [, other] = /^This is a file of (organisations|contacts)\b/.exec(message) ?? [];
  if (other === undefined) return { file: message };
  const label = kindLabels[other as ImportKind];
  return { kind: `The file holds ${other}: choose “${label}”, then choose the file again` };
}

/** What the log and the page show of a name: its last part, on one line, not without end. */
function fileName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  const plain = last.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').trim();
  return plain.length <= FILE_NAME_MAX ? plain || 'file' : `${plain.slice(0, FILE_NAME_MAX - 1)}…`;
}

/**
 * What a spreadsheet would run instead of show (OWASP, CSV injection). `+44 7700 …` is harmless,
 * and with an apostrophe before it the mended row could not be imported.
 */
const FORMULA = /^(?:[=@\t\r＝＠＋－]|[+-](?![\d\s()-]*$))/;

/** All refused rows with line, column and reason, to be mended in a spreadsheet and imported. */
export function refusedDownload(bytes: Uint8Array, refusedRows: readonly RefusedRow[]): string {
  const rows = parse(refusedFile(bytes, refusedRows), { relax_column_count: true });
  const safe = rows.map((row) => row.map((cell) => (FORMULA.test(cell) ? `'${cell}` : cell)));
  // With the mark Excel reads it as UTF-8.
  return `\uFEFF${toCsv(safe)}`;
}
