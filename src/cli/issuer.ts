/** `bin/tocsin issuer`: sign-ins of others. Secrets come from a file or standard input only. */
import { readFileSync } from 'node:fs';
import type { Database, Tx } from '#db/database.ts';
import {
  findIssuer,
  listIssuers,
  logoutPath,
  parseIssuerSettings,
  returnPath,
  saveIssuer,
  switchOffIssuer,
  switchOnIssuer,
  type IssuerClient,
  type IssuerSeals,
} from '#identity/index.ts';
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

export const summary = 'add, check and switch sign-ins of others (OpenID Connect)';

export const help = `Usage: bin/tocsin issuer list
       bin/tocsin issuer add ID [--settings FILE]
       bin/tocsin issuer check ID
       bin/tocsin issuer off ID
       bin/tocsin issuer on ID

add     Adds an issuer, or gives one that is there new settings; its address stays. The
        settings are JSON, from the file or from standard input; never from the command
        line, which others on this machine can read. The secret is kept sealed. What they
        hold is in docs/sign-in-by-issuers.md.
check   Asks the issuer for its documents, and says what is wrong or where people are sent.
off     Nobody comes by it any more, and whoever did is signed out at once.
on      Lets people come by it again.
list    All, with what was last wrong; never their secrets.
--json  Print the result for programs.
`;

export type IssuerContext = {
  readonly database: Database;
  readonly seals: IssuerSeals;
  readonly client: Pick<IssuerClient, 'findWay'>;
  readonly findOrganisation: (tx: Tx, code: string) => Promise<{ readonly id: string } | undefined>;
  /** What people open, such as `https://tocsin.example`. */
  readonly origin: string;
  /** Standard input, whole; a test gives its own. */
  readonly readInput?: () => string;
};

const operator = system('issuer');

export async function issuerCommand(
  context: IssuerContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) =>
    tell(await verbs[call.verb](context, call), call, output),
  );
}

type Verb = (context: IssuerContext, call: Call) => Promise<Outcome<Answer>>;

const verbs = { list, add, check, off, on } as const satisfies Record<string, Verb>;

async function list({ database }: IssuerContext): Promise<Outcome<Answer>> {
  const all = await database.withActor(operator, (tx) => listIssuers(tx));
  const lines = all.map(({ id, url, offAt, linked, lastFailure }) => {
    const state = offAt === null ? 'on' : `off since ${offAt.toISOString()}`;
    const wrong = lastFailure === null ? '' : `  last failure: ${lastFailure}`;
    return `${id}  ${url}  ${state}  ${linked} linked${wrong}\n`;
  });
  return ok({ json: all, text: lines.join('') || 'No issuers.\n' });
}

async function add(context: IssuerContext, { id, settings }: Call): Promise<Outcome<Answer>> {
  const text = readText(context, settings);
  const json = text.ok ? parseJson(text.value) : text;
  const parsed = json.ok ? parseIssuerSettings(id, json.value) : json;
  if (!parsed.ok) return parsed;
  const { organisationCode: code, ...wish } = parsed.value;
  const { database, seals, findOrganisation, origin } = context;
  const saved = await database.attempt(operator, async (tx) => {
    const found = code === undefined ? undefined : await findOrganisation(tx, code);
    if (code !== undefined && found === undefined)
      return refused('invalid', `organisation: the directory has no ${code}.`);
    const issuer = { ...wish, organisationId: found?.id ?? null };
    return await saveIssuer(tx, issuer, { seals, now: new Date() });
  });
  if (!saved.ok) return saved;
  const returnTo = origin + returnPath(id);
  const logoutTo = origin + logoutPath(id);
  const nothing = wish.acr.length + wish.amr.length === 0;
  const hint = nothing ? 'It names no acr and no amr: everybody adds a proof of ours.\n' : '';
  const next = `Register this address there: ${returnTo}\nand for back-channel logout: ${logoutTo}\nThen: bin/tocsin issuer check ${id}\n`;
  return ok({
    json: { saved: id, returnTo, logoutTo },
    text: `Issuer ${id} is saved.\n${hint}${next}`,
  });
}

async function check(context: IssuerContext, { id }: Call): Promise<Outcome<Answer>> {
  const { database, seals, client, origin } = context;
  const issuer = await database.withActor(operator, (tx) => findIssuer(tx, id));
  if (issuer === undefined) return refused('not_found', `There is no issuer ${id}.`);
  const settings = seals.openSettings(id, issuer.settingsSealed);
  // Nobody is sent there with these: only its documents are asked for.
  const bound = { state: 'check', nonce: 'check', verifier: 'check', returnTo: `${origin}/` };
  const way = await client.findWay(issuer, settings, bound);
  if (!way.ok)
    return refused(
      'unavailable',
      `${issuer.url} cannot be used: ${way.failure}. See docs/sign-in-by-issuers.md.`,
    );
  const { origin: there, pathname } = new URL(way.value);
  const text = `${issuer.url} answers. People are sent to ${there}${pathname}\n`;
  return ok({ json: { ok: true, sentTo: there + pathname }, text });
}

async function off({ database }: IssuerContext, { id }: Call): Promise<Outcome<Answer>> {
  const done = await database.attempt(operator, (tx) => switchOffIssuer(tx, id, new Date()));
  if (!done.ok) return done;
  return ok({ json: { off: id, ended: done.value }, text: `Off. ${done.value} sessions ended.\n` });
}

async function on({ database }: IssuerContext, { id }: Call): Promise<Outcome<Answer>> {
  const done = await database.attempt(operator, (tx) => switchOnIssuer(tx, id));
  return done.ok ? ok({ json: { on: id }, text: `Issuer ${id} is on.\n` }) : done;
}

function readText(context: IssuerContext, file: string): Outcome<string> {
  try {
    if (file === '-') return ok((context.readInput ?? (() => readFileSync(0, 'utf8')))());
    return ok(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refused('invalid', `${file} cannot be read (${code ?? 'no reason given'}).`);
  }
}

function parseJson(text: string): Outcome<unknown> {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    // The error of the parser repeats the text, which is secret.
    return refused('invalid', 'The settings are not JSON.');
  }
}

type Call = {
  readonly verb: keyof typeof verbs;
  readonly id: string;
  readonly settings: string;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const options = { ...resultOptions, settings: { type: 'string', default: '-' } } as const;
  const read = readArguments(args, { allowPositionals: true, options });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [verb = '', id = '', ...rest] = positionals;
  if (values.help) return { ...values, verb: 'list', id };
  if (!Object.hasOwn(verbs, verb)) return undefined;
  if (rest.length > 0 || (verb !== 'list') !== (id !== '')) return undefined;
  return { ...values, verb: verb as Call['verb'], id };
}
