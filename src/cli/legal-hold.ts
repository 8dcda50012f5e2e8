/** `bin/tocsin legal-hold`: nothing goes for its age while an inquiry needs what there is. */
import { londonDay } from '#kernel/day.ts';
import { findHoldOf, liftLegalHold } from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import type { RoleModel } from '#identity/index.ts';
import { isUuid } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  findOrganisationByCode,
  listHolds,
  putHold,
  type HoldTarget,
  type StandingHold,
} from '#organisations/index.ts';
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
                                 [--organisation CODE | --contact ID]
       bin/tocsin legal-hold lift --by ADDRESS --reason WORDS
                                 [--organisation CODE | --contact ID]

While one stands, what \`retention\` of the operating model would take stays: messages, receipts,
texts that came, how the directory was before an import, contacts who have left and notes; and
nobody is erased. On everything, or on one organisation with its contacts, or on one contact; then
receipts go as ever, which have nobody in them. Codes, sessions, invitations and uploaded files end
as ever: they prove nothing later.

status    Which stand, on what, why, and by when each is to be looked at.
put       Puts it, until it is lifted. --review is a day to come, such as 2027-04-01.
lift      Lifts it: what is due goes with the next night.
--organisation, --contact
          On what: the code of an organisation, or the id of a contact, which stands at the end of
          the address of its page. Neither: on everything.
--by      Who answers for it, by mail address: whoever may keep the audit.
--json    Print the result for programs.

The page /legal-holds does the same, and moves the day of a look.
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
    await decide(context, call, async (tx, target) => {
      const { reason, review } = call;
      return await putHold(tx, { target, reason, reviewOn: review }, new Date());
    }),
  lift: async (context, call) =>
    await decide(context, call, async (tx, target) => {
      const hold = await findHoldOf(tx, target?.id ?? null);
      if (hold === undefined) return refused('conflict', 'No legal hold stands on it.');
      return await liftLegalHold(tx, { id: hold.id, reason: call.reason });
    }),
};

async function decide(
  { database, model }: LegalHoldContext,
  call: Call,
  verb: (tx: Tx, target: HoldTarget | null) => Promise<Outcome<unknown>>,
): Promise<Outcome<Answer>> {
  const person = await findOfficer({ database, model }, call.by);
  if (!person.ok) return person;
  return await database.attempt(person.value, async (tx) => {
    const target = await targetOf(tx, call);
    if (!target.ok) return target;
    const done = await verb(tx, target.value);
    return done.ok ? ok(await statusOf(tx)) : done;
  });
}

/** Null: everything. */
async function targetOf(
  tx: Tx,
  { organisation, contact }: Call,
): Promise<Outcome<HoldTarget | null>> {
  if (organisation !== '' && contact !== '')
    return refused('invalid', 'Say --organisation or --contact, not both.');
  if (contact !== '')
    return isUuid(contact)
      ? ok({ kind: 'contact', id: contact })
      : refused('invalid', '--contact is the id at the end of the address of its page.');
  if (organisation === '') return ok(null);
  const found = await findOrganisationByCode(tx, organisation);
  return found === undefined
    ? refused('not_found', 'No organisation has this code.')
    : ok({ kind: 'organisation', id: found.id });
}

async function statusOf(tx: Tx): Promise<Answer> {
  const holds = await listHolds(tx);
  const lines = holds.map((hold) => `${lineOf(hold)}\n`);
  return { json: holds, text: lines.join('') || 'No legal hold stands.\n' };
}

function lineOf(hold: StandingHold): string {
  const { heldKind, contactName, organisationName, reason, reviewOn, putAt, putByName } = hold;
  const on = {
    everything: '',
    organisation: ` on ${organisationName}`,
    contact: ` on ${contactName}, ${organisationName}`,
  }[heldKind];
  const review =
    reviewOn <= londonDay(new Date())
      ? `was to be looked at by ${reviewOn}: is it still needed?`
      : `to be looked at by ${reviewOn}.`;
  return `A legal hold${on} stands since ${putAt.toISOString()}, by ${putByName}: ${reason}\nNothing it is on goes for its age or is erased; ${review}`;
}

type Verb = 'status' | 'put' | 'lift';

type Call = {
  readonly verb: Verb;
  readonly by: string;
  readonly reason: string;
  readonly review: string;
  readonly organisation: string;
  readonly contact: string;
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
      organisation: { type: 'string', default: '' },
      contact: { type: 'string', default: '' },
    },
  });
  const [verb = '', ...rest] = read?.positionals ?? [];
  if (read === undefined || rest.length > 0) return undefined;
  if (Object.hasOwn(acts, verb)) return { ...read.values, verb: verb as Verb };
  return read.values.help ? { ...read.values, verb: 'status' } : undefined;
}
