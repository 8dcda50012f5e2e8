/** `bin/tocsin operating-model`: checks the file and shows what code reads from it. */
import { beside } from '#config.ts';
import {
  checkOperatingModel,
  formatDuration,
  printFinding,
  readModelFile,
  type OperatingModel,
} from '#operating-model/index.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

const help = `Usage: bin/tocsin operating-model check [FILE] [--json]
       bin/tocsin operating-model show [FILE] [--json]

check   Errors and warnings with file, line and way out. Exit code 1 where there are errors.
show    What is in force: severities, rounds, deadlines, roles.

FILE is TOCSIN_OPERATING_MODEL, or operating-model.yaml beside the program.
`;

export async function operatingModelCommand(
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => run(call, output));
}

async function run(call: Call, output: Output): Promise<ExitCode> {
  const text = await readModelFile(call.file);
  if (!text.ok) {
    output.err(`${text.message}\n`);
    return 1;
  }
  const { model, findings } = checkOperatingModel(text.value);
  const printed = findings.map((finding) => printFinding(finding, call.file));
  if (call.verb === 'check' && call.json) {
    output.out(`${JSON.stringify({ file: call.file, version: model?.version, findings })}\n`);
    return model === undefined ? 1 : 0;
  }
  if (printed.length > 0) output.err(`${printed.join('\n')}\n`);
  if (model === undefined) return 1;
  if (call.verb === 'check') output.out(`${call.file} is right (${model.version.slice(0, 12)})\n`);
  else output.out(call.json ? `${JSON.stringify(withoutSource(model))}\n` : summaryOf(model));
  return 0;
}

type Call = {
  readonly verb: 'check' | 'show';
  readonly file: string;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, { allowPositionals: true, options: resultOptions });
  if (read === undefined) return undefined;
  const [verb = 'check', file, ...rest] = read.positionals;
  if ((verb !== 'check' && verb !== 'show') || rest.length > 0) return undefined;
  return {
    ...read.values,
    verb,
    file: file ?? process.env['TOCSIN_OPERATING_MODEL'] ?? beside('operating-model.yaml'),
  };
}

function withoutSource(model: OperatingModel): Omit<OperatingModel, 'source'> {
  const { source: _, ...rest } = model;
  return rest;
}

function summaryOf(model: OperatingModel): string {
  const severities = model.severities.map((severity) => {
    const { id, label, lane } = severity;
    const rounds = severity.rounds.map(
      ({ ranks, afterMs }) => `rank ${ranks.join(', ')} after ${formatDuration(afterMs)}`,
    );
    const deadlines = [
      `acknowledge within ${formatDuration(severity.acknowledgeWithinMs)}`,
      `next update within ${formatDuration(severity.nextUpdateWithinMs)}`,
      `not sent after ${formatDuration(severity.sendExpiresAfterMs)}`,
    ];
    return [
      `  ${label} (${id}): ${severity.channels.join(' and ')}, lane ${lane}`,
      `    ${rounds.join('; ')}`,
      `    ${deadlines.join(', ')}`,
    ].join('\n');
  });
  const roles = Object.values(model.roles).map((role) => `  ${role.label}: ${role.may.join(', ')}`);
  return [
    `${model.name}, version ${model.version}`,
    'Severities',
    ...severities,
    'Roles',
    ...roles,
    '',
  ].join('\n');
}
