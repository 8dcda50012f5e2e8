import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkDoors, openApi, type ApiSite, type List } from '../../test/support/api-client.ts';

let site: ApiSite;
let path: string;

before(async () => {
  site = await openApi();
  const found = await site.get<List>('/api/v1/organisations?search=northmoor');
  path = `/api/v1/organisations/${String(found.value.rows[0]?.['id'])}`;
});
after(() => site.close());

const days = (count: number) =>
  new Date(Date.now() + count * 86_400_000).toISOString().slice(0, 10);

type On = Readonly<Record<string, unknown>> & {
  readonly parent: { readonly code: string } | null;
  readonly contacts: readonly { readonly name: string; readonly texts: number }[];
};

test('the route has its doors', async () => {
  const route = { method: 'GET', path: `${path}/as-at/${days(0)}` };
  await checkDoors(site, route, 'directory.read');
});

test('one organisation on a day: its contacts of then and the parent of then, no number', async () => {
  const from = days(30);
  const said = await site.post(`${path}/parents`, { parent: 'ZZ-0002', from, saidBy: 'Register' });
  assert.equal(said.status, 200, JSON.stringify(said.value));
  const on = async (day: string) => (await site.get<On>(`${path}/as-at/${day}`)).value;
  const [before, today, coming] = [await on(days(-400)), await on(days(0)), await on(from)];
  assert.deepEqual(before.contacts, [], 'the directory had nobody then');
  assert.equal(today.contacts[0]?.name, 'Ada Okafor');
  assert.equal(today.contacts[0]?.texts, 1);
  assert.deepEqual([today.parent, coming.parent?.code], [null, 'ZZ-0002']);
  assert.deepEqual(coming.contacts, today.contacts);
  assert.doesNotMatch(JSON.stringify(today), /07700|@/);
});

test('what is no day is refused by its name, and nobody is found by a strange id', async () => {
  for (const none of ['2026-02-30', '0000-01-01'])
    assert.equal((await site.get(`${path}/as-at/${none}`)).status, 404);
  const strange = '/api/v1/organisations/0190a000-0000-7000-8000-000000000000/as-at/2027-01-01';
  assert.equal((await site.get(strange)).status, 404);
});
