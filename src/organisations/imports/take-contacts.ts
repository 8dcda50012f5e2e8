/**
 * Contacts of a file on their way into the directory, some thousand at a time. While the database
 * writes the numbers of one part, the next one is compared and sealed: each takes about as long.
 */
import { newId } from '#kernel/ids.ts';
import type { Tx } from '#db/database.ts';
import {
  findOrNamePoints,
  indexAddresses,
  type IndexedAddresses,
  type Points,
} from '../contacts/contact-points.ts';
import { ROWS_AT_ONCE, type ImportOptions } from './import-options.ts';
import type { PlannedRow } from '../model.ts';
import { usualReaderKind } from './parse-contact.ts';
import {
  planContacts,
  type ContactPlan,
  type PlacedContact,
  type StoredContact,
} from './plan-contacts.ts';
import { keepContacts, markContacts } from './store-image.ts';
import {
  deleteLinks,
  insertContactPoints,
  insertLinks,
  listStoredContacts,
  saveContacts,
  type NewContactPoint,
} from './store-import.ts';

/** Parts of some thousand rows; those of one organisation stay together, as they are compared. */
export function byOrganisation(placed: readonly PlacedContact[]): PlacedContact[][] {
  const parts: PlacedContact[][] = [];
  for (const rows of Map.groupBy(placed, (one) => one.organisationId).values()) {
    const last = parts.at(-1);
    if (last !== undefined && last.length + rows.length <= ROWS_AT_ONCE) last.push(...rows);
    else parts.push([...rows]);
  }
  return parts;
}

type Taking = {
  /** Undefined: nothing is written. */
  readonly importId: string | undefined;
  readonly options: ImportOptions;
  /** Gets what becomes of the rows of each part. */
  readonly onTaken: (rows: readonly PlannedRow[]) => Promise<void>;
};

/**
 * Compares contacts with those of their organisations, and writes what became different. Empties
 * `parts` on its way: what is written need not be held.
 */
export async function takeContacts(
  tx: Tx,
  parts: PlacedContact[][],
  taking: Taking,
): Promise<void> {
  const { secrets } = taking.options;
  let addresses = await indexAddresses(parts[0] ?? [], secrets);
  let part = await findPart(tx, parts.shift() ?? [], addresses);
  let compared = await comparePart(part, taking);
  while (compared.plan.rows.length > 0) {
    const { rows } = compared.plan;
    [, addresses] = await Promise.all([
      writeContacts(tx, compared, taking),
      indexAddresses(parts[0] ?? [], secrets),
    ]);
    // After the numbers of the last part were written: this one may have them too.
    part = await findPart(tx, parts.shift() ?? [], addresses);
    [, compared] = await Promise.all([writeLinks(tx, compared, taking), comparePart(part, taking)]);
    await taking.onTaken(rows);
  }
}

/** Rows of a file with what the directory has of their organisations, numbers and addresses. */
type FoundPart = {
  readonly part: readonly PlacedContact[];
  readonly points: Points;
  readonly stored: readonly StoredContact[];
};

async function findPart(
  tx: Tx,
  part: readonly PlacedContact[],
  addresses: IndexedAddresses,
): Promise<FoundPart> {
  const organisationIds = new Set(part.map(({ organisationId }) => organisationId));
  const points = await findOrNamePoints(tx, addresses);
  return { part, points, stored: await listStoredContacts(tx, [...organisationIds]) };
}

type ComparedPart = {
  readonly plan: ContactPlan;
  /** Numbers and addresses that were not stored yet, sealed; none where nothing is written. */
  readonly made: readonly NewContactPoint[];
};

/** Asks the database nothing. */
async function comparePart(
  { part, points, stored }: FoundPart,
  { importId, options }: Taking,
): Promise<ComparedPart> {
  const made = importId === undefined ? [] : await points.make(options.secrets);
  const plan = planContacts(part, {
    stored,
    contactPointId: points.idOf,
    newId: () => newId(options.startedAt.getTime()),
    roleLabel: (role) => options.rules.contactRoles[role]?.label ?? role,
    usualReaderKind: usualReaderKind(options.rules),
  });
  return { plan, made };
}

async function writeContacts(
  tx: Tx,
  { plan, made }: ComparedPart,
  { importId }: Taking,
): Promise<void> {
  const { added, changed } = plan;
  if (importId === undefined || added.length + changed.length === 0) return;
  const contactIds = changed.map(({ id }) => id);
  if (contactIds.length > 0) await keepContacts(tx, { importId, contactIds });
  await saveContacts(tx, [...added, ...changed]);
  await insertContactPoints(tx, made);
}

async function writeLinks(
  tx: Tx,
  { plan: { added, changed, relinked } }: ComparedPart,
  { importId }: Taking,
): Promise<void> {
  if (importId === undefined || added.length + changed.length === 0) return;
  const relinkedIds = relinked.map(({ id }) => id);
  if (changed.length > 0) await deleteLinks(tx, relinkedIds);
  await insertLinks(tx, relinked);
  const contactIds = [...added, ...changed].map(({ id }) => id);
  await markContacts(tx, { importId, contactIds });
}
