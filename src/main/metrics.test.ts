import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { registryOf } from './metrics.ts';

let clone: Clone;
before(async () => {
  clone = await cloneDatabase();
});
after(() => clone.drop());

const own = (statement: Sql) => clone.owner.withActor(system('test'), (tx) => tx.run(statement));

test('each scrape tells what is so now, the first one too', async () => {
  const registry = registryOf(clone.web);
  const scrape = async () => await registry.metrics();
  await own(sql`update audit.sequencer set stopped_reason = 'cannot_write', stopped_since = now()`);
  assert.match(await scrape(), /^tocsin_audit_unsigned 1$/m);
  await own(sql`update audit.sequencer set stopped_reason = null, stopped_since = null`);
  const [first, second] = await Promise.all([scrape(), scrape()]);
  assert.match(first, /^tocsin_audit_unsigned 0$/m);
  assert.equal(second, first);
});
