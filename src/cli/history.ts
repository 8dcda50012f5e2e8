/** `bin/tocsin history`: whether sending is held, and letting it go on after a restore. */
import type { Database, Tx } from '#db/database.ts';
import {
  readHold,
  readReplica,
  resumeAfterRestore,
  sendWithoutReplica,
  waitForReplica,
  type HoldRow,
  type Replica,
  type Resumption,
} from '#dispatch/index.ts';
import type { RoleModel } from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  answerCall,
  readArguments,
  resultOptions,
  tell,
  type Answer,
  type ExitCode,
} from './call.ts';
import { findOfficer } from './officer.ts';
import { standard, type Output } from './output.ts';

export const summary =
  'see whether sending is held, let it go on after a restore or without a replica';

export const help = `Usage: bin/tocsin history status
       bin/tocsin history resume-after-restore --by ADDRESS --reason WORDS
                                [--in-doubt send-again|treat-as-sent] [--unread]
       bin/tocsin history send-without-replica --by ADDRESS --reason WORDS
       bin/tocsin history wait-for-replica --by ADDRESS

A restored backup, a promoted replica or a disk that was turned back sends nothing by itself. The
providers are read first: what they have counts as sent. Then a person lets it go on.

status    What is held, why, and what was found; and whether the replicas are away.
resume-after-restore
          Lets sending go on. Whoever may steer dispatches answers for it, by mail address.
          --in-doubt says what becomes of texts and mails of which nobody can say whether they
          left, because their gateway cannot be read: a second copy, or perhaps none. Needed where
          there are any. What was called off meanwhile is sent in neither case: it stays unknown.
          --unread goes on although a provider could not be read: it may get texts twice.
send-without-replica
          Where PostgreSQL has synchronous replicas, nothing leaves while they are away. Lets
          messages leave without them until they answer, when sending waits for them again by
          itself. If the server is lost meanwhile, some may go twice.
wait-for-replica
          Takes that back.
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
  const done = await acts[call.verb](context, call);
  return tell(done, call, output);
}

type Act = (context: HistoryContext, call: Call) => Promise<Outcome<Answer>>;

const acts: Readonly<Record<Verb, Act>> = {
  status: async ({ database }) =>
    await database.withActor(system('history-status'), async (tx) => {
      const [hold, replica] = [await readHold(tx), await readReplica(tx)];
      return ok({ json: { ...hold, replica }, text: asText(hold) + replicaAsText(replica) });
    }),
  'resume-after-restore': async (context, call) => {
    const resumed = await resume(context, call);
    return resumed.ok ? ok({ json: resumed.value, text: 'Sending goes on.\n' }) : resumed;
  },
  'send-without-replica': async (context, call) =>
    await decide(context, call, (tx) => sendWithoutReplica(tx, call.reason)),
  'wait-for-replica': async (context, call) => await decide(context, call, waitForReplica),
};

/** What a person decides about the replica, and how it is then. */
async function decide(
  { database, model }: HistoryContext,
  { by }: Call,
  verb: (tx: Tx) => Promise<Outcome<void>>,
): Promise<Outcome<Answer>> {
  const person = await findOfficer({ database, model }, by);
  if (!person.ok) return person;
  return await database.attempt(person.value, async (tx) => {
    const done = await verb(tx);
    if (!done.ok) return refused(done.kind, Object.values(done.fields)[0] ?? done.message);
    const replica = await readReplica(tx);
    return ok({ json: replica, text: replicaAsText(replica) });
  });
}

async function resume({ database, model }: HistoryContext, call: Call): Promise<Outcome<HoldRow>> {
  const reason = call.reason.trim();
  if (call.by === '' || reason === '')
    return refused('invalid', 'Say who answers for it and why: --by ADDRESS --reason WORDS');
  const inDoubt = decisions[call['in-doubt']];
  if (inDoubt === undefined)
    return refused('invalid', '--in-doubt is send-again or treat-as-sent.');
  const person = await findOfficer({ database, model }, call.by);
  if (!person.ok) return person;
  return await database.attempt(person.value, async (tx) => {
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

function replicaAsText({ awaySince, aloneSince, aloneReason }: Replica): string {
  if (awaySince === null) return '';
  const told = `The replica of the database has not answered since ${awaySince.toISOString()}`;
  if (aloneSince === null)
    return `${told}: nothing leaves.
It goes on when the replica answers, or now, without it:
bin/tocsin history send-without-replica --by ADDRESS --reason WORDS
`;
  return `${told}.
Messages leave without it since ${aloneSince.toISOString()}: ${aloneReason}.
Wait for it again: bin/tocsin history wait-for-replica --by ADDRESS
`;
}

type Verb = 'status' | 'resume-after-restore' | 'send-without-replica' | 'wait-for-replica';

type Call = {
  readonly verb: Verb;
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
  if (verb !== undefined && Object.hasOwn(acts, verb))
    return { ...read.values, verb: verb as Verb };
  return read.values.help ? { ...read.values, verb: 'status' } : undefined;
}
