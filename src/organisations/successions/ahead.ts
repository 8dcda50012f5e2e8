/**
 * The directory on a day to come. Mergers and splits that are confirmed until then are carried out
 * for a look, as the worker will, and taken back: so whatever is asked inside, contacts, parents,
 * uses, tags and who is of an audience, is as it will be.
 */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { refusedPage, type Reply } from '#web/index.ts';
import type { AsAt } from '../as-at.ts';
import { keepImportsOut } from '../contacts/store-contacts.ts';
import { handOverDirectory, hindranceOf } from './succeed.ts';
import { tryOut } from '../store-trial.ts';
import { findSuccession, listUntil, type SuccessionRow } from './store-succession.ts';

/** What of the plans until a day is in what is looked at, by day. */
export type Ahead = {
  readonly done: readonly SuccessionRow[];
  /** Confirmed, but nobody could be told at a successor: nobody closes until that is put right. */
  readonly waiting: readonly SuccessionRow[];
  /** Not decided, so not in it. */
  readonly planned: readonly SuccessionRow[];
};

const nothingAhead: Ahead = { done: [], waiting: [], planned: [] };

/** Of today and of a past day nothing is carried out. Refused while a file is being imported. */
export async function lookAhead<T>(
  tx: Tx,
  asAt: AsAt | undefined,
  look: (ahead: Ahead) => Promise<T>,
): Promise<Outcome<T>> {
  if (asAt === undefined || asAt.isPast) return ok(await look(nothingAhead));
  const until = await listUntil(tx, asAt.day);
  const planned = until.filter(({ state }) => state === 'planned');
  const confirmed = until.filter(({ state }) => state === 'confirmed');
  if (confirmed.length === 0) return ok(await look({ ...nothingAhead, planned }));
  return await tryOut(tx, async () => {
    // Both write the same rows: they would wait for each other, and one might be given up.
    if (!(await keepImportsOut(tx))) return importRuns;
    const done: SuccessionRow[] = [];
    const waiting: SuccessionRow[] = [];
    for (const { id } of confirmed) {
      // Read anew: one before it may have closed who takes part.
      const row = (await findSuccession(tx, id))!;
      const isHindered = hindranceOf(row) !== undefined;
      if (!isHindered) await handOverDirectory(tx, row);
      (isHindered ? waiting : done).push(row);
    }
    return ok(await look({ done, waiting, planned }));
  });
}

/** The same for a page. */
export async function showAhead(
  tx: Tx,
  asAt: AsAt | undefined,
  show: (ahead: Ahead) => Promise<Reply>,
): Promise<Reply> {
  const seen = await lookAhead(tx, asAt, show);
  return seen.ok ? seen.value : refusedPage(seen);
}

const importRuns = refused(
  'unavailable',
  'A file is being checked or imported just now, and that day is told with mergers and splits carried out. Try again in a moment.',
);
