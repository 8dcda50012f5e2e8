import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { parseOperatingModel, pinVersion } from '#operating-model/index.ts';
import { checkDoors, openApi, type ApiSite } from '../../test/support/api-client.ts';
import { must, releaseAlert } from '../../test/support/centre.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

let api: ApiSite;
before(async () => {
  api = await openApi();
});
after(() => api.close());

test('what would change is told, and a program moves it with a reason', async () => {
  const { alertId } = await releaseAlert(api.centre);
  const path = `/api/v1/alerts/${alertId}/rules`;
  const to = api.centre.model.version;
  // As if it had been submitted under rules with a slower second round.
  const older = must(parseOperatingModel(shipped.replace('after: PT15M }', 'after: PT25M }'), 'x'));
  await api.centre.db.owner.withActor(system('test'), async (tx) => {
    await pinVersion(tx, older);
    await tx.run(sql`update alerts.version set model_version = ${older.version}
      where alert_id = ${alertId}`);
  });
  await checkDoors(api, { method: 'GET', path }, 'alert.read');
  const move = { to, reason: 'Too slow.' };
  const { value } = await api.get(path);
  assert.deepEqual(value, {
    from: older.version,
    to,
    changes: ['second round after 15 min instead of 25 min'],
    widens: [],
  });
  assert.equal((await api.post(path, { ...move, to: '0'.repeat(64) })).status, 409);
  // Whoever may, moves it.
  await checkDoors(api, { method: 'POST', path, body: move }, 'dispatch.steer');
  assert.equal((await api.get(path)).status, 409);
});
