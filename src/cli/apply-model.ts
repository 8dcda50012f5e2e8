/** `bin/tocsin operating-model apply`: proposes a file; a second person approves it on its page. */
import { proposeModel } from '#adoption/index.ts';
import type { Database } from '#db/database.ts';
import { findPersonByEmail, permissionsOf } from '#identity/index.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  diffModels,
  parseOperatingModel,
  readModelFile,
  type OperatingModel,
} from '#operating-model/index.ts';
import {
  answerCall,
  readArguments,
  resultOptions,
  tell,
  type Answer,
  type ExitCode,
} from './call.ts';
import { standard, type Output } from './output.ts';

export const help = `Usage: bin/tocsin operating-model apply FILE --as ADDRESS --reason WORDS

Proposes FILE as the rules of the centre and prints what it would change, in words. It comes into
force when a second person approves it on its page; until then nothing changes.

--as      Whoever proposes it, by e-mail address: they can not be the second person.
--reason  Why, in one sentence, for the approver and the history.
--json    Print the result for programs.
`;

export type ApplyContext = {
  readonly database: Database;
  /** The rules in force. */
  readonly model: OperatingModel;
  /** What the address of the page begins with. */
  readonly origin: string;
};

export async function applyModelCommand(
  context: ApplyContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) =>
    tell(await propose(context, call), call, output),
  );
}

async function propose(
  { database, model, origin }: ApplyContext,
  call: Call,
): Promise<Outcome<Answer>> {
  const text = await readModelFile(call.file);
  if (!text.ok) return text;
  const proposer = await findProposer(database, model, call.as);
  if (!proposer.ok) return proposer;
  const done = await database.attempt(proposer.value, (tx) =>
    proposeModel(tx, model, {
      id: newId(),
      yaml: text.value,
      fileName: call.file,
      reason: call.reason,
      now: new Date(),
    }),
  );
  if (!done.ok) return { ...done, message: Object.values(done.fields).join('\n') || done.message };
  const page = `${origin}/operating-model/proposals/${done.value}`;
  const proposed = parseOperatingModel(text.value, call.file);
  const changes = proposed.ok ? diffModels(model, proposed.value).map(({ says }) => says) : [];
  const lines = changes.length === 0 ? ['No rule changes, only comments.'] : changes;
  return ok({
    json: { id: done.value, page, changes },
    text: [...lines, '', `A second person has to approve it: ${page}`, ''].join('\n'),
  });
}

/** The person with this address, with the rights that the rules in force give. */
async function findProposer(
  database: Database,
  model: OperatingModel,
  email: string,
): Promise<Outcome<Actor>> {
  const address = parseEmailAddress(email);
  if (!address.ok) return refused('invalid', '--as must be an address like name@example.org.');
  const person = await database.withActor(system('operating-model'), (tx) =>
    findPersonByEmail(tx, address.value),
  );
  if (person === undefined || !person.active)
    return refused('not_found', 'Nobody with this address works here.');
  const { id, name, roles } = person;
  return ok({ kind: 'person', id, name, permissions: permissionsOf(model, roles) });
}

type Call = {
  readonly file: string;
  readonly as: string;
  readonly reason: string;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    allowPositionals: true,
    options: {
      ...resultOptions,
      as: { type: 'string', default: '' },
      reason: { type: 'string', default: '' },
    },
  });
  if (read === undefined) return undefined;
  const [file = '', ...rest] = read.positionals;
  const isWhole = file !== '' && rest.length === 0 && read.values.as !== '';
  return isWhole || read.values.help ? { ...read.values, file } : undefined;
}
