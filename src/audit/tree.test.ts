import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as assertProperty, integer, property } from 'fast-check';
import {
  consistencySpans,
  fold,
  inclusionSpans,
  isConsistent,
  nodeHash,
  rootSpan,
  sha256,
  type Span,
} from './tree.ts';

/** The tree as RFC 9162 defines it, word for word. */
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(mth(leaves.slice(0, split)), mth(leaves.slice(split)));
}

const leaves = Array.from({ length: 300 }, (_, i) => sha256(Buffer.from([0]), Buffer.from(`${i}`)));

function hashOf(span: Span): Buffer {
  return fold(
    span.map(({ level, position }) =>
      mth(leaves.slice(position * 2 ** level, (position + 1) * 2 ** level)),
    ),
  );
}

const rootOf = (size: number) => ({ size, root: hashOf(rootSpan(size)) });

test('roots are those of the vectors that certificate transparency tests with', () => {
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'];
  inputs.push('606162636465666768696a6b6c6d6e6f');
  const known = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];
  const hashes = inputs.map((hex) => sha256(Buffer.from([0]), Buffer.from(hex, 'hex')));
  known.forEach((root, size) => {
    const spans = rootSpan(size).map(({ level, position }) =>
      mth(hashes.slice(position * 2 ** level, (position + 1) * 2 ** level)),
    );
    assert.equal(fold(spans).toString('hex'), root, `${size} leaves`);
  });
});

test('the root of every size is that of the definition', () => {
  for (let size = 0; size <= leaves.length; size++)
    assert.deepEqual(rootOf(size).root, mth(leaves.slice(0, size)), `${size} leaves`);
});

test('consistency proofs lead from any size to any later one, and from no other root', () => {
  const sizes = integer({ min: 0, max: leaves.length });
  assertProperty(
    property(sizes, sizes, (a, b) => {
      const [first, second] = [rootOf(Math.min(a, b)), rootOf(Math.max(a, b))];
      const proof = consistencySpans(first.size, second.size).map(hashOf);
      assert.ok(isConsistent(first, second, proof));
      if (first.size === 0) return;
      const forged = { ...first, root: sha256(first.root) };
      assert.equal(isConsistent(forged, second, proof), false);
      assert.equal(isConsistent(first, { ...second, root: sha256(second.root) }, proof), false);
      assert.equal(isConsistent(first, second, [...proof, leaves[0]!]), false);
      if (proof.length > 0) assert.equal(isConsistent(first, second, proof.slice(1)), false);
      if (first.size < second.size) assert.equal(isConsistent(second, first, proof), false);
    }),
    { numRuns: 500 },
  );
});

test('an inclusion proof has the hash of every other half, from the leaf up', () => {
  for (const size of [1, 2, 3, 7, 8, 100, 300])
    for (let position = 0; position < size; position++) {
      let hash = leaves[position]!;
      const path = inclusionSpans(position, size);
      for (const span of path) {
        const first = span[0]!.position * 2 ** span[0]!.level;
        hash = first > position ? nodeHash(hash, hashOf(span)) : nodeHash(hashOf(span), hash);
      }
      assert.deepEqual(hash, rootOf(size).root, `${position} of ${size}`);
    }
});
