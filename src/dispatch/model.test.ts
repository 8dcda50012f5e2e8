import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ledgerPartOf } from './ledger.ts';
import {
  afterLookup,
  backoffMs,
  formatReference,
  isStuck,
  moves,
  parseReference,
  stateAfter,
  states,
  statesBefore,
  type Found,
  type LookupStep,
  type MessageState,
} from './model.ts';

const all = Object.keys(states) as MessageState[];
const targets = (from: MessageState): readonly MessageState[] => moves[from];

/**
 * How much is known of a message. Between the states of one rank it may go to and fro (a request
 * that surely did not leave is tried again); to a lower one never (P6).
 */
const knowledge: Record<MessageState, number> = {
  held: 0,
  ready: 1,
  claimed: 1,
  unknown: 1,
  accepted: 2,
  uncertain_closed: 2,
  undelivered: 3,
  delivered: 4,
  rejected: 4,
  cancelled: 4,
  expired: 4,
  suppressed: 4,
};

describe('the table of moves', () => {
  it('knows each state, and each target is a state', () => {
    assert.deepEqual(Object.keys(moves).sort(), [...all].sort());
    for (const from of all) {
      for (const to of targets(from)) assert.ok(all.includes(to), `${from} to ${to}`);
      assert.equal(new Set(targets(from)).size, targets(from).length, `${from} repeats a target`);
      assert.ok(!targets(from).includes(from), `${from} moves to itself`);
    }
  });

  it('ends: every state is reached from held and leads to a final one', () => {
    const reach = (start: MessageState) => {
      const seen = new Set([start]);
      for (const state of seen) for (const to of targets(state)) seen.add(to);
      return seen;
    };
    assert.deepEqual([...reach('held')].sort(), [...all].sort());
    const final = all.filter((state) => targets(state).length === 0);
    assert.deepEqual(final.sort(), ['cancelled', 'delivered', 'expired', 'rejected', 'suppressed']);
    for (const state of all)
      assert.ok(
        final.some((end) => reach(state).has(end)),
        state,
      );
  });

  it('never forgets, whatever the order of events (P6)', () => {
    const events = fc.array(fc.nat(50), { maxLength: 60 });
    fc.assert(
      fc.property(events, (choices) => {
        let state: MessageState = 'held';
        for (const choice of choices) {
          const next: MessageState | undefined = targets(state)[choice % targets(state).length];
          if (next === undefined) return;
          assert.ok(knowledge[next] >= knowledge[state], `${state} to ${next}`);
          if (ledgerPartOf[next] === 'neverSent') assert.equal(targets(next).length, 0);
          state = next;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is read backwards by statesBefore', () => {
    for (const from of all)
      for (const to of all)
        assert.equal(statesBefore(to).includes(from), targets(from).includes(to));
  });

  it('takes the end of each request to where a claimed message may go', () => {
    for (const to of Object.values(stateAfter)) assert.ok(targets('claimed').includes(to), to);
  });
});

describe('a reference', () => {
  const reference = fc.record({
    installation: fc.uuid(),
    messageId: fc.uuid(),
    epoch: fc.integer({ min: 1, max: 999_999_999 }),
    attempt: fc.integer({ min: 1, max: 9_999 }),
  });

  it('can be read back, but for the length of the installation', () => {
    fc.assert(
      fc.property(reference, (parts) => {
        const read = parseReference(formatReference(parts));
        assert.deepEqual(read, { ...parts, installation: parts.installation.slice(0, 8) });
      }),
    );
  });

  it('is different for each attempt, epoch and message', () => {
    fc.assert(
      fc.property(reference, reference, (a, b) => {
        const same = JSON.stringify(parseReference(formatReference(a)));
        assert.equal(
          formatReference(a) === formatReference(b),
          same === JSON.stringify(parseReference(formatReference(b))),
        );
      }),
    );
  });

  it('of anybody else is none of ours', () => {
    fc.assert(fc.property(fc.string(), (text) => parseReference(text) === undefined));
    const ours = formatReference({
      installation: '01234567-0000-4000-8000-000000000000',
      messageId: '11111111-1111-4111-8111-111111111111',
      epoch: 1,
      attempt: 2,
    });
    assert.equal(ours, 'tocsin-01234567-11111111-1111-4111-8111-111111111111-1-2');
    for (const text of [
      `${ours}\n`,
      ` ${ours}`,
      `${ours}-3`,
      ours.toUpperCase(),
      ours.slice(0, -2),
    ])
      assert.equal(parseReference(text), undefined, text);
  });
});

describe('waiting', () => {
  it('backs off by doubling, from two seconds to one minute', () => {
    assert.equal(backoffMs(1), 2_000);
    assert.equal(backoffMs(2), 4_000);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32_767 }), (attempt) => {
        assert.ok(backoffMs(attempt) >= 2_000 && backoffMs(attempt) <= 60_000);
        assert.ok(backoffMs(attempt + 1) >= backoffMs(attempt));
      }),
    );
  });
});

describe('after a look-up', () => {
  const adopt: LookupStep = { kind: 'adopt', providerId: 'p' };
  const again = (absences: number, inMs = 15_000): LookupStep => ({
    kind: 'ask_again',
    absences,
    inMs,
  });
  const found = (status: string): Found => ({ answer: 'found', providerId: 'p', status });
  const cells: [Found, number, LookupStep][] = [
    [{ answer: 'absent' }, 0, again(1)],
    [{ answer: 'absent' }, 1, { kind: 'requeue' }],
    [{ answer: 'absent' }, 2, { kind: 'requeue' }],
    [{ answer: 'cannot_tell' }, 0, again(0)],
    // One "absent" before it counts no more: only two in a row are a proof.
    [{ answer: 'cannot_tell' }, 1, again(0)],
    [found('created'), 0, again(0, 30_000)],
    [found('created'), 1, again(0, 30_000)],
    [found('sending'), 0, adopt],
    [found('sending'), 1, adopt],
    [found('delivered'), 0, adopt],
    [found('permanent-failure'), 1, adopt],
    [found('a word of tomorrow'), 0, adopt],
  ];
  for (const [answer, absences, step] of cells) {
    const status = answer.answer === 'found' ? ` ${answer.status}` : '';
    it(`${answer.answer}${status} after ${absences} absences: ${step.kind}`, () => {
      assert.deepEqual(afterLookup(answer, { absences, gapMs: 15_000 }), step);
    });
  }

  it('an operator is told of a text that is in `created` for ten minutes', () => {
    assert.ok(!isStuck(found('created'), 599_999));
    assert.ok(isStuck(found('created'), 600_000));
    assert.ok(!isStuck(found('sending'), 600_000));
    assert.ok(!isStuck({ answer: 'absent' }, 600_000));
  });
});
