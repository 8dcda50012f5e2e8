import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  checkDoors,
  fieldsOf,
  openApi,
  type ApiSite,
  type Json,
  type List,
} from '../../test/support/api-client.ts';
import {
  deliverAll,
  draftAlert,
  numbers,
  releaseAlert,
  textFrom,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';

let api: ApiSite;
let alert: Awaited<ReturnType<typeof releaseAlert>>;

before(async () => {
  api = await openApi();
  await seedNotify(api.centre.db.worker, { ratePerSecond: 49.5, burst: 980 });
  alert = await releaseAlert(api.centre);
  await deliverAll(api.centre, alert.dispatchId);
});
after(() => api.close());

test('every route has its doors', async () => {
  const path = `/api/v1/alerts/${alert.alertId}`;
  await checkDoors(api, { method: 'GET', path: `${path}/tally` }, 'alert.read');
  await checkDoors(api, { method: 'GET', path: `${path}/organisations` }, 'alert.read');
  await checkDoors(api, { method: 'GET', path: '/api/v1/gateways' }, 'system.read');
  const draft = await draftAlert(api.centre);
  for (const part of ['tally', 'organisations'])
    assert.equal((await api.get(`/api/v1/alerts/${draft}/${part}`)).status, 404);
});

test('each step says its rule, the version it obeys, and the facts', async () => {
  type Step = { what: string; because: { rule: string; version: string } | null; facts: string[] };
  const path = `/api/v1/alerts/${alert.alertId}/because`;
  const { value } = await api.get<{ rows: Step[] }>(path);
  const second = value.rows.find(({ what }) => what === 'Round 2');
  assert.equal(second?.because?.rule, 'severities.critical.rounds[1]');
  assert.equal(second?.because?.version, api.centre.model.version);
  assert.match(second?.facts.join() ?? '', /^released .*,opens .*,\d messages?$/);
  await checkDoors(api, { method: 'GET', path }, 'alert.read');
});

test('each single message says its rule, page after page, and nothing of its words', async () => {
  const path = '/api/v1/single-messages';
  await textFrom(api.centre, numbers.northmoor, 'CHECK');
  await textFrom(api.centre, numbers.eastvale, 'is this real? 0000');
  const first = await api.get<List>(`${path}?limit=1`);
  const second = await api.get<List>(`${path}?limit=1&after=${first.value.next}`);
  const rows = [...first.value.rows, ...second.value.rows];
  assert.deepEqual(
    rows.map((row) => [row['what'], (row['because'] as Json)['rule']]),
    [
      ['Text to Eastvale', 'texts.not_ours'],
      ['Text to Northmoor', 'texts.genuine'],
    ],
  );
  assert.equal(second.value.next, null);
  assert.doesNotMatch(JSON.stringify(rows), /Do nothing|Doubts|this real/);
  assert.deepEqual(fieldsOf(await api.get(`${path}?limit=0`)), ['limit']);
  await checkDoors(api, { method: 'GET', path }, 'system.read');
});

test('the tally is what the board counts', async () => {
  const { value } = await api.get(`/api/v1/alerts/${alert.alertId}/tally`);
  const figures = value['organisations'] as Json;
  assert.equal(value['number'], alert.number);
  assert.deepEqual(
    [figures['mustAnswer'], figures['delivered'], figures['acknowledged'], figures['unreachable']],
    [4, 3, 0, 1],
  );
  const [texts] = value['messages'] as Json[];
  assert.deepEqual([texts?.['channel'], texts?.['delivered']], ['text', 3]);
  assert.equal((value['rounds'] as Json[]).length, 3);
});

test('the organisations behind a figure come page after page', async () => {
  const path = `/api/v1/alerts/${alert.alertId}/organisations`;
  const names = async (query: string) =>
    (await api.get<List>(`${path}?${query}`)).value.rows.map((row) => row['shortName']);
  const all = ['Eastvale', 'Lonely', 'Northmoor', 'Southmere'];
  assert.deepEqual(await names(''), all);
  assert.deepEqual(await names('listing=unreachable'), ['Lonely']);
  assert.deepEqual(await names('listing=delivered&region=ra'), ['Northmoor', 'Southmere']);
  const first = await api.get<List>(`${path}?limit=3`);
  assert.deepEqual(await names(`limit=3&after=${first.value.next}`), ['Southmere']);
  const badId = Buffer.from('["A","no uuid"]').toString('base64url');
  for (const [query = '', field] of [
    ['listing=everybody', 'listing'],
    [`after=${badId}`, 'after'],
    ['region=%00', 'region'],
    ['show=silent', 'show'],
  ])
    assert.deepEqual(fieldsOf(await api.get(`${path}?${query}`)), [field], query);
});

test('gateways tell how they are, never their secrets', async () => {
  const { value } = await api.get<List>('/api/v1/gateways');
  const [row] = value.rows;
  assert.equal(row?.['id'], 'notify');
  const bucket = { id: 'notify', ratePerSecond: 49.5, burst: 980, tokens: 980 };
  assert.deepEqual(row?.['bucket'], bucket);
  assert.doesNotMatch(JSON.stringify(value), /settings|sealed|token_|hash|unused/i);
});
