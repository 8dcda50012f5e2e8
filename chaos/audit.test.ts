import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatReference } from '#dispatch/model.ts';
import { AcceptedCounts, judge, type LedgerLine, type MessageRow } from './audit.ts';

const [one, two] = [
  '01890000-0000-7000-8000-000000000001',
  '01890000-0000-7000-8000-000000000002',
] as const;
const installation = '01890000-0000-7000-8000-00000000000f';

function accepted(id: string, messageId: string, attempt = 1): LedgerLine {
  const reference = formatReference({ installation, messageId, epoch: 1, attempt });
  return { type: 'accepted', id, reference };
}

function judged(ledger: readonly LedgerLine[], rows: readonly MessageRow[]) {
  const counts = new AcceptedCounts();
  for (const line of ledger) counts.add(line);
  return judge(counts, rows);
}

describe('the judgement of a chaos run', () => {
  it('finds nothing where each message was accepted once', () => {
    const found = judged(
      [accepted('a', one), accepted('b', two)],
      [
        { id: one, state: 'delivered' },
        { id: two, state: 'accepted' },
      ],
    );
    const nothing = { lost: [], acceptedTwice: [], unknown: [], misstated: [] };
    assert.deepEqual(found, { messages: 2, ...nothing });
  });

  it('finds what was accepted twice, also of a message that the database lost', () => {
    const found = judged([accepted('a', one), accepted('b', one, 2)], []);
    assert.deepEqual(found.acceptedTwice, [one]);
  });

  it('does not count what the provider deleted again', () => {
    const ledger = [accepted('a', one), { type: 'deleted', id: 'a', reference: null }];
    const row = { id: one, state: 'accepted' } as const;
    assert.deepEqual(judged(ledger, [row]).lost, [one]);
    assert.deepEqual(judged([...ledger, accepted('b', one, 2)], [row]).acceptedTwice, []);
  });

  it('finds what is believed to be sent and never arrived', () => {
    assert.deepEqual(judged([], [{ id: one, state: 'delivered' }]).lost, [one]);
  });

  it('finds what nobody is certain of', () => {
    const rows: MessageRow[] = [{ id: one, state: 'unknown' }];
    assert.deepEqual(judged([accepted('a', one)], rows).unknown, [one]);
  });

  for (const state of ['rejected', 'cancelled', 'expired', 'suppressed'] as const)
    it(`finds what the provider has though it counts as ${state}`, () => {
      const row = { id: one, state };
      const deleted = { type: 'deleted', id: 'a', reference: null };
      assert.deepEqual(judged([accepted('a', one)], [row]).misstated, [one]);
      assert.deepEqual(judged([accepted('a', one), deleted], [row]).misstated, []);
    });

  it('passes over lines of other installations and other kinds', () => {
    const strange = { type: 'accepted', id: 'c', reference: 'of somebody else' };
    assert.deepEqual(judged([strange, { ...strange, type: 'status' }], []).acceptedTwice, []);
  });
});
