/** `bin/tocsin keys`: the keys that numbers and secrets are sealed by, exchanged while it runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { record } from '#audit/index.ts';
import { newFileKey, readFileKeys, writeFileKeys, type FileKey } from '#db/data-folder.ts';
import type { Database, Tx } from '#db/database.ts';
import type { SealedColumn } from '#db/sealed-column.ts';
import type { RoleModel } from '#identity/index.ts';
import { may, system, type Actor } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  addKeys,
  checkUnused,
  findLacking,
  findStanding,
  GONE_AFTER_MS,
  listHolders,
  listKeys,
  putInUse,
  resealAll,
  useFileKey,
  type Holder,
  type Keyring,
  type KeyRow,
} from '#sealing/index.ts';
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

export const summary = 'see the keys that numbers and secrets are sealed by, exchange them';

export const help = `Usage: bin/tocsin keys status
       bin/tocsin keys rotate --by ADDRESS
       bin/tocsin keys add-file-key --by ADDRESS
       bin/tocsin keys use-file-key ID --by ADDRESS
       bin/tocsin keys remove-file-key ID --by ADDRESS

Numbers, addresses, replies and the settings of gateways are sealed by keys in the database, and
those are wrapped by a key in secrets.json, outside of it. All of this works while servers and
workers run, and no message waits for it.

status    The keys of the file and of the database, what is still sealed by old ones, and the
          processes that run.
rotate    New keys in the database: waits until every process that runs opens them, seals new
          values by them and then all old ones anew. Broken off, it is taken up by calling it again,
          or by the worker at night, which also forgets the old keys a day later.
add-file-key
          A new key in secrets.json. With several machines: copy the file to each of them now.
use-file-key
          Wraps the keys in the database by this key of the file, and by no other.
remove-file-key
          Takes a key out of the file; refused while it wraps one. Keep it with the backups that
          were made in its time: they do not open without it.
--by      The mail address of somebody who may audit.keep.
--json    Print the result for programs.
`;

export type KeysContext = {
  readonly database: Database;
  /** As the owner of the tables, who alone writes keys. */
  readonly owner: Database;
  readonly model: RoleModel;
  readonly keyring: Keyring;
  /** Of the data folder. */
  readonly folder: string;
  readonly columns: readonly SealedColumn[];
  /** How long `rotate` waits for the processes that run. */
  readonly patienceMs?: number;
};

export async function keysCommand(
  context: KeysContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, async (call) =>
    tell(await acts[call.verb](context, call), call, output),
  );
}

const operator = system('keys');

type Act = (context: KeysContext, call: Call) => Promise<Outcome<Answer>>;

const acts: Readonly<Record<Verb, Act>> = {
  status: async (context) => {
    const fileKeys = readFileKeys(context.folder);
    if (!fileKeys.ok) return fileKeys;
    const found = await context.owner.withActor(operator, async (tx) => ({
      ...(await findStanding(tx, context.columns)),
      processes: await listHolders(tx, GONE_AFTER_MS),
    }));
    return ok(asAnswer({ ...found, fileKeys: fileKeys.value }));
  },
  rotate: async (context, call) => {
    const by = await findKeeper(context, call);
    return by.ok ? await rotate(context, by.value) : by;
  },
  'add-file-key': async (context, call) =>
    await onFile(context, call, async (tx, fileKeys) => {
      const key = newFileKey(Math.max(...fileKeys.map(({ id }) => id)) + 1);
      await recordFileKey(tx, 'file_key.made', key.id);
      const text =
        `Key ${key.id} is in secrets.json and wraps nothing yet. With several machines, copy the ` +
        `file to each now. Then: bin/tocsin keys use-file-key ${key.id} --by ADDRESS\n`;
      return ok({ keys: [...fileKeys, key], json: { added: key.id }, text });
    }),
  'use-file-key': async (context, call) =>
    await onFile(context, call, async (tx, fileKeys) => {
      const done = await useFileKey(tx, fileKeys, call.id);
      if (!done.ok) return done;
      const text = `Key ${call.id} of the file wraps all keys in the database.\n`;
      return ok({ keys: fileKeys, json: { inUse: call.id, wrapped: done.value }, text });
    }),
  'remove-file-key': async (context, call) =>
    await onFile(context, call, async (tx, fileKeys) => {
      const left = fileKeys.filter(({ id }) => id !== call.id);
      if (left.length === fileKeys.length)
        return refused('not_found', `There is no key ${call.id} in secrets.json.`);
      const unused = await checkUnused(tx, call.id);
      if (!unused.ok) return unused;
      await recordFileKey(tx, 'file_key.removed', call.id);
      const text = `Key ${call.id} is out of secrets.json. Older backups open with it alone.\n`;
      return ok({ keys: left, json: { removed: call.id }, text });
    }),
};

async function recordFileKey(tx: Tx, action: string, id: number): Promise<void> {
  await record(tx, { action, subject: { kind: 'file_key', id: String(id) } });
}

const LOOK_MS = 250;
/** Processes say every five seconds what they open, and at once when told of a new key. */
const PATIENCE_MS = 45_000;

async function rotate(context: KeysContext, by: Actor): Promise<Outcome<Answer>> {
  const { owner, keyring, folder, columns, patienceMs = PATIENCE_MS } = context;
  const fileKeys = readFileKeys(folder);
  if (!fileKeys.ok) return fileKeys;
  const added = await owner.attempt(by, (tx) => addKeys(tx, fileKeys.value));
  if (!added.ok) return added;
  const known = await untilKnown(owner, added.value, patienceMs);
  if (!known.ok) return known;
  const exchanged = await owner.attempt(by, (tx) => putInUse(tx, new Date()));
  if (!exchanged.ok) return exchanged;
  const rows = await owner.withActor(operator, listKeys);
  const learnt = keyring.learn(rows, fileKeys.value);
  if (!learnt.ok) return learnt;
  const sealed = await resealAll(owner, keyring, columns);
  const text = `New keys are in use, and ${sealed.toLocaleString('en-GB')} values were sealed anew.\n`;
  return ok({ json: { keys: added.value, sealedAnew: sealed }, text });
}

async function untilKnown(
  owner: Database,
  ids: readonly number[],
  patienceMs: number,
): Promise<Outcome<void>> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const behind = await owner.withActor(operator, (tx) => findLacking(tx, ids));
    if (behind.length === 0) return ok(undefined);
    if (Date.now() > until) return refused('conflict', explainLacking(behind));
    await delay(LOOK_MS);
  }
}

function explainLacking(behind: readonly Holder[]): string {
  const parts = behind.map(({ part }) => part).join(', ');
  return (
    `These processes do not open the new keys: ${parts}. Nothing was exchanged. Their machines ` +
    'may lack the key of secrets.json that wraps: copy the file there and call this again.'
  );
}

type FileChange = Answer & { readonly keys: readonly FileKey[] };

/** Changes the file after the database agreed; one that says the same is not written again. */
async function onFile(
  context: KeysContext,
  call: Call,
  verb: (tx: Tx, fileKeys: readonly FileKey[]) => Promise<Outcome<FileChange>>,
): Promise<Outcome<Answer>> {
  const by = await findKeeper(context, call);
  if (!by.ok) return by;
  const fileKeys = readFileKeys(context.folder);
  if (!fileKeys.ok) return fileKeys;
  return await context.owner.attempt(by.value, async (tx) => {
    const done = await verb(tx, fileKeys.value);
    if (!done.ok) return done;
    const { keys, ...answer } = done.value;
    // Before the commit: a key that the audit tells of is in the file.
    if (keys !== fileKeys.value) writeFileKeys(context.folder, keys);
    return ok(answer);
  });
}

async function findKeeper(context: KeysContext, { by }: Call): Promise<Outcome<Actor>> {
  const person = await findOfficer(context, by);
  if (!person.ok || may(person.value, 'audit.keep')) return person;
  return refused('forbidden', 'This person may not audit.keep: no role of theirs says so.');
}

type Standing = {
  readonly fileKeys: readonly FileKey[];
  readonly keys: readonly KeyRow[];
  readonly stale: Readonly<Record<string, number>>;
  readonly processes: readonly Holder[];
};

function asAnswer({ fileKeys, keys, stale, processes }: Standing): Answer {
  const wraps = (id: number) => keys.filter(({ wrappedBy }) => wrappedBy === id).length;
  const file = fileKeys.map(({ id }) => ({ id, wraps: wraps(id) }));
  const database = keys.map(({ id, purpose, state, wrappedBy, createdAt }) => {
    return { id, purpose, state, wrappedBy, createdAt };
  });
  const lines = [
    ...file.map((key) => `file      ${key.id}  wraps ${key.wraps} keys`),
    ...database.map(
      ({ id, purpose, state, wrappedBy, createdAt }) =>
        `database  ${id}  ${purpose}, ${state}, wrapped by ${wrappedBy}, ` +
        `made ${createdAt.toISOString().slice(0, 16)}`,
    ),
    ...Object.entries(stale)
      .filter(([, values]) => values > 0)
      .map(([column, values]) => `to seal   ${values} values of ${column} are sealed by old keys`),
    ...processes.map(({ part, opens }) => `process   ${part} opens ${opens.join(', ')}`),
  ];
  return { json: { file, database, stale, processes }, text: lines.map((l) => `${l}\n`).join('') };
}

const verbs = ['status', 'rotate', 'add-file-key', 'use-file-key', 'remove-file-key'] as const;

type Verb = (typeof verbs)[number];

type Call = {
  readonly verb: Verb;
  readonly id: number;
  readonly by: string;
  readonly json: boolean;
  readonly help: boolean;
};

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    allowPositionals: true,
    options: { ...resultOptions, by: { type: 'string', default: '' } },
  });
  if (read === undefined) return undefined;
  const [word, id = '', ...rest] = read.positionals;
  const verb = verbs.find((one) => one === word);
  if (read.values.help) return { ...read.values, verb: verb ?? 'status', id: 0 };
  const takesId = verb === 'use-file-key' || verb === 'remove-file-key';
  const isWhole = takesId ? /^\d{1,5}$/.test(id) : id === '';
  if (verb === undefined || !isWhole || rest.length > 0) return undefined;
  return { ...read.values, verb, id: Number(id) };
}
