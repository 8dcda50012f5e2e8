/** `bin/tocsin api-key`: bearer keys for programs. */
import type { Database } from '#db/database.ts';
import {
  createApiKey,
  findPersonByEmail,
  isForKeys,
  listApiKeys,
  revokeApiKey,
} from '#identity/index.ts';
import type { ApiKeyRow } from '#identity/index.ts';
import { keyPermissions, permissions, system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  answerCall,
  readArguments,
  resultOptions,
  tell,
  type Answer,
  type ExitCode,
} from './call.ts';
import { standard, type Output } from './output.ts';

export const summary = 'make, list and revoke bearer keys of the API';

export const help = `Usage: bin/tocsin api-key create --name NAME --may LIST
                                [--for ADDRESS] [--expires 90d]
       bin/tocsin api-key list
       bin/tocsin api-key revoke PREFIX

create  Makes a key and prints it. It is shown once and kept nowhere: store it now.
        --may is a list of permissions with commas between.
        --for is the mail address of the person who answers for the key; one that may write
        alerts needs it, and that person cannot approve what the key submits.
        --expires is a number of days or hours (90d, 12h) or never; 90d unless told.
list    All keys by their prefix; never the keys themselves.
revoke  Ends a key at once.
--json  Print the result for programs.

Permissions that a program can use:
${[...keyPermissions].map((key) => `  ${key.padEnd(22)}${permissions[key]}`).join('\n')}
`;

export type ApiKeyContext = { readonly database: Database; readonly now?: () => Date };

const operator = system('api-key');

export async function apiKeyCommand(
  context: ApiKeyContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => run(context, call, output));
}

async function run(context: ApiKeyContext, call: Call, output: Output): Promise<ExitCode> {
  const now = context.now?.() ?? new Date();
  const done = await verbs[call.verb](context.database, call, now);
  return tell(done, call, output);
}

type Verb = (database: Database, call: Call, now: Date) => Promise<Outcome<Answer>>;

const verbs = { create, list, revoke } as const satisfies Record<string, Verb>;

async function list(database: Database, _call: Call, now: Date): Promise<Outcome<Answer>> {
  const keys = await database.withActor(operator, (tx) => listApiKeys(tx));
  return ok({ json: keys, text: keys.map((key) => lineOf(key, now)).join('') || 'No keys.\n' });
}

async function revoke(database: Database, call: Call, now: Date): Promise<Outcome<Answer>> {
  const { prefix } = call;
  const done = await database.withActor(operator, (tx) => revokeApiKey(tx, prefix, now));
  if (!done.ok) return done;
  return ok({ json: { revoked: prefix }, text: `Key ${prefix} is revoked.\n` });
}

async function create(database: Database, call: Call, now: Date): Promise<Outcome<Answer>> {
  const wanted = call.may.split(',').filter((text) => text !== '');
  const unknown = wanted.find((text) => !isForKeys(text));
  const expiresAt = parseExpiry(call.expires, now);
  if (call.name === '') return refused('invalid', 'Say who uses it: --name NAME');
  if (wanted.length === 0) return refused('invalid', 'Say what it may do: --may alert.read');
  if (unknown !== undefined) {
    const known = [...keyPermissions].join(', ');
    return refused('invalid', `No program can use ‘${unknown}’; there are ${known}.`);
  }
  if (expiresAt === undefined) {
    return refused('invalid', `--expires is ‘${call.expires}’; write 90d, 12h or never.`);
  }
  const wanting = wanted.filter(isForKeys);
  if (call.for === '' && wanting.includes('alert.write')) {
    return refused('invalid', NOBODY_BEHIND);
  }
  const wish = { name: call.name, permissions: wanting, expiresAt };
  const key = await database.attempt(operator, async (tx) => {
    if (call.for === '') return await createApiKey(tx, wish, now);
    const person = await findPersonByEmail(tx, call.for.toLowerCase());
    if (person === undefined) return refused('not_found', 'Nobody here has the address of --for.');
    return await createApiKey(tx, { ...wish, answeredFor: person.id }, now);
  });
  if (!key.ok) return key;
  const until = expiresAt === null ? 'until it is revoked' : `until ${expiresAt.toISOString()}`;
  return ok({
    json: { ...key.value, ...wish },
    text: `${key.value.secret}\n\nShown once: store it now. It works ${until}.\n`,
  });
}

/** Null: never. Undefined: not understood. */
function parseExpiry(text: string, now: Date): Date | null | undefined {
  if (text === 'never') return null;
  const [, count, unit] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  return new Date(now.getTime() + Number(count) * (unit === 'd' ? 86_400_000 : 3_600_000));
}

function lineOf(key: ApiKeyRow, now: Date): string {
  const isOver = key.expiresAt !== null && key.expiresAt <= now;
  const state = key.revokedAt ? 'revoked' : isOver ? 'expired' : 'living';
  const used = key.lastUsedAt === null ? 'never used' : `used ${key.lastUsedAt.toISOString()}`;
  return `${key.prefix}  ${state.padEnd(8)}${key.name}  ${key.permissions.join(',')}  ${used}\n`;
}

const NOBODY_BEHIND =
  'A key that may write alerts needs --for ADDRESS: the person who answers for it, and who then ' +
  'cannot approve what it submits.';

type Call = {
  readonly verb: keyof typeof verbs;
  readonly prefix: string;
  readonly name: string;
  readonly may: string;
  readonly for: string;
  readonly expires: string;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    allowPositionals: true,
    options: {
      ...resultOptions,
      name: { type: 'string', default: '' },
      may: { type: 'string', default: '' },
      for: { type: 'string', default: '' },
      expires: { type: 'string', default: '90d' },
    },
  });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [verb = '', prefix = '', ...rest] = positionals;
  if (values.help) return { ...values, verb: 'list', prefix };
  if (!isVerb(verb)) return undefined;
  if (rest.length > 0 || (verb === 'revoke') !== (prefix !== '')) return undefined;
  return { ...values, verb, prefix };
}

function isVerb(text: string): text is keyof typeof verbs {
  return Object.hasOwn(verbs, text);
}
