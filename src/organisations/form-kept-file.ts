/**
 * The file between "Check" and "Import". It waits in the database, sealed, for an hour: any web
 * process finds it there, and a copy of the database holds no number (P12). The address carries an
 * id, which opens nothing for anybody but its uploader. Rejected: a hidden field in the page (27 MB
 * of base64 that a lost page loses) and a temporary file (open numbers, on one machine only).
 */
import { actorId, system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { open, seal } from '#kernel/sealed.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  importContacts,
  importOrganisations,
  type DirectorySecrets,
  type ImportFile,
} from './actions.ts';
import type { ImportUpload } from './form-import.ts';
import type { DirectoryRules, ImportCounts, ImportKind, ImportResult } from './model.ts';
import type { TextPermissions } from './parse-contact.ts';
import {
  deleteOldKeptFiles,
  findKeptFile,
  insertKeptFile,
  markImported,
  type KeptFileRow,
} from './store-kept-file.ts';

const KEPT_MS = 60 * 60 * 1000;
/** Several windows may each hold a file; more would only fill the disk. */
const KEPT_PER_PERSON = 5;

export type ImportContext = {
  /** The operating model. */
  readonly rules: DirectoryRules;
  readonly secrets: DirectorySecrets;
  readonly textPermissions?: TextPermissions;
};

export type CheckedFile = {
  readonly id: string;
  readonly kind: ImportKind;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly expiresAt: Date;
  /** When and with what effect it was imported; null where it still waits. */
  readonly imported: { readonly at: Date; readonly counts: ImportCounts } | null;
  /** What the import would do now. */
  readonly result: ImportResult;
};

/** Takes expired files away, so that no file stays longer than until the next one comes. */
export async function sweepKeptFiles(
  database: Database,
  now: Date,
  keptPerPerson: number = KEPT_PER_PERSON,
): Promise<number> {
  return await database.withActor(system('organisations'), (tx) =>
    deleteOldKeptFiles(tx, { now, keptPerPerson }),
  );
}

/** Returns the id under which its uploader finds it again. */
export async function keepFile(
  tx: Tx,
  { kind, name, bytes }: ImportUpload,
  { secrets, now }: { readonly secrets: DirectorySecrets; readonly now: Date },
): Promise<string> {
  const id = newId(now.getTime());
  const content = `${name}\n${Buffer.from(bytes).toString('base64')}`;
  await insertKeptFile(tx, {
    id,
    kind,
    fileSealed: seal(secrets.addressKey, sealedAs(id), content),
    uploadedBy: actorId(tx.actor),
    uploadedAt: now,
    expiresAt: new Date(now.getTime() + KEPT_MS),
  });
  return id;
}

function sealedAs(id: string): string {
  return `kept_file|${id}`;
}

/** The file with what it would change, asked anew: the directory may be another since the upload. */
export async function checkKeptFile(
  tx: Tx,
  id: string,
  context: ImportContext & { readonly now: Date },
): Promise<Outcome<CheckedFile>> {
  const row = await findKeptFile(tx, id, context);
  if (row === undefined) return gone;
  const file = openRow(row, context.secrets);
  const result = await runImport(tx, row.kind, file, { ...context, dryRun: true });
  if (!result.ok) return result;
  const { kind, expiresAt, importedAt, counts } = row;
  const imported = importedAt && counts && { at: importedAt, counts };
  return ok({ id, kind, ...file, expiresAt, imported, result: result.value });
}

/** Imports it once; a second press finds it done and says what the first one did. */
export async function importKeptFile(
  tx: Tx,
  id: string,
  context: ImportContext & { readonly now: Date },
): Promise<Outcome<ImportCounts>> {
  const row = await findKeptFile(tx, id, { ...context, lock: true });
  if (row === undefined) return gone;
  if (row.counts !== null) return ok(row.counts);
  const result = await runImport(tx, row.kind, openRow(row, context.secrets), context);
  if (!result.ok) return result;
  const { counts } = result.value;
  await markImported(tx, id, { now: context.now, counts });
  return ok(counts);
}

const gone = refused(
  'not_found',
  'The checked file is gone: it is kept for an hour. Choose it again.',
);

function openRow(row: KeptFileRow, secrets: DirectorySecrets): ImportFile {
  const content = open([secrets.addressKey], sealedAs(row.id), row.fileSealed);
  const end = content.indexOf('\n');
  return {
    name: content.slice(0, end),
    bytes: Buffer.from(content.slice(end + 1), 'base64'),
  };
}

async function runImport(
  tx: Tx,
  kind: ImportKind,
  file: ImportFile,
  options: ImportContext & { readonly now: Date; readonly dryRun?: boolean },
): Promise<Outcome<ImportResult>> {
  const run = kind === 'contacts' ? importContacts : importOrganisations;
  const { rules, secrets, textPermissions, now, dryRun } = options;
  return await run(tx, file, {
    rules,
    secrets,
    startedAt: now,
    dryRun: dryRun ?? false,
    ...(textPermissions && { textPermissions }),
  });
}
