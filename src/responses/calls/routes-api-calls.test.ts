/** The call list as a program works it: read, take a name, write down what came of ringing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kernel/ids.ts';
import {
  checkDoors,
  fieldsOf,
  openApi,
  type ApiSite,
  type Json,
} from '../../../test/support/api-client.ts';
import { deliverAll, releaseAlert, releaseVersion } from '../../../test/support/centre.ts';
import { seedNotify } from '../../../test/support/dispatch.ts';

let api: ApiSite;

before(async () => {
  api = await openApi();
  await seedNotify(api.centre.db.worker);
});
after(() => api.close());

/** An alert of which two are to be rung, and the path of a name on its list. */
async function calling() {
  const { alertId, dispatchId } = await releaseAlert(api.centre);
  await deliverAll(api.centre, dispatchId);
  const list = `/api/v1/alerts/${alertId}/calls`;
  const names = (await api.get(list)).value['rows'] as Json[];
  const pathOf = (short: string) => {
    const row = names.find(({ name }) => String(name).startsWith(short));
    return `${list}/${String(row?.['organisationId'])}`;
  };
  return { alertId, list, names, pathOf };
}

test('every route has its doors', async () => {
  const { list, pathOf } = await calling();
  const path = pathOf('Eastvale');
  await checkDoors(api, { method: 'GET', path: list }, 'alert.read');
  await checkDoors(api, { method: 'GET', path }, 'alert.read');
  // Only who took a name may write down what came of it, and give it back.
  const key = await api.key(['response.record']);
  await checkDoors(api, { method: 'POST', path: `${path}/claim`, key }, 'response.record');
  const body = { contactPointId: null, outcome: 'no_answer', note: '' };
  await checkDoors(api, { method: 'POST', path: `${path}/attempts`, body, key }, 'response.record');
  await checkDoors(api, { method: 'POST', path: `${path}/give-back`, key }, 'response.record');
});

test('the list has who is to be rung, in order, by region, with masks', async () => {
  const { list, names, pathOf } = await calling();
  assert.deepEqual(
    names.map(({ name, why }) => [name, why]),
    [
      ['Lonely Trust', 'unreachable'],
      ['Eastvale Ambulance', 'silent'],
    ],
  );
  const few = await api.get(`${list}?limit=1`);
  assert.deepEqual([few.value['names'], (few.value['rows'] as Json[]).length], [2, 1]);
  assert.equal((await api.get(`${list}?region=RA`)).value['names'], 0);
  assert.equal((await api.get(`${list}?region=RB`)).value['names'], 2);
  for (const query of ['limit=0', 'limit=101', 'county=x'])
    assert.equal((await api.get(`${list}?${query}`)).status, 422, query);
  const { value } = await api.get(pathOf('Eastvale'));
  assert.deepEqual(
    (value['ways'] as Json[]).map(({ name, number }) => [name, number]),
    [
      ['Shared desk', '07700 ···203'],
      ['Switchboard', '0306 999 0003'],
    ],
  );
  assert.equal((value['next'] as Json)['name'], 'Shared desk');
  assert.doesNotMatch(JSON.stringify(value), /900203/);
});

test('a name is taken by one, tried number by number, and reached once', async () => {
  const { alertId, list, pathOf } = await calling();
  const path = pathOf('Eastvale');
  const other = await api.key(['alert.read', 'response.record']);
  const reached = { contactPointId: null, outcome: 'reached', said: 'affected', note: 'Two wards' };
  assert.equal((await api.post(`${path}/attempts`, reached)).status, 409, 'not taken yet');
  const headers = { 'idempotency-key': 'take-eastvale-1' };
  const taken = await api.post(`${path}/claim`, undefined, { headers });
  assert.deepEqual([taken.status, taken.value['claimedByName']], [200, 'Test']);
  const again = await api.post(`${path}/claim`, undefined, { headers });
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.equal((await api.post(`${path}/claim`, undefined, { key: other })).status, 409);
  assert.equal((await api.post(`${path}/attempts`, reached, { key: other })).status, 409);
  const first = (await api.get(path)).value['next'] as Json;
  const missed = { contactPointId: first['contactPointId'], outcome: 'no_answer' };
  assert.equal((await api.post(`${path}/attempts`, missed)).status, 200);
  assert.equal(((await api.get(path)).value['next'] as Json)['name'], 'Switchboard');
  for (const [wrong, field] of [
    [{ contactPointId: null, outcome: 'reached' }, 'said'],
    [{ ...reached, outcome: 'no_answer' }, 'said'],
    [{ contactPointId: null, outcome: 'left_word' }, 'note'],
    [{ contactPointId: null, outcome: 'perhaps' }, 'outcome'],
  ] as const)
    assert.deepEqual(fieldsOf(await api.post(`${path}/attempts`, wrong)), [field]);
  const write = { headers: { 'idempotency-key': 'reached-eastvale-1' } };
  for (let i = 0; i < 2; i += 1) {
    const done = await api.post(`${path}/attempts`, reached, write);
    assert.deepEqual([done.status, done.value['claimedByName']], [200, null]);
  }
  const answers = await api.get(path.replace('/calls/', '/organisations/') + '/answers');
  assert.deepEqual(
    (answers.value['rows'] as Json[]).map(({ kind, evidence, note }) => [kind, evidence, note]),
    [['affected', 'call', 'Two wards']],
  );
  assert.equal((await api.post(`${path}/claim`)).status, 409, 'they have answered');
  assert.equal((await api.get(list)).value['names'], 1);
  await releaseVersion(api.centre, alertId, 'correction', { ifActed: 'Reconnect.' });
  const { value } = await api.get(path);
  assert.match(String(value['earlierCallAt']), /^\d{4}-/);
});

test('what is not there and what was not sent to them look the same', async () => {
  const { list } = await calling();
  assert.equal((await api.get(`${list}/${newId()}`)).status, 404);
  assert.equal((await api.post(`${list}/${newId()}/claim`)).status, 404);
});
