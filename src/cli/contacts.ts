/** `bin/tocsin contacts`: who is on file of an organisation, and one of them with whole numbers. */
import type { Database } from '#db/database.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  findContact,
  findOrganisationByCode,
  listContacts,
  openNumbers,
  recordListView,
  type ContactDetail,
  type ContactRules,
  type DirectorySecrets,
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

export const help = `Usage: bin/tocsin contacts list CODE [--json]
       bin/tocsin contacts show ID [--json]

list    The contacts of the organisation with this code, in the order in which they are told, then
        those who are not told any more. Numbers and addresses are masked.
show    One contact with whole numbers and addresses. Each look is an entry of the audit and stands
        in the history of the organisation. The id is in the list.
--json  Print the result for programs.
`;

export type ContactsContext = {
  readonly database: Database;
  readonly secrets: DirectorySecrets;
  readonly model: ContactRules;
};

const operator = system('contacts-command');

type Call = {
  readonly verb: keyof typeof verbs;
  readonly what: string;
  readonly json: boolean;
  readonly help: boolean;
};

const verbs = { list, show } as const;

export async function contactsCommand(
  context: ContactsContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) => {
    const done = await verbs[call.verb](context, call.what);
    return tell(done, call, output);
  });
}

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, { options: resultOptions, allowPositionals: true });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [verb = '', what = '', ...more] = positionals;
  if (values.help) return { ...values, verb: 'list', what };
  const isCall = Object.hasOwn(verbs, verb) && what !== '' && more.length === 0;
  return isCall ? { ...values, verb: verb as Call['verb'], what } : undefined;
}

async function list({ database, model }: ContactsContext, code: string): Promise<Outcome<Answer>> {
  return await database.attempt(operator, async (tx) => {
    const organisation = await findOrganisationByCode(tx, code.toUpperCase());
    if (organisation === undefined)
      return refused('not_found', `The directory has no organisation ${code.toUpperCase()}.`);
    const contacts = await listContacts(tx, organisation.id);
    await recordListView(tx, {
      list: 'organisation',
      contactIds: contacts.map(({ id }) => id),
      organisationId: organisation.id,
    });
    const lines = contacts.map((contact) => lineOf(contact, model));
    return ok({
      json: { organisation, contacts },
      text: lines.join('') || `${organisation.name} has no contacts.\n`,
    });
  });
}

function lineOf(contact: ContactDetail, { contactRoles }: ContactRules): string {
  const { id, rank, name, role, active, points } = contact;
  const words = [
    active ? String(rank) : '-',
    `${name}, ${contactRoles[role]?.label ?? role}`,
    points.map(({ shown }) => shown).join(', ') || 'no number and no address',
    ...(active ? [] : ['not told any more']),
    id,
  ];
  return `${words.join('  ')}\n`;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function show(context: ContactsContext, id: string): Promise<Outcome<Answer>> {
  const { database, secrets, model } = context;
  return await database.attempt(operator, async (tx) => {
    const contact = UUID.test(id) ? await findContact(tx, id) : undefined;
    if (contact === undefined) return refused('not_found', 'There is no such contact.');
    const { organisationId, organisationCode, organisationName, name, role, rank } = contact;
    const opened = await openNumbers(tx, { organisationId, contactIds: [id] }, secrets);
    if (!opened.ok) return opened;
    const points = contact.points.map(({ contactPointId, channel }) => ({
      channel,
      address: opened.value[contactPointId]?.text ?? '',
    }));
    const { active, isPost, readerKind, language } = contact;
    const facts = { id, name, isPost, role, rank, readerKind, language, active };
    const told = active ? `told by rank ${rank}` : 'not told any more';
    return ok({
      json: { ...facts, organisationCode, organisationName, points },
      text: [
        `${name}, ${model.contactRoles[role]?.label ?? role}, ${told}`,
        `${organisationName} (${organisationCode})`,
        ...points.map(({ channel, address }) => `${channel.padEnd(10)}${address}`),
        '',
      ].join('\n'),
    });
  });
}
