/** `bin/tocsin operating-model`: checks, shows, explains and compares files of rules. */
import { beside } from '#config.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  checkOperatingModel,
  diffModels,
  explainSeverity,
  formatDuration,
  jsonSchema,
  nearestName,
  printFinding,
  readModelFile,
  severityById,
  type Finding,
  type OperatingModel,
} from '#operating-model/index.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

const help = `Usage: bin/tocsin operating-model check [FILE] [--json]
       bin/tocsin operating-model show [FILE] [--json]
       bin/tocsin operating-model explain SEVERITY [FILE] [--json]
       bin/tocsin operating-model explain NUMBER [--json]
       bin/tocsin operating-model diff OLD NEW [--json]
       bin/tocsin operating-model schema
       bin/tocsin operating-model apply FILE --as ADDRESS --reason WORDS

check    Errors and warnings with file, line and way out. Exit code 1 where there are errors.
show     What the file holds: severities, rounds, deadlines, roles.
explain  What happens under a severity, sentence by sentence; or why the alert with this
         number does what it does: rule, version and facts of each step.
diff     What NEW changes of OLD, in words. Exit code 1 where either has errors.
schema   A JSON Schema of the file, for editors; operating-model.schema.json holds it.
apply    Proposes a file; a second person approves it on its page. See apply --help.

FILE is TOCSIN_OPERATING_MODEL, or operating-model.yaml beside the program.
`;

export async function operatingModelCommand(
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => verbs[call.verb](call, output));
}

const verbs: Readonly<Record<Verb, (call: Call, output: Output) => Promise<ExitCode>>> = {
  check,
  show,
  explain,
  diff,
  schema: async (_, output) => {
    output.out(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
    return 0;
  },
};

async function check({ words: [file], json }: Call, output: Output): Promise<ExitCode> {
  const path = file ?? usualFile();
  const text = await readModelFile(path);
  if (!text.ok) return fail(text, output);
  const { model, findings } = checkOperatingModel(text.value);
  if (json) output.out(`${JSON.stringify({ file: path, version: model?.version, findings })}\n`);
  else {
    printFindings(findings, path, output);
    if (model) output.out(`${path} is right (${model.version.slice(0, 12)})\n`);
  }
  return model === undefined ? 1 : 0;
}

async function show({ words: [file], json }: Call, output: Output): Promise<ExitCode> {
  const model = await read(file ?? usualFile(), output);
  if (model === undefined) return 1;
  output.out(json ? `${JSON.stringify(withoutSource(model))}\n` : summaryOf(model));
  return 0;
}

async function explain(call: Call, output: Output): Promise<ExitCode> {
  const [name = '', file] = call.words;
  const model = await read(file ?? usualFile(), output);
  if (model === undefined) return 1;
  const severity = severityById(model, name.toLowerCase());
  if (severity === undefined) {
    const allowed = model.severities.map(({ id }) => id);
    const meant = nearestName(name, allowed);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    output.err(`There is no severity ${name}.${hint} There are ${allowed.join(', ')}.\n`);
    return 1;
  }
  const sentences = explainSeverity(model, severity);
  const text = [severity.label, ...sentences.map((one) => `  ${one}`), ''].join('\n');
  output.out(call.json ? `${JSON.stringify({ severity: severity.id, sentences })}\n` : text);
  return 0;
}

async function diff({ words, json }: Call, output: Output): Promise<ExitCode> {
  const [old, fresh] = words as [string, string];
  const before = await read(old, output);
  const after = await read(fresh, output);
  if (before === undefined || after === undefined) return 1;
  const changes = diffModels(before, after);
  if (json) output.out(`${JSON.stringify({ changes })}\n`);
  else if (changes.length === 0) output.out('No rule changes.\n');
  else output.out(changes.map(({ says }) => `${says}\n`).join(''));
  return 0;
}

/** The model of a file; undefined where it has errors, which are printed with its warnings. */
async function read(path: string, output: Output): Promise<OperatingModel | undefined> {
  const text = await readModelFile(path);
  if (!text.ok) {
    fail(text, output);
    return undefined;
  }
  const { model, findings } = checkOperatingModel(text.value);
  printFindings(findings, path, output);
  return model;
}

function printFindings(findings: readonly Finding[], path: string, output: Output): void {
  for (const finding of findings) output.err(`${printFinding(finding, path)}\n`);
}

function fail({ message }: Refused, output: Output): ExitCode {
  output.err(`${message}\n`);
  return 1;
}

function usualFile(): string {
  return process.env['TOCSIN_OPERATING_MODEL'] ?? beside('operating-model.yaml');
}

/** How many words each verb takes, least and most. */
const WORDS = {
  check: [0, 1],
  show: [0, 1],
  explain: [1, 2],
  diff: [2, 2],
  schema: [0, 0],
} as const;

type Verb = keyof typeof WORDS;

type Call = {
  readonly verb: Verb;
  readonly words: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, { allowPositionals: true, options: resultOptions });
  if (read === undefined) return undefined;
  const [verb = 'check', ...words] = read.positionals;
  if (!Object.hasOwn(WORDS, verb)) return undefined;
  const [least, most] = WORDS[verb as Verb];
  const isRight = words.length >= least && words.length <= most;
  return isRight || read.values.help ? { ...read.values, verb: verb as Verb, words } : undefined;
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
    const reminders = severity.reminders.map(
      ({ ranks, afterMs }) => `rank ${ranks.join(', ')} reminded after ${formatDuration(afterMs)}`,
    );
    const deadlines = [
      `acknowledge within ${formatDuration(severity.acknowledgeWithinMs)}`,
      `next update within ${formatDuration(severity.nextUpdateWithinMs)}`,
      `not sent after ${formatDuration(severity.sendExpiresAfterMs)}`,
    ];
    return [
      `  ${label} (${id}): ${severity.channels.join(' and ')}, lane ${lane}`,
      `    ${[...rounds, ...reminders].join('; ')}`,
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
