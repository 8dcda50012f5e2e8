import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { toForm } from './body.ts';
import { cursorOf, fieldErrors, formModel, pageOf, parseForm } from './index.ts';
import { encodeCursor } from './paging.ts';
import { frame } from './event-stream.ts';
import * as times from './times.ts';

test('each wrong field gets one sentence, and its line in the summary leads to it', () => {
  const schema = z.object({
    name: z.string().min(1),
    note: z.string().max(5),
    age: z.coerce.number().min(18),
    level: z.enum(['high', 'low']),
    mail: z.email(),
    code: z.string().regex(/^\d{4}$/, 'Four digits'),
  });
  const form = { name: '  ', note: 'too long', age: '3', level: 'x', mail: 'no', code: 'abc' };
  const parsed = parseForm(schema, form);
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.fields, {
    name: 'Fill this in',
    note: 'Use 5 characters or fewer',
    age: 'Must be 18 or more',
    level: 'Choose one of those offered',
    mail: 'Write an address like name@example.org',
    code: 'Four digits',
  });
  const model = formModel(['name', 'note'], form, parsed.fields);
  assert.equal(model.values['note'], 'too long');
  assert.deepEqual(model.summary[0], { text: 'Fill this in', href: '#name' });
  assert.deepEqual(model.summary[2], { text: 'Must be 18 or more' });
  assert.deepEqual(formModel(['a', 'b'], { a: ['1', '2'] }).lists, { a: ['1', '2'], b: [] });
});

test('each kind of value has its words, at its path', () => {
  const list = z.array(
    z.strictObject({ on: z.boolean(), count: z.int().max(9), at: z.iso.date() }),
  );
  const schema = z.object({
    list,
    few: z.array(z.string()).max(1),
    names: z.record(z.string(), z.string()),
  });
  const input = {
    list: [{ on: 'yes', count: 1.5, at: 'x' }, { count: 10 }, [], {}],
    few: ['a', 'b'],
    names: 'a',
  };
  const parsed = schema.safeParse(input, { reportInput: true });
  assert.deepEqual(fieldErrors(parsed.error!), {
    'list.0.on': 'Give true or false here',
    'list.0.count': 'Give a whole number here',
    'list.0.at': 'Write a day like 2026-11-23',
    'list.1.on': 'Fill this in',
    'list.1.count': 'Must be 9 or less',
    'list.1.at': 'Fill this in',
    'list.2': 'Give an object here',
    'list.3.on': 'Fill this in',
    'list.3.count': 'Fill this in',
    'list.3.at': 'Fill this in',
    few: 'Give 1 at most',
    names: 'Give an object here',
  });
});

test('whatever is posted becomes a form, names of the language included', () => {
  const form = toForm([
    ['__proto__', 'x'],
    ['constructor', 'y'],
    ['a', '1'],
    ['a', '2'],
    ['text', 'one\r\ntwo'],
  ]);
  assert.equal(Object.getPrototypeOf(form), null);
  assert.deepEqual(Object.keys(form), ['__proto__', 'constructor', 'a', 'text']);
  assert.deepEqual(form['a'], ['1', '2']);
  assert.equal(form['text'], 'one\ntwo');
});

test('a cursor comes back as it went, and a forged one is none', () => {
  const cursor = cursorOf(z.tuple([z.string(), z.int()]));
  fc.assert(
    fc.property(fc.string(), fc.integer(), (name, number) => {
      assert.deepEqual(cursor.parse(encodeCursor([name, number])), [name, number]);
      for (const other of [[name], [number, name], [name, number, number]])
        assert.equal(cursor.safeParse(encodeCursor(other)).success, false);
    }),
  );
  for (const bad of ['', 'x', 'e30', 'W251bGxd', '%%%', 'a'.repeat(2001)])
    assert.equal(cursor.safeParse(bad).success, false, bad);
  const page = pageOf([{ id: 1 }, { id: 2 }, { id: 3 }], 2, ({ id }) => [id]);
  assert.deepEqual(page, { rows: [{ id: 1 }, { id: 2 }], next: encodeCursor([2]) });
  assert.equal(pageOf([{ id: 1 }], 2, ({ id }) => [id]).next, null);
});

test('times are those of London, summer time included', () => {
  assert.equal(times.clockTime(new Date('2026-01-05T03:12:00Z')), '03:12');
  assert.equal(times.clockTime(new Date('2026-07-05T23:30:00Z')), '00:30');
  assert.equal(times.dateTime(new Date('2026-07-05T23:30:00Z')), '6 July 2026 at 00:30');
  const now = new Date('2026-07-05T22:59:00Z');
  assert.equal(times.clockOrDate(new Date('2026-07-05T22:30:00Z'), now), '23:30');
  assert.equal(times.clockOrDate(new Date('2026-07-05T23:30:00Z'), now), '6 July 2026 at 00:30');
  assert.equal(times.textTime(new Date('2026-07-05T22:30:00Z'), now), '23:30');
  assert.equal(times.textTime(new Date('2026-07-05T23:30:00Z'), now), '6 Jul 00:30');
});

test('how long until and since', () => {
  const now = new Date('2026-11-23T12:00:00Z');
  const after = (seconds: number) => new Date(now.getTime() + seconds * 1000);
  const cases: [number, string, string][] = [
    [30, 'due now', 'just now'],
    [60, 'due in 1 min', 'just now'],
    [14 * 60 + 59, 'due in 14 min', 'just now'],
    [3600, 'due in 1 h', 'just now'],
    [3 * 3600 + 300, 'due in 3 h 5 min', 'just now'],
    [49 * 3600, 'due in 2 days', 'just now'],
    [-30, 'due now', 'just now'],
    [-180, 'overdue by 3 min', '3 min ago'],
  ];
  for (const [seconds, due, ago] of cases) {
    assert.equal(times.due(after(seconds), now), due);
    assert.equal(times.ago(after(seconds), now), ago);
  }
});

test('the page counts time in the same words as the server', async () => {
  // A name of type string: the checker looks for no types behind it.
  const file: string = './assets/relative-time.js';
  const script = (await import(file)) as {
    words(kind: string, at: number, now: number): string;
  };
  const now = Date.parse('2026-11-23T12:00:00Z');
  fc.assert(
    fc.property(fc.integer({ min: -400_000_000, max: 400_000_000 }), (offset) => {
      const [at, present] = [new Date(now + offset), new Date(now)];
      assert.equal(script.words('due', now + offset, now), times.due(at, present));
      assert.equal(script.words('ago', now + offset, now), times.ago(at, present));
    }),
  );
});

test('an event keeps its lines, whatever ends them', () => {
  assert.equal(frame('n', '<p>a</p>\n<p>b</p>'), 'event: n\ndata: <p>a</p>\ndata: <p>b</p>\n\n');
  assert.equal(frame('n', 'a\rb\r\nc'), 'event: n\ndata: a\ndata: b\ndata: c\n\n');
});
