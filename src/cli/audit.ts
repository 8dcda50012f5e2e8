/** `bin/tocsin audit`: check the log of the audit, take it along, exchange its key. */
import { existsSync } from 'node:fs';
import {
  acceptRestore,
  asLine,
  eraseEntryDetail,
  findStowaways,
  originOf,
  parseVerifierKey,
  readCheckpoints,
  readKeys,
  readLog,
  record,
  rotateKey,
  verifierKey,
  verifyLog,
  type LogKey,
  type Verdict,
} from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import type { RoleModel } from '#identity/index.ts';
import { isUuid } from '#kernel/ids.ts';
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
import { findOfficer } from './officer.ts';
import { standard, type Output } from './output.ts';

export const help = `Usage: bin/tocsin audit verify [--checkpoints FILE] [--key KEY]... [--json]
       bin/tocsin audit export > FILE
       bin/tocsin audit key
       bin/tocsin audit rotate-key --by ADDRESS
       bin/tocsin audit accept-restore --by ADDRESS --reason WORDS
       bin/tocsin audit erase ENTRY --by ADDRESS --reason WORDS

Every change leaves an entry. The entries are a log whose roots are signed and kept in a file
outside of the database, so that nobody can change what was done without it being seen.

verify    Checks the whole log against the file of checkpoints, and names the first wrong entry.
          --checkpoints is a copy that you kept elsewhere, which proves more than the one here;
          --key what "audit key" printed once, kept elsewhere as well. Exit code 1: not whole.
export    The whole log, a line for each entry, for scripts/verify-audit.mjs on another machine.
          Copy the file of checkpoints first: a later one is over more than the export holds.
key       The public keys that sign, the first one first.
rotate-key
          Makes a new key. The next checkpoint is signed by both, so that it can be trusted.
accept-restore
          After a restore the log is shorter than what was signed, and nothing is signed any more.
          Lets it go on; that entries were lost stays in the log, with your name.
erase     Takes the detail out of one entry, where it holds what must not be kept. The log stays
          provable, and says that it was done.
--by      The mail address of somebody who may audit.keep.
`;

export type AuditContext = {
  readonly database: Database;
  /** As the owner of the tables, who alone may erase. */
  readonly owner: Database;
  readonly model: RoleModel;
  readonly installation: string;
  readonly keysFile: string;
  readonly checkpointsFile: string;
};

export async function auditCommand(
  context: AuditContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => run(context, call, output));
}

async function run(context: AuditContext, call: Call, output: Output): Promise<ExitCode> {
  if (call.verb === 'export') return await exportLog(context, output);
  if (call.verb === 'verify') return await verify(context, call, output);
  return tell(await acts[call.verb](context, call), call, output);
}

const operator = system('audit-command');

async function verify(context: AuditContext, call: Call, output: Output): Promise<ExitCode> {
  const verdict = await check(context, call);
  if (!verdict.ok) return tell(verdict, call, output);
  output.out(call.json ? `${JSON.stringify(verdict.value)}\n` : asText(verdict.value));
  return verdict.value.isWhole ? 0 : 1;
}

async function check(context: AuditContext, call: Call): Promise<Outcome<Verdict>> {
  const { database, installation } = context;
  const origin = originOf(installation);
  const given = call.key.map((text) => parseVerifierKey(text, origin));
  if (given.includes(undefined))
    return refused('invalid', `--key is no key of this log (${origin}).`);
  const keys = readKeys(context.keysFile);
  if (!keys.ok) return keys;
  const trusted = given.length > 0 ? given : keys.value.map(({ publicKey }) => publicKey);
  const file = call.checkpoints === '' ? context.checkpointsFile : call.checkpoints;
  if (!existsSync(file))
    return refused(
      'not_found',
      `There is no file of checkpoints at ${file}. Bring it back, or name a copy: --checkpoints FILE`,
    );
  const checkpoints = await readCheckpoints(file);
  return ok(
    await database.withActor(operator, async (tx) =>
      verifyLog({
        leaves: readLog(tx),
        checkpoints,
        origin,
        trusted: trusted.filter((key) => key !== undefined),
        stowaways: await findStowaways(tx),
      }),
    ),
  );
}

function asText({ isWhole, size, signed, checkpoints, erased, losses, findings }: Verdict): string {
  const number = (count: number) => count.toLocaleString('en-GB');
  const lines = losses.map(
    ({ from, to, acceptedAt }) =>
      `A restore lost what was signed of positions ${number(from)} to ${number(to)}; it was accepted at ${acceptedAt}.\n`,
  );
  if (erased > 0)
    lines.push(`The details of ${number(erased)} entries were erased, each as said.\n`);
  const facts = `${number(size)} entries, ${number(signed)} of them signed, ${number(checkpoints)} checkpoints`;
  const [first, ...more] = findings;
  if (isWhole || first === undefined) return `The log is whole: ${facts}.\n${lines.join('')}`;
  const where = [
    ...(first.position === null ? [] : [`Entry at position ${number(first.position)}`]),
    ...(first.line === null ? [] : [`checkpoint in line ${number(first.line)}`]),
  ].join(', ');
  const others = more.length === 0 ? '' : ` ${number(more.length)} more findings: --json.`;
  return `The log is NOT whole (${facts}).\n${where}: ${first.what}${others}\n${lines.join('')}`;
}

async function exportLog({ database }: AuditContext, output: Output): Promise<ExitCode> {
  await database.withActor(operator, async (tx) => {
    let lines = 0;
    for await (const row of readLog(tx)) {
      output.out(`${JSON.stringify(asLine(row))}\n`);
      lines += 1;
    }
    const past = await findStowaways(tx);
    if (past.count > 0) output.out(`${JSON.stringify({ past })}\n`);
    const subject = { kind: 'audit', id: 'log' };
    await record(tx, { action: 'audit.exported', subject, detail: { as: 'log', shown: lines } });
  });
  return 0;
}

type Act = (context: AuditContext, call: Call) => Promise<Outcome<Answer>>;

const acts: Readonly<Record<Exclude<Verb, 'verify' | 'export'>, Act>> = {
  key: async ({ keysFile, installation }) => {
    const keys = readKeys(keysFile);
    if (!keys.ok) return keys;
    if (keys.value.length === 0)
      return refused('not_found', 'There is no key yet: the first start of a worker makes it.');
    return ok(keysAnswer(keys.value, installation));
  },
  'rotate-key': async (context, call) =>
    await asOfficer(context, call, async (tx) => {
      const made = await rotateKey(tx, context);
      return made.ok ? ok(keysAnswer([made.value], context.installation)) : made;
    }),
  'accept-restore': async (context, call) => {
    if (call.reason === '') return NO_REASON;
    const { checkpointsFile } = context;
    const lines = existsSync(checkpointsFile) ? await readCheckpoints(checkpointsFile) : [];
    return await asOfficer(context, call, async (tx) => {
      const done = await acceptRestore(tx, lines, { ...context, reason: call.reason });
      if (!done.ok) return done;
      const { kept, exported } = done.value;
      const text = `Signing goes on within ten seconds. Surely kept: ${kept} entries of the ${exported} that were signed.\n`;
      return ok({ json: done.value, text });
    });
  },
  erase: async (context, call) => {
    if (call.reason === '') return NO_REASON;
    const { entry: entryId, reason } = call;
    return await asOfficer(context, call, async (tx) => {
      const done = await eraseEntryDetail(tx, { entryId, reason });
      return done.ok ? ok({ json: { erased: entryId }, text: 'The detail is gone.\n' }) : done;
    });
  },
};

const NO_REASON = refused('invalid', 'Say why, it is kept for ever: --reason WORDS');

function keysAnswer(keys: readonly LogKey[], installation: string): Answer {
  const texts = keys.map(({ publicKey }) => verifierKey(originOf(installation), publicKey));
  return { json: texts, text: texts.map((text) => `${text}\n`).join('') };
}

async function asOfficer(
  { database, owner, model }: AuditContext,
  { by, verb: word }: Call,
  verb: (tx: Tx) => Promise<Outcome<Answer>>,
): Promise<Outcome<Answer>> {
  const officer = await findOfficer({ database, model }, by);
  if (!officer.ok) return officer;
  return await (word === 'erase' ? owner : database).attempt(officer.value, verb);
}

const verbs = ['verify', 'export', 'key', 'rotate-key', 'accept-restore', 'erase'] as const;

type Verb = (typeof verbs)[number];

type Call = {
  readonly verb: Verb;
  readonly entry: string;
  readonly by: string;
  readonly reason: string;
  readonly checkpoints: string;
  readonly key: readonly string[];
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
      checkpoints: { type: 'string', default: '' },
      key: { type: 'string', multiple: true, default: [] },
    },
  });
  if (read === undefined) return undefined;
  const [word, entry = '', ...rest] = read.positionals;
  const values = { ...read.values, reason: read.values.reason.trim(), entry };
  const verb = verbs.find((one) => one === word);
  if (values.help) return { ...values, verb: verb ?? 'verify' };
  const isWhole = verb === 'erase' ? isUuid(entry) : entry === '';
  return verb !== undefined && isWhole && rest.length === 0 ? { ...values, verb } : undefined;
}
