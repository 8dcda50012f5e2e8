import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addMoves, countedOf, tallyPaths } from './counted.ts';
import type { Move } from './notice.ts';
import type { Heap } from './store.ts';

const heap = { channel: 'text', home: 'notify', gateway: 'notify', isFirst: true } as const;

function start(...heaps: Heap[]) {
  const nobody = { snapshot: '10:10:', standings: [] };
  return countedOf(nobody, { snapshot: '10:10:', heaps }, 0);
}

test('what workers held is no more of a path than is still to come of it', () => {
  const counted = start(
    { ...heap, gateway: null, state: 'ready', messages: 3 },
    { ...heap, state: 'claimed', messages: 5 },
  );
  const [before] = tallyPaths(counted);
  assert.deepEqual([before?.waiting, before?.underWay, before?.planned], [3, 5, 8]);
  const moves: Move[] = [
    {
      channel: 'text',
      home: 'notify',
      gatewayBefore: 'notify',
      gatewayNow: 'notify',
      isFirst: true,
      reminds: false,
      was: 'claimed',
      became: 'accepted',
      messages: 6,
      organisations: [],
    },
  ];
  addMoves(counted, { about: 'one', news: { kind: 'moves', transaction: 12, moves } }, 1);
  const [after] = tallyPaths(counted);
  assert.deepEqual([after?.waiting, after?.underWay, after?.accepted], [0, 2, 6]);
  assert.equal(after?.planned, 8);
});
