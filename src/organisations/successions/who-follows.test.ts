/** What may follow what, and whom a successor has: the pure part of mergers and splits. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  dayBefore,
  heirsOf,
  successionErrors,
  warningsOf,
  type Body,
  type Holder,
} from './succession.ts';

describe('what may follow what', () => {
  const body = (code: string, dates: Partial<Body> = {}): Body => ({
    id: code,
    code,
    name: code,
    openedOn: null,
    closedOn: null,
    ...dates,
  });
  const errors = (predecessors: Body[], successors: Body[]) =>
    Object.keys(
      successionErrors({
        onDate: '2026-04-01',
        predecessors,
        successors,
        parts: predecessors.flatMap(({ id: predecessorId }) =>
          successors.map(({ id }) => ({ predecessorId, successorId: id, takesChildren: false })),
        ),
      }),
    );

  it('names on both sides, open on the day', () => {
    assert.deepEqual(errors([body('A')], [body('B')]), []);
    assert.deepEqual(errors([], []), ['predecessors', 'successors']);
    assert.deepEqual(errors([body('A', { closedOn: '2026-03-30' })], [body('B')]), [
      'predecessors',
    ]);
    assert.deepEqual(errors([body('A', { closedOn: '2026-03-31' })], [body('B')]), []);
    assert.deepEqual(errors([body('A')], [body('B', { openedOn: '2026-04-02' })]), ['successors']);
    assert.deepEqual(errors([body('A')], [body('B', { closedOn: '2026-03-31' })]), ['successors']);
    assert.deepEqual(errors([body('A')], [body('A')]), ['successors']);
    assert.deepEqual(errors([body('A', { openedOn: '2026-04-01' })], [body('B')]), [
      'predecessors',
    ]);
  });

  const holder = (
    code: string,
    name: string,
    rank: number,
    more: Partial<Holder> = {},
  ): Holder => ({
    id: `${code}-${name}`,
    organisationId: code,
    code,
    name,
    nameKey: name.toLowerCase(),
    role: 'ciso',
    rank,
    active: true,
    text: 'one',
    mail: null,
    ...more,
  });

  it('says what a reader should know', () => {
    assert.match(warningsOf([])[0]!, /Nobody can be told here/);
    assert.match(warningsOf(heirsOf('C', [holder('A', 'Sam', 2)]))[0]!, /Nobody has rank 1/);
    const [sam] = heirsOf('C', [holder('A', 'Sam', 2), holder('B', 'SAM', 1)]);
    assert.deepEqual(sam, {
      name: 'SAM',
      role: 'ciso',
      rank: 1,
      from: ['A', 'B'],
      contactIds: ['B-SAM', 'A-Sam'],
    });
  });

  it('two of one name and role are one only where alerts go to the same', () => {
    const named = (...holders: Holder[]) => heirsOf('C', holders).map(({ name }) => name);
    const post = (code: string, text: string | null, more: Partial<Holder> = {}) =>
      holder(code, 'On call', 1, { text, ...more });
    assert.deepEqual(named(post('A', 'one'), post('B', 'two')), ['On call', 'On call (B)']);
    assert.deepEqual(named(post('C', 'one'), post('A', 'two'), post('B', 'two')), [
      'On call',
      'On call (A)',
    ]);
    assert.deepEqual(named(post('A', 'one'), post('B', null, { mail: 'm' })), [
      'On call',
      'On call (B)',
    ]);
    assert.deepEqual(named(post('A', 'one', { mail: 'm' }), post('B', 'one')), ['On call']);
    // One who left the successor: an old number must not come before the one of today.
    assert.deepEqual(named(post('C', 'old', { active: false }), post('A', 'one')), ['On call (A)']);
    assert.deepEqual(named(post('C', 'one', { active: false }), post('A', 'one')), ['On call']);
    assert.deepEqual(named(post('C', 'one', { active: false })), []);
  });

  it('counts days over months, years and leap days', () => {
    assert.deepEqual(['2026-04-01', '2026-01-01', '2028-03-01'].map(dayBefore), [
      '2026-03-31',
      '2025-12-31',
      '2028-02-29',
    ]);
  });
});
