/** `bin/tocsin import`: brings files of organisations and contacts into the directory. */
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import {
  changesFile,
  Ended,
  fileInThread,
  previewUndo,
  refusedFile,
  settleMapping,
  undoImport,
  type ImportRules,
  type DirectorySecrets,
  type FileDone,
  type ImportKind,
  type ImportResult,
  type TextPermissions,
} from '#organisations/index.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';
import { progressLine, standardTerminal, type Progress, type Terminal } from './terminal.ts';

export const summary = 'bring organisations and contacts into the directory';

export const help = `Usage: bin/tocsin import organisations|contacts FILE [options]
       bin/tocsin import undo [--dry-run] [--json]

organisations  etr.csv or epraccur.csv of ODS as they are, or a file with the columns code, name,
               type, …
contacts       A file with the columns organisation_code, name, role, mobile, email, …
undo           Take back the last import: what it added goes, what it changed is put back, what
               somebody changed since, or a legal hold is on, is left.

Rows that are right are written in one transaction; the others are listed with line and reason.
The same file again changes nothing. What a file does not name stays. docs/importing.md has the
columns.

By page a large file takes a second person; here nobody is asked, because whoever runs this could
write the rows as well. The audit says that it came from here.

--dry-run            Say what would change, and change nothing.
--changes FILE       Write what becomes of each row to FILE, numbers masked.
--refused FILE       Write all refused rows to FILE, with the reasons, to be mended and imported.
--all-or-nothing     Write nothing where a row is refused.
--map OURS=THEIRS    Read our column from theirs: --map email="E-mail address". May be said several
                     times; remembered for files with the same columns. With a second equals sign
                     it is a value for all rows: --map type==practice.
--json               Print the result for programs.

At a terminal progress is drawn on standard error; Ctrl-C ends it, and nothing is written.
Exit code 0: every row was right. 1: rows were refused, it was ended, or there is no database to
write to. 2: wrongly called, or the file could not be read.
`;

export type ImportCommandContext = {
  readonly database: Database;
  readonly secrets: DirectorySecrets;
  readonly model: ImportRules;
  readonly textPermissions?: TextPermissions;
  readonly terminal?: Terminal;
};

const REFUSED_SHOWN_MAX = 50;
const actor = system('import');

export async function importCommand(
  context: ImportCommandContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) =>
    call.what === 'undo' ? undo(context, call, output) : run(context, call, output),
  );
}

async function run(
  context: ImportCommandContext,
  call: FileCall,
  output: Output,
): Promise<ExitCode> {
  const bytes = await readFile(call.file).catch((error: NodeJS.ErrnoException) => error);
  if (bytes instanceof Error) {
    return failed(output, `${call.file} cannot be read (${bytes.code ?? 'unknown error'}).\n`);
  }
  const mapping = await context.database.withActor(actor, (tx) =>
    settleMapping(tx, {
      kind: call.what,
      bytes,
      words: call.map,
      now: new Date(),
      remembers: !call.dryRun,
    }),
  );
  if (!mapping.ok) return failed(output, `${call.file}: ${mapping.message}\n`);
  const done = await work(context, call, { bytes, mapping: mapping.value }, output);
  if (done === undefined) return 1;
  const { outcome, rows } = done;
  if (!outcome.ok) return failed(output, `${call.file}: ${outcome.message}\n`);
  const result = outcome.value;
  if (call.refused !== undefined) {
    // Only for whoever runs this: the rows hold numbers (P12).
    await writeFile(call.refused, refusedFile(bytes, result.refusedRows), { mode: 0o600 });
  }
  if (call.changes !== undefined) await writeFile(call.changes, changesFile(rows), { mode: 0o600 });
  if (call.json) output.out(`${JSON.stringify({ file: call.file, ...result })}\n`);
  else print(call, result, output);
  return result.counts.refused === 0 ? 0 : 1;
}

type Given = Pick<Parameters<typeof fileInThread>[0]['work'], 'mapping'> & { bytes: Uint8Array };

/** In a thread: this one draws how far it is, and hears Ctrl-C. Undefined: it was ended. */
async function work(
  { database, secrets, model, textPermissions, terminal = standardTerminal }: ImportCommandContext,
  call: FileCall,
  { bytes, mapping }: Given,
  output: Output,
): Promise<FileDone | undefined> {
  const stop = new AbortController();
  const forget = terminal.onInterrupt(() => stop.abort());
  const line = progressLine(terminal);
  try {
    return await fileInThread(
      {
        config: database.config,
        context: { rules: model, secrets, ...(textPermissions && { textPermissions }) },
        work: {
          as: 'file',
          kind: call.what,
          actor,
          startedAt: new Date(),
          mapping,
          file: { name: basename(call.file), bytes },
          dryRun: call.dryRun,
          allOrNothing: call.allOrNothing,
          wantsRows: call.changes !== undefined,
        },
      },
      { signal: stop.signal, onProgress: (progress) => line.draw(progress) },
    );
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    line.clear();
    output.err('Ended: nothing was written.\n');
    return undefined;
  } finally {
    line.clear();
    forget();
  }
}

type FileCall = {
  readonly what: ImportKind;
  readonly file: string;
  readonly dryRun: boolean;
  readonly allOrNothing: boolean;
  readonly map: Readonly<Record<string, string>>;
  readonly json: boolean;
  readonly help: boolean;
  readonly refused?: string;
  readonly changes?: string;
};

type UndoCall = Pick<FileCall, 'dryRun' | 'json' | 'help'> & { readonly what: 'undo' };

function readCall(args: readonly string[]): FileCall | UndoCall | undefined {
  const read = readArguments(args, {
    allowPositionals: true,
    options: {
      ...resultOptions,
      'dry-run': { type: 'boolean', default: false },
      'all-or-nothing': { type: 'boolean', default: false },
      map: { type: 'string', multiple: true, default: [] },
      refused: { type: 'string' },
      changes: { type: 'string' },
    },
  });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [what, file, ...rest] = positionals;
  const { json, help: wantsHelp, refused, changes } = values;
  const common = { json, help: wantsHelp, dryRun: values['dry-run'] };
  if (what === 'undo') return file === undefined ? { what, ...common } : undefined;
  const isRight = (what === 'organisations' || what === 'contacts') && file !== undefined;
  const map = mapOf(values.map);
  if (!wantsHelp && (!isRight || rest.length > 0 || map === undefined)) return undefined;
  return {
    ...common,
    what: what === 'contacts' ? 'contacts' : 'organisations',
    file: file ?? '',
    allOrNothing: values['all-or-nothing'],
    map: map ?? {},
    ...(refused !== undefined && { refused }),
    ...(changes !== undefined && { changes }),
  };
}

/** `email=E-mail address` by our name; undefined where one has no equals sign. */
function mapOf(words: readonly string[]): Record<string, string> | undefined {
  const pairs = words.map((word): [string, string] => {
    const at = word.indexOf('=');
    return [word.slice(0, Math.max(at, 0)).trim(), word.slice(at + 1)];
  });
  return pairs.some(([ours]) => ours === '') ? undefined : Object.fromEntries(pairs);
}

async function undo(
  { database, terminal = standardTerminal }: ImportCommandContext,
  call: UndoCall,
  output: Output,
): Promise<ExitCode> {
  const line = progressLine(terminal);
  const onProgress = (progress: Progress) => line.draw(progress);
  const outcome = await database.attempt(actor, (tx) =>
    call.dryRun ? previewUndo(tx) : undoImport(tx, { now: new Date(), onProgress }),
  );
  line.clear();
  if (!outcome.ok) {
    output.err(`${outcome.message}\n`);
    return 1;
  }
  const { counts, left, import: last } = outcome.value;
  if (call.json) {
    output.out(`${JSON.stringify({ importId: last.id, dryRun: call.dryRun, counts, left })}\n`);
    return 0;
  }
  const when = last.finishedAt.toISOString().slice(0, 16).replace('T', ' ');
  const said = call.dryRun ? 'Dry run, nothing undone: ' : 'Undone: ';
  output.out(`${said}${last.kind} of ${last.fileName}, imported ${when} UTC\n`);
  output.out(columnsOf({ removed: counts.removed, 'put back': counts.putBack }));
  output.out(columnsOf({ 'kept, ended': counts.ended, 'left alone': counts.left }));
  for (const label of left) output.err(`left as it is: ${label}\n`);
  const more = counts.left - left.length;
  if (more > 0) output.err(`and ${more} more\n`);
  return 0;
}

function failed(output: Output, message: string): 2 {
  output.err(message);
  return 2;
}

function columnsOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `  ${name.padEnd(12)}${String(count).padStart(8)}\n`)
    .join('');
}

function print(call: FileCall, result: ImportResult, output: Output): void {
  const { counts, notes, refusedRows, withheld } = result;
  const nothing = withheld ? 'All or nothing, nothing written: ' : '';
  output.out(
    `${call.dryRun ? 'Dry run, nothing written: ' : nothing}${call.what} of ${call.file}\n`,
  );
  output.out(columnsOf(counts));
  const { added, changed, closed, moved } = counts;
  if (added + changed + closed + moved === 0) output.out('Nothing changed.\n');
  for (const note of notes) output.out(`${note}\n`);
  for (const { line, field, reason } of refusedRows.slice(0, REFUSED_SHOWN_MAX)) {
    output.err(`line ${line}: ${[field, reason].filter(Boolean).join(' ')}\n`);
  }
  const more = refusedRows.length - REFUSED_SHOWN_MAX;
  if (more > 0) output.err(`and ${more} more; --refused FILE writes them all\n`);
}
