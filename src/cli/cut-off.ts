/** `bin/tocsin cut-off`: cutting an organisation off whose network is in foreign hands. */
import type { Database } from '#db/database.ts';
import type { RoleModel } from '#identity/index.ts';
import { may, nameOf, system, type Actor } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { cutOff, findOrganisationByCode, letBack, listCutOff } from '#organisations/index.ts';
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

export const help = `Usage: bin/tocsin cut-off list
       bin/tocsin cut-off cut CODE --by ADDRESS --reason WORDS [--domain DOMAIN]…
       bin/tocsin cut-off let-back CODE --by ADDRESS --reason WORDS

For an organisation whose network, mail or sign-in may be in foreign hands. Its people are signed
out, with their links, codes, invitations and keys, and sign-ins of its own are off; nobody of it
reads what is for a closed circle; nothing goes to the mail domains of its network, in alerts that
run too. Mobiles are told as ever.

list      Who is cut off now.
cut       Cuts off the organisation with this code. Without --domain, the mail domains that its page
          calls its own are stopped.
let-back  Takes that back; on its page two persons do. What was ended stays so: each signs in anew,
          and sign-ins of its own stay off until they are switched on (bin/tocsin issuer on).
--by      Who answers for it, by mail address: whoever may cut an organisation off.
--json    Print the result for programs.
`;

export type CutOffContext = { readonly database: Database; readonly model: RoleModel };

export async function cutOffCommand(
  context: CutOffContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) =>
    tell(await acts[call.verb](context, call), call, output),
  );
}

type Act = (context: CutOffContext, call: Call) => Promise<Outcome<Answer>>;

const acts: Readonly<Record<Verb, Act>> = {
  list: async ({ database }) => {
    const rows = await database.withActor(system('cut-off'), listCutOff);
    const lines = rows.map(
      ({ code, name, since, byName }) =>
        `${code}  ${name}, since ${since.toISOString()}, ${byName}\n`,
    );
    return ok({ json: rows, text: rows.length === 0 ? 'None is cut off.\n' : lines.join('') });
  },
  cut: async (context, call) => {
    const officer = await findOfficer(context, call.by);
    if (!officer.ok) return officer;
    return await actOn(context, call, officer.value, async (tx, organisationId) => {
      const domains = call.domain.length === 0 ? undefined : call.domain.map(asDomain);
      const cutting = { organisationId, reason: call.reason, domains };
      const done = await cutOff(tx, cutting, new Date());
      if (!done.ok) return done;
      const { people, sessions, issuers, codeSessions, addresses, suppressed } = done.value;
      const text = `Cut off. People who hold a role for it: ${people}. Sessions ended: ${sessions}, by a code: ${codeSessions}. Sign-ins of its own off: ${issuers}. Addresses where nothing goes now: ${addresses}. Messages held back: ${suppressed}.\n`;
      return ok({ json: done.value, text });
    });
  },
  'let-back': async (context, call) => {
    const answers = await findOfficer(context, call.by);
    if (!answers.ok) return answers;
    if (!may(answers.value, 'organisation.cut_off')) return mayNot;
    const by = { approvalId: null, byName: `${nameOf(answers.value)}, at the server` };
    // Not as that person: nobody lets one back alone but whoever runs the server (ADR 0034).
    return await actOn(context, call, system('cut-off'), async (tx, organisationId) => {
      const done = await letBack(tx, { organisationId, reason: call.reason }, by);
      if (!done.ok) return done;
      return ok({
        json: { code: call.code },
        text: 'It is let back. Its people sign in anew; its own sign-ins stay off.\n',
      });
    });
  },
};

const mayNot = refused('forbidden', 'Whoever answers for it may not let an organisation back.');

function asDomain(typed: string): string {
  return typed.trim().replace(/^@/, '').toLowerCase();
}

/** Does it to the organisation that was named. */
async function actOn(
  { database }: CutOffContext,
  { code }: Call,
  actor: Actor,
  verb: (tx: Parameters<typeof letBack>[0], organisationId: string) => Promise<Outcome<Answer>>,
): Promise<Outcome<Answer>> {
  return await database.attempt(actor, async (tx) => {
    const organisation = await findOrganisationByCode(tx, code.toUpperCase());
    if (organisation === undefined)
      return refused('not_found', `No organisation has the code ${code}.`);
    const done = await verb(tx, organisation.id);
    if (done.ok) return done;
    return refused(done.kind, Object.values(done.fields)[0] ?? done.message);
  });
}

type Verb = 'list' | 'cut' | 'let-back';

type Call = {
  readonly verb: Verb;
  readonly code: string;
  readonly by: string;
  readonly reason: string;
  readonly domain: readonly string[];
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
      domain: { type: 'string', multiple: true, default: [] },
    },
  });
  const [verb = '', code = '', ...rest] = read?.positionals ?? [];
  if (read === undefined || rest.length > 0) return undefined;
  const asked = { ...read.values, code };
  if (read.values.help) return { ...asked, verb: 'list' };
  if (!Object.hasOwn(acts, verb) || (verb === 'list') !== (code === '')) return undefined;
  return { ...asked, verb: verb as Verb };
}
