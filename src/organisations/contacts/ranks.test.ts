import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as holds, constantFrom, integer, property } from 'fast-check';
import { closeGap, directions, moveRank, type Ranked } from './ranks.ts';

const ranks = array(integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 });
const contactsOf = (list: readonly number[]): Ranked[] =>
  list.map((rank, i) => ({ id: `c${i}`, rank }));
const applied = (contacts: readonly Ranked[], changed: readonly Ranked[]): Ranked[] =>
  contacts.map((one) => changed.find(({ id }) => id === one.id) ?? one);

/** Who is told before whom, for all but one of them. */
function order(contacts: readonly Ranked[], exceptId: string): string {
  const others = contacts.filter(({ id }) => id !== exceptId);
  const signs = others.flatMap((a) => others.map((b) => Math.sign(a.rank - b.rank)));
  return signs.join();
}

const before = (contacts: readonly Ranked[], id: string) => {
  const { rank } = contacts.find((one) => one.id === id)!;
  return contacts.filter((one) => one.rank < rank).length;
};
const withIt = (contacts: readonly Ranked[], id: string) => {
  const { rank } = contacts.find((one) => one.id === id)!;
  return contacts.filter((one) => one.rank === rank).length;
};

test('one step moves one contact past its neighbours and leaves the order of the others', () => {
  holds(
    property(ranks, integer({ min: 0, max: 8 }), constantFrom(...directions), (list, at, way) => {
      const contacts = contactsOf(list);
      const id = `c${at % list.length}`;
      const moved = moveRank(contacts, id, way);
      if (!moved.ok) return;
      const after = applied(contacts, moved.value);
      assert.ok(after.every(({ rank }) => rank >= 1 && rank <= 9));
      assert.equal(order(after, id), order(contacts, id));
      const shared = withIt(contacts, id) > 1;
      const change = before(after, id) - before(contacts, id);
      if (shared) {
        assert.equal(withIt(after, id), 1);
        assert.equal(change, way === 'earlier' ? 0 : withIt(contacts, id) - 1);
      } else assert.ok(way === 'earlier' ? change < 0 : change > 0);
    }),
  );
});

test('nobody moves past the ends, and a full chain is said to be full', () => {
  const three = contactsOf([1, 2, 3]);
  assert.equal(moveRank(three, 'c0', 'earlier').ok, false);
  assert.equal(moveRank(three, 'c2', 'later').ok, false);
  assert.equal(moveRank(three, 'gone', 'later').ok, false);
  const full = moveRank(contactsOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 9]), 'c9', 'later');
  assert.match(full.ok ? '' : full.message, /ranks 1 to 9/);
  assert.deepEqual(moveRank(three, 'c1', 'earlier'), {
    ok: true,
    value: [
      { id: 'c1', rank: 1 },
      { id: 'c0', rank: 2 },
    ],
  });
});

test('whoever leaves a rank empty lets the later ones move up', () => {
  assert.deepEqual(closeGap(contactsOf([2, 3]), 1), [
    { id: 'c0', rank: 1 },
    { id: 'c1', rank: 2 },
  ]);
  assert.deepEqual(closeGap(contactsOf([1, 1, 2]), 1), []);
});
