import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
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

const question = { types: ['trust'] };

async function make(name: string, asked: object = question): Promise<Json> {
  const made = await site.post('/api/v1/audiences', { name, question: asked });
  assert.equal(made.status, 201, JSON.stringify(made.value));
  return made.value;
}

test('every route has its doors', async () => {
  const id = String((await make('Doors'))['id']);
  const reads = [
    'audiences',
    `audiences/${id}`,
    `audiences/${id}/versions/1`,
    `audiences/${id}/organisations`,
    `audiences/${id}/changes`,
    'suppliers',
    'tags',
    `organisations/${northmoor}/uses`,
    `organisations/${northmoor}/tags`,
  ];
  for (const path of reads)
    await checkDoors(site, { method: 'GET', path: `/api/v1/${path}` }, 'directory.read');
  const body = { name: 'By a key', question };
  await checkDoors(site, { method: 'POST', path: '/api/v1/audiences', body }, 'directory.write');
});

test('saved, changed, read at a version, retired and brought back', async () => {
  const { id, version, organisations } = await make('Trusts');
  assert.deepEqual([version, organisations], [1, 4]);
  const path = `/api/v1/audiences/${String(id)}`;
  const change = (number: number) =>
    site.call('PUT', path, {
      body: { name: 'Trusts', version: number, question: { types: ['practice'] } },
    });
  assert.equal((await change(1)).value['version'], 2);
  assert.equal((await change(1)).status, 409);
  const first = await site.get(`${path}/versions/1`);
  assert.deepEqual((first.value['question'] as Json)['types'], ['trust']);
  const members = await site.get<List>(`${path}/organisations`);
  assert.deepEqual(
    members.value.rows.map((row) => [row['code'], row['why']]),
    [['ZZ-0004', ['type GP practice']]],
  );
  const changes = await site.get(`${path}/changes`);
  assert.deepEqual(changes.value['counts'], { came: 0, went: 0 });
  assert.notEqual((await site.post(`${path}/retire`)).value['retiredAt'], null);
  assert.equal((await site.post(`${path}/bring-back`)).value['retiredAt'], null);
});

test('another audience in a question, and a draft that pins it', async () => {
  const { id } = await make('Inside');
  const outer = await make('Outside', { namedOnly: true, audiences: [{ how: 'or', id }] });
  assert.equal(outer['organisations'], 4);
  const preview = await site.post('/api/v1/audience/preview', {
    audiences: [{ how: 'not', id: outer['id'] }],
  });
  assert.equal(preview.value['organisations'], 1);
  const circle = await site.call('PUT', `/api/v1/audiences/${String(id)}`, {
    body: {
      name: 'Inside',
      version: 1,
      question: { audiences: [{ how: 'and', id: outer['id'] }] },
    },
  });
  assert.deepEqual([circle.status, fieldsOf(circle)], [422, ['audiences']]);
});

test('uses and tags, written down and ended', async () => {
  const path = `/api/v1/organisations/${northmoor}`;
  const said = await site.post(`${path}/uses`, { supplier: 'Citrix', saidBy: 'a register' });
  assert.equal(said.status, 200, JSON.stringify(said.value));
  const late = { supplier: 'Citrix', saidBy: 'x', saidOn: '2026-01-02', usedUntil: '2026-01-01' };
  assert.deepEqual(fieldsOf(await site.post(`${path}/uses`, late)), ['usedUntil']);
  const ended = await site.post(`${path}/uses/${String(said.value['id'])}/end`);
  assert.equal(ended.value['hasEnded'], true);
  const tagged = await site.post(`${path}/tags`, { tag: 'icu' });
  assert.deepEqual(tagged.value, { tags: ['icu'] });
});
