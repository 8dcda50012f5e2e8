/**
 * The Merkle tree of RFC 9162, section 2.1, by positions: which complete subtrees a root or a proof
 * is made of. Whoever asks looks their hashes up and folds them. Pure.
 */
import { createHash } from 'node:crypto';

/** Level 0 is a leaf; a subtree of level n covers 2^n leaves from `position * 2^n` on. */
export type Subtree = { readonly level: number; readonly position: number };

/** Complete subtrees, left to right, that together are one hash of a proof, or a root. */
export type Span = readonly Subtree[];

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export const EMPTY_ROOT = sha256();

const NODE = Buffer.from([1]);

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(NODE, left, right);
}

/** The hash over neighbouring complete subtrees, the largest first. */
export function fold(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 0) return EMPTY_ROOT;
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** What the root over the first `size` leaves is made of. */
export function rootSpan(size: number): Span {
  return spanOf(0, size);
}

/** `start` is a multiple of the largest power of two in `end - start`, as it is in every proof. */
function spanOf(start: number, end: number): Span {
  const span: Subtree[] = [];
  for (let at = start; at < end;) {
    const level = Math.floor(Math.log2(end - at));
    span.push({ level, position: at / 2 ** level });
    at += 2 ** level;
  }
  return span;
}

/** The hashes that show the leaf at `position` in the tree over `size` leaves (2.1.3). */
export function inclusionSpans(position: number, size: number): Span[] {
  const spans: Span[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (position < middle) {
      spans.push(spanOf(middle, end));
      end = middle;
    } else {
      spans.push(spanOf(start, middle));
      start = middle;
    }
  }
  return spans.reverse();
}

/** The hashes that show that the tree over `first` leaves is the beginning of that over `size`. */
export function consistencySpans(first: number, size: number): Span[] {
  if (first === 0 || first === size) return [];
  const spans: Span[] = [];
  let [start, end, isWhole] = [0, size, true];
  while (first !== end) {
    const middle = start + splitOf(end - start);
    if (first <= middle) {
      spans.push(spanOf(middle, end));
      end = middle;
    } else {
      spans.push(spanOf(start, middle));
      [start, isWhole] = [middle, false];
    }
  }
  if (!isWhole) spans.push(spanOf(start, end));
  return spans.reverse();
}

/** The largest power of two below `size`. */
function splitOf(size: number): number {
  return 2 ** Math.ceil(Math.log2(size) - 1);
}

/** The last leaves of both trees, as far up as the proof has come. */
type Pair = readonly [first: number, second: number];

/** Whether `proof` shows that the tree with the second root begins with the first (2.1.4.2). */
export function isConsistent(
  first: { readonly size: number; readonly root: Uint8Array },
  second: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (first.size > second.size) return false;
  if (first.size === 0) return proof.length === 0;
  if (first.size === second.size)
    return proof.length === 0 && Buffer.from(first.root).equals(second.root);
  const isPower = Number.isInteger(Math.log2(first.size));
  const [seed, ...rest] = isPower ? [first.root, ...proof] : proof;
  if (seed === undefined) return false;
  const up = ([a, b]: Pair): Pair => [Math.floor(a / 2), Math.floor(b / 2)];
  let nodes: Pair = [first.size - 1, second.size - 1];
  while (nodes[0] % 2 === 1) nodes = up(nodes);
  let [firstRoot, secondRoot]: [Uint8Array, Uint8Array] = [seed, seed];
  for (const hash of rest) {
    if (nodes[1] === 0) return false;
    if (nodes[0] % 2 === 1 || nodes[0] === nodes[1]) {
      firstRoot = nodeHash(hash, firstRoot);
      secondRoot = nodeHash(hash, secondRoot);
      while (nodes[0] % 2 === 0 && nodes[0] !== 0) nodes = up(nodes);
    } else secondRoot = nodeHash(secondRoot, hash);
    nodes = up(nodes);
  }
  const isEqual = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
  return nodes[1] === 0 && isEqual(firstRoot, first.root) && isEqual(secondRoot, second.root);
}
