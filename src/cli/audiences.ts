/** `bin/tocsin audiences`: saved audiences, what one asks, and how many it means today. */
import type { Database, Tx } from '#db/database.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  findAudience,
  findAudienceByKey,
  listAudiences,
  previewAudience,
  questionInWords,
  questionShown,
  readNames,
  spellingKey,
  type AudienceRow,
  type DirectoryRules,
} from '#organisations/index.ts';
import {
  answerCall,
  readArguments,
  resultOptions,
  tell,
  type Answer,
  type ExitCode,
} from './call.ts';
import { standard, type Output } from './output.ts';

export const help = `Usage: bin/tocsin audiences list [--json]
       bin/tocsin audiences count AUDIENCE [--json]
       bin/tocsin audiences show AUDIENCE [--json]

list    Saved audiences, with how many organisations each meant when it was saved.
count   How many organisations, contacts, numbers and addresses one means today.
show    What one asks, in words.
--json  Print the result for programs.

AUDIENCE is its name, in quotation marks where it has spaces, or its id.
`;

export type AudiencesContext = { readonly database: Database; readonly model: DirectoryRules };

const operator = system('audiences-command');

type Call = {
  readonly verb: 'list' | keyof typeof verbs;
  readonly what: string;
  readonly json: boolean;
  readonly help: boolean;
};

const verbs = { count, show } as const;

export async function audiencesCommand(
  context: AudiencesContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) => {
    const done = await context.database.attempt(operator, (tx) => answer(tx, context.model, call));
    return tell(done, call, output);
  });
}

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, { options: resultOptions, allowPositionals: true });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [verb = '', what = '', ...more] = positionals;
  if (values.help) return { ...values, verb: 'list', what };
  const isCall = verb === 'list' ? what === '' : Object.hasOwn(verbs, verb) && what !== '';
  return isCall && more.length === 0 ? { ...values, verb: verb as Call['verb'], what } : undefined;
}

async function answer(
  tx: Tx,
  model: DirectoryRules,
  { verb, what }: Call,
): Promise<Outcome<Answer>> {
  if (verb === 'list') {
    const audiences = await listAudiences(tx);
    const text = audiences.map(lineOf).join('') || 'No audience is saved.\n';
    return ok({ json: audiences.map(shown), text });
  }
  const audience = await find(tx, what);
  if (audience === undefined) return refused('not_found', `No audience is called ‘${what}’.`);
  return ok(await verbs[verb](tx, audience, model));
}

function lineOf({ id, name, version, organisations, retiredAt }: AudienceRow): string {
  const state = retiredAt === null ? '' : '  retired';
  return `${name}  version ${version}  ${organisations} organisations when saved${state}  ${id}\n`;
}

function shown({ question, ...audience }: AudienceRow) {
  return { ...audience, question: questionShown(question) };
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function find(tx: Tx, what: string): Promise<AudienceRow | undefined> {
  const id = UUID.test(what) ? what : (await findAudienceByKey(tx, spellingKey(what)))?.id;
  return id === undefined ? undefined : await findAudience(tx, id);
}

async function count(tx: Tx, { id, name, version, question }: AudienceRow): Promise<Answer> {
  const counts = await previewAudience(tx, question);
  const { organisations, mustAnswer, contacts, contactPoints, withoutAnyText, withoutAny } = counts;
  const line = (what: string, number: number) =>
    `  ${what.padEnd(26)}${number.toLocaleString('en-GB').padStart(10)}\n`;
  return {
    json: { id, name, version, ...counts },
    text: [
      `${name}, version ${version}, today\n`,
      line('organisations', organisations),
      line('of them must answer', mustAnswer),
      line('contacts', contacts),
      line('numbers', contactPoints.text),
      line('addresses', contactPoints.mail),
      line('organisations without text', withoutAnyText),
      line('nothing reaches', withoutAny),
    ].join(''),
  };
}

async function show(tx: Tx, audience: AudienceRow, model: DirectoryRules): Promise<Answer> {
  const { name, version, savedByName, savedAt, retiredAt, question } = audience;
  const asks = questionInWords(question, await readNames(tx, model));
  const retired = retiredAt === null ? '' : ', retired';
  const saved = `version ${version}, saved ${savedAt.toISOString().slice(0, 10)} by ${savedByName}`;
  return {
    json: { ...shown(audience), asks },
    text: [
      `${name}, ${saved}${retired}\n`,
      ...asks.map(({ what, says }) => `  ${what}: ${says}\n`),
    ].join(''),
  };
}
