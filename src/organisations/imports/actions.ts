/** The verbs of the directory. Each runs in the caller's transaction and leaves an entry. */
import { londonDay } from '#kernel/day.ts';
import { may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { named, tryAudiences } from './audience-notes.ts';
import { changesIn, countRows, finishImport, newTally, tellRefused } from './finish-import.ts';
import {
  ROWS_AT_ONCE,
  tellDone,
  tellRead,
  tellShare,
  type ImportFile,
  type ImportOptions,
} from './import-options.ts';
import type { ImportResult, OrganisationRow, RefusedRow } from '../model.ts';
import { readContacts, readOrganisations, readWhole } from './parse.ts';
import {
  planOrganisations,
  type OrganisationPlan,
  type StoredOrganisation,
} from './plan-organisations.ts';
import { refuseMisfits } from './plan-fit.ts';
import { planParents } from './plan-parents.ts';
import type { Lines } from '../parents.ts';
import { aroundPlaces } from './images.ts';
import { keepOrganisations, markOrganisations } from './store-image.ts';
import { readDates, readLines, saveLines } from '../store-parents.ts';
import { takeContacts } from './take-contacts.ts';
import {
  listShortNames,
  listStoredOrganisations,
  lockImports,
  saveOrganisations,
  nameBareRegions,
  saveRegions,
  saveSystems,
  waitForImports,
} from './store-import.ts';

export type { DirectorySecrets, ImportFile, ImportOptions } from './import-options.ts';
export { sealingContext } from '../contacts/contact-points.ts';

/**
 * Brings a file of organisations into the directory: one of ODS or our own. Rows that are right
 * are written, the others listed; organisations that the file does not name stay.
 */
export async function importOrganisations(
  tx: Tx,
  file: ImportFile,
  options: ImportOptions,
): Promise<Outcome<ImportResult>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed();
  const { mapping } = options;
  const parsed = readWhole(
    readOrganisations(file.bytes, options.rules, { mapping }),
    tellRead(options),
  );
  if (!parsed.ok) return parsed;
  // For a check too: it tries out what the file does to the audiences.
  await lockImports(tx);
  const { source, notes } = parsed.value;
  const lines = await readLines(tx);
  const datesOf = await readDates(tx);
  const shortNames = new Map(
    (await listShortNames(tx)).map(({ code, shortName }) => [shortName.toLowerCase(), code]),
  );
  const fit = refuseMisfits(parsed.value.rows, { datesOf, shortNames });
  const today = londonDay(options.startedAt);
  const parents = planParents(fit.rows, { lines, datesOf }, today);
  const { rows } = parents;
  const refusedRows = inOrder([parsed.value, fit, parents].flatMap((found) => found.refusedRows));
  const stored = await listStoredOrganisations(
    tx,
    rows.map(({ row }) => row.code),
  );
  const state = {
    stored: new Map(stored.map((organisation) => [organisation.code, organisation])),
    shortNames,
    parents: { stored: lines, changed: parents.changed },
  };
  const plan = planOrganisations(rows, state, options.rules);
  const counts = newTally(refusedRows);
  countRows(counts, plan.rows);
  for (const part of partsOf(plan.rows)) await options.onRows?.(part);
  await tellRefused(file, options, refusedRows);
  const importId = newId(options.startedAt.getTime());
  const isWriting = mayWrite(options, refusedRows);
  const write = async (telling: ImportOptions) =>
    await saveOrganisationPlan(tx, plan, {
      importId,
      source,
      options: telling,
      lines: parents.changed,
    });
  const renamed = isWriting ? await write(options) : 0;
  const shifts =
    options.dryRun === true && changesIn(counts) > 0
      ? await tryAudiences(tx, plan, today, () => write({ ...options, onProgress: undefined }))
      : [];
  return ok(
    await finishImport(tx, file, options, {
      importId,
      kind: 'organisations',
      counts,
      refusedRows,
      source,
      isWriting,
      renamed,
      notes: [...shifts, ...notes, ...closingNotes(plan, state.stored, rows), ...parents.notes],
    }),
  );
}

/** What closing dates bring with them, also those that the file takes away. */
function closingNotes(
  { changed }: OrganisationPlan,
  stored: ReadonlyMap<string, StoredOrganisation>,
  rows: readonly { readonly row: Pick<OrganisationRow, 'closedOn'> }[],
): string[] {
  const closed = rows.filter(({ row }) => row.closedOn).length;
  const opened = changed.filter(
    ({ code, closedOn }) => closedOn === null && stored.get(code)?.closedOn !== null,
  );
  const codes = opened.map(({ code }) => code);
  return [
    ...(closed === 0
      ? []
      : [`${closed} ${closed === 1 ? 'has' : 'have'} a closing date; nothing is sent after it.`]),
    ...(codes.length === 0
      ? []
      : [`${named(codes)}: no closing date any more, so they are told again.`]),
  ];
}

type Writing = {
  readonly importId: string;
  readonly source: 'csv' | 'ods';
  readonly options: ImportOptions;
  /** Parents by date that become different, by code of the child. */
  readonly lines: Lines;
};

const saidBy = { ods: 'File of ODS', csv: 'Imported file' } as const;

/** Says how many names of regions and systems it wrote beside the organisations. */
async function saveOrganisationPlan(
  tx: Tx,
  plan: OrganisationPlan,
  { importId, source, options, lines }: Writing,
): Promise<number> {
  const regions = [...plan.regions, ...plan.regionNames].map(({ code }) => code);
  const systems = plan.systems.map(({ code }) => code);
  const changes = [...plan.added, ...plan.changed];
  const renamed = await aroundPlaces(tx, { importId, regions, systems }, async () => {
    const made = await saveRegions(tx, plan.regions);
    const named = await nameBareRegions(tx, plan.regionNames);
    return made + named + (await saveSystems(tx, plan.systems));
  });
  let done = 0;
  const parts = partsOf(changes);
  for (const part of parts) {
    await keepOrganisations(tx, { importId, codes: part.map(({ code }) => code) });
    await saveOrganisations(tx, part, source);
    done += part.length;
    tellDone(options, true, done / changes.length);
  }
  // A parent may be of a later part than its child.
  for (const part of partsOf([...lines])) await saveLines(tx, part, saidBy[source]);
  for (const part of parts)
    await markOrganisations(tx, { importId, codes: part.map(({ code }) => code) });
  return renamed;
}

/** Brings a file of contacts into the directory. Contacts that the file does not name stay. */
export async function importContacts(
  tx: Tx,
  file: ImportFile,
  options: ImportOptions,
): Promise<Outcome<ImportResult>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed();
  const { mapping } = options;
  const reading = readContacts(file.bytes, options.rules, options.textPermissions, { mapping });
  const isWriting = options.dryRun !== true;
  await (isWriting ? lockImports(tx) : waitForImports(tx));
  const importId = newId(options.startedAt.getTime());
  const tally = newTally([]);
  const taken = await takeContacts(tx, reading, {
    importId: isWriting ? importId : undefined,
    options,
    async onTaken(rows, share) {
      countRows(tally, rows);
      await options.onRows?.(rows);
      tellShare(options, isWriting, share);
    },
  });
  if (!taken.ok) return taken;
  const { source, notes, ofClosed, isWritten } = taken.value;
  const refusedRows = inOrder(taken.value.refusedRows);
  await tellRefused(file, options, refusedRows);
  return ok(
    await finishImport(tx, file, options, {
      importId,
      kind: 'contacts',
      counts: { ...tally, refused: newTally(refusedRows).refused },
      refusedRows,
      notes: [...notes, ...closedNotes(ofClosed)],
      source,
      isWriting: isWritten,
      renamed: 0,
    }),
  );
}

function closedNotes(count: number): string[] {
  const who = count === 1 ? '1 belongs to an organisation' : `${count} belong to organisations`;
  return count === 0 ? [] : [`${who} that closed; nothing is sent there.`];
}

function partsOf<T>(rows: readonly T[]): T[][] {
  const count = Math.ceil(rows.length / ROWS_AT_ONCE);
  return Array.from({ length: count }, (_, i) =>
    rows.slice(i * ROWS_AT_ONCE, (i + 1) * ROWS_AT_ONCE),
  );
}

function inOrder(rows: readonly RefusedRow[]): RefusedRow[] {
  return rows.toSorted((a, b) => a.line - b.line);
}

function mayWrite(options: ImportOptions, refusedRows: readonly RefusedRow[]): boolean {
  return !options.dryRun && !(options.allOrNothing && refusedRows.length > 0);
}

function notAllowed(): Outcome<never> {
  return refused('forbidden', 'Your role may not change the directory.');
}
