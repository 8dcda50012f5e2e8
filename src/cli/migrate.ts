/** `bin/tocsin migrate`: brings the database to this version; `--check` only says what is due. */
import { parseArgs } from 'node:util';
import { openGround } from '#main/ground.ts';

export const help = `Usage: bin/tocsin migrate

Brings the database of this folder (or DATABASE_URL) to the version of this code. Safe to repeat;
start does the same. A database that is newer than the code, or not ours, is left alone.
`;

export async function migrateCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { help: { type: 'boolean', short: 'h' } },
    strict: false,
  });
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const say = (sentence: string) => process.stderr.write(`${sentence}\n`);
  const opened = await openGround({ environment: process.env, join: true, say });
  if (!opened.ok) {
    process.stderr.write(`${opened.message}\n`);
    return 1;
  }
  await opened.value.end();
  process.stdout.write('The database is at this version.\n');
  return 0;
}
