/** What a merger or split would do, before anybody decides: whom, and which audiences, it moves. */
import { actorId } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { listOrganisationHolders, type OrganisationHolder } from '#identity/index.ts';
import { listAudiencesInUse, membersOfEach } from '../audiences/losses.ts';
import { stretchOn } from '../parents.ts';
import { readLines } from '../store-parents.ts';
import { tryOut } from '../store-trial.ts';
import {
  countOpenDispatches,
  findSuccession,
  listHolders,
  markConfirmed,
  type SuccessionRow,
} from './store-succession.ts';
import { handOverDirectory, heirsAt, hindranceOf, isOpen } from './succeed.ts';
import { childrenBelow, handingOverOf, successionLines, takersOf } from './lines.ts';
import { dayBefore, successorsOf, warningsOf, type Body, type Heir } from './succession.ts';

/** An audience that has some who hand over on their last day, and on the next no one for them. */
export type AudienceLoss = {
  readonly id: string;
  readonly name: string;
  readonly lost: readonly Body[];
};

export type SuccessionPreview = SuccessionRow & {
  /** Of each successor: whom it will have, and what a reader should know. */
  readonly after: readonly {
    readonly body: Body;
    readonly heirs: readonly Heir[];
    readonly warnings: readonly string[];
  }[];
  /** A sentence, where it waits until a successor is open on its day. */
  readonly hindrance: string | undefined;
  /** Saved audiences that lose somebody by it. */
  readonly losses: readonly AudienceLoss[];
  /** Who keeps the contacts of a predecessor, and will keep those of each successor. */
  readonly keepers: readonly OrganisationHolder[];
  /** Alerts still being sent that count for a predecessor. */
  readonly openDispatches: number;
  /** Organisations below a predecessor on that day. */
  readonly below: {
    /** That come to stand below a successor, and below which. */
    readonly moved: readonly { readonly to: Body; readonly count: number }[];
    /** That stay below one that goes on, or would come to stand below themselves. */
    readonly left: number;
    /** Of a split that is to come: who may go to several, and to whom; first who takes the rest. */
    readonly shared: readonly { readonly code: string; readonly takers: readonly string[] }[];
  };
};

/** What it would do if it were carried out now. */
export async function previewSuccession(
  tx: Tx,
  id: string,
): Promise<SuccessionPreview | undefined> {
  const found = await findSuccession(tx, id);
  if (found === undefined) return undefined;
  const holders = await listHolders(tx, id);
  return {
    ...found,
    after: found.successors.map((body) => {
      const heirs = heirsAt(found, body, holders);
      return { body, heirs, warnings: warningsOf(heirs) };
    }),
    hindrance: hindranceOf(found),
    losses: await listLosses(tx, found),
    keepers: isOpen(found.state)
      ? await listOrganisationHolders(
          tx,
          found.predecessors.map((body) => body.id),
        )
      : [],
    openDispatches: await countOpenDispatches(tx, id),
    below: await readBelow(tx, found),
  };
}

/** Carried out for a look, and taken back: what audiences ask is asked of that day. */
async function listLosses(tx: Tx, row: SuccessionRow): Promise<AudienceLoss[]> {
  if (!isOpen(row.state) || hindranceOf(row) !== undefined) return [];
  const audiences = await listAudiencesInUse(tx);
  const amongEach = (onDate: string, bodies: readonly Body[]) =>
    membersOfEach(tx, audiences, { onDate, organisationIds: bodies.map(({ id }) => id) });
  const before = await amongEach(dayBefore(row.onDate), row.predecessors);
  const after = await tryOut(tx, async () => {
    await markConfirmed(tx, row.id, actorId(tx.actor));
    await handOverDirectory(tx, row);
    return await amongEach(row.onDate, row.successors);
  });
  return audiences.flatMap(({ id, name }, i) => {
    const isFollowed = (body: Body) =>
      successorsOf(row, body.id).some((successor) => after[i]!.has(successor.id));
    const lost = row.predecessors.filter((body) => before[i]!.has(body.id) && !isFollowed(body));
    return lost.length > 0 ? [{ id, name, lost }] : [];
  });
}

async function readBelow(tx: Tx, row: SuccessionRow): Promise<SuccessionPreview['below']> {
  const over = handingOverOf(row);
  const lines = await readLines(tx);
  const changed = successionLines(lines, over);
  const below = [...childrenBelow(lines, over)];
  const parentThen = (code: string) => stretchOn(changed.get(code) ?? [], over.onDate)?.parent;
  const counts = Map.groupBy(
    below.filter(([code]) => changed.has(code)),
    ([code]) => parentThen(code),
  );
  const moved = row.successors.flatMap((to) => {
    const count = counts.get(to.code)?.length ?? 0;
    return count === 0 ? [] : [{ to, count }];
  });
  const left = below.length - moved.reduce((sum, { count }) => sum + count, 0);
  const shared = below.map(([code, parent]) => ({ code, takers: takersOf(over, parent) }));
  return {
    moved,
    left,
    shared: isOpen(row.state) ? shared.filter(({ takers }) => takers.length > 1) : [],
  };
}
