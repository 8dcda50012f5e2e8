/** `bin/tocsin kev`: brings the catalogue of known exploited vulnerabilities in. */
import { readFile } from 'node:fs/promises';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { importCatalogue, parseCatalogue } from '#alerts/index.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

export const summary = 'bring the catalogue of known exploited vulnerabilities in';

export const help = `Usage: bin/tocsin kev FILE [--json]

Imports known_exploited_vulnerabilities.json of CISA as it was downloaded. It takes the place of
the catalogue that is here; the same file again changes nothing, an older one is refused.

--json    Print the result for programs.

Exit code 1: refused, and nothing was changed. 2: wrongly called, or the file could not be read.
`;

export async function kevCommand(
  { database }: { readonly database: Database },
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async ({ file, json }) => {
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => error);
    if (bytes instanceof Error) {
      output.err(`${file} cannot be read (${bytes.code ?? 'unknown error'}).\n`);
      return 2;
    }
    const catalogue = parseCatalogue(bytes);
    const done = catalogue.ok
      ? await database.attempt(system('kev'), (tx) => importCatalogue(tx, catalogue.value))
      : catalogue;
    if (!done.ok) {
      output.err(`${file}: ${done.message}.\n`);
      return 1;
    }
    const { version, entries, added, changed, removed } = done.value;
    const words = `Catalogue ${version}, ${entries} entries: ${added} new, ${changed} changed, ${removed} gone.\n`;
    output.out(json ? `${JSON.stringify(done.value)}\n` : words);
    return 0;
  });
}

function readCall(args: readonly string[]) {
  const read = readArguments(args, { allowPositionals: true, options: resultOptions });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [file, ...rest] = positionals;
  if (!values.help && (file === undefined || rest.length > 0)) return undefined;
  return { file: file ?? '', json: values.json, help: values.help };
}
