/** `bin/tocsin history`: whether sending is held, and letting it go on after a restore. */
import type { Database } from '#db/database.ts';
import { readHold, resumeAfterRestore, type HoldRow, type Resumption } from '#dispatch/index.ts';
import { findPersonByEmail, permissionsOf, type RoleModel } from '#identity/index.ts';
import { system, type Actor } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

export const summary = 'see whether sending is held, let it go on after a restore';

export const help = `Usage: bin/tocsin history status
       bin/tocsin history resume-after-restore --by ADDRESS --reason WORDS
                                [--in-doubt send-again|treat-as-sent] [--unread]

A restored backup, a promoted replica or a disk that was turned back sends nothing by itself. The
providers are read first: what they have counts as sent. Then a person lets it go on.

status    What is held, why, and what was found.
resume-after-restore
          Lets sending go on. Whoever may steer dispatches answers for it, by mail address.
          --in-doubt says what becomes of texts and mails of which nobody can say whether they
          left, because their gateway cannot be read: a second copy, or perhaps none. Needed where
          there are any. What was called off meanwhile is sent in neither case: it stays unknown.
          --unread goes on although a provider could not be read: it may get texts twice.
--json    Print the result for programs.
`;

export type HistoryContext = { readonly database: Database; readonly model: RoleModel };

export async function historyCommand(
  context: HistoryContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => run(context, call, output));
}

async function run(context: HistoryContext, call: Call, output: Output): Promise<ExitCode> {
  const { database } = context;
  const done =
    call.verb === 'status'
      ? ok(await database.withActor(system('history-status'), readHold))
      : await resume(context, call);
  if (!done.ok) {
    output.err(`${done.message}\n`);
    return done.kind === 'invalid' ? 2 : 1;
  }
  if (call.json) output.out(`${JSON.stringify(done.value)}\n`);
  else output.out(call.verb === 'status' ? asText(done.value) : 'Sending goes on.\n');
  return 0;
}

async function resume({ database, model }: HistoryContext, call: Call): Promise<Outcome<HoldRow>> {
  const reason = call.reason.trim();
  if (call.by === '' || reason === '')
    return refused('invalid', 'Say who answers for it and why: --by ADDRESS --reason WORDS');
  const inDoubt = decisions[call['in-doubt']];
  if (inDoubt === undefined)
    return refused('invalid', '--in-doubt is send-again or treat-as-sent.');
  const person = await findActor(database, model, call.by);
  if (person === undefined) return refused('not_found', 'Nobody who is active has this address.');
  return await database.attempt(person, async (tx) => {
    const { inDoubt: rows } = await readHold(tx);
    if (rows > 0 && call['in-doubt'] === '')
      return refused(
        'invalid',
        `Nobody can say whether ${rows} messages left: add --in-doubt send-again or treat-as-sent.`,
      );
    const unread = call.unread ? 'accept' : 'refuse';
    return await resumeAfterRestore(tx, { reason, inDoubt, unread });
  });
}

const decisions: Readonly<Record<string, Resumption['inDoubt'] | undefined>> = {
  '': 'treat_as_sent',
  'send-again': 'send_again',
  'treat-as-sent': 'treat_as_sent',
};

async function findActor(
  database: Database,
  model: RoleModel,
  email: string,
): Promise<Actor | undefined> {
  return await database.withActor(system('history-resume'), async (tx) => {
    const person = await findPersonByEmail(tx, email.trim().toLowerCase());
    if (person?.active !== true) return undefined;
    const { id, name, roles } = person;
    return { kind: 'person', id, name, permissions: permissionsOf(model, roles) };
  });
}

function asText(hold: HoldRow): string {
  if (hold.heldSince === null) return 'Nothing is held: our history is whole.\n';
  const read =
    hold.lookedAt === null
      ? 'The providers are being read; wait until they all are.'
      : `The providers were read at ${hold.lookedAt.toISOString()}.`;
  return `Sending is held since ${hold.heldSince.toISOString()}: ${hold.heldReason}.
${read}
${hold.adopted} messages had been sent though this database did not know, and count as sent.
${hold.withoutMessage} texts were sent of which this database knows nothing at all.
${hold.notSent} messages surely have not left, and go on.
${hold.inDoubt} messages may have left or not: their gateway cannot be read.
Let it go on: bin/tocsin history resume-after-restore --by ADDRESS --reason WORDS
`;
}

type Call = {
  readonly verb: 'status' | 'resume-after-restore';
  readonly by: string;
  readonly reason: string;
  readonly 'in-doubt': string;
  readonly unread: boolean;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    allowPositionals: true,
    options: {
      ...resultOptions,
      by: { type: 'string', default: '' },
      reason: { type: 'string', default: '' },
      'in-doubt': { type: 'string', default: '' },
      unread: { type: 'boolean', default: false },
    },
  });
  const [verb, ...rest] = read?.positionals ?? [];
  if (read === undefined || rest.length > 0) return undefined;
  if (verb === 'status' || verb === 'resume-after-restore') return { ...read.values, verb };
  return read.values.help ? { ...read.values, verb: 'status' } : undefined;
}
