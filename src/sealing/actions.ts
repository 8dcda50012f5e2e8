/** The verbs: the first keys, new ones, another key of the file, and what was sealed by old ones. */
import { record } from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import type { FileKey } from '#db/data-folder.ts';
import {
  countSealedByOthers,
  listSealedByOthers,
  replaceSealed,
  type SealedColumn,
  type SealedRow,
} from '#db/sealed-column.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { open, seal } from '#kernel/sealed.ts';
import { Keyring, rewrap, wrapNewKey } from './keyring.ts';
import {
  GONE_AFTER_MS,
  KEEP_OLD_MS,
  lacking,
  sealedPurposes,
  type KeyPurpose,
  type KeyState,
} from './model.ts';
import {
  deleteKey,
  drawKeyId,
  exchangeKeys,
  insertKey,
  listHolders,
  listKeys,
  lockKeys,
  rewrapKey,
  sweepHolders,
  type KeyRow,
} from './store.ts';

const actor = system('keys');

/** The keys of an installation; makes them on first use. `owner` owns the tables. */
export async function openKeyring(
  owner: Database,
  fileKeys: readonly FileKey[],
): Promise<Outcome<Keyring>> {
  return await owner.attempt(actor, async (tx) => {
    if ((await listKeys(tx)).length === 0) await makeFirstKeys(tx, fileKeys.at(-1)!);
    const keyring = new Keyring();
    const learnt = keyring.learn(await listKeys(tx), fileKeys);
    return learnt.ok ? ok(keyring) : learnt;
  });
}

async function makeFirstKeys(tx: Tx, fileKey: FileKey): Promise<void> {
  await lockKeys(tx);
  // Another process made them while this one waited.
  if ((await listKeys(tx)).length > 0) return;
  for (const purpose of [...sealedPurposes, 'blind_index'] as const)
    await makeKey(tx, { purpose, state: 'current', fileKey });
}

async function makeKey(
  tx: Tx,
  key: { readonly purpose: KeyPurpose; readonly state: KeyState; readonly fileKey: FileKey },
): Promise<number> {
  const { purpose, state, fileKey } = key;
  const id = await drawKeyId(tx);
  await insertKey(tx, { id, purpose, state, wrapped: wrapNewKey(id, purpose, fileKey) });
  const subject = { kind: 'sealing_key', id: String(id) };
  const detail = { purpose, state, wrapped_by: fileKey.id };
  await record(tx, { action: 'sealing_key.made', subject, detail });
  return id;
}

/**
 * A new key for each purpose that seals, which opens and does not seal yet. Those of an exchange
 * that was broken off are taken up again. Refused: `not_found` where the file lacks the key that
 * wraps the others.
 */
export async function addKeys(tx: Tx, fileKeys: readonly FileKey[]): Promise<Outcome<number[]>> {
  await lockKeys(tx);
  const rows = await listKeys(tx);
  const ids: number[] = [];
  for (const purpose of sealedPurposes) {
    const coming = rows.find((row) => row.purpose === purpose && row.state === 'coming');
    const current = rows.find((row) => row.purpose === purpose && row.state === 'current');
    const fileKey = fileKeys.find(({ id }) => id === current?.wrappedBy);
    if (fileKey === undefined)
      return refused('not_found', 'secrets.json lacks the key that wraps those in use.');
    ids.push(coming?.id ?? (await makeKey(tx, { purpose, state: 'coming', fileKey })));
  }
  return ok(ids);
}

/** Which processes that run cannot open all of these keys, for as long as they were seen lately. */
export async function findLacking(tx: Tx, keyIds: readonly number[]) {
  return lacking(await listHolders(tx, GONE_AFTER_MS), keyIds);
}

/** From now on the coming keys seal. Refused: `conflict` while a process cannot open them. */
export async function putInUse(tx: Tx, now: Date): Promise<Outcome<void>> {
  await lockKeys(tx);
  const coming = (await listKeys(tx)).filter(({ state }) => state === 'coming');
  const behind = await findLacking(
    tx,
    coming.map(({ id }) => id),
  );
  if (behind.length > 0)
    return refused('conflict', `${behind.length} processes that run do not open the new key yet.`);
  await exchangeKeys(tx, now);
  for (const { id, purpose } of coming) {
    const subject = { kind: 'sealing_key', id: String(id) };
    await record(tx, { action: 'sealing_key.put_in_use', subject, detail: { purpose } });
  }
  return ok(undefined);
}

/** Wraps every key by this one of the file. Values, and processes that run, notice nothing. */
export async function useFileKey(
  tx: Tx,
  fileKeys: readonly FileKey[],
  id: number,
): Promise<Outcome<number>> {
  const next = fileKeys.find((key) => key.id === id);
  if (next === undefined)
    return refused('not_found', `There is no key ${id} in secrets.json: bin/tocsin keys status`);
  await lockKeys(tx);
  const rows = (await listKeys(tx)).filter(({ wrappedBy }) => wrappedBy !== id);
  for (const row of rows) {
    const wrapped = rewrap(row, fileKeys, next);
    if (wrapped === undefined)
      return refused('not_found', `secrets.json lacks key ${row.wrappedBy}, which wraps now.`);
    await rewrapKey(tx, { id: row.id, wrapped });
  }
  if (rows.length > 0) {
    const subject = { kind: 'file_key', id: String(id) };
    await record(tx, { action: 'file_key.put_in_use', subject, detail: { keys: rows.length } });
  }
  return ok(rows.length);
}

/** Refused, `conflict`, while this key of the file wraps one. Held until the transaction ends. */
export async function checkUnused(tx: Tx, fileKeyId: number): Promise<Outcome<void>> {
  await lockKeys(tx);
  if (!(await listKeys(tx)).some(({ wrappedBy }) => wrappedBy === fileKeyId)) return ok(undefined);
  return refused(
    'conflict',
    `Key ${fileKeyId} wraps keys in the database. First: bin/tocsin keys use-file-key ANOTHER`,
  );
}

const ROWS_AT_ONCE = 500;

/**
 * Seals by the current key what is sealed by another one, some hundred values in a transaction.
 * A value that changes meanwhile is left: whoever changed it sealed it anew. Returns how many.
 */
export async function resealAll(
  owner: Database,
  keyring: Keyring,
  columns: readonly SealedColumn[],
): Promise<number> {
  let done = 0;
  for (const column of columns) {
    let after: SealedRow | undefined;
    do {
      const rows = await resealBatch(owner, keyring, column, after);
      done += rows.length;
      after = rows.at(-1);
    } while (after !== undefined);
  }
  return done;
}

async function resealBatch(
  owner: Database,
  keyring: Keyring,
  column: SealedColumn,
  after: SealedRow | undefined,
): Promise<SealedRow[]> {
  return await owner.withActor(actor, async (tx) => {
    const { current, all } = keyring.keysOf(column.purpose);
    const rows = await listSealedByOthers(tx, column, {
      keyIds: [current.id],
      most: column.rowsAtOnce ?? ROWS_AT_ONCE,
      ...(after !== undefined && { after }),
    });
    const fresh = rows.map((row) => ({
      ...row,
      fresh: seal(current, row.context, open(all, row.context, row.sealed)),
    }));
    if (fresh.length > 0) await replaceSealed(tx, column, fresh);
    return rows;
  });
}

/** The keys, and how many values each purpose has that the current one did not seal. */
export async function findStanding(
  tx: Tx,
  columns: readonly SealedColumn[],
): Promise<{ keys: KeyRow[]; stale: Record<string, number> }> {
  const keys = await listKeys(tx);
  const stale: Record<string, number> = {};
  for (const column of columns) {
    const ids = keys
      .filter(({ purpose, state }) => purpose === column.purpose && state === 'current')
      .map(({ id }) => id);
    stale[`${column.table}.${column.column}`] = await countSealedByOthers(tx, column, ids);
  }
  return { keys, stale };
}

/**
 * What the night does: seals what an exchange left behind, and forgets keys that are old since a
 * day and that no value needs.
 */
export async function tidyKeys(
  owner: Database,
  keyring: Keyring,
  { columns, now }: { readonly columns: readonly SealedColumn[]; readonly now: Date },
): Promise<void> {
  const rows = await owner.withActor(actor, async (tx) => {
    await sweepHolders(tx, KEEP_OLD_MS);
    return await listKeys(tx);
  });
  if (!rows.some(({ state }) => state === 'old')) return;
  await resealAll(owner, keyring, columns);
  await owner.withActor(actor, async (tx) => {
    await lockKeys(tx);
    const { keys } = await findStanding(tx, []);
    for (const { id, purpose, oldSince } of keys) {
      if (oldSince === null || now.getTime() - oldSince.getTime() < KEEP_OLD_MS) continue;
      const others = keys.filter((key) => key.id !== id).map((key) => key.id);
      const used = columns.filter((column) => column.purpose === purpose);
      let values = 0;
      for (const column of used) values += await countSealedByOthers(tx, column, others);
      if (values > 0) continue;
      await deleteKey(tx, id);
      const subject = { kind: 'sealing_key', id: String(id) };
      await record(tx, { action: 'sealing_key.forgotten', subject, detail: { purpose } });
    }
  });
}
