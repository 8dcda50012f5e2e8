/** `bin/tocsin sign-in-link`: the way in for the first person, and when nobody can get in. */
import type { Database } from '#db/database.ts';
import {
  createSignInLink,
  findPersonByEmail,
  invitePerson,
  needsRecovery,
  recoverFromTerminal,
} from '#identity/index.ts';
import type { RoleModel } from '#identity/index.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

export const summary = 'make a one-time sign-in link for a person';

export const help = `Usage: bin/tocsin sign-in-link --email ADDRESS [--name NAME --role ROLE]
       bin/tocsin sign-in-link --email ADDRESS --recover

Prints a link that signs this person in once. Whoever has it can be that person.

--name, --role  Invite the person first where nobody has this address: for the first
                administrator of a new installation. Roles with commas between.
--recover       For somebody who lost all passkeys: a person who manages people has to agree on
                the page “People” before the link opens. Where nobody else could, the old
                passkeys end at once.
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
  const { href, expiresAt, waits } = link.value;
  if (call.json) output.out(`${JSON.stringify({ href, expiresAt, waits })}\n`);
  else
    output.out(
      `${href}\n\nWorks once, until ${expiresAt.toISOString()}.\n${waits ? SECOND_PERSON : ''}`,
    );
  return 0;
}

async function makeLink(
  { database, model, origin, now }: SignInLinkContext,
  call: Call,
): Promise<Outcome<{ href: string; expiresAt: Date; waits: boolean }>> {
  const address = parseEmailAddress(call.email);
  if (!address.ok) return refused('invalid', '--email must be an address like name@example.org.');
  const at = now?.() ?? new Date();
  return await database.attempt(system('sign-in-link'), async (tx) => {
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
    const wish = { personId, model, now: at };
    const needed = await needsRecovery(tx, personId, model);
    if (needed && !call.recover) return refused('conflict', LOST_ONLY);
    if (!needed && call.recover) return refused('conflict', NOTHING_LOST);
    const link = await (needed ? recoverFromTerminal(tx, wish) : createSignInLink(tx, wish));
    if (!link.ok) return link;
    const { token, expiresAt, waits = false } = link.value;
    return ok({ href: `${origin}/sign-in/link/${token}`, expiresAt, waits });
  });
}

const NOBODY =
  'Nobody has this address. Invite the person on the page “People”, or here with ' +
  '--name "Full name" --role administrator.';

const LOST_ONLY =
  'This person signs in with a passkey and needs no link. If all their passkeys are lost, add ' +
  '--recover: then they end, as soon as a second person agrees.';

const NOTHING_LOST =
  'This person has no passkey that could be lost. Make the link without --recover.';

const SECOND_PERSON =
  'It opens nothing until somebody who manages people agrees, on the page of this person.\n';

type Call = {
  readonly email: string;
  readonly name: string;
  readonly role: string;
  readonly recover: boolean;
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
      recover: { type: 'boolean', default: false },
    },
  });
  return read?.values.help || read?.values.email ? read.values : undefined;
}
