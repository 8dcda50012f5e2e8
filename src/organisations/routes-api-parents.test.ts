import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  checkDoors,
  fieldsOf,
  openApi,
  type ApiSite,
  type List,
} from '../../test/support/api-client.ts';

let site: ApiSite;
let path: string;
let parent: string;

before(async () => {
  site = await openApi();
  const found = await site.get<List>('/api/v1/organisations');
  const idOf = (code: string) =>
    String(found.value.rows.find((row) => row['code'] === code)?.['id']);
  path = `/api/v1/organisations/${idOf('ZZ-0004')}`;
  parent = `/api/v1/organisations/${idOf('ZZ-0001')}`;
});
after(() => site.close());

const codes = ({ rows }: List) => rows.map((row) => row['code']);

test('every route has its doors', async () => {
  for (const one of [`${path}/parents`, `${parent}/children`])
    await checkDoors(site, { method: 'GET', path: one }, 'directory.read');
  const body = { parent: 'ZZ-0002', from: '2020-04-01', until: '2021-03-31', saidBy: 'Doors' };
  await checkDoors(site, { method: 'POST', path: `${path}/parents`, body }, 'directory.write');
});

test('said from a day on, listed, found from above on that day', async () => {
  const body = { parent: 'zz-0001', from: '2022-04-01', saidBy: 'Register' };
  const said = await site.post<List>(`${path}/parents`, body);
  assert.equal(said.status, 200, JSON.stringify(said.value));
  assert.equal(said.value.rows[0]?.['code'], 'ZZ-0001');
  assert.deepEqual((await site.post<List>(`${path}/parents`, body)).value, said.value);
  assert.deepEqual(codes((await site.get<List>(`${parent}/children`)).value), ['ZZ-0004']);
  assert.deepEqual(codes((await site.get<List>(`${parent}/children?on=2022-03-31`)).value), []);
});

test('what cannot be is refused by its field', async () => {
  for (const [body, field] of [
    [{ parent: 'ZZ-9999', saidBy: 'x' }, 'parent'],
    [{ parent: 'ZZ-0004', saidBy: 'x' }, 'parent'],
    [{ parent: 'ZZ-0001', until: '2000-01-01', saidBy: 'x' }, 'until'],
    [{ parent: 'ZZ-0001', from: '2026-02-30', saidBy: 'x' }, 'from'],
    [{ parent: 'ZZ-0001', saidBy: '' }, 'saidBy'],
  ] as const) {
    const refused = await site.post(`${path}/parents`, body);
    assert.equal(refused.status, 422, JSON.stringify(body));
    assert.deepEqual(fieldsOf(refused), [field]);
  }
});
