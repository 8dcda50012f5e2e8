import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { listEntries } from '#audit/index.ts';
import {
  checkDoors,
  fieldsOf,
  openApi,
  type ApiSite,
  type Json,
  type List,
} from '../../../test/support/api-client.ts';

let site: ApiSite;
let northmoor: string;

before(async () => {
  site = await openApi();
  const found = await site.get<List>('/api/v1/organisations?search=northmoor');
  northmoor = String(found.value.rows[0]?.['id']);
});
after(() => site.close());

const body = { name: 'Night shift', role: 'on_call_it', rank: 3, mobile: '07700 900219' };

async function add(change: Json = {}): Promise<Json & { id: string }> {
  const path = `/api/v1/organisations/${northmoor}/contacts`;
  const added = await site.post(path, { ...body, ...change });
  assert.equal(added.status, 201);
  return { ...added.value, id: String(added.value['id']) };
}

test('every route has its doors', async () => {
  const { id } = await add({ name: 'Doors' });
  for (const path of [
    `contacts/${id}`,
    `contacts/${id}/hours`,
    `organisations/${northmoor}/chain`,
    `organisations/${northmoor}/changes`,
  ])
    await checkDoors(site, { method: 'GET', path: `/api/v1/${path}` }, 'directory.read');
  const path = `/api/v1/organisations/${northmoor}/contacts`;
  await checkDoors(site, { method: 'POST', path, body }, 'directory.write');
  for (const act of ['leave', 'return'])
    await checkDoors(
      site,
      { method: 'POST', path: `/api/v1/contacts/${id}/${act}` },
      'directory.write',
    );
});

test('a contact is added, changed with its version, and never shown whole', async () => {
  const added = await add({ name: 'Versions', email: 'night@private.test' });
  const path = `/api/v1/contacts/${added.id}`;
  const { version } = added;
  const changed = await site.call('PUT', path, {
    body: { ...body, mobile: undefined, name: 'Late shift', version, off: ['email'] },
  });
  assert.equal(changed.status, 200);
  const shown = (changed.value['points'] as Json[]).map((point) => point['shown']);
  assert.deepEqual(shown, ['07700 ···219']);
  const stale = await site.call('PUT', path, { body: { ...body, name: 'x', version } });
  assert.equal(stale.status, 409);
  assert.doesNotMatch(JSON.stringify(changed.value), /900219|night@/);
  const changes = await site.get<List>(`/api/v1/organisations/${northmoor}/changes`);
  assert.match(JSON.stringify(changes.value), /name Versions → Late shift/);
});

test('a version that nobody was given is overtaken, like an old one', async () => {
  const { id } = await add({ name: 'Made up', mobile: '07700 900218' });
  const change = { ...body, mobile: undefined, name: 'x' };
  for (const version of ['', 'last week', '9999', '99999-01-01T00:00:00Z']) {
    const path = `/api/v1/contacts/${id}`;
    const answer = await site.call('PUT', path, { body: { ...change, version } });
    assert.equal(answer.status, 409, version);
  }
});

test('numbers are refused as by import, by the names of the body', async () => {
  const path = `/api/v1/organisations/${northmoor}/contacts`;
  for (const [change, field] of [
    [{ secondMobile: '020 7946 0000' }, 'secondMobile'],
    [{ email: 'nobody' }, 'email'],
    [{ mobile: undefined }, 'mobile'],
    [{ name: 'Ada Okafor', role: 'ciso' }, 'name'],
  ] as const) {
    const refused = await site.post(path, { ...body, name: 'Refused', ...change });
    assert.equal(refused.status, 422);
    assert.deepEqual(fieldsOf(refused), [field]);
  }
});

test('hours and absences: the chain at a moment', async () => {
  const { id } = await add({ name: 'Office', rank: 4 });
  const read = await site.get(`/api/v1/contacts/${id}`);
  const hours = [1, 2, 3, 4, 5].map((weekday) => ({ weekday, startsAt: '09:00', endsAt: '17:00' }));
  const path = `/api/v1/contacts/${id}/hours`;
  const kept = await site.call('PUT', path, { body: { version: read.value['version'], hours } });
  assert.equal(kept.status, 200);
  assert.deepEqual((await site.get<List>(path)).value.rows, hours);
  const twice = [hours[0], hours[0]];
  const { version } = kept.value;
  const refused = await site.call('PUT', path, { body: { version, hours: twice } });
  assert.deepEqual(fieldsOf(refused), ['hours']);
  const chainAt = async (at: string) => {
    const chain = await site.get<List>(`/api/v1/organisations/${northmoor}/chain?at=${at}`);
    return chain.value.rows.find((row) => row['seatId'] === id);
  };
  assert.deepEqual((await chainAt('2027-01-10T03:00:00Z'))?.['passedOver'], ['text']);
  assert.deepEqual((await chainAt('2027-01-11T10:00:00Z'))?.['told'], ['text']);
  const cover = (await add({ name: 'Stand-in' })).id;
  const absence = { from: '2027-01-11T00:00:00Z', until: '2027-01-12T00:00:00Z', cover };
  const away = await site.post(`/api/v1/contacts/${id}/absences`, absence);
  assert.equal(away.status, 201);
  assert.equal((await chainAt('2027-01-11T10:00:00Z'))?.['contactId'], cover);
  const on = await site.get<{ contacts: readonly Record<string, unknown>[] }>(
    `/api/v1/organisations/${northmoor}/as-at/2027-01-11`,
  );
  const office = on.value.contacts.find(({ name }) => name === 'Office');
  assert.deepEqual(office?.['dutyHours'], hours);
  assert.deepEqual(office['absences'], [
    { from: '2027-01-11T00:00:00.000Z', until: '2027-01-12T00:00:00.000Z', cover: 'Stand-in' },
  ]);
  const over = await site.post(`/api/v1/contacts/${id}/absences`, {
    ...absence,
    until: '2027-01-10T00:00:00Z',
  });
  assert.deepEqual(fieldsOf(over), ['until']);
});

test('a look at one contact is an entry of the key', async () => {
  const { id } = await add({ name: 'Looked at' });
  const views = async () => {
    const { entries } = await site.centre.db.owner.withActor(system('test'), (tx) =>
      listEntries(tx, { action: 'contact.viewed', limit: 50 }),
    );
    return entries.filter(({ detail }) => detail['contact'] === id);
  };
  assert.deepEqual(await views(), []);
  await site.get(`/api/v1/contacts/${id}`);
  const [view, ...more] = await views();
  assert.deepEqual([view!.actorKind, more.length], ['key', 0]);
});
