/**
 * What a person does with a file on the import page. The file waits in the database, sealed, for
 * an hour after the last act: any web process finds it there, and a copy of the database holds no
 * number (P12). The address carries an id, which opens nothing for anybody but its uploader.
 * Rejected: a hidden field in the page (27 MB of base64 that a lost page loses) and a temporary
 * file (open numbers, on one machine only).
 */
import { actorId, system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { open, seal } from '#kernel/sealed.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { headerHash, missingColumns, type Mapping } from './columns.ts';
import type { ImportUpload } from './form-import.ts';
import type { DirectorySecrets, ImportFile } from './import-options.ts';
import { recognise, type Recognised } from './layout.ts';
import type { ImportKind } from '../model.ts';
import { isAbandoned, type Run } from './run.ts';
import { readHead, type SheetRow } from './sheet.ts';
import { findUndoable } from './undo.ts';
import { findMapping, saveMapping } from './store-mapping.ts';
import {
  deleteOldRuns,
  endRun,
  findRun,
  getRunFile,
  getRunFilePiece,
  insertRun,
  listOpenRuns,
  moveRun,
  startRun,
  type NamedRun,
} from './store-run.ts';

/** The background task that works on a run; its payload is `RunJob`. */
export const IMPORT_TASK = 'import_run';

export type RunJob = { readonly runId: string; readonly attempt: number };

const KEPT_MS = 60 * 60 * 1000;
/** Several windows may each hold a file; more would only fill the disk. */
const KEPT_PER_PERSON = 5;
/** The first rows are shown where somebody says which column is which. */
const HEAD_ROWS = 4;

export type RunContext = { readonly secrets: DirectorySecrets; readonly now: Date };

export type OwnRun = Run & { readonly name: string };

/** Takes expired files away, so that no file stays longer than until the next one comes. */
export async function sweepRuns(
  database: Database,
  now: Date,
  keptPerPerson: number = KEPT_PER_PERSON,
): Promise<number> {
  return await database.withActor(system('organisations'), (tx) =>
    deleteOldRuns(tx, { now, keptPerPerson }),
  );
}

/** Keeps a file, and has it checked where its columns are known. Returns the id of its run. */
export async function keepUpload(
  tx: Tx,
  { kind, name, bytes, allOrNothing }: ImportUpload,
  { secrets, now }: RunContext,
): Promise<Outcome<string>> {
  const head = readHead(bytes, HEAD_ROWS);
  if (!head.ok) return head;
  const first = head.value[0]!.cells;
  const found = recognise(first, kind);
  if (!found.ok) return found;
  const mapping = await findMapping(tx, kind, headerHash(first));
  const isKnown = mapping !== undefined || found.value.unnamed === undefined;
  const id = newId(now.getTime());
  await insertRun(tx, {
    id,
    kind,
    state: isKnown ? 'checking' : 'choosing_columns',
    nameSealed: seal(secrets.addressKey, `import_name|${id}`, name),
    fileSealed: sealFile(id, bytes, secrets),
    undoes: null,
    uploadedBy: actorId(tx.actor),
    uploadedAt: now,
    expiresAt: keptUntil(now),
    allOrNothing,
    mapping: mapping ?? null,
  });
  if (isKnown) await enqueueWork(tx, { runId: id, attempt: 0 });
  return ok(id);
}

/** Has the last import taken back; `id` is that of the form: posted twice it is one. */
export async function beginUndo(
  tx: Tx,
  { id, importId }: { readonly id: string; readonly importId: string },
  { secrets, now }: RunContext,
): Promise<Outcome<void>> {
  const last = await findUndoable(tx, importId);
  if (!last.ok) return last;
  const isNew = await insertRun(tx, {
    id,
    kind: last.value.kind,
    state: 'undoing',
    nameSealed: seal(secrets.addressKey, `import_name|${id}`, last.value.fileName),
    fileSealed: null,
    undoes: importId,
    uploadedBy: actorId(tx.actor),
    uploadedAt: now,
    expiresAt: keptUntil(now),
    allOrNothing: true,
    mapping: null,
  });
  if (isNew) await enqueueWork(tx, { runId: id, attempt: 0 });
  return ok(undefined);
}

export function keptUntil(now: Date): Date {
  return new Date(now.getTime() + KEPT_MS);
}

export async function enqueueWork(tx: Tx, job: RunJob): Promise<void> {
  await enqueue(tx, IMPORT_TASK, job);
}

function sealFile(id: string, bytes: Uint8Array, { addressKey }: DirectorySecrets): Buffer {
  return seal(addressKey, `import_file|${id}`, Buffer.from(bytes).toString('latin1'));
}

/** A value arrives as text of twice its size, and is held more than once: not 20 MB of it. */
const PIECE_BYTES = 1024 * 1024;

/** The file as it was uploaded. */
export async function openRunFile(
  tx: Tx,
  id: string,
  { openingKeys }: DirectorySecrets,
): Promise<ImportFile> {
  const { nameSealed, bytes } = await getRunFile(tx, id);
  const fileSealed = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    (await getRunFilePiece(tx, id, { at, length: PIECE_BYTES })).copy(fileSealed, at);
  }
  return {
    name: open(openingKeys, `import_name|${id}`, nameSealed),
    bytes: Buffer.from(open(openingKeys, `import_file|${id}`, fileSealed), 'latin1'),
  };
}

/** The actor's own run; one whose process is gone is marked so. */
export async function findOwnRun(
  tx: Tx,
  id: string,
  context: RunContext,
): Promise<OwnRun | undefined> {
  const found = await findMine(tx, id, context.now);
  if (found === undefined) return undefined;
  if (isAbandoned(found)) {
    await endRun(tx, id, { attempt: found.attempt, to: 'interrupted' });
    return await findOwnRun(tx, id, context);
  }
  return opened(found, context);
}

/** A run of somebody else who proposed it to a second person. */
export async function findOthersRun(
  tx: Tx,
  id: string,
  context: RunContext,
): Promise<OwnRun | undefined> {
  const found = await findRun(tx, id, context.now);
  if (found === undefined || found.uploadedBy === actorId(tx.actor)) return undefined;
  return opened(found, context);
}

function opened(
  { nameSealed, ...run }: Run & { readonly nameSealed: Buffer },
  context: RunContext,
) {
  return { ...run, name: open(context.secrets.openingKeys, `import_name|${run.id}`, nameSealed) };
}

export async function listOwnRuns(tx: Tx, context: RunContext): Promise<OwnRun[]> {
  const runs = await listOpenRuns(tx, context.now);
  return runs.map((run) =>
    opened(isAbandoned(run) ? { ...run, state: 'interrupted' } : run, context),
  );
}

export type Columns = {
  readonly kind: ImportKind;
  readonly names: readonly string[];
  /** The first rows under them. */
  readonly examples: readonly SheetRow[];
  /** What was chosen before, else the best guess. */
  readonly mapping: Mapping;
};

/** The columns of a file, for the form that asks which is which. */
export async function findColumns(
  tx: Tx,
  run: Run,
  { secrets }: RunContext,
): Promise<Outcome<Columns>> {
  const { bytes } = await openRunFile(tx, run.id, secrets);
  const head = readHead(bytes, HEAD_ROWS);
  if (!head.ok) return head;
  const [first, ...examples] = head.value;
  const found = recognise(first!.cells, run.kind);
  if (!found.ok) return found;
  const guess = guessOf(found.value);
  return ok({ kind: run.kind, names: first!.cells, examples, mapping: run.mapping ?? guess });
}

function guessOf({ layout, unnamed }: Recognised): Mapping {
  return unnamed?.guess ?? Object.fromEntries(layout?.reads.places ?? []);
}

/** Reads the file anew with these columns, and remembers them for the next one like it. */
export async function chooseColumns(
  tx: Tx,
  id: string,
  mapping: Mapping,
  context: RunContext,
): Promise<Outcome<void>> {
  const run = await findMine(tx, id, context.now);
  if (run === undefined) return gone;
  const missing = missingColumns(run.kind, mapping);
  if (missing.length > 0) {
    const fields = missing.map((name) => [name, 'Choose the column that holds this'] as const);
    return refused('invalid', 'Put right what is marked below.', Object.fromEntries(fields));
  }
  const expiresAt = keptUntil(context.now);
  if (run.state !== 'choosing_columns') {
    const moved = await moveRun(tx, id, { to: 'choosing_columns', expiresAt });
    if (!moved) return movedOn;
  }
  const attempt = await startRun(tx, id, { to: 'checking', expiresAt, mapping });
  if (attempt === undefined) return movedOn;
  const { bytes } = await openRunFile(tx, id, context.secrets);
  const head = readHead(bytes, 1);
  if (head.ok) {
    const headerSha256 = headerHash(head.value[0]!.cells);
    const savedBy = actorId(tx.actor);
    await saveMapping(tx, { kind: run.kind, headerSha256, mapping, savedAt: context.now, savedBy });
  }
  await enqueueWork(tx, { runId: id, attempt });
  return ok(undefined);
}

/** Nothing is written after this; what is imported already stays. */
export async function cancelRun(tx: Tx, id: string, { now }: RunContext): Promise<Outcome<void>> {
  const run = await findMine(tx, id, now);
  if (run === undefined) return gone;
  if (run.state === 'cancelled') return ok(undefined);
  const moved = await moveRun(tx, id, { to: 'cancelled', expiresAt: keptUntil(now) });
  return moved ? ok(undefined) : movedOn;
}

/** Checks it anew, after it was cancelled, broke off or failed. */
export async function restartRun(tx: Tx, id: string, { now }: RunContext): Promise<Outcome<void>> {
  const run = await findMine(tx, id, now);
  if (run === undefined) return gone;
  // Another undo begins from the log, with what it would do now.
  if (run.undoes !== null) return movedOn;
  const attempt = await startRun(tx, id, { to: 'checking', expiresAt: keptUntil(now) });
  if (attempt === undefined) return movedOn;
  await enqueueWork(tx, { runId: id, attempt });
  return ok(undefined);
}

/** The actor's own, not one that somebody proposed to them. */
export async function findMine(tx: Tx, id: string, now: Date): Promise<NamedRun | undefined> {
  const run = await findRun(tx, id, now);
  return run?.uploadedBy === actorId(tx.actor) ? run : undefined;
}

export const gone: Refused = refused(
  'not_found',
  'The file is gone: it is kept for an hour. Choose it again.',
);

export const movedOn: Refused = refused(
  'conflict',
  'The file has moved on meanwhile: look at where it is now.',
);
