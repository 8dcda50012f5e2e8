/** `bin/tocsin sign-in-link`: the way in for the first person, and when nobody can get in. */
import type { Database } from '#db/database.ts';
import { createSignInLink, findPersonByEmail, invitePerson } from '#identity/index.ts';
import type { RoleModel } from '#identity/index.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

export const summary = 'make a one-time sign-in link for a person';

export const help = `Usage: bin/tocsin sign-in-link --email ADDRESS [--name NAME --role ROLE]

Prints a link that signs this person in once, within a day. Whoever has it can be that person.

--name, --role  Invite the person first where nobody has this address: for the first
                administrator of a new installation. Roles with commas between.
--json          Print the result for programs.
`;

export type SignInLinkContext = {
  readonly database: Database;
  readonly model: RoleModel;
  /** What the link begins with, such as `https://tocsin.example`. */
  readonly origin: string;
  readonly now?: () => Date;
};

export async function signInLinkCommand(
  context: SignInLinkContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => run(context, call, output));
}

async function run(context: SignInLinkContext, call: Call, output: Output): Promise<ExitCode> {
  const link = await makeLink(context, call);
  if (!link.ok) {
    output.err(`${link.message}\n`);
    return 1;
  }
  const { href, expiresAt } = link.value;
  if (call.json) output.out(`${JSON.stringify({ href, expiresAt })}\n`);
  else output.out(`${href}\n\nWorks once, until ${expiresAt.toISOString()}.\n`);
  return 0;
}

async function makeLink(
  { database, model, origin, now }: SignInLinkContext,
  call: Call,
): Promise<Outcome<{ href: string; expiresAt: Date }>> {
  const address = parseEmailAddress(call.email);
  if (!address.ok) return refused('invalid', '--email must be an address like name@example.org.');
  const at = now?.() ?? new Date();
  return await database.withActor(system('sign-in-link'), async (tx) => {
    const person = await findPersonByEmail(tx, address.value);
    let personId = person?.id;
    if (personId === undefined) {
      if (call.name === '') return refused('not_found', NOBODY);
      const roles = call.role.split(',').filter((role) => role !== '');
      const invitation = { name: call.name, email: address.value, roles };
      const invited = await invitePerson(tx, invitation, { model, now: at });
      if (!invited.ok) return invited;
      personId = invited.value;
    }
    const link = await createSignInLink(tx, { personId, now: at });
    if (!link.ok) return link;
    const { token, expiresAt } = link.value;
    return ok({ href: `${origin}/sign-in/link/${token}`, expiresAt });
  });
}

const NOBODY =
  'Nobody has this address. Invite the person on the page “People”, or here with ' +
  '--name "Full name" --role administrator.';

type Call = {
  readonly email: string;
  readonly name: string;
  readonly role: string;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    options: {
      ...resultOptions,
      email: { type: 'string', default: '' },
      name: { type: 'string', default: '' },
      role: { type: 'string', default: '' },
    },
  });
  return read?.values.help || read?.values.email ? read.values : undefined;
}
