/** `bin/tocsin migrate`: brings the database to this version; `--check` only says what is due. */
import { openGround } from '#main/ground.ts';
import { printedHelp } from './call.ts';

export const help = `Usage: bin/tocsin migrate

Brings the database of this folder (or DATABASE_URL) to the version of this code. Safe to repeat;
start does the same. A database that is newer than the code, or not ours, is left alone.
`;

export async function migrateCommand(args: readonly string[]): Promise<number> {
  if (printedHelp(args, help)) return 0;
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
