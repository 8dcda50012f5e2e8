/** The verbs of the directory. Each runs in the caller's transaction and leaves an entry. */
import { createHash } from 'node:crypto';
import { actorId, may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { blindIndex, seal, type SealingKey } from '#kernel/sealed.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import {
  channels,
  type Address,
  type Channel,
  type DirectoryRules,
  type ImportCounts,
  type ImportKind,
  type ImportResult,
  type RefusedRow,
} from './model.ts';
import { parseContactsFile, parseOrganisationsFile, type ParsedFile } from './parse.ts';
import type { TextPermissions } from './parse-contact.ts';
import {
  placeContacts,
  planContacts,
  type ContactPlan,
  type PlacedContact,
} from './plan-contacts.ts';
import { planOrganisations } from './plan-organisations.ts';
import {
  deleteLinks,
  insertContactPoints,
  insertImport,
  insertLinks,
  listContactPointIds,
  listOrganisationIds,
  listShortNames,
  listStoredContacts,
  listStoredOrganisations,
  lockImports,
  saveContacts,
  saveOrganisations,
  nameBareRegions,
  saveRegions,
  saveSystems,
  type NewContactPoint,
} from './store-import.ts';

export type DirectorySecrets = {
  readonly addressKey: SealingKey;
  /** 32 bytes. */
  readonly blindIndexKey: Buffer;
};

export type ImportFile = { readonly name: string; readonly bytes: Uint8Array };

export type ImportOptions = {
  readonly rules: DirectoryRules;
  readonly secrets: DirectorySecrets;
  readonly startedAt: Date;
  /** Says what would change and changes nothing. */
  readonly dryRun?: boolean;
  readonly textPermissions?: TextPermissions;
};

/**
 * Brings a file of organisations into the directory: etr.csv of ODS or our own. Rows that are
 * right are written, the others listed; organisations that the file does not name stay.
 */
export async function importOrganisations(
  tx: Tx,
  file: ImportFile,
  options: ImportOptions,
): Promise<Outcome<ImportResult>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed();
  const parsed = parseOrganisationsFile(file.bytes, options.rules);
  if (!parsed.ok) return parsed;
  await lockImports(tx);
  const { rows, source, notes } = parsed.value;
  const stored = await listStoredOrganisations(
    tx,
    rows.map(({ row }) => row.code),
  );
  const shortNames = await listShortNames(tx);
  const state = {
    stored: new Map(stored.map((organisation) => [organisation.code, organisation])),
    shortNames: new Map(shortNames.map(({ code, shortName }) => [shortName, code])),
  };
  const plan = planOrganisations(rows, state, options.rules);
  let renamed = 0;
  if (!options.dryRun) {
    renamed += await saveRegions(tx, plan.regions);
    renamed += await nameBareRegions(tx, plan.regionNames);
    renamed += await saveSystems(tx, plan.systems);
    await saveOrganisations(tx, [...plan.added, ...plan.changed], source);
  }
  const closed = rows.filter(({ row }) => row.closedOn).length;
  const closing = closed === 0 ? [] : [`${closed} have a closing date; nothing is sent after it.`];
  return await finish(tx, file, options, {
    kind: 'organisations',
    plan,
    renamed,
    parsed: { ...parsed.value, notes: [...notes, ...closing] },
  });
}

/** Brings a file of contacts into the directory. Contacts that the file does not name stay. */
export async function importContacts(
  tx: Tx,
  file: ImportFile,
  options: ImportOptions,
): Promise<Outcome<ImportResult>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed();
  const parsed = parseContactsFile(file.bytes, options.rules, options.textPermissions);
  if (!parsed.ok) return parsed;
  await lockImports(tx);
  const codes = new Set(parsed.value.rows.map(({ row }) => row.organisationCode));
  const organisations = await listOrganisationIds(tx, [...codes]);
  const ids = new Map(organisations.map(({ code, id }) => [code, id]));
  const { placed, refusedRows } = placeContacts(parsed.value.rows, ids);
  const points = await findOrMakePoints(tx, placed, options.secrets);
  const plan = planContacts(placed, {
    stored: await listStoredContacts(tx, [...ids.values()]),
    contactPointId: (channel, address) => points.ids.get(pointKey(channel, address))!,
    newId: () => newId(options.startedAt.getTime()),
  });
  if (!options.dryRun) await saveContactPlan(tx, plan, points.made);
  return await finish(tx, file, options, {
    kind: 'contacts',
    plan,
    parsed: {
      ...parsed.value,
      refusedRows: [...parsed.value.refusedRows, ...refusedRows].sort((a, b) => a.line - b.line),
    },
  });
}

async function saveContactPlan(
  tx: Tx,
  plan: ContactPlan,
  made: readonly NewContactPoint[],
): Promise<void> {
  if (made.length > 0) await insertContactPoints(tx, made);
  await saveContacts(tx, [...plan.added, ...plan.changed]);
  await deleteLinks(
    tx,
    plan.relinked.map(({ id }) => id),
  );
  await insertLinks(tx, plan.relinked);
}

function pointKey(channel: Channel, address: Address): string {
  return `${channel}|${address.normalised}`;
}

type Points = { readonly ids: ReadonlyMap<string, string>; readonly made: NewContactPoint[] };

/** The contact point of every number and address in the rows: the stored one, or one to be made. */
async function findOrMakePoints(
  tx: Tx,
  rows: readonly PlacedContact[],
  secrets: DirectorySecrets,
): Promise<Points> {
  const ids = new Map<string, string>();
  const made: NewContactPoint[] = [];
  for (const channel of channels) {
    const told = rows.flatMap(({ row }) => row.points[channel] ?? []);
    const addresses = new Map(told.map((address) => [address.normalised, address]));
    const indexed = Array.from(addresses.values(), (address) => ({
      address,
      addressIndex: blindIndex(secrets.blindIndexKey, channel, address.normalised),
    }));
    const indexes = indexed.map(({ addressIndex }) => addressIndex);
    const stored = await listContactPointIds(tx, channel, indexes);
    const known = new Map(stored.map((row) => [row.addressIndex.toString('hex'), row.id]));
    for (const { address, addressIndex } of indexed) {
      const knownId = known.get(addressIndex.toString('hex'));
      const id = knownId ?? newId();
      ids.set(pointKey(channel, address), id);
      if (knownId !== undefined) continue;
      const addressSealed = seal(secrets.addressKey, sealingContext(id), address.normalised);
      made.push({ id, channel, addressSealed, addressIndex, shown: address.shown });
    }
  }
  return { ids, made };
}

/** What a contact point's address is sealed under; a message row carries the same bytes. */
export function sealingContext(contactPointId: string): string {
  return `contact_point|${contactPointId}`;
}

type Finished = {
  readonly kind: ImportKind;
  readonly plan: { readonly added: readonly unknown[]; readonly changed: readonly unknown[] } & {
    readonly unchanged: number;
  };
  /** Regions and systems written beside the rows. */
  readonly renamed?: number;
  readonly parsed: ParsedFile<unknown>;
};

/** Log and audit entry where something changed; the same file again leaves no trace. */
async function finish(
  tx: Tx,
  file: ImportFile,
  options: ImportOptions,
  { kind, plan, parsed, renamed = 0 }: Finished,
): Promise<Outcome<ImportResult>> {
  const { refusedRows, notes } = parsed;
  const counts: ImportCounts = {
    added: plan.added.length,
    changed: plan.changed.length,
    unchanged: plan.unchanged,
    refused: countRows(refusedRows),
  };
  const result = { kind, counts, refusedRows, notes, dryRun: options.dryRun ?? false };
  if (result.dryRun || counts.added + counts.changed + renamed === 0) return ok(result);
  const id = newId(options.startedAt.getTime());
  const sha256 = createHash('sha256').update(file.bytes).digest('hex');
  await insertImport(tx, {
    id,
    kind,
    fileName: file.name,
    sha256,
    startedAt: options.startedAt,
    counts,
    actor: actorId(tx.actor),
  });
  // The name of the file stays out: people put numbers into names of files (P12).
  await record(tx, {
    action: `${kind}.imported`,
    subject: { kind: 'import', id },
    detail: { sha256, source: parsed.source, ...counts },
  });
  return ok({ ...result, importId: id });
}

function countRows(refusedRows: readonly RefusedRow[]): number {
  return new Set(refusedRows.map(({ line }) => line)).size;
}

function notAllowed(): Outcome<never> {
  return refused('forbidden', 'Your role may not change the directory.');
}
