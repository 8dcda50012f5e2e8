/** The main job by a program: everything but the approval, which is a person's (P5). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiKeyCommand } from '#cli/api-key.ts';
import { approveAndRelease } from '#alerts/index.ts';
import { alertContext } from '#main/wiring.ts';
import { openApi, type ApiSite, type Json } from '../support/api-client.ts';
import { messagesOf } from '../support/centre.ts';
import { ran } from '../support/command.ts';

let api: ApiSite;
before(async () => {
  api = await openApi();
});
after(() => api.close());

async function keyOfCommandLine(may: string): Promise<string> {
  const context = { database: api.centre.db.web };
  const args = ['create', '--name', 'SOC tools', '--may', may, '--expires', '1d'].concat([
    '--for',
    'amara.osei@centre.test',
  ]);
  const { code, out, err } = await ran((output) => apiKeyCommand(context, args, output));
  assert.equal(code, 0, err);
  return out.split('\n')[0] ?? '';
}

const organisations = 'code,name,short_name,type\nZZ-0301,Harbour Trust,Harbour,trust\n';
const contacts = `organisation_code,name,role,rank,mobile,email
ZZ-0301,Night Desk,ciso,1,07700 900301,night@harbour.test
ZZ-0301,On-call IT,on_call_it,2,07700 900302,
`;

test('a program imports, writes, previews and submits; a person approves; it goes', async () => {
  const key = await keyOfCommandLine('alert.read,alert.write,directory.read,directory.write');
  const sent = { key };
  const files = { organisations, contacts };
  for (const [kind, content] of Object.entries(files)) {
    const body = { fileName: `${kind}.csv`, content };
    const done = await api.post(`/api/v1/${kind}/import`, body, sent);
    assert.equal((done.value['counts'] as Json)['refused'], 0);
  }
  const audience = { types: ['supplier'], include: ['ZZ-0301'] };
  const asked = await api.post('/api/v1/audience/preview', audience, sent);
  assert.deepEqual([asked.value['organisations'], asked.value['contacts']], [1, 2]);
  const draft = {
    title: 'Ransomware through Citrix gateways',
    severity: 'critical',
    marking: 'CLEAR',
    what: 'ransomware via Citrix',
    doNow: 'Isolate Citrix gateways now',
    nextUpdateAt: '2099-11-23T04:00:00Z',
    audience,
  };
  const headers = { 'idempotency-key': 'incident-771' };
  const made = await api.post('/api/v1/alerts', draft, { key, headers });
  const path = made.headers.get('location') ?? '';
  const alertId = String(made.value['id']);
  const preview = await api.get(`${path}/preview`, sent);
  assert.equal(preview.value['problem'], null);
  const submitted = await api.post(`${path}/submit`, { revision: 1 }, sent);
  assert.deepEqual([submitted.value['state'], submitted.value['messages']], ['submitted', 3]);
  assert.equal((await api.get(`${path}/tally`, sent)).status, 404);

  await approve(alertId, String(submitted.value['contentHash']));
  const tally = await api.get(`${path}/tally`, sent);
  assert.equal((tally.value['organisations'] as Json)['mustAnswer'], 1);
  assert.deepEqual(
    (tally.value['messages'] as Json[]).map(({ channel, waiting }) => [channel, waiting]),
    [
      ['text', 1],
      ['mail', 1],
    ],
  );
  const messages = await messagesOf(api.centre, String(submitted.value['dispatchId']));
  assert.deepEqual(
    messages.map(({ round, channel, state, number }) => [round, channel, state, number]),
    [
      [1, 'mail', 'ready', 'night@harbour.test'],
      [1, 'text', 'ready', '447700900301'],
      [2, 'text', 'held', '447700900302'],
    ],
  );
  const closed = await api.post(`${path}/close`, undefined, sent);
  assert.equal(closed.value['state'], 'closed');
});

/** The key alone cannot, even with the permission; a second person can. */
async function approve(alertId: string, hash: string): Promise<void> {
  const { db, product, approver } = api.centre;
  const now = new Date();
  const release = (actor: typeof approver | Parameters<typeof db.web.attempt>[0]) =>
    db.web.attempt(actor, (tx) =>
      approveAndRelease(tx, alertContext(product), { alertId, hash, now }),
    );
  const { permissions } = approver;
  const program = { kind: 'key', id: alertId, name: 'SOC tools', permissions } as const;
  const refused = await release(program);
  assert.match(refused.ok ? '' : refused.message, /Only a person can approve/);
  assert.ok((await release(approver)).ok);
}

type Operation = Json & {
  operationId?: string;
  summary?: string;
  parameters?: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: Json;
  responses?: Record<string, { description?: string; content?: Json }>;
};

type Document = {
  openapi: string;
  info: Json;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Json; securitySchemes: Json };
};

async function readDocument(): Promise<Document> {
  const { value } = await api.get<Document>('/api/v1/openapi.json', { key: '' });
  return value;
}

test('the OpenAPI document is whole: every route, unique names, no loose end', async () => {
  const document = await readDocument();
  assert.equal(document.openapi, '3.1.0');
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
  const served = api.routes.map(
    ({ method, path }) => `${method} ${path.replaceAll(/:([A-Za-z]+)/g, '{$1}')}`,
  );
  assert.deepEqual(described.toSorted(), served.toSorted());
  assert.ok(served.length >= 31);
  const names = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
  for (const { path, method, operation } of operations) {
    const what = `${method} ${path}`;
    assert.match(operation.operationId ?? '', /^[a-z][A-Za-z]+$/, what);
    assert.ok((operation.summary ?? '').length > 10, what);
    const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
    const parameters = operation.parameters ?? [];
    const declared = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
    assert.deepEqual(declared, inPath, what);
    assert.ok(parameters.every((one) => one.in !== 'path' || one.required));
    const statuses = Object.keys(operation.responses ?? {});
    assert.ok(statuses.includes('default') && statuses.some((one) => /^20[012]$/.test(one)), what);
    if (method === 'post') assert.ok(parameters.some(({ name }) => name === 'Idempotency-Key'));
  }
});

test('every schema of the document says its type, refuses strangers, and refers to what is there', async () => {
  const document = await readDocument();
  const wrong: string[] = [];
  const visit = (node: unknown, at: string, isSchema: boolean): void => {
    if (typeof node !== 'object' || node === null) return;
    const schema = node as Json;
    const ref = schema['$ref'];
    if (typeof ref === 'string' && resolve(document, ref) === undefined)
      wrong.push(`${at}: ${ref}`);
    const says = ['type', 'enum', 'const', 'anyOf', 'oneOf', '$ref'].some((name) => name in schema);
    if (isSchema && !says) wrong.push(`${at}: no type`);
    if (isSchema && schema['type'] === 'object' && !at.includes('/components/')) {
      // A map, such as of words by reader kind, says what it holds instead.
      const others = schema['additionalProperties'];
      const isMap = typeof others === 'object' && others !== null && 'type' in others;
      if (others !== false && !isMap) wrong.push(`${at}: takes strangers`);
    }
    for (const [name, inner] of Object.entries(schema)) {
      if (name === 'examples' || name === 'default' || name === 'enum') continue;
      const holdsSchemas = at.endsWith('/properties') || /\/(anyOf|oneOf)$/.test(at);
      visit(inner, `${at}/${name}`, holdsSchemas || name === 'schema' || name === 'items');
    }
  };
  visit(document, '', false);
  assert.deepEqual(wrong, []);
});

function resolve(document: Document, ref: string): unknown {
  if (!ref.startsWith('#/')) return undefined;
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, part) => (node as Json | undefined)?.[part], document);
}
