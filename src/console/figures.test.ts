/** What a board makes of what was counted: pure, so tried without a database. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { csvOf } from './csv.ts';
import { drawCurve } from './curve.ts';
import { funnelOf, tallyOf } from './figures.ts';
import { fieldMinute, momentOf } from './parse.ts';
import { lastLeavesInMs, pathsOf } from './paths.ts';
import type { GatewayRow } from './store.ts';

describe('figures', () => {
  it('what the bucket holds leaves at once, the rest at its rate', () => {
    assert.equal(lastLeavesInMs({ waiting: 900, tokens: 980, ratePerSecond: 49.5 }), 0);
    assert.equal(lastLeavesInMs({ waiting: 1079, tokens: 980, ratePerSecond: 49.5 }), 2000);
    assert.equal(lastLeavesInMs({ waiting: 99, tokens: -5, ratePerSecond: 49.5 }), 2000);
  });

  it('a curve without answers is flat and says so', () => {
    const curve = drawCurve({ answers: [], mustAnswer: 4, elapsedMinutes: 3, deadlineMinutes: 60 });
    assert.equal(
      curve.summary,
      '0 of 4 organisations acknowledged 3 min after release; the deadline is in 57 min.',
    );
    assert.doesNotMatch(curve.line + curve.area, /NaN/);
  });

  it('a curve reaches to the deadline, or says how far it is', () => {
    const at = (elapsedMinutes: number, deadlineMinutes: number) =>
      drawCurve({ answers: [1], mustAnswer: 4, elapsedMinutes, deadlineMinutes });
    const near = at(20, 60);
    assert.equal(near.deadline?.isBeyond, false);
    assert.equal(near.deadline?.label, 'deadline in 40 min');
    assert.ok(near.deadline.x < near.plot.right && near.tip.x < near.deadline.x);
    const far = at(420, 48 * 60);
    assert.deepEqual([far.deadline?.isBeyond, far.deadline?.x], [true, far.plot.right]);
    assert.equal(far.deadline?.label, 'deadline in 41 h');
    assert.equal(at(0, 14 * 24 * 60).deadline?.label, 'deadline in 14 days');
    assert.equal(at(90, 60).deadline?.label, 'deadline');
    assert.match(at(90, 60).summary, /the deadline was 30 min ago\.$/);
    assert.equal(at(90, Infinity).deadline, undefined);
  });

  it('a curve of ten thousand answers is no longer than the picture is wide', () => {
    const answers = Array.from({ length: 10_000 }, (_, i) => i / 200);
    const curve = drawCurve({
      answers,
      mustAnswer: 12_000,
      elapsedMinutes: 60,
      deadlineMinutes: 60,
    });
    assert.ok(curve.line.length < 10_000, `${curve.line.length} characters`);
    assert.match(curve.summary, /^10000 of 12000/);
  });

  it('a channel tells of each of its gateways, and when the slowest bucket is empty', () => {
    const gateway = (id: string, bucketId: string, ratePerSecond: number) =>
      ({ id, bucketId, ratePerSecond, channel: 'text', enabled: true, tokens: 0 }) as GatewayRow;
    const row = {
      planned: 0,
      waiting: 0,
      underWay: 0,
      accepted: 0,
      delivered: 0,
      failed: 0,
      unknown: 0,
      cancelled: 0,
    };
    const now = new Date(0);
    const gateways = [gateway('a', 'x', 10), gateway('b', 'x', 10), gateway('c', 'y', 1)];
    const text = { ...row, channel: 'text' as const };
    const paths = (rows: { gatewayId: string | null; waiting: number; planned: number }[]) =>
      pathsOf(
        rows.map((one) => ({ ...text, ...one })),
        gateways,
        now,
      );
    const [both] = paths([
      { gatewayId: 'a', waiting: 50, planned: 60 },
      { gatewayId: 'b', waiting: 50, planned: 50 },
      { gatewayId: 'c', waiting: 5, planned: 5 },
    ]);
    assert.deepEqual([both?.planned, both?.waiting], [115, 105]);
    assert.equal(both?.lastLeavesAt?.getTime(), 10_000, 'a and b draw on one bucket');
    assert.deepEqual(
      both?.gateways.map(({ gateway: { id }, messages }) => [id, messages?.planned]),
      [
        ['a', 60],
        ['b', 50],
        ['c', 5],
      ],
    );
    const [slow] = paths([{ gatewayId: 'c', waiting: 30, planned: 30 }]);
    assert.equal(slow?.lastLeavesAt?.getTime(), 30_000);
    const [done] = paths([{ gatewayId: 'a', waiting: 0, planned: 30 }]);
    assert.equal(done?.lastLeavesAt, undefined);
  });

  it('the steps of the funnel and what each lost add up', () => {
    const counts = fc.record({
      notGone: fc.nat(99),
      noReceipt: fc.nat(99),
      unanswered: fc.nat(99),
      acknowledged: fc.nat(99),
    });
    fc.assert(
      fc.property(counts, fc.nat(), (c, some) => {
        const mustAnswer = c.notGone + c.noReceipt + c.unanswered + c.acknowledged;
        const notSaid = some % (c.acknowledged + 1);
        const steps = funnelOf({ ...tallyOf([]), ...c, mustAnswer, notSaid });
        for (const [i, { count, lost }] of steps.entries())
          if (lost !== undefined) assert.equal(count + lost.count, steps[i - 1]!.count);
        assert.equal(steps.at(-1)!.count, c.acknowledged - notSaid);
      }),
    );
  });

  it('a minute of the centre is an instant, also in the night that has an hour twice', () => {
    const iso = (text: string) => momentOf(text)?.toISOString();
    assert.equal(iso('2026-11-23T03:12'), '2026-11-23T03:12:59.999Z');
    assert.equal(iso('2026-07-01T03:12'), '2026-07-01T02:12:59.999Z');
    assert.equal(iso('2026-10-25T01:30'), '2026-10-25T00:30:59.999Z');
    assert.equal(iso('2026-11-23T03:12:05Z'), '2026-11-23T03:12:05.000Z');
    for (const text of ['', 'soon', '2026-13-01T00:00', '2026-11-23T25:00Z'])
      assert.equal(iso(text), undefined, text);
    assert.equal(fieldMinute(new Date('2026-07-01T02:12:59Z')), '2026-07-01T03:12');
  });

  it('a spreadsheet does not run what an organisation is called', () => {
    const row = {
      organisationId: 'id',
      shortName: 'x',
      name: '=cmd|"/c calc"!A1, Ltd',
      code: '4821',
      regionCode: null,
      reach: 'delivered',
      moreToCome: false,
      openedAt: null,
      acknowledgedAt: new Date('2026-11-23T03:12:00Z'),
      evidence: 'call',
      affected: null,
      isCutOff: false,
      helpAskedAt: null,
    } as const;
    assert.equal(
      csvOf([row]).split('\r\n')[1],
      `4821,"'=cmd|""/c calc""!A1, Ltd",,delivered,,2026-11-23T03:12:00.000Z,call,,`,
    );
  });
});
