import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { listEntries } from '#audit/index.ts';
import {
  checkDoors,
  fieldsOf,
  openApi,
  type ApiAnswer,
  type ApiSite,
  type Json,
  type List,
} from '../../test/support/api-client.ts';
import { tasksFor } from '../../test/support/centre.ts';
import { until } from '../../test/support/dispatch.ts';
import { IMPORT_BYTES_MAX } from './routes-api-shapes.ts';

let site: ApiSite;
let northmoor: string;

const codes = ({ rows }: List) => rows.map((row) => row['code']);

before(async () => {
  site = await openApi();
  const found = await site.get<List>('/api/v1/organisations?search=northmoor');
  northmoor = String(found.value.rows[0]?.['id']);
});
after(() => site.close());

/** What the worker does when it hears of a run. */
const workOn = async (run: string) =>
  await tasksFor(site.centre)['import_run']!({ runId: run.split('/').at(-1), attempt: 0 });

const question = { types: ['trust'], mustAnswerOnly: true };
const csv = 'code,name,type\nZZ-0101,Westbrook Trust,trust\nZZ-0102,No Type,castle\n';
const file = (content: string, dryRun = false) => ({ fileName: 'file.csv', content, dryRun });

test('every route has its doors', async () => {
  const reads = ['organisations', `organisations/${northmoor}`, 'regions', 'systems'];
  for (const path of reads)
    await checkDoors(site, { method: 'GET', path: `/api/v1/${path}` }, 'directory.read');
  const preview = { method: 'POST', path: '/api/v1/audience/preview', body: question };
  await checkDoors(site, preview, 'directory.read');
});

test('organisations are found by part of a name and by filters, page after page', async () => {
  const all = await site.get<List>('/api/v1/organisations');
  assert.deepEqual(codes(all.value), ['ZZ-0003', 'ZZ-0004', 'ZZ-0005', 'ZZ-0001', 'ZZ-0002']);
  assert.equal(all.value.next, null);
  const paged: unknown[] = [];
  let next: string | null = '';
  while (next !== null) {
    const query: string = next === '' ? '' : `&after=${next}`;
    const page = await site.get<List>(`/api/v1/organisations?limit=2${query}`);
    assert.equal(page.status, 200);
    paged.push(...codes(page.value));
    next = page.value.next;
  }
  assert.deepEqual(paged, codes(all.value));
  const found = async (query: string) =>
    codes((await site.get<List>(`/api/v1/organisations?${query}`)).value);
  assert.deepEqual(await found('search=MERE'), ['ZZ-0002']);
  assert.deepEqual(await found('search=%25'), []);
  assert.deepEqual(await found('type=practice'), ['ZZ-0004']);
  assert.deepEqual(await found('region=ra&mustAnswer=true'), ['ZZ-0001', 'ZZ-0002']);
  assert.deepEqual(await found('system=SB&type=trust'), ['ZZ-0003', 'ZZ-0005']);
});

test('a query that is not understood is refused by its name', async () => {
  const nul = Buffer.from('["a\\u0000","ZZ-0001"]').toString('base64url');
  const cases = [
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=x', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['after=!!', 'after'],
    [`after=${nul}`, 'after'],
    [`after=${'a'.repeat(2000)}`, 'after'],
    ['type=castle', 'type'],
    ['region=%00', 'region'],
    ['search=%00', 'search'],
    [`search=${'x'.repeat(101)}`, 'search'],
    ['mustAnswer=maybe', 'mustAnswer'],
    ['serach=x', 'serach'],
  ];
  for (const [query = '', field = ''] of cases) {
    const refused = await site.get(`/api/v1/organisations?${query}`);
    assert.equal(refused.status, 422, query);
    assert.deepEqual(fieldsOf(refused), [field], query);
  }
});

test('an organisation comes with its contacts, no number and no address in the clear', async () => {
  const { value } = await site.get(`/api/v1/organisations/${northmoor}`);
  const contacts = value['contacts'] as { name: string; points: Json[] }[];
  assert.deepEqual(
    contacts.map(({ name }) => name),
    ['Ada Okafor', 'On-call IT'],
  );
  assert.deepEqual(
    contacts.map(({ points }) => points.map(({ channel, sharedBy }) => [channel, sharedBy])),
    [
      [
        ['text', 1],
        ['mail', 1],
      ],
      [['text', 2]],
    ],
  );
  assert.doesNotMatch(JSON.stringify(value), /900201|7700 ?900|ada@northmoor/);
});

test('regions and systems say how many organisations are there', async () => {
  const regions = await site.get<List>('/api/v1/regions');
  assert.deepEqual(regions.value.rows, [
    { code: 'RB', name: 'East', organisations: 3 },
    { code: 'RA', name: 'North', organisations: 2 },
  ]);
  assert.deepEqual(codes((await site.get<List>('/api/v1/systems')).value), ['SA', 'SB']);
});

test('an audience is counted before anybody is told, and unknown codes are named', async () => {
  const body = { ...question, include: ['zz-0004', 'NOBODY'] };
  const { status, value } = await site.post('/api/v1/audience/preview', body);
  assert.equal(status, 200);
  assert.deepEqual(value, {
    organisations: 5,
    mustAnswer: 4,
    contacts: 6,
    contactPoints: { text: 4, mail: 4 },
    withoutAnyText: 2,
    withoutAny: 1,
    unknownCodes: ['NOBODY'],
  });
  const wrong = { types: ['castle'], roles: ['king'], include: ['a\u0000b'] };
  const refused = await site.post('/api/v1/audience/preview', wrong);
  assert.deepEqual(fieldsOf(refused), ['types.0', 'roles.0', 'include.0']);
});

test('a file is tried, taken, and taken again without a change', async () => {
  const path = '/api/v1/organisations/import';
  await checkDoors(site, { method: 'POST', path, body: file(csv, true) }, 'directory.write');
  const tried = await site.post(path, file(csv, true));
  assert.equal(tried.status, 200);
  const counts = { added: 1, changed: 0, closed: 0, moved: 0, unchanged: 0, refused: 1 };
  assert.deepEqual(tried.value['counts'], counts);
  assert.equal(tried.value['importId'], null);
  const [row] = tried.value['refusedRows'] as Json[];
  assert.deepEqual([row?.['line'], row?.['field']], [3, 'type']);
  const headers = { 'idempotency-key': 'import-westbrook' };
  const taken = await site.post(path, file(csv), { headers });
  assert.deepEqual(taken.value['counts'], counts);
  assert.equal(typeof taken.value['importId'], 'string');
  const repeated = await site.post(path, file(csv), { headers });
  assert.equal(repeated.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(repeated.value, taken.value);
  const again = await site.post(path, file(csv));
  assert.deepEqual(again.value['counts'], { ...counts, added: 0, unchanged: 1 });
});

test('contacts are imported; what was in a refused cell is not repeated', async () => {
  const path = '/api/v1/contacts/import';
  const content = [
    'organisation_code,name,role,mobile',
    'ZZ-0005,Lone Watch,ciso,07700 900299',
    'ZZ-0005,Bad Number,ciso,0123 secret',
  ].join('\n');
  await checkDoors(site, { method: 'POST', path, body: file(content, true) }, 'directory.write');
  const { value } = await site.post(path, file(`${content}\n`));
  const { added, refused } = value['counts'] as Record<string, number>;
  assert.deepEqual([added, refused], [1, 1]);
  assert.doesNotMatch(JSON.stringify(value), /secret|900299/);
});

test('a file that cannot be read says so at its field; one too large is 413', async () => {
  for (const content of ['nonsense', 'a,b\n1,2\n', '\u0000\u0001'])
    for (const kind of ['organisations', 'contacts']) {
      const refused = await site.post(`/api/v1/${kind}/import`, file(content));
      assert.equal(refused.status, 422, content);
      assert.deepEqual(fieldsOf(refused), ['content']);
    }
  const large = file('x'.repeat(IMPORT_BYTES_MAX));
  assert.equal((await site.post('/api/v1/contacts/import', large)).status, 413);
  const csvType = { 'content-type': 'text/csv' };
  const plain = await site.call('POST', '/api/v1/contacts/import', { body: csv, headers: csvType });
  assert.equal(plain.status, 415);
});

test('columns are said, all or nothing is kept, and the last import is taken back', async () => {
  const path = '/api/v1/organisations/import';
  const content = 'Code of body,Called\nZZ-0901,Undone Hall\n,Nameless\n';
  const mapping = { code: 'Code of body', name: 'Called', type: '=other' };
  const withheld = await site.post(path, { ...file(content), mapping, allOrNothing: true });
  assert.deepEqual([withheld.value['withheld'], withheld.value['importId']], [true, null]);
  const wrong = await site.post(path, { ...file(content), mapping: { code: 'Nobody' } });
  assert.match(JSON.stringify(wrong.value), /no column \\"Nobody\\"/);
  const taken = await site.post(path, file(content));
  const { added } = taken.value['counts'] as Record<string, number>;
  assert.equal(added, 1, 'what was said once is remembered');
  const importId = String(taken.value['importId']);
  const undo = `/api/v1/imports/${importId}/undo`;
  const begun = await site.call('POST', undo, {});
  assert.equal(begun.status, 202, 'it answers before the work is done');
  assert.deepEqual([begun.value['state'], begun.value['counts']], ['undoing', null]);
  const run = begun.headers.get('location')!;
  const stranger = await site.key(['directory.write']);
  assert.equal((await site.get(run, { key: stranger })).status, 404);
  const cancelled = await site.call('POST', `${run}/cancel`, {});
  assert.equal(cancelled.value['state'], 'cancelled');
  await workOn(run);
  assert.equal((await site.get(run)).value['state'], 'cancelled', 'nothing was undone');
  const again = (await site.call('POST', undo, {})).headers.get('location')!;
  await workOn(again);
  const over = (answer: ApiAnswer) => answer.value['state'] !== 'undoing';
  const { value } = await until(() => site.get(again), over, 20_000);
  assert.deepEqual([value['state'], value['progress'], value['reason']], ['undone', 1, null]);
  assert.deepEqual(value['counts'], { removed: 1, ended: 0, putBack: 0, left: 0 });
  assert.equal((await site.call('POST', undo, {})).status, 409);
  const entries = await site.centre.db.owner.withActor(system('test'), (tx) =>
    listEntries(tx, { action: 'import.undone', limit: 1 }),
  );
  assert.equal(entries.entries[0]!.actorKind, 'key', 'the program did it');
});
