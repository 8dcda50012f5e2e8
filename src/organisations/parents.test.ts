/** Lines of parents by date: on random histories, against a plain model that knows single days. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { OrganisationRow } from './model.ts';
import {
  findWrongClimb,
  isSameLine,
  lineInWords,
  lineWith,
  orphansOf,
  stretchOn,
  type Dates,
  type SaidParent,
  type Stretch,
} from './parents.ts';
import type { Numbered } from './imports/parse.ts';
import { planParents } from './imports/plan-parents.ts';
import { successionLines } from './successions/lines.ts';
import { dayAfter } from './successions/succession.ts';

const TODAY = '2026-01-16';
/** Thirty days around today: every one of them is looked at. */
const DAYS = Array.from({ length: 30 }, (_, i) => `2026-01-${String(i + 1).padStart(2, '0')}`);
const CODES = ['AA-1', 'AA-2', 'AA-3', 'AA-4', 'AA-5', 'AA-6'];

const someDay = fc.option(fc.constantFrom(...DAYS), { freq: 1 });
const said: fc.Arbitrary<SaidParent> = fc
  .record({ parent: fc.option(fc.constantFrom(...CODES)), from: someDay, until: someDay })
  .filter(({ from, until }) => from === null || until === null || from <= until);

function isInOrder(line: readonly Stretch[]): boolean {
  return line.every((one, i) => {
    const next = line[i + 1];
    const isRight = one.from === null || one.until === null || one.from <= one.until;
    return isRight && (next === undefined || (one.until !== null && one.until < (next.from ?? '')));
  });
}

test('what somebody says holds from its first to its last day, and all else stays', () => {
  fc.assert(
    fc.property(fc.array(said, { maxLength: 6 }), said, (earlier, last) => {
      const before = earlier.reduce<readonly Stretch[]>(
        (line, one) => lineWith(line, one, TODAY) ?? line,
        [],
      );
      assert.ok(isInOrder(before), lineInWords(before));
      const after = lineWith(before, last, TODAY);
      if (after === undefined) return;
      assert.ok(isInOrder(after), lineInWords(after));
      for (const day of DAYS) {
        const was: string | null = stretchOn(before, day)?.parent ?? null;
        const is: string | null = stretchOn(after, day)?.parent ?? null;
        const isSaid = (last.from ?? TODAY) <= day && (last.until === null || day <= last.until);
        // Without a last day it holds until the next day of which something was known.
        const isFirst = day === (last.from ?? TODAY);
        if (isSaid && (last.until !== null || isFirst)) assert.equal(is, last.parent, day);
        else if (!isSaid && last.from !== null) assert.equal(is, was, day);
      }
      const again = lineWith(after, last, TODAY);
      assert.ok(again !== undefined && isSameLine(after, again), 'said twice it changes nothing');
    }),
    { numRuns: 2_000 },
  );
});

test('days that nobody gives: ever, today, until the next that is known', () => {
  const line = (from: readonly Stretch[], told: Partial<SaidParent>) =>
    lineInWords(lineWith(from, { parent: 'P', from: null, until: null, ...told }, TODAY) ?? []);
  const old: Stretch = { parent: 'Q', from: '2020-04-01', until: null };
  assert.equal(line([], {}), 'P');
  assert.equal(line([old], {}), 'Q from 2020-04-01 to 2026-01-15, P from 2026-01-16');
  assert.equal(line([old], { parent: 'Q' }), 'Q from 2020-04-01');
  assert.equal(line([old], { parent: null }), 'Q from 2020-04-01 to 2026-01-15');
  const coming: Stretch = { parent: 'R', from: '2026-04-01', until: null };
  const both = [{ ...old, until: '2026-03-31' }, coming];
  assert.equal(
    line(both, {}),
    'Q from 2020-04-01 to 2026-01-15, P from 2026-01-16 to 2026-03-31, R from 2026-04-01',
  );
  assert.equal(
    line(both, { from: '2026-04-01' }),
    'Q from 2020-04-01 to 2026-03-31, P from 2026-04-01',
  );
  assert.equal(lineWith([old], { parent: 'P', from: null, until: '2025-01-01' }, TODAY), undefined);
  const goesOn = { parent: 'Q', from: '2026-02-01', until: null };
  assert.equal(line([{ ...old, until: '2026-01-31' }], goesOn), 'Q from 2020-04-01');
});

type Lines = ReadonlyMap<string, readonly Stretch[]>;

/** Who stands below itself on a day, by walking up from everybody. */
function ringOn(lines: Lines, day: string): string | undefined {
  return CODES.find((code) => {
    let at: string | undefined = code;
    for (let step = 0; step <= CODES.length; step += 1) {
      at = stretchOn(lines.get(at) ?? [], day)?.parent;
      if (at === undefined) return false;
      if (at === code) return true;
    }
    return false;
  });
}

type ToldRow = {
  readonly code: string;
  readonly said: SaidParent;
  readonly closedOn: string | null;
};

const row: fc.Arbitrary<ToldRow> = fc.record({
  code: fc.constantFrom(...CODES),
  said,
  closedOn: fc.option(fc.constantFrom(...DAYS), { freq: 4 }),
});

function rowsOf(told: readonly ToldRow[]): Numbered<OrganisationRow>[] {
  return told.map((one, i) => ({
    line: i + 2,
    row: {
      code: one.code,
      name: one.code,
      type: 'trust',
      closedOn: one.closedOn,
      parent: { said: [one.said], isDerived: false },
    },
  }));
}

const oneOfEach = fc.uniqueArray(row, { selector: ({ code }) => code, maxLength: CODES.length });

test('after any files nobody stands below itself on any day, and what was refused changed nothing', () => {
  fc.assert(
    fc.property(fc.array(oneOfEach, { minLength: 1, maxLength: 4 }), (files) => {
      let lines: Lines = new Map();
      const datesOf = new Map<string, Dates>();
      for (const told of files) {
        const rows = rowsOf(told);
        const plan = planParents(rows, { lines, datesOf }, TODAY);
        const refused = new Set(plan.refusedRows.map(({ line }) => line));
        assert.equal(plan.rows.length + refused.size, rows.length);
        for (const { line, row: one } of rows) {
          if (refused.has(line)) assert.ok(!plan.changed.has(one.code));
          else assert.ok(plan.rows.some(({ row: kept }) => kept.code === one.code));
        }
        for (const [, line] of plan.changed) assert.ok(isInOrder(line), lineInWords(line));
        lines = new Map([...lines, ...plan.changed]);
        for (const { row: one } of plan.rows)
          datesOf.set(one.code, { openedOn: null, closedOn: one.closedOn ?? null });
        for (const [code, line] of lines) {
          assert.equal(findWrongClimb(code, lines), undefined);
          for (const { parent } of line) assert.ok(datesOf.has(parent), `${parent} is nobody`);
        }
        for (const day of DAYS) assert.equal(ringOn(lines, day), undefined, day);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('two that change places in one file are no ring, whatever the order of their rows', () => {
  const state = {
    lines: new Map([['A', [{ parent: 'B', from: null, until: null }]]]),
    datesOf: new Map(['A', 'B'].map((code) => [code, { openedOn: null, closedOn: null }])),
  };
  const told = (code: string, parent: string | null, from: string | null = null) => ({
    code,
    parent: { said: [{ parent, from, until: null }], isDerived: false },
  });
  for (const rows of [
    [told('B', 'A', TODAY), told('A', null)],
    [told('A', null), told('B', 'A', TODAY)],
  ]) {
    const plan = planParents(
      rows.map((one, i) => ({ line: i + 2, row: one })),
      state,
      TODAY,
    );
    assert.deepEqual(plan.refusedRows, []);
    assert.equal(plan.changed.size, 2);
  }
  const ever = planParents(
    [told('B', 'A'), told('A', null)].map((one, i) => ({ line: i + 2, row: one })),
    state,
    TODAY,
  );
  assert.equal(
    ever.refusedRows[0]?.reason,
    'would stand below itself to 2026-01-15: B below A below B',
    'it had stood above until yesterday',
  );
});

test('a ring is named in full, and a tree too high is refused without being climbed', () => {
  const chain = Array.from({ length: 5_000 }, (_, i) => ({
    line: i + 2,
    row: {
      code: `C-${i}`,
      parent: { said: [{ parent: `C-${i + 1}`, from: null, until: null }], isDerived: false },
    },
  }));
  const none = { lines: new Map(), datesOf: new Map<string, Dates>() };
  const high = planParents(chain, none, TODAY);
  assert.equal(high.refusedRows.length, 5_000, 'the top of it is in no file');
  assert.equal(high.refusedRows.at(-1)?.reason, 'is not in the directory, nor in this file');
  const top = { line: 1, row: { code: 'C-5000' } };
  const whole = planParents([...chain, top], none, TODAY);
  assert.match(whole.refusedRows[0]?.reason ?? '', /more than 20 levels/);
  const ring = [
    ['A', 'B'],
    ['B', 'C'],
    ['C', 'A'],
    ['D', 'A'],
  ].map(([code, parent], i) => ({
    line: i + 2,
    row: {
      code: code!,
      parent: { said: [{ parent: parent!, from: null, until: null }], isDerived: false },
    },
  }));
  assert.deepEqual(
    planParents(ring, none, TODAY).refusedRows.map(({ line, reason }) => `${line} ${reason}`),
    [
      '2 would stand below itself: A below B below C below A',
      '3 would stand below itself: B below C below A below B',
      '4 would stand below itself: C below A below B below C',
      '5 is not in the directory, nor in this file',
    ],
  );
});

test('a parent that closed before its child is refused; one that will close is told of', () => {
  const datesOf = new Map<string, Dates>([
    ['OLD', { openedOn: null, closedOn: '2025-12-31' }],
    ['NEW', { openedOn: '2026-01-10', closedOn: null }],
    ['KID', { openedOn: null, closedOn: null }],
    ['GONE', { openedOn: null, closedOn: '2025-06-30' }],
  ]);
  const one = (code: string, stretch: Partial<SaidParent>, isDerived = false) =>
    planParents(
      [
        {
          line: 2,
          row: {
            code,
            parent: { said: [{ parent: 'OLD', from: null, until: null, ...stretch }], isDerived },
          },
        },
      ],
      { lines: new Map(), datesOf },
      TODAY,
    );
  const reasons = (...told: Parameters<typeof one>) =>
    one(...told).refusedRows.map(({ field, reason }) => `${field} ${reason}`);
  assert.match(reasons('KID', {})[0]!, /^parent closed on 2025-12-31, before what is below it/);
  assert.deepEqual(reasons('KID', { until: '2025-12-31' }), []);
  assert.deepEqual(reasons('GONE', {}), [], 'the child had closed earlier still');
  assert.match(reasons('KID', { parent: 'NEW', from: '2026-01-09' })[0]!, /opens on 2026-01-10/);
  assert.deepEqual(reasons('KID', { parent: 'KID' }), ['parent is the organisation itself']);
  const derived = one('KID', {}, true);
  assert.deepEqual([derived.refusedRows.length, derived.changed.size], [0, 0]);
  assert.match(derived.notes[0]!, /1 row names a parent whose dates do not fit/);
  const closing = planParents(
    [{ line: 2, row: { code: 'NEW', closedOn: '2026-03-31' } }],
    { lines: new Map([['KID', [{ parent: 'NEW', from: null, until: null }]]]), datesOf },
    TODAY,
  );
  assert.match(closing.notes[0]!, /^NEW closes and 1 organisation below it goes on/);
  const kept = new Map<string, Dates>([
    ...datesOf,
    ['NEW', { openedOn: null, closedOn: '2026-03-31' }],
  ]);
  const line = [{ parent: 'NEW', from: null, until: '2026-03-31' }];
  assert.deepEqual(orphansOf('NEW', new Map([['KID', line]]), kept), []);
});

/** All take over from all. */
function partsOf(from: readonly string[], to: readonly string[], childrenTo: string) {
  return from.flatMap((predecessor) =>
    to.map((successor) => ({
      predecessor,
      successor,
      takesChildren: successor === childrenTo,
    })),
  );
}

test('a merger and a split move who stood below, and nobody comes to stand below itself', () => {
  const some = fc.uniqueArray(fc.constantFrom(...CODES), { minLength: 1, maxLength: 3 });
  const place = fc.record({
    child: fc.constantFrom(...CODES),
    successor: fc.constantFrom(...CODES),
  });
  const days = fc.constantFrom(...DAYS);
  const children = fc.uniqueArray(place, { selector: ({ child }) => child, maxLength: 3 });
  fc.assert(
    fc.property(oneOfEach, some, some, days, children, (told, from, to, onDate, given) => {
      const open = new Map<string, Dates>(
        CODES.map((code) => [code, { openedOn: null, closedOn: null }]),
      );
      const rows = rowsOf(told.map((one) => ({ ...one, closedOn: null })));
      const before = planParents(rows, { lines: new Map(), datesOf: open }, TODAY).changed;
      const childrenTo = to.at(-1)!;
      const over = { onDate, parts: partsOf(from, to, childrenTo), children: given };
      const givenTo = new Map(given.map(({ child, successor }) => [child, successor]));
      const changed = successionLines(before, over);
      const after: Lines = new Map([...before, ...changed]);
      const closing = from.filter((code) => !to.includes(code));
      for (const day of DAYS) {
        assert.equal(ringOn(after, day), undefined, day);
        for (const code of CODES) {
          const [was, is] = [before, after].map(
            (lines) => stretchOn(lines.get(code) ?? [], day)?.parent,
          );
          if (day < onDate) assert.equal(is, was, `${code} on ${day}`);
          else if (closing.includes(code)) assert.equal(is, undefined);
          else if (was !== undefined && !from.includes(was)) assert.equal(is, was);
          // Whoever stood below one that hands over stands below the one that it is given to, or
          // that takes the others of one that closes, or stays; who follows it itself gets another
          // place.
          else if (to.includes(code)) continue;
          else if (was !== undefined && is !== undefined) {
            const named = givenTo.get(code) ?? '';
            const usual = closing.includes(was) ? childrenTo : was;
            const heir = to.includes(named) ? named : usual;
            assert.ok(is === was || is === heir, `${code} below ${is}`);
          }
        }
      }
      for (const [, line] of after) assert.ok(isInOrder(line), lineInWords(line));
    }),
    { numRuns: 1_000 },
  );
});

test('a merger: the successor gets the parent that all had, its children and no more', () => {
  const ever = (parent: string): Stretch[] => [{ parent, from: null, until: null }];
  const lines = new Map([
    ['OLD-1', ever('TOP')],
    ['OLD-2', ever('TOP')],
    ['KID-1', ever('OLD-1')],
    ['KID-2', ever('OLD-2')],
    ['NEW', [] as Stretch[]],
  ]);
  const over = {
    onDate: '2026-04-01',
    parts: partsOf(['OLD-1', 'OLD-2'], ['NEW'], 'NEW'),
  };
  const words = (found: Lines) =>
    [...found].map(([code, line]) => `${code}: ${lineInWords(line)}`).sort();
  assert.deepEqual(words(successionLines(lines, over)), [
    'KID-1: OLD-1 to 2026-03-31, NEW from 2026-04-01',
    'KID-2: OLD-2 to 2026-03-31, NEW from 2026-04-01',
    'NEW: TOP from 2026-04-01',
    'OLD-1: TOP to 2026-03-31',
    'OLD-2: TOP to 2026-03-31',
  ]);
  const split = {
    ...over,
    parts: partsOf(['OLD-1'], ['NEW', 'NEW-2'], 'NEW-2'),
  };
  assert.deepEqual(words(successionLines(lines, split)), [
    'KID-1: OLD-1 to 2026-03-31, NEW-2 from 2026-04-01',
    'NEW-2: TOP from 2026-04-01',
    'NEW: TOP from 2026-04-01',
    'OLD-1: TOP to 2026-03-31',
  ]);
  // A part that stood below the whole does not come to stand below the other part.
  const parts = new Map([...lines, ['NEW', ever('OLD-1')]]);
  assert.deepEqual(words(successionLines(parts, split)), [
    'KID-1: OLD-1 to 2026-03-31, NEW-2 from 2026-04-01',
    'NEW-2: TOP from 2026-04-01',
    'NEW: OLD-1 to 2026-03-31, TOP from 2026-04-01',
    'OLD-1: TOP to 2026-03-31',
  ]);
  assert.equal(dayAfter('2026-03-31'), '2026-04-01');
});

test('of a group each takes who stood below those it takes over from, and their parent', () => {
  const ever = (parent: string): Stretch[] => [{ parent, from: null, until: null }];
  const lines = new Map([
    ['OLD-1', ever('TOP-1')],
    ['OLD-2', ever('TOP-2')],
    ['KID-1', ever('OLD-1')],
    ['KID-2', ever('OLD-2')],
  ]);
  const part = (predecessor: string, successor: string, takesChildren: boolean) => ({
    predecessor,
    successor,
    takesChildren,
  });
  const parts = [part('OLD-1', 'A', true), part('OLD-2', 'A', false), part('OLD-2', 'B', true)];
  const changed = successionLines(lines, { onDate: '2026-04-01', parts });
  assert.deepEqual([...changed].map(([code, line]) => `${code}: ${lineInWords(line)}`).sort(), [
    // Those that A takes over from had different parents: somebody says which it has.
    'B: TOP-2 from 2026-04-01',
    'KID-1: OLD-1 to 2026-03-31, A from 2026-04-01',
    'KID-2: OLD-2 to 2026-03-31, B from 2026-04-01',
    'OLD-1: TOP-1 to 2026-03-31',
    'OLD-2: TOP-2 to 2026-03-31',
  ]);
});
