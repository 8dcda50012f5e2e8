/**
 * Contacts of a file on their way into the directory, some thousand at a time. While the database
 * writes one part, the next one is read, compared and sealed: each takes about as long.
 */
import { scheduler } from 'node:timers/promises';
import { newId } from '#kernel/ids.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  findOrNamePoints,
  indexAddresses,
  type IndexedAddresses,
  type Points,
} from '../contacts/contact-points.ts';
import { ROWS_AT_ONCE, type DirectorySecrets, type ImportOptions } from './import-options.ts';
import type { ContactRow, PlannedRow, RefusedRow } from '../model.ts';
import type { Reading, ReadFile, ReadRows } from './parse.ts';
import { usualReaderKind } from './parse-contact.ts';
import {
  placeContacts,
  planContacts,
  type ContactPlan,
  type PlacedContact,
  type StoredContact,
} from './plan-contacts.ts';
import { keepContacts, markContacts } from './store-image.ts';
import {
  deleteLinks,
  insertContactPoints,
  insertContacts,
  insertLinks,
  listOrganisationIds,
  listStoredContacts,
  updateContacts,
  type NewContactPoint,
  type OrganisationId,
} from './store-import.ts';
import { beginTrial, takeBackTrial } from '../store-trial.ts';

type Writing = {
  /** Undefined: nothing is written. */
  readonly importId: string | undefined;
  readonly options: ImportOptions;
};

type Taking = Writing & {
  /** Gets what becomes of the rows of each part, and how much of the file is done with it. */
  readonly onTaken: (rows: readonly PlannedRow[], share: number) => Promise<void>;
};

export type Taken = ReadFile & {
  readonly refusedRows: readonly RefusedRow[];
  /** Rows of organisations that are closed. */
  readonly ofClosed: number;
  /** False also where all was to be or nothing, and a row was refused. */
  readonly isWritten: boolean;
};

/**
 * Compares contacts with those of their organisations, and writes what became different, while the
 * file is read: nothing of it is held that is written. What is written before a row is found that
 * all or nothing forbids is taken back here; what is written before the file turns out to be none,
 * with the transaction.
 */
export async function takeContacts(
  tx: Tx,
  reading: Reading<ContactRow>,
  taking: Taking,
): Promise<Outcome<Taken>> {
  const { allOrNothing = false, secrets } = taking.options;
  const file = new FileAhead(reading, await listOrganisationIds(tx), secrets);
  let { importId } = taking;
  if (importId !== undefined && allOrNothing) await beginTrial(tx);
  // All or nothing: once a row is refused, nothing is written.
  const heed = async (): Promise<void> => {
    if (importId === undefined || !allOrNothing || file.refusedRows.length === 0) return;
    await takeBackTrial(tx);
    importId = undefined;
  };
  let ahead = await file.next();
  let compared = await comparePart(await findPart(tx, ahead, importId !== undefined), taking);
  while (compared.plan.rows.length > 0 && file.end?.ok !== false) {
    await heed();
    const now = { importId, options: taking.options };
    const { plan } = compared;
    const { share } = ahead;
    [, ahead] = await Promise.all([writeContacts(tx, compared, now), file.next()]);
    // After the numbers of the last part were written: this one may have them too.
    const part = await findPart(tx, ahead, importId !== undefined);
    const writing = writeLinks(tx, compared, now);
    [, compared] = await Promise.all([writing, comparePart(part, now)]);
    await taking.onTaken(plan.rows, share);
  }
  await heed();
  const { end, refusedRows, ofClosed } = file;
  if (!end!.ok) return end!;
  return ok({ ...end!.value, refusedRows, ofClosed, isWritten: importId !== undefined });
}

/** Some thousand rows, their numbers and addresses hashed. */
type AheadPart = {
  readonly part: readonly PlacedContact[];
  readonly addresses: IndexedAddresses;
  /** How much of the file is read with them, 0 to 1. */
  readonly share: number;
};

/** The rows of a file whose organisation is in the directory, read while statements run. */
class FileAhead {
  readonly refusedRows: RefusedRow[] = [];
  ofClosed = 0;
  /** What the file ended with; until then undefined. */
  end: Outcome<ReadFile> | undefined;
  readonly #reading: Reading<ContactRow>;
  readonly #organisations: ReadonlyMap<string, OrganisationId>;
  readonly #secrets: DirectorySecrets;
  #placed: PlacedContact[] = [];
  #share = 0;

  constructor(
    reading: Reading<ContactRow>,
    organisations: readonly OrganisationId[],
    secrets: DirectorySecrets,
  ) {
    this.#reading = reading;
    this.#organisations = new Map(organisations.map((one) => [one.code, one]));
    this.#secrets = secrets;
  }

  /** The next rows; none once the file is read. */
  async next(): Promise<AheadPart> {
    while (this.end === undefined && this.#placed.length < ROWS_AT_ONCE) {
      const step = this.#reading.next();
      if (step.done === true) this.end = step.value;
      else this.#place(step.value);
      await scheduler.yield();
    }
    const part = this.#placed.slice(0, ROWS_AT_ONCE);
    this.#placed = this.#placed.slice(ROWS_AT_ONCE);
    return { part, addresses: await indexAddresses(part, this.#secrets), share: this.#share };
  }

  #place({ rows, refusedRows, share }: ReadRows<ContactRow>): void {
    const { placed, refusedRows: homeless } = placeContacts(rows, this.#organisations);
    this.refusedRows.push(...refusedRows, ...homeless);
    this.ofClosed += placed.filter(
      ({ row }) => this.#organisations.get(row.organisationCode)!.isClosed,
    ).length;
    this.#placed.push(...placed);
    this.#share = share;
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
  { part, addresses }: AheadPart,
  isWriting: boolean,
): Promise<FoundPart> {
  const organisationIds = new Set(part.map(({ organisationId }) => organisationId));
  const points = await findOrNamePoints(tx, addresses);
  return { part, points, stored: await listStoredContacts(tx, [...organisationIds], isWriting) };
}

type ComparedPart = {
  readonly plan: ContactPlan;
  /** Numbers and addresses that were not stored yet, sealed; none where nothing is written. */
  readonly made: readonly NewContactPoint[];
};

/** Asks the database nothing. */
async function comparePart(
  { part, points, stored }: FoundPart,
  { importId, options }: Writing,
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
  { importId }: Writing,
): Promise<void> {
  const { added, changed } = plan;
  if (importId === undefined || added.length + changed.length === 0) return;
  if (changed.length > 0) {
    await keepContacts(tx, { importId, contactIds: changed.map(({ id }) => id) });
    await updateContacts(tx, changed);
  }
  if (added.length > 0) await insertContacts(tx, added);
  await insertContactPoints(tx, made);
}

async function writeLinks(
  tx: Tx,
  { plan: { added, changed, relinked } }: ComparedPart,
  { importId }: Writing,
): Promise<void> {
  if (importId === undefined || added.length + changed.length === 0) return;
  const relinkedIds = relinked.map(({ id }) => id);
  if (changed.length > 0) await deleteLinks(tx, relinkedIds);
  await insertLinks(tx, relinked);
  const contactIds = [...added, ...changed].map(({ id }) => id);
  await markContacts(tx, { importId, contactIds });
}
