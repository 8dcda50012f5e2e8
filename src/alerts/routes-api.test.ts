import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  checkDoors,
  errorsOf,
  fieldsOf,
  openApi,
  type ApiSite,
  type Json,
  type List,
} from '../../test/support/api-client.ts';
import { contextOf, deliverAll, releaseAlert, wording } from '../../test/support/centre.ts';
import { approveAndRelease, returnAlert } from './index.ts';

let api: ApiSite;
before(async () => {
  api = await openApi();
});
after(() => api.close());

const audience = { types: ['trust'], mustAnswerOnly: true };
const { ifActed: _, asksAgain: __, ...ofFirst } = wording;
const words = { ...ofFirst, nextUpdateAt: '2099-11-23T05:00:00+01:00' };
const draft = { ...words, audience };

async function begin(change: Json = {}): Promise<string> {
  const made = await api.post('/api/v1/alerts', { ...draft, ...change });
  assert.equal(made.status, 201, JSON.stringify(made.value));
  return String(made.value['id']);
}

async function submit(id: string): Promise<Json> {
  const done = await api.post(`/api/v1/alerts/${id}/submit`, { revision: 1 });
  assert.equal(done.status, 200, JSON.stringify(done.value));
  return done.value;
}

async function decide(act: 'release' | 'return', alertId: string, hash = ''): Promise<void> {
  const { centre } = api;
  const now = new Date();
  const done = await centre.db.web.attempt(centre.approver, (tx) =>
    act === 'release'
      ? approveAndRelease(tx, contextOf(centre), { alertId, hash, now })
      : returnAlert(tx, { alertId, reason: 'name the product', now }),
  );
  assert.ok(done.ok);
}

const stateOf = async (id: string) => (await api.get(`/api/v1/alerts/${id}`)).value['state'];

test('every route has its doors', async () => {
  const id = await begin();
  const path = `/api/v1/alerts/${id}`;
  await checkDoors(api, { method: 'GET', path: '/api/v1/alerts' }, 'alert.read');
  await checkDoors(api, { method: 'GET', path }, 'alert.read');
  await checkDoors(api, { method: 'GET', path: `${path}/preview` }, 'alert.read');
  await checkDoors(api, { method: 'GET', path: `${path}/dry-run` }, 'alert.read');
  await checkDoors(api, { method: 'POST', path: '/api/v1/alerts', body: draft }, 'alert.write');
  await checkDoors(api, { method: 'PUT', path, body: { revision: 1, ...draft } }, 'alert.write');
  const body = { revision: 2 };
  await checkDoors(api, { method: 'POST', path: `${path}/submit`, body }, 'alert.write');
  await checkDoors(api, { method: 'GET', path: `${path}/submission` }, 'alert.read');
  const { alertId } = await releaseAlert(api.centre);
  for (const act of [`${id}/withdraw`, `${id}/abandon`, `${alertId}/close`]) {
    await checkDoors(api, { method: 'POST', path: `/api/v1/alerts/${act}` }, 'alert.write');
    assert.equal((await api.post(`/api/v1/alerts/${act}`, { reason: 'x' })).status, 422);
  }
});

test('a dry run says whom a draft would reach, and names its holes page after page', async () => {
  const path = `/api/v1/alerts/${await begin()}/dry-run`;
  const all = await api.get(path);
  assert.equal(all.value['organisations'], 4);
  const gaps = all.value['gaps'] as List;
  const paged: unknown[] = [];
  for (let next: string | null = ''; next !== null;) {
    const query: string = next === '' ? '' : `&after=${next}`;
    const page = (await api.get(`${path}?limit=1${query}`)).value['gaps'] as List;
    paged.push(...page.rows);
    next = page.next;
  }
  assert.deepEqual(paged, gaps.rows);
  assert.deepEqual([gaps.rows.length, gaps.next], [4, null]);
  assert.deepEqual(fieldsOf(await api.get(`${path}?after=x`)), ['after']);
});

test('a draft is begun once for one key, read as it was written, and found in the list', async () => {
  const headers = { 'idempotency-key': 'alert-of-this-night' };
  const first = await api.post('/api/v1/alerts', draft, { headers });
  const second = await api.post('/api/v1/alerts', draft, { headers });
  assert.equal(second.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(second.value, first.value);
  const other = await api.post('/api/v1/alerts', { ...draft, title: 'x' }, { headers });
  assert.deepEqual([other.status, fieldsOf(other)], [422, ['Idempotency-Key']]);
  const id = String(first.value['id']);
  assert.equal(first.headers.get('location'), `/api/v1/alerts/${id}`);
  assert.doesNotMatch(JSON.stringify(first.value), /Citrix/);
  const { value } = await api.get(`/api/v1/alerts/${id}`);
  const nextUpdateAt = '2099-11-23T04:00:00.000Z';
  const kept = Object.fromEntries(Object.keys(words).map((name) => [name, value[name]]));
  assert.deepEqual(kept, { ...words, nextUpdateAt, body: words.body.trim() });
  assert.deepEqual((value['audience'] as Json)['types'], ['trust']);
  assert.equal(value['submission'], null);
  const list = await api.get<{ rows: Json[] }>('/api/v1/alerts?state=draft&limit=1');
  assert.equal(list.value.rows[0]?.['id'], id);
});

test('the list goes back page after page, without those given up unless asked for', async () => {
  const ids = [await begin(), await begin(), await begin()];
  await api.post(`/api/v1/alerts/${ids[1]}/abandon`);
  const first = await api.get<List>('/api/v1/alerts?limit=1');
  const second = await api.get<List>(`/api/v1/alerts?limit=1&after=${first.value.next}`);
  assert.deepEqual(
    [first, second].map(({ value }) => value.rows[0]?.['id']),
    [ids[2], ids[0]],
  );
  const gone = await api.get<List>('/api/v1/alerts?state=abandoned&limit=1');
  assert.deepEqual(
    gone.value.rows.map((row) => row['id']),
    [ids[1]],
  );
  for (const query of ['after=WyJ4Il0', 'after=WzFlNDBd', 'state=lost', 'limit=0', 'page=2'])
    assert.equal((await api.get(`/api/v1/alerts?${query}`)).status, 422, query);
});

test('what is wrong with a draft is said field by field', async () => {
  const wrong = {
    ...draft,
    title: 'two\nlines',
    severity: 'grave',
    marking: 'PINK',
    what: 'x'.repeat(121),
    nextUpdateAt: 'tomorrow',
    audience: { types: ['castle'], include: ['a b'], extra: 1 },
  };
  const refused = await api.post('/api/v1/alerts', wrong);
  assert.equal(refused.status, 422);
  assert.deepEqual(fieldsOf(refused).toSorted(), [
    'audience.extra',
    'audience.include.0',
    'audience.types.0',
    'marking',
    'nextUpdateAt',
    'severity',
    'what',
  ]);
  const control = { ...draft, title: 'two\nlines', doNow: 'a\u0001b', body: 'c\u0007' };
  assert.deepEqual(fieldsOf(await api.post('/api/v1/alerts', control)), ['title', 'doNow', 'body']);
  const surrogate = { ...draft, title: 'half \ud83d of it', notKnown: '\ud83d' };
  assert.equal((await api.post('/api/v1/alerts', surrogate)).status, 201);
  const sparse = await api.post('/api/v1/alerts', {
    severity: 'low',
    marking: 'AMBER',
    audience: {},
  });
  assert.equal(sparse.status, 201);
  const early = await api.post(`/api/v1/alerts/${String(sparse.value['id'])}/submit`, {
    revision: 1,
  });
  assert.equal(early.status, 422);
  assert.deepEqual(fieldsOf(early), ['title', 'what', 'doNow', 'nextUpdateAt']);
});

test('an audience with codes that are not in the directory is refused, codes named', async () => {
  const strange = { regions: ['RX'], systems: ['SA', 'sx'], include: ['ZZ-9'], exclude: ['ZZ-8'] };
  const expected = [
    { field: 'audience.regions', message: 'Not in the directory: RX' },
    { field: 'audience.systems', message: 'Not in the directory: SX' },
    { field: 'audience.include', message: 'Not in the directory: ZZ-9' },
    { field: 'audience.exclude', message: 'Not in the directory: ZZ-8' },
  ];
  const refused = await api.post('/api/v1/alerts', { ...draft, audience: strange });
  assert.equal(refused.status, 422);
  assert.deepEqual(errorsOf(refused), expected);
  const path = `/api/v1/alerts/${await begin()}`;
  const body = { revision: 1, ...draft, audience: strange };
  assert.deepEqual(errorsOf(await api.call('PUT', path, { body })), expected);
  assert.equal((await api.get(path)).value['revision'], 1);
  const asked = await api.post('/api/v1/audience/preview', strange);
  assert.deepEqual(asked.value['unknownCodes'], ['RX', 'SX', 'ZZ-9', 'ZZ-8']);
});

test('a draft is replaced as a whole, and never over what somebody else saved', async () => {
  const id = await begin();
  const path = `/api/v1/alerts/${id}`;
  const put = async (body: Json) => await api.call('PUT', path, { body });
  const saved = await put({ revision: 1, ...draft, title: 'Second' });
  assert.deepEqual([saved.status, saved.value['revision']], [200, 2]);
  const late = await put({ revision: 1, ...draft, title: 'Third' });
  assert.equal(late.status, 409);
  assert.equal((await api.get(path)).value['title'], 'Second');
  const { body: _, ...less } = draft;
  assert.deepEqual(fieldsOf(await put({ revision: 2, ...less })), ['body']);
  for (const revision of [0, 1.5, 2 ** 31, '2'])
    assert.deepEqual(fieldsOf(await put({ revision, ...draft })), ['revision']);
});

test('a preview says what would leave, to how many, and why not', async () => {
  const { value } = await api.get(`/api/v1/alerts/${await begin()}/preview`);
  const [first] = value['texts'] as Json[];
  assert.match(String(first?.['text']), /CRITICAL, Northmoor: ransomware via Citrix\. Isolate/);
  assert.equal(first?.['fragments'], 1);
  assert.equal((value['audience'] as Json)['organisations'], 4);
  assert.equal(value['problem'], null);
  const linked = await begin({ ownText: '{organisation} {code} https://x.test/a' });
  const refused = await api.get(`/api/v1/alerts/${linked}/preview`);
  assert.match(String(refused.value['problem']), /No link/);
});

test('a key submits and takes back; nothing leaves, and no key approves', async () => {
  const id = await begin();
  const headers = { 'idempotency-key': `submit-${id}` };
  const path = `/api/v1/alerts/${id}`;
  const done = await api.post(`${path}/submit`, { revision: 1 }, { headers });
  assert.equal(done.value['state'], 'submitted');
  assert.equal(done.value['approvalPage'], `http://localhost/alerts/${id}`);
  const again = await api.post(`${path}/submit`, { revision: 1 }, { headers });
  assert.deepEqual(again.value, done.value);
  const twice = await api.post(`${path}/submit`, { revision: 1 });
  assert.equal(twice.status, 409);
  assert.match(String(twice.value['detail']), /^It is submitted already/);
  const { value: frozen } = await api.get(`${path}/submission`);
  assert.deepEqual(frozen['counts'], {
    organisations: 4,
    mustAnswer: 4,
    unreachable: 1,
    withoutAny: 1,
    withoutAnyText: 1,
    cutShort: 3,
  });
  const rounds = frozen['rounds'] as { messages: number }[];
  const held = rounds.reduce((sum, { messages }) => sum + messages, 0);
  assert.equal(held, done.value['messages']);
  for (const act of ['approve', 'return', 'release'])
    assert.equal((await api.post(`${path}/${act}`, { hash: frozen['contentHash'] })).status, 404);
  const write = await api.call('PUT', path, { body: { revision: 1, ...draft } });
  assert.equal(write.status, 409);
  assert.equal((await api.post(`${path}/withdraw`)).value['state'], 'draft');
  assert.equal((await api.post(`${path}/withdraw`)).status, 409);
});

test('a program gives the content by the same rules, and in part', async () => {
  const cves = ['CVE-2026-12345'];
  const id = await begin({
    content: { cves, exploited: 'yes', remediateBy: '2099-07-02T17:00:00+01:00' },
  });
  const { value } = await api.get(`/api/v1/alerts/${id}`);
  const content = value['content'] as Json;
  assert.deepEqual(
    [content['cves'], content['remediateBy'], content['steps']],
    [cves, '2099-07-02T16:00:00.000Z', []],
  );
  const wrong = { cves: ['CVE-1'], sources: ['http://plain.example'], threatType: 'rumour' };
  const refused = await api.post('/api/v1/alerts', { ...draft, content: wrong });
  assert.equal(refused.status, 422);
  assert.deepEqual(fieldsOf(refused), ['content.threatType']);
  const { threatType: _, ...less } = wrong;
  const again = await api.post('/api/v1/alerts', { ...draft, content: less });
  assert.deepEqual(fieldsOf(again), ['content.cves', 'content.sources']);
  const nobody = await api.post('/api/v1/alerts', { ...draft, content: { supersedes: 99999 } });
  assert.equal(nobody.status, 422);
  assert.deepEqual(fieldsOf(nobody), ['content.supersedes']);
});

test('a program gives words for other readers, and reads them in every text', async () => {
  const manager = { doNow: 'Let your IT lead cut it off.' };
  const id = await begin({ readerWords: { manager } });
  const path = `/api/v1/alerts/${id}`;
  const { value } = await api.get(path);
  assert.deepEqual(value['readerWords'], { manager: { what: '', ...manager, ifActed: '' } });
  const { value: shown } = await api.get(`${path}/preview`);
  const [reader] = shown['readers'] as { reader: string; texts: { text: string }[] }[];
  assert.equal(reader?.reader, 'manager');
  assert.match(reader.texts[1]!.text, /Let your IT lead cut it off\./);
  for (const [readerWords, field] of [
    [{ technical: manager }, 'readerWords.technical'],
    [{ manager: { doNow: 'a\nb' } }, 'readerWords.manager.doNow'],
  ] as const) {
    const refused = await api.post('/api/v1/alerts', { ...draft, readerWords });
    assert.deepEqual([refused.status, fieldsOf(refused)], [422, [field]]);
  }
});

test('an audience that reaches nobody is named as the field that is wrong', async () => {
  const id = await begin({ audience: { include: ['ZZ-0005'], types: ['supplier'] } });
  const refused = await api.post(`/api/v1/alerts/${id}/submit`, { revision: 1 });
  assert.equal(refused.status, 422);
  assert.deepEqual(fieldsOf(refused), ['audience']);
});

test('what was returned says why; what was released is closed once', async () => {
  const id = await begin();
  const path = `/api/v1/alerts/${id}`;
  await submit(id);
  await decide('return', id);
  const { value } = await api.get(path);
  assert.equal(value['state'], 'draft');
  assert.equal((value['submission'] as Json)['returnReason'], 'name the product');
  assert.equal((await api.post(`${path}/close`)).status, 409);
  const { contentHash } = await submit(id);
  await decide('release', id, String(contentHash));
  assert.equal(await stateOf(id), 'released');
  assert.equal((await api.post(`${path}/abandon`)).status, 409);
  const closed = await api.post(`${path}/close`, {});
  assert.deepEqual([closed.status, closed.value['state']], [200, 'closed']);
  assert.equal((await api.post(`${path}/close`)).status, 409);
});

test('an alert that is out is withdrawn, or closed with a word, once', async () => {
  const { alertId, dispatchId } = await releaseAlert(api.centre);
  const path = `/api/v1/alerts/${alertId}`;
  await checkDoors(api, { method: 'GET', path: `${path}/ending` }, 'alert.read');
  const ending = await api.get(`${path}/ending`);
  assert.match(JSON.stringify(ending.value['withdrawal']), /WITHDRAWN, \{organisation\}/);
  assert.equal(ending.value['mayHaveIt'], 0);
  await deliverAll(api.centre, dispatchId);
  assert.ok(Number((await api.get(`${path}/ending`)).value['mayHaveIt']) > 0);
  const body = { reason: 'the source took it back' };
  assert.deepEqual(fieldsOf(await api.post(`${path}/withdrawal`, { reason: ' ' })), ['reason']);
  await checkDoors(api, { method: 'POST', path: `${path}/withdrawal`, body }, 'dispatch.steer');
  assert.equal(await stateOf(alertId), 'closed');
  assert.equal((await api.get(path)).value['kind'], 'withdrawal');
  assert.equal((await api.post(`${path}/withdrawal`, body)).status, 409);
  assert.equal((await api.get(`${path}/ending`)).status, 409);
  assert.equal((await api.post(`${path}/closing`)).status, 409);

  const other = await releaseAlert(api.centre);
  const closing = `/api/v1/alerts/${other.alertId}/closing`;
  const steering = await api.key(['dispatch.steer']);
  assert.equal((await api.post(closing, undefined, { key: steering })).status, 403);
  const key = await api.key(['dispatch.steer', 'alert.write']);
  await checkDoors(api, { method: 'POST', path: closing, key }, 'dispatch.steer');
  assert.equal(await stateOf(other.alertId), 'closed');
});

test('a withdrawal is done once for one key', async () => {
  const { alertId } = await releaseAlert(api.centre);
  const headers = { 'idempotency-key': 'withdraw-this-once' };
  const body = { reason: 'false' };
  const path = `/api/v1/alerts/${alertId}/withdrawal`;
  const first = await api.post(path, body, { headers });
  const second = await api.post(path, body, { headers });
  assert.deepEqual([first.status, second.status], [200, 200]);
  assert.deepEqual(second.value, first.value);
  assert.doesNotMatch(JSON.stringify(first.value), /false|Citrix/);
});
