/** The forms of the import pages. Pure. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { many, type Form, type Upload } from '#web/index.ts';
import { columnsOf, constantColumns, type Mapping } from './columns.ts';
import { recognise } from './layout.ts';
import type { DirectoryRules, ImportKind } from '../model.ts';
import { readHead } from './sheet.ts';

export const importFields: readonly string[] = ['kind', 'file', 'refusals'];

/** Some 200,000 contacts: docs/performance.md has how long they take. */
export const FILE_BYTES_MAX = 20 * 1024 * 1024;
export const tooLarge = 'The file is larger than 20 MB: split it and import the parts';

const FILE_NAME_MAX = 120;

export const kindLabels: Readonly<Record<ImportKind, string>> = {
  organisations: 'Organisations',
  contacts: 'Contacts',
};

export type ImportUpload = {
  readonly kind: ImportKind;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where a row is refused, nothing is imported. */
  readonly allOrNothing: boolean;
};

/** A file whose beginning can be read; whether its rows are right is another question. */
export function parseUpload(
  form: Form,
  files: Readonly<Record<string, Upload>>,
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
  const head = readHead(bytes, 1);
  const found = head.ok ? recognise(head.value[0]!.cells, kind) : head;
  if (!found.ok) return refusedForm(wordsFor(found.message));
  const allOrNothing = many(form['refusals'])[0] === 'nothing';
  return ok({ kind, name: fileName(upload.name), bytes, allOrNothing });
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

/** Which column is which, as chosen in the form: fields are called as our columns. */
export function parseColumns(form: Form, kind: ImportKind, width: number): Mapping {
  const chosen = columnsOf[kind].flatMap((ours): [string, number | string][] => {
    const value = many(form[ours])[0] ?? '';
    if (value.startsWith('=') && constantColumns[kind].includes(ours)) return [[ours, value]];
    const place = Number(value);
    return value !== '' && Number.isInteger(place) && place >= 0 && place < width
      ? [[ours, place]]
      : [];
  });
  return Object.fromEntries(chosen);
}

/** What one value for all rows may be, by our column. */
export function constantsOf(kind: ImportKind, rules: DirectoryRules) {
  return kind === 'organisations'
    ? { type: rules.organisationTypes }
    : { role: rules.contactRoles };
}

const EXAMPLE_MAX = 40;

/** A cell on the page: enough to know its column by, no whole number and no whole address (P12). */
export function maskedExample(cell: string): string {
  const masked = cell
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/([^\s@])[^\s@]*@/g, '$1···@')
    .replaceAll(
      /\+?\d(?:[ ()-]*\d){8,}/g,
      (number) => `${number.slice(0, 5)} ···${number.slice(-3)}`,
    );
  return masked.length > EXAMPLE_MAX ? `${masked.slice(0, EXAMPLE_MAX - 1)}…` : masked;
}
