/** Each key of `retention` has an effect: it is what a statement of the sweep is asked with. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Database, Tx } from '#db/database.ts';
import type { Sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { checkOperatingModel } from '#operating-model/index.ts';
import { sweep } from './sweep.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

function isSql(value: unknown): value is Sql {
  return Array.isArray((value as Sql | null)?.values);
}

/** What a statement over nothing counts. */
const EMPTY = { dispatchId: null, deleted: 0, emptied: 0, gone: 0 };

/** Every value of every statement of a sweep of an empty database; times to come as their age. */
async function askedWith(rules: string): Promise<string> {
  const asked: unknown[] = [];
  const startedMs = Date.now();
  const note = ({ values }: Sql): void => {
    for (const value of values)
      if (value instanceof Date) asked.push(Math.round((startedMs - value.getTime()) / 60_000));
      else if (isSql(value)) note(value);
      else asked.push(value);
  };
  const none = async (statement: Sql) => (note(statement), []);
  const tx = {
    actor: system('test'),
    run: async (statement: Sql) => (note(statement), 0),
    rows: none,
    maybe: async (statement: Sql) => (note(statement), undefined),
    one: async (statement: Sql) => (note(statement), EMPTY),
  } as unknown as Tx;
  const act = async <T>(_: unknown, work: (tx: Tx) => Promise<T>) => await work(tx);
  const database = { withActor: act, attempt: act } as unknown as Database;
  const { model } = checkOperatingModel(rules);
  assert.ok(model, rules);
  await sweep({ database, model });
  return JSON.stringify(asked);
}

const keys: [key: string, days: number][] = [
  ['messages', 400],
  ['inbox', 180],
  ['imports', 30],
  ['left', 730],
  ['notes', 1095],
  ['sessions', 30],
  ['invitations', 30],
];

test('the same rules ask the same', async () => {
  assert.equal(await askedWith(shipped), await askedWith(shipped));
});

for (const [key, days] of keys)
  test(`retention.${key} is what the sweep goes by`, async () => {
    const from = `\n  ${key}: P${days}D`;
    assert.ok(shipped.includes(from), from);
    const other = shipped.replace(from, `\n  ${key}: P${days + 7}D`);
    assert.notEqual(await askedWith(other), await askedWith(shipped));
  });
