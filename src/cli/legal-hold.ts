/** `bin/tocsin legal-hold`: nothing goes for its age while an inquiry needs what there is. */
import { findLegalHold, liftLegalHold, putLegalHold } from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import type { RoleModel } from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
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

export const help = `Usage: bin/tocsin legal-hold status
       bin/tocsin legal-hold put --by ADDRESS --reason WORDS --review DAY
       bin/tocsin legal-hold lift --by ADDRESS --reason WORDS

While it stands, what \`retention\` of the operating model would take stays: messages, receipts,
texts that came, and how the directory was before an import; and nobody is erased. Codes, sessions,
invitations and uploaded files end as ever: they prove nothing later.

status    Whether one stands, why, and by when it is to be looked at.
put       Puts it, until it is lifted. --review is a day to come, such as 2027-04-01.
lift      Lifts it: what is due goes with the next night.
--by      Who answers for it, by mail address: whoever may keep the audit.
--json    Print the result for programs.
`;

export type LegalHoldContext = { readonly database: Database; readonly model: RoleModel };

export async function legalHoldCommand(
  context: LegalHoldContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) =>
    tell(await acts[call.verb](context, call), call, output),
  );
}

type Act = (context: LegalHoldContext, call: Call) => Promise<Outcome<Answer>>;

const acts: Readonly<Record<Verb, Act>> = {
  status: async ({ database }) =>
    await database.withActor(system('legal-hold'), async (tx) => ok(await statusOf(tx))),
  put: async (context, call) =>
    await decide(context, call, (tx) =>
      putLegalHold(tx, { reason: call.reason, reviewOn: call.review }, new Date()),
    ),
  lift: async (context, call) =>
    await decide(context, call, (tx) => liftLegalHold(tx, call.reason)),
};

async function decide(
  { database, model }: LegalHoldContext,
  { by }: Call,
  verb: (tx: Tx) => Promise<Outcome<void>>,
): Promise<Outcome<Answer>> {
  const person = await findOfficer({ database, model }, by);
  if (!person.ok) return person;
  return await database.attempt(person.value, async (tx) => {
    const done = await verb(tx);
    return done.ok ? ok(await statusOf(tx)) : done;
  });
}

async function statusOf(tx: Tx): Promise<Answer> {
  const hold = await findLegalHold(tx);
  if (hold === undefined) return { json: null, text: 'No legal hold stands.\n' };
  const { reason, reviewOn, putAt, putByName } = hold;
  const isDue = reviewOn <= new Date().toISOString().slice(0, 10);
  const review = isDue
    ? `was to be looked at by ${reviewOn}: is it still needed?`
    : `to be looked at by ${reviewOn}.`;
  const text = `A legal hold stands since ${putAt.toISOString()}, by ${putByName}: ${reason}\nNothing goes for its age and nobody is erased; ${review}\n`;
  return { json: hold, text };
}

type Verb = 'status' | 'put' | 'lift';

type Call = {
  readonly verb: Verb;
  readonly by: string;
  readonly reason: string;
  readonly review: string;
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
      review: { type: 'string', default: '' },
    },
  });
  const [verb = '', ...rest] = read?.positionals ?? [];
  if (read === undefined || rest.length > 0) return undefined;
  if (Object.hasOwn(acts, verb)) return { ...read.values, verb: verb as Verb };
  return read.values.help ? { ...read.values, verb: 'status' } : undefined;
}
