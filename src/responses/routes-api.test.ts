import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
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
  messagesOf,
  numbers,
  releaseAlert,
  textFrom,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';

let api: ApiSite;
let alertId: string;
let dispatchId: string;
let path: string;
let shared: string;

before(async () => {
  api = await openApi();
  await seedNotify(api.centre.db.worker);
  ({ alertId, dispatchId } = await releaseAlert(api.centre));
  await deliverAll(api.centre, dispatchId);
  const { value } = await api.get<List>(`/api/v1/alerts/${alertId}/organisations`);
  const pathOf = (name: string) => {
    const row = value.rows.find(({ shortName }) => shortName === name);
    return `/api/v1/alerts/${alertId}/organisations/${String(row?.['organisationId'])}`;
  };
  path = pathOf('Northmoor');
  shared = pathOf('Southmere');
});
after(() => api.close());

async function deskItem(words: string): Promise<string> {
  await textFrom(api.centre, numbers.northmoor, words);
  const { value } = await api.get<List>('/api/v1/desk-items');
  const item = value.rows.find((row) => row['words'] === words);
  assert.ok(item !== undefined);
  return String(item['id']);
}

test('every route has its doors', async () => {
  await checkDoors(api, { method: 'GET', path: `${path}/answers` }, 'alert.read');
  await checkDoors(api, { method: 'GET', path: `${path}/messages` }, 'alert.read');
  const body = { kind: 'got_it', note: 'spoke to them' };
  await checkDoors(api, { method: 'POST', path: `${shared}/calls`, body }, 'response.record');
  const id = await deskItem('who is this');
  await checkDoors(api, { method: 'GET', path: '/api/v1/desk-items' }, 'alert.read');
  await checkDoors(api, { method: 'GET', path: `/api/v1/desk-items/${id}` }, 'alert.read');
  // Only who claimed an item may close it.
  const key = await api.key(['response.record']);
  const claim = { method: 'POST', path: `/api/v1/desk-items/${id}/claim`, key };
  await checkDoors(api, claim, 'response.record');
  const outcome = { outcome: 'rang them' };
  const close = { method: 'POST', path: `/api/v1/desk-items/${id}/close`, body: outcome, key };
  await checkDoors(api, close, 'response.record');
});

test('a call is written down once, and shows among the answers page after page', async () => {
  const headers = { 'idempotency-key': 'call-at-0312' };
  const call = { kind: 'affected', note: ' two wards offline\n' };
  const first = await api.post(`${path}/calls`, call, { headers });
  assert.deepEqual([first.status, first.value['evidence']], [201, 'call']);
  assert.equal((await api.post(`${path}/calls`, call, { headers })).status, 201);
  await api.post(`${path}/calls`, { kind: 'got_it' });
  await api.post(`${path}/calls`, { kind: 'not_affected' });
  const all = await api.get<List>(`${path}/answers`);
  assert.deepEqual(
    all.value.rows.map(({ kind, note }) => [kind, note]),
    [
      ['affected', 'two wards offline'],
      ['got_it', null],
      ['not_affected', null],
    ],
  );
  const page = await api.get<List>(`${path}/answers?limit=2`);
  const rest = await api.get<List>(`${path}/answers?limit=2&after=${page.value.next}`);
  assert.deepEqual([...page.value.rows, ...rest.value.rows], all.value.rows);
  for (const query of ['after=x', 'limit=-1', 'since=0'])
    assert.equal((await api.get(`${path}/answers?${query}`)).status, 422, query);
  const wrong = { kind: 'perhaps', note: 'a\u0000b' };
  assert.deepEqual(fieldsOf(await api.post(`${path}/calls`, wrong)), ['kind', 'note']);
});

test('an organisation that was not addressed is not there', async () => {
  const none = `/api/v1/alerts/${alertId}/organisations/${newId()}`;
  assert.equal((await api.get(`${none}/answers`)).status, 404);
  assert.equal((await api.get(`${none}/messages`)).status, 404);
  assert.equal((await api.post(`${none}/calls`, { kind: 'got_it' })).status, 404);
});

/** One attempt that ended unknown, a look-up that found it, and the receipt. */
async function sendOnce(messageId: string): Promise<void> {
  await api.centre.db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`
      update dispatch.message set gateway_id = 'notify', provider_id = 'provider-1',
        due_at = now() - interval '10 s', final_at = now() - interval '5 s'
      where id = ${messageId}`);
    await tx.run(sql`
      insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner, claimed_at)
      values (${messageId}, 1, 1, 'notify', ${newId()}, now() - interval '9 s')`);
    await tx.run(sql`
      insert into dispatch.attempt_end (message_id, epoch, number, class, code, ended_at)
      values (${messageId}, 1, 1, 'unknown', 'ECONNRESET', now() - interval '8 s')`);
    await tx.run(sql`
      insert into dispatch.lookup (message_id, at, reference, answer, status)
      values (${messageId}, now() - interval '7 s', 'tocsin-1', 'found', 'sending')`);
    await tx.run(sql`
      insert into dispatch.receipt_inbox (gateway_id, provider_id, status, received_at)
      values ('notify', 'provider-1', 'delivered', now() - interval '6 s')`);
  });
}

test('a message tells who, why, which words, which gateway and what became of it', async () => {
  const sent = await messagesOf(api.centre, dispatchId);
  const first = sent.find(({ number, round }) => number === numbers.northmoor && round === 1);
  await sendOnce(first!.id);
  const { value } = await api.get<List>(`${path}/messages`);
  assert.equal(value.next, null);
  const message = value.rows.find(({ id }) => id === first!.id)!;
  const who = message['who'] as { address: string; contacts: Json[] };
  assert.deepEqual(
    who.contacts.map(({ name, role, rank }) => [name, role, rank]),
    [['Ada Okafor', 'ciso', 1]],
  );
  assert.doesNotMatch(JSON.stringify(value), /900201|ada@northmoor/);
  const why = message['why'] as Json;
  assert.deepEqual([why['round'], why['rank']], [1, 1]);
  assert.match(String(message['body']), /ransomware via Citrix/);
  assert.deepEqual([message['gatewayId'], message['state']], ['notify', 'delivered']);
  const events = message['events'] as Json[];
  assert.deepEqual(
    events.map(({ kind, detail }) => [kind, detail]),
    [
      ['due', null],
      ['requested', null],
      ['unknown', 'ECONNRESET'],
      ['looked_up', 'sending'],
      ['receipt', 'delivered'],
      ['final', 'delivered'],
    ],
  );
});

test('a shared number is one message, credited to each organisation', async () => {
  const ids = async (of: string) => {
    const { value } = await api.get<List>(`${of}/messages`);
    const both = value.rows.filter(
      ({ why }) => ((why as Json)['creditedTo'] as string[]).length === 2,
    );
    return both.map(({ id }) => id);
  };
  const here = await ids(path);
  assert.equal(here.length, 1);
  assert.deepEqual(await ids(shared), here);
});

test('a desk item is claimed by one, closed by the same, and stays to be read', async () => {
  const id = await deskItem('who is this?');
  const item = `/api/v1/desk-items/${id}`;
  const outcome = { outcome: 'Told them who we are' };
  assert.equal((await api.post(`${item}/close`, outcome)).status, 409);
  const headers = { 'idempotency-key': 'claim-that-one' };
  const claimed = await api.post(`${item}/claim`, undefined, { headers });
  assert.deepEqual([claimed.status, claimed.value['state']], [200, 'claimed']);
  const again = await api.post(`${item}/claim`, undefined, { headers });
  assert.deepEqual(again.value, claimed.value);
  const key = await api.key(['alert.read', 'response.record']);
  assert.equal((await api.post(`${item}/claim`, undefined, { key })).status, 409);
  assert.equal((await api.post(`${item}/close`, outcome, { key })).status, 409);
  assert.deepEqual(fieldsOf(await api.post(`${item}/close`, { outcome: ' ' })), ['outcome']);
  assert.equal((await api.post(`${item}/close`, outcome)).value['state'], 'closed');
  assert.equal((await api.post(`${item}/close`, outcome)).status, 200);
  assert.equal((await api.post(`${item}/close`, { outcome: 'It is not' })).status, 409);
  assert.equal((await api.get(item)).value['outcome'], outcome.outcome);
});

test('the desk is listed oldest first, page after page, by state and by alert', async () => {
  const ids = [await deskItem('one?'), await deskItem('two?'), await deskItem('three?')];
  const list = async (query: string) => (await api.get<List>(`/api/v1/desk-items?${query}`)).value;
  const open = await list('state=open');
  const shown = open.rows.map((row) => String(row['id']));
  assert.deepEqual(shown.slice(-3), ids);
  const first = await list(`state=open&limit=${shown.length - 1}`);
  const last = await list(`state=open&after=${first.next}`);
  assert.deepEqual(
    last.rows.map((row) => row['id']),
    [ids[2]],
  );
  assert.deepEqual((await list(`alertId=${newId()}`)).rows, []);
  const closed = (await list('state=closed')).rows.map((row) => row['id']);
  assert.ok(closed.length > 0 && !closed.some((id) => shown.includes(String(id))));
  for (const query of ['state=lost', 'alertId=1', 'after=x'])
    assert.equal((await api.get(`/api/v1/desk-items?${query}`)).status, 422, query);
});
