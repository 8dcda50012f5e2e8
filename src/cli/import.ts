/** `bin/tocsin import`: brings files of organisations and contacts into the directory. */
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import {
  importContacts,
  importOrganisations,
  refusedFile,
  type DirectoryRules,
  type DirectorySecrets,
  type ImportKind,
  type ImportResult,
  type TextPermissions,
} from '#organisations/index.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

export const summary = 'bring organisations and contacts into the directory';

export const help = `Usage: bin/tocsin import organisations|contacts FILE [options]

organisations  etr.csv of ODS as it is, or a CSV file with the columns code, name, type, …
contacts       A CSV file with the columns organisation_code, name, role, mobile, email, …

Rows that are right are written in one transaction; the others are listed with line and reason.
The same file again changes nothing. What a file does not name stays. docs/importing.md has the
columns.

--dry-run       Say what would change, and change nothing.
--refused FILE  Write all refused rows to FILE, with the reasons, to be mended and imported.
--json          Print the result for programs.

Exit code 0: every row was right. 1: rows were refused, or there is no database to write to.
2: wrongly called, or the file could not be read.
`;

export type ImportCommandContext = {
  readonly database: Database;
  readonly secrets: DirectorySecrets;
  readonly model: DirectoryRules;
  readonly textPermissions?: TextPermissions;
};

const REFUSED_SHOWN_MAX = 50;

export async function importCommand(
  context: ImportCommandContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => run(context, call, output));
}

async function run(context: ImportCommandContext, call: Call, output: Output): Promise<ExitCode> {
  const bytes = await readFile(call.file).catch((error: NodeJS.ErrnoException) => error);
  if (bytes instanceof Error) {
    return failed(output, `${call.file} cannot be read (${bytes.code ?? 'unknown error'}).\n`);
  }
  const outcome = await context.database.withActor(system('import'), (tx) => {
    const importFile = call.kind === 'contacts' ? importContacts : importOrganisations;
    const file = { name: basename(call.file), bytes };
    return importFile(tx, file, {
      rules: context.model,
      secrets: context.secrets,
      startedAt: new Date(),
      dryRun: call.dryRun,
      textPermissions: context.textPermissions ?? {},
    });
  });
  if (!outcome.ok) return failed(output, `${call.file}: ${outcome.message}\n`);
  const result = outcome.value;
  if (call.refused !== undefined) {
    // Only for whoever runs this: the rows hold numbers (P12).
    await writeFile(call.refused, refusedFile(bytes, result.refusedRows), { mode: 0o600 });
  }
  if (call.json) output.out(`${JSON.stringify({ file: call.file, ...result })}\n`);
  else print(call, result, output);
  return result.counts.refused === 0 ? 0 : 1;
}

type Call = {
  readonly kind: ImportKind;
  readonly file: string;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly refused?: string;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    allowPositionals: true,
    options: {
      ...resultOptions,
      'dry-run': { type: 'boolean', default: false },
      refused: { type: 'string' },
    },
  });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [kind, file, ...rest] = positionals;
  const isRight = (kind === 'organisations' || kind === 'contacts') && file !== undefined;
  if (!values.help && (!isRight || rest.length > 0)) return undefined;
  return {
    kind: kind === 'contacts' ? 'contacts' : 'organisations',
    file: file ?? '',
    dryRun: values['dry-run'],
    json: values.json,
    help: values.help,
    ...(values.refused !== undefined && { refused: values.refused }),
  };
}

function failed(output: Output, message: string): 2 {
  output.err(message);
  return 2;
}

function print(call: Call, result: ImportResult, output: Output): void {
  const { counts, notes, refusedRows } = result;
  const rows = Object.entries(counts)
    .map(([name, count]) => `  ${name.padEnd(10)}${String(count).padStart(8)}\n`)
    .join('');
  output.out(`${call.dryRun ? 'Dry run, nothing written: ' : ''}${call.kind} of ${call.file}\n`);
  output.out(rows);
  if (counts.added + counts.changed === 0) output.out('Nothing changed.\n');
  for (const note of notes) output.out(`${note}\n`);
  for (const { line, field, reason } of refusedRows.slice(0, REFUSED_SHOWN_MAX)) {
    output.err(`line ${line}: ${[field, reason].filter(Boolean).join(' ')}\n`);
  }
  const more = refusedRows.length - REFUSED_SHOWN_MAX;
  if (more > 0) output.err(`and ${more} more; --refused FILE writes them all\n`);
}
