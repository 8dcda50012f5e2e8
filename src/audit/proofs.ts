/** Roots and proofs of the log, from the subtrees that are kept. */
import type { Tx } from '#db/database.ts';
import { selectSubtrees } from './store-log.ts';
import {
  consistencySpans,
  fold,
  inclusionSpans,
  rootSpan,
  type Span,
  type Subtree,
} from './tree.ts';

export async function readRoot(tx: Tx, size: number): Promise<Buffer> {
  const [root] = await hashesOf(tx, [rootSpan(size)]);
  return root!;
}

/** Whether the log, as it is at `size`, begins with what was signed. */
export async function isBeginning(
  tx: Tx,
  known: { readonly size: number; readonly root: Buffer },
  size: number,
): Promise<boolean> {
  return known.size <= size && (await readRoot(tx, known.size)).equals(known.root);
}

/** That the log at `size` goes on from that at `first`. */
export async function proveConsistency(tx: Tx, first: number, size: number): Promise<Buffer[]> {
  return await hashesOf(tx, consistencySpans(first, size));
}

/** That each of these positions is in the log at `size`; in one look-up. */
export async function proveInclusion(
  tx: Tx,
  positions: readonly number[],
  size: number,
): Promise<Map<number, Buffer[]>> {
  const spans = positions.map((position) => inclusionSpans(position, size));
  const hashes = await hashesOf(tx, spans.flat());
  let at = 0;
  const take = (count: number) => hashes.slice(at, (at += count));
  return new Map(positions.map((position, i) => [position, take(spans[i]!.length)]));
}

async function hashesOf(tx: Tx, spans: readonly Span[]): Promise<Buffer[]> {
  const asked = new Map(spans.flat().map((subtree) => [keyOf(subtree), subtree]));
  const found = new Map<string, Buffer>();
  for (const row of await selectSubtrees(tx, [...asked.values()])) found.set(keyOf(row), row.hash);
  // One that is gone folds as nothing: the hash is then wrong, and whoever compares it says so.
  const hashOf = (subtree: Subtree) => found.get(keyOf(subtree)) ?? Buffer.alloc(0);
  return spans.map((span) => fold(span.map(hashOf)));
}

function keyOf({ level, position }: Subtree): string {
  return `${level}/${position}`;
}
