/** `bin/tocsin approvals`: whether what was signed still proves what was approved. */
import type { Database } from '#db/database.ts';
import { checkSignatures, type CheckedSignatures } from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

export const summary = 'check again what approvers signed';

export const help = `Usage: bin/tocsin approvals verify

Checks each approval that was given: whether the approver's passkey signed exactly its hash. Needs
nothing but the database. Fails where one was changed, or was given without a signature (those of
a demonstration all are, and so are those from before there were passkeys).
--json  Print the result for programs.
`;

export type ApprovalsContext = { readonly database: Database };

export async function approvalsCommand(
  { database }: ApprovalsContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async ({ json }) => {
    const checked = await database.withActor(system('approvals'), (tx) => checkSignatures(tx));
    output.out(json ? `${JSON.stringify(checked)}\n` : asText(checked));
    return checked.broken.length + checked.unsigned.length > 0 ? 1 : 0;
  });
}

function asText({ right, broken, unsigned }: CheckedSignatures): string {
  const line = (id: string, what: string) => `${id}  ${what}\n`;
  return [
    `${right} signed and right, ${broken.length} broken, ${unsigned.length} unsigned.\n`,
    ...broken.map((id) => line(id, 'what was signed is not what was approved')),
    ...unsigned.map((id) => line(id, 'nobody signed it')),
  ].join('');
}

function readCall(args: readonly string[]) {
  const read = readArguments(args, { allowPositionals: true, options: resultOptions });
  const isCall = read?.positionals.length === 1 && read.positionals[0] === 'verify';
  return isCall || read?.values.help ? read?.values : undefined;
}
