/** Of a split: who below the one that hands over is given to which part by name. */
import { may } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { readLines } from '../store-parents.ts';
import { childrenBelow, handingOverOf, takersOf } from './lines.ts';
import { findSuccession, giveChildren, listBodies } from './store-succession.ts';
import { isOpen } from './succeed.ts';

/** Codes. */
export type Place = {
  readonly child: string;
  /** Null: whoever takes the others. */
  readonly successor: string | null;
};

/** Says below whom each of these comes to stand; of those who are not named nothing changes. */
export async function placeChildren(
  tx: Tx,
  { id, places }: { readonly id: string; readonly places: readonly Place[] },
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write'))
    return refused('forbidden', 'Your role may not change the directory.');
  const found = await findSuccession(tx, id);
  if (found === undefined) return refused('not_found', 'There is no such merger or split.');
  if (!isOpen(found.state)) return refused('conflict', 'It is done or withdrawn already.');
  const over = handingOverOf(found);
  const below = childrenBelow(await readLines(tx), over);
  const wrong = places.flatMap(({ child, successor }) => {
    const parent = below.get(child);
    if (parent === undefined) return `${child} stands below none of those who hand over`;
    const takers = takersOf(over, parent);
    if (successor === null || takers.includes(successor)) return [];
    return `${child} goes to ${takers.join(' or ')}, not to ${successor}`;
  });
  if (wrong.length > 0) {
    const why = wrong.slice(0, WRONG_MAX).join('; ');
    return refused('invalid', 'Put right what is marked below.', { places: why });
  }
  if (places.length === 0) return ok(undefined);
  const bodies = await listBodies(
    tx,
    places.map(({ child }) => child),
  );
  const idOf = new Map([...bodies, ...found.successors].map((body) => [body.code, body.id]));
  await giveChildren(
    tx,
    id,
    places.map(({ child, successor }) => ({
      childId: idOf.get(child)!,
      // Who takes the others is where it would come to stand anyway.
      successorId:
        successor === null || successor === takersOf(over, below.get(child)!)[0]
          ? null
          : idOf.get(successor)!,
    })),
  );
  const said = places.map(({ child, successor }) => `${child} ${successor ?? ''}`.trim());
  await record(tx, {
    action: 'succession.children_given',
    subject: { kind: 'succession', id },
    detail: { places: said },
  });
  return ok(undefined);
}

/** More would be read by nobody. */
const WRONG_MAX = 5;
