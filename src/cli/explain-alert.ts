/** `bin/tocsin operating-model explain NUMBER`: why an alert that is out does what it does. */
import { explainAlert, findLiveByNumber, type Explained } from '#console/index.ts';
import type { Database } from '#db/database.ts';
import { system } from '#kernel/actor.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

const help = `Usage: bin/tocsin operating-model explain NUMBER [--json]

Each step of the alert with this number: when, by which rule of which version of the operating
model, and what the rule was applied to.
`;

export type ExplainContext = {
  readonly database: Database;
  /** The rules in force. */
  readonly model: OperatingModel;
};

/** An alert by its number; a severity has no name of digits. */
export function isAlertNumber(word: string | undefined): boolean {
  return word !== undefined && /^\d{1,9}$/.test(word);
}

export async function explainAlertCommand(
  { database, model }: ExplainContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async ({ number, json }) => {
    const rows = await database.withActor(system('explain'), async (tx) => {
      const alert = await findLiveByNumber(tx, number);
      return alert === undefined ? undefined : await explainAlert(tx, alert, model);
    });
    if (rows === undefined) {
      output.err(`No alert ${number} is out.\n`);
      return 1;
    }
    output.out(json ? `${JSON.stringify({ number, steps: rows })}\n` : rows.map(asText).join('\n'));
    return 0;
  });
}

function asText({ what, at, because, facts }: Explained): string {
  const when = at === null ? '' : `, ${at.toISOString()}`;
  const rule =
    because === undefined
      ? ''
      : `  because ${because.says}\n  ${because.rule}, rules ${because.version.slice(0, 12)}\n`;
  const all = because?.hours === undefined ? facts : [...facts, because.hours];
  return `${what}${when}\n${rule}${all.map((fact) => `  ${fact}\n`).join('')}`;
}

function readCall(args: readonly string[]) {
  const read = readArguments(args, { allowPositionals: true, options: resultOptions });
  const [word] = read?.positionals ?? [];
  if (read === undefined || (!read.values.help && !isAlertNumber(word))) return undefined;
  return { ...read.values, number: Number(word) };
}
