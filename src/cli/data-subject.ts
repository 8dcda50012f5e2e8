/** `bin/tocsin data-subject`: what is held on one person, and taking it out. */
import { createInterface } from 'node:readline/promises';
import type { Database } from '#db/database.ts';
import type { RoleModel } from '#identity/index.ts';
import { may } from '#kernel/actor.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { parsePhoneNumber } from '#kernel/phone-number.ts';
import {
  answerCall,
  readArguments,
  resultOptions,
  tell,
  type Answer,
  type ExitCode,
} from './call.ts';
import {
  eraseSubject,
  refuseAccount,
  findSubject,
  recordExport,
  type Asked,
  type SubjectSeals,
} from './data-subject-find.ts';
import { exportAnswer, summaryOf, whatGoes } from './data-subject-words.ts';
import { findOfficer } from './officer.ts';
import { standard, type Output } from './output.ts';

export const help = `Usage: bin/tocsin data-subject export --by ADDRESS [--person NAME] [--number N]
                                  [--address A] [--json]
       bin/tocsin data-subject erase  --by ADDRESS [--person NAME] [--number N]
                                  [--address A] [--yes] [--json]

For a request of somebody whose number or address you hold.

export    All that is held on them: directory, messages, texts they sent, answers, calls, account
          and invitations, and the entries of the audit that name them or are theirs. --json prints
          everything for them to take along, without it a summary. The export is an entry too.
erase     Shows what goes and what stays and why, and asks. The audit stays provable: details that
          have the name in them are taken out, and that is said in the log.
--person  The whole name as it is on file. With --number or --address, both must fit: both are
          needed where several have the name or the number.
--number, --address
          A telephone number or mail address that they have now.
--yes     Erase without asking.
--by      The mail address of somebody who may audit.keep, and directory.write to erase.
`;

export type DataSubjectContext = {
  readonly database: Database;
  /** As the owner of the tables, who alone may erase. */
  readonly owner: Database;
  readonly model: RoleModel;
  readonly seals: SubjectSeals;
  /** Asks the person at the terminal; undefined where there is none. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
};

export async function dataSubjectCommand(
  context: DataSubjectContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) =>
    tell(await acts[call.verb](context, call, output), call, output),
  );
}

/** At a terminal alone: a program has to say --yes. */
export function askAtTerminal(): DataSubjectContext['ask'] {
  if (!process.stdin.isTTY) return undefined;
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  };
}

type Act = (context: DataSubjectContext, call: Call, output: Output) => Promise<Outcome<Answer>>;

const acts: Readonly<Record<Verb, Act>> = {
  export: async (context, call) => {
    const asked = await readAsked(context, call);
    if (!asked.ok) return asked;
    return await context.owner.attempt(asked.value.officer, async (tx) => {
      const found = await findSubject(tx, asked.value, context.seals);
      if (!found.ok) return found;
      await recordExport(tx, found.value);
      return ok(exportAnswer(found.value));
    });
  },
  erase: async (context, call, output) => {
    const asked = await readAsked(context, call);
    if (!asked.ok) return asked;
    const { officer } = asked.value;
    if (!may(officer, 'directory.write'))
      return refused('forbidden', 'Whoever answers for it may not change the directory.');
    const found = await context.owner.attempt(officer, (tx) =>
      findSubject(tx, asked.value, context.seals),
    );
    if (!found.ok) return found;
    const stays = refuseAccount(found.value);
    if (stays !== undefined) return stays;
    output.err(`${summaryOf(found.value)}\n${whatGoes(found.value)}`);
    if (!call.yes) {
      if (context.ask === undefined)
        return refused('invalid', 'Nobody is at a terminal to be asked: add --yes.');
      if ((await context.ask('Type erase to go on: ')).trim() !== 'erase')
        return refused('conflict', 'Nothing was erased.');
    }
    return await context.owner.attempt(officer, async (tx) => {
      const erased = await eraseSubject(tx, asked.value, context.seals);
      if (!erased.ok) return erased;
      const { contacts, points, messages, replies, notes, details } = erased.value;
      return ok({
        json: erased.value,
        text:
          `Erased: ${contacts} contacts, ${points} numbers and addresses, the address of ` +
          `${messages} messages, ${replies} texts from them, ${notes} notes, the details of ` +
          `${details} entries of the audit.\n`,
      });
    });
  },
};

async function readAsked(context: DataSubjectContext, call: Call): Promise<Outcome<Asked>> {
  const { person, number, address } = call;
  if (person === '' && number === '' && address === '')
    return refused('invalid', 'Say who: --person NAME, --number N or --address A.');
  const parsedNumber = number === '' ? undefined : parsePhoneNumber(number);
  if (parsedNumber?.ok === false) return refused('invalid', '--number is no telephone number.');
  const parsedAddress = address === '' ? undefined : parseEmailAddress(address);
  if (parsedAddress?.ok === false) return refused('invalid', '--address is no mail address.');
  const officer = await findOfficer(context, call.by);
  if (!officer.ok) return officer;
  if (!may(officer.value, 'audit.keep'))
    return refused('forbidden', 'Whoever answers for it may not keep the audit.');
  return ok({
    officer: officer.value,
    name: person === '' ? undefined : person,
    number: parsedNumber?.value.e164,
    address: parsedAddress?.value,
  });
}

const verbs = ['export', 'erase'] as const;

type Verb = (typeof verbs)[number];

type Call = {
  readonly verb: Verb;
  readonly person: string;
  readonly number: string;
  readonly address: string;
  readonly by: string;
  readonly yes: boolean;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    allowPositionals: true,
    options: {
      ...resultOptions,
      person: { type: 'string', default: '' },
      number: { type: 'string', default: '' },
      address: { type: 'string', default: '' },
      by: { type: 'string', default: '' },
      yes: { type: 'boolean', default: false },
    },
  });
  if (read === undefined) return undefined;
  const [word, ...rest] = read.positionals;
  const verb = verbs.find((one) => one === word);
  const person = read.values.person.trim();
  if (read.values.help) return { ...read.values, person, verb: verb ?? 'export' };
  return verb !== undefined && rest.length === 0 ? { ...read.values, person, verb } : undefined;
}
