/** `bin/tocsin migrate`: brings the database to this version; `--check` only says what is due. */
import { openGround } from '#main/ground.ts';
import { answerBareCall, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

export const help = `Usage: bin/tocsin migrate

Brings the database of this folder (or DATABASE_URL) to the version of this code. Safe to repeat;
start does the same. A database that is newer than the code, or not ours, is left alone.
`;

export async function migrateCommand(
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerBareCall('migrate', { args, help, output }, () => run(output));
}

async function run(output: Output): Promise<ExitCode> {
  const say = (sentence: string) => output.err(`${sentence}\n`);
  const opened = await openGround({ environment: process.env, join: true, adopts: false, say });
  if (!opened.ok) {
    say(opened.message);
    return 1;
  }
  await opened.value.end();
  output.out('The database is at this version.\n');
  return 0;
}
