/** `bin/tocsin gateway`: the paths to providers. Secrets come from a file or standard input only. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Database } from '#db/database.ts';
import {
  addToken,
  dropTokens,
  gatewayKinds,
  listGatewayCards,
  removeGateway,
  saveGateway,
  type GatewayCard,
  type GatewayKind,
} from '#dispatch/index.ts';
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
import { standard, type Output } from './output.ts';

export const summary = 'add, list and remove gateways, exchange their tokens';

export const help = `Usage: bin/tocsin gateway list
       bin/tocsin gateway add ID --kind KIND --channel CHANNEL [--settings FILE]
       bin/tocsin gateway remove ID
       bin/tocsin gateway token ID [--from FILE | --drop-old | --drop-all]

add     Adds a gateway, or gives one that is there new settings. --kind is notify, smtp or
        smpp, --channel text or mail. The settings are JSON, from the file or from
        standard input; never from the command line, which others on this machine can read.
        They are kept sealed. What they hold is in docs/operating.md.
list    All gateways with what they can do; never their settings.
remove  Takes a gateway away; refused while a message is under way through it.
token   Adds a token for its callbacks beside the one in use, and prints it once; or takes
        the one in FILE (- is standard input). Tell the provider, then --drop-old. After
        --drop-all nobody can call back, and the provider is asked instead.
--json  Print the result for programs.

Gateways that the environment describes come back at the next start, with what it names; their
other settings stay as they were added here. Running workers follow at once.
`;

export type GatewayContext = {
  /** As the worker: the one role that may write gateways. */
  readonly database: Database;
  readonly sealSettings: (gatewayId: string, settings: object) => Buffer;
  /** Standard input, whole; a test gives its own. */
  readonly readInput?: () => string;
};

const operator = system('gateway');

export async function gatewayCommand(
  context: GatewayContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => run(context, call, output));
}

async function run(context: GatewayContext, call: Call, output: Output): Promise<ExitCode> {
  const done = await verbs[call.verb](context, call);
  return tell(done, call, output);
}

type Verb = (context: GatewayContext, call: Call) => Promise<Outcome<Answer>>;

const verbs = { list, add, remove, token } as const satisfies Record<string, Verb>;

async function list({ database }: GatewayContext): Promise<Outcome<Answer>> {
  const cards = await database.withActor(operator, (tx) => listGatewayCards(tx));
  return ok({ json: cards, text: cards.map(lineOf).join('') || 'No gateways.\n' });
}

async function add(context: GatewayContext, call: Call): Promise<Outcome<Answer>> {
  const { id, kind, channel } = call;
  if (!isKind(kind))
    return refused('invalid', `--kind is ‘${kind}’; write ${gatewayKinds.join(', ')}.`);
  if (channel !== 'text' && channel !== 'mail')
    return refused('invalid', `--channel is ‘${channel}’; write text or mail.`);
  const text = readSecret(context, call.settings);
  if (!text.ok) return text;
  const settings = parseJson(text.value);
  if (!settings.ok) return settings;
  const gateway = { id, kind, channel, settings: settings.value } as const;
  const saved = await context.database.attempt(operator, (tx) =>
    saveGateway(tx, gateway, context.sealSettings),
  );
  if (!saved.ok) return saved;
  const hint =
    kind === 'notify' ? ` Callbacks, if any can reach us: bin/tocsin gateway token ${id}` : '';
  return ok({ json: { saved: id }, text: `Gateway ${id} is saved.${hint}\n` });
}

async function remove({ database }: GatewayContext, { id }: Call): Promise<Outcome<Answer>> {
  const done = await database.attempt(operator, (tx) => removeGateway(tx, id));
  return done.ok ? ok({ json: { removed: id }, text: `Gateway ${id} is removed.\n` }) : done;
}

async function token(context: GatewayContext, call: Call): Promise<Outcome<Answer>> {
  const { id } = call;
  const { database } = context;
  if (call['drop-old'] || call['drop-all']) {
    const which = call['drop-all'] ? 'all' : 'old';
    const done = await database.attempt(operator, (tx) => dropTokens(tx, id, which));
    return done.ok ? ok({ json: { dropped: which }, text: 'Dropped.\n' }) : done;
  }
  const given = call.from === '' ? undefined : readSecret(context, call.from);
  if (given !== undefined && !given.ok) return given;
  const secret = given?.value.trim() ?? randomBytes(24).toString('base64url');
  const added = await database.attempt(operator, (tx) => addToken(tx, id, secret));
  if (!added.ok) return added;
  const paths = [`/callbacks/${id}/receipts`, `/callbacks/${id}/texts`];
  const made = given === undefined ? { token: secret } : {};
  const shown = given === undefined ? `${secret}\n\nShown once: store it now. ` : 'Added. ';
  return ok({ json: { ...made, paths }, text: `${shown}It opens ${paths.join(' and ')}.\n` });
}

function readSecret(context: GatewayContext, file: string): Outcome<string> {
  try {
    if (file === '-') return ok((context.readInput ?? readStandardInput)());
    return ok(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refused('invalid', `${file} cannot be read (${code ?? 'no reason given'}).`);
  }
}

function readStandardInput(): string {
  return readFileSync(0, 'utf8');
}

function parseJson(text: string): Outcome<unknown> {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    // The error of the parser repeats the text, which is secret.
    return refused('invalid', 'The settings are not JSON.');
  }
}

function lineOf(card: GatewayCard): string {
  const can = [
    card.canBeAsked ? 'can be asked' : 'cannot be asked',
    card.takesReplies ? 'replies come back' : 'no replies',
    card.deduplicates ? 'deduplicates' : '',
    card.limitsValidity ? 'limits validity' : '',
    `receipts: ${card.receipts}`,
  ].filter((text) => text !== '');
  const pace = `${card.ratePerSecond}/s of ${card.bucketId}`;
  const state = card.removedAt === null ? `tokens: ${card.tokens}` : 'removed';
  const proven = card.lastProvenAt === null ? 'never proven' : card.lastProvenAt.toISOString();
  return `${card.id}  ${card.kind} ${card.channel}  ${pace}  ${can.join(', ')}  ${state}  ${proven}\n`;
}

function isKind(text: string): text is GatewayKind {
  return (gatewayKinds as readonly string[]).includes(text);
}

type Call = {
  readonly verb: keyof typeof verbs;
  readonly id: string;
  readonly kind: string;
  readonly channel: string;
  readonly settings: string;
  readonly from: string;
  readonly 'drop-old': boolean;
  readonly 'drop-all': boolean;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    allowPositionals: true,
    options: {
      ...resultOptions,
      kind: { type: 'string', default: '' },
      channel: { type: 'string', default: '' },
      settings: { type: 'string', default: '-' },
      from: { type: 'string', default: '' },
      'drop-old': { type: 'boolean', default: false },
      'drop-all': { type: 'boolean', default: false },
    },
  });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [verb = '', id = '', ...rest] = positionals;
  if (values.help) return { ...values, verb: 'list', id };
  if (!Object.hasOwn(verbs, verb)) return undefined;
  if (rest.length > 0 || (verb !== 'list') !== (id !== '')) return undefined;
  return { ...values, verb: verb as Call['verb'], id };
}
