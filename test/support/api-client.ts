/**
 * The product as a program meets it: every route on a free port, with keys and kept answers from
 * the database. Each answer of a route is held against the schema that the route publishes.
 */
import assert from 'node:assert/strict';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { apiKeysOf, createApiKey, idempotencyOf } from '#identity/index.ts';
import { productRoutes } from '#main/wiring.ts';
import type { Route } from '#web/index.ts';
import { must, openCentre, type Centre } from './centre.ts';
import { startSite } from './page-client.ts';

export type Json = Record<string, unknown>;

/** A page of a list. */
export type List = { rows: Json[]; next: string | null };

export type ApiAnswer<T = Json> = {
  readonly status: number;
  readonly headers: Headers;
  readonly value: T;
};

export type Call = {
  /** A secret; the key that may everything unless told. '' sends none. */
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is. */
  readonly body?: unknown;
};

export type ApiSite = {
  readonly address: string;
  readonly centre: Centre;
  readonly routes: readonly Route[];
  key(permissions: readonly Permission[]): Promise<string>;
  call<T = Json>(method: string, path: string, call?: Call): Promise<ApiAnswer<T>>;
  get<T = Json>(path: string, call?: Call): Promise<ApiAnswer<T>>;
  post<T = Json>(path: string, body?: unknown, call?: Call): Promise<ApiAnswer<T>>;
  close(): Promise<void>;
};

export const everything: readonly Permission[] = [
  'alert.read',
  'alert.write',
  'alert.approve',
  'dispatch.steer',
  'response.record',
  'directory.read',
  'directory.write',
  'system.read',
  'gateway.steer',
];

export async function openApi(): Promise<ApiSite> {
  const centre = await openCentre();
  const database = centre.db.web;
  const routes = productRoutes(centre.product).filter(({ kind }) => kind === 'api');
  const site = await startSite({
    routes,
    apiKeys: apiKeysOf(database, centre.model),
    idempotency: idempotencyOf(database),
  });
  const key = async (permissions: readonly Permission[]) => {
    const wish = { name: 'Test', permissions, expiresAt: null };
    const made = await database.withActor(system('test'), (tx) =>
      createApiKey(tx, wish, new Date()),
    );
    return must(made).secret;
  };
  const master = await key(everything);
  const call = async <T = Json>(method: string, path: string, sent: Call = {}) => {
    const { body, key: secret = master } = sent;
    const response = await fetch(`${site.address}${path}`, {
      method,
      headers: {
        ...(secret !== '' && { authorization: `Bearer ${secret}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...sent.headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const value = (await response.json()) as T;
    checkShape(routes, { method, path, status: response.status, value });
    return { status: response.status, headers: response.headers, value };
  };
  return {
    address: site.address,
    centre,
    routes,
    key,
    call,
    get: (path, sent) => call('GET', path, sent),
    post: (path, body, sent) => call('POST', path, { ...sent, body }),
    async close() {
      await site.close();
      await centre.close();
    },
  };
}

type Answered = { method: string; path: string; status: number; value: unknown };

/** What the document promises is what comes; a problem has the shape of RFC 9457. */
function checkShape(routes: readonly Route[], { method, path, status, value }: Answered): void {
  const [here = ''] = path.split('?');
  const route = routes.find(
    (one) =>
      one.method === method &&
      new RegExp(`^${one.path.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`).test(here),
  );
  if (status >= 400) {
    const problem = value as Json;
    assert.equal(problem['status'], status);
    for (const field of ['type', 'title', 'detail', 'requestId'])
      assert.equal(typeof problem[field], 'string', `${field} of a problem`);
    return;
  }
  const schema = route?.api?.responses[status];
  if (schema === undefined) return;
  const result = schema.safeParse(value);
  assert.ok(result.success, `${method} ${path}: ${String(result.error)}`);
}

type FieldError = { readonly field: string; readonly message: string };

export function errorsOf(answer: ApiAnswer): FieldError[] {
  return (answer.value['errors'] ?? []) as FieldError[];
}

/** The fields that a problem names. */
export function fieldsOf(answer: ApiAnswer): string[] {
  return errorsOf(answer).map(({ field }) => field);
}

export type Checked = {
  readonly method: string;
  /** With ids filled in, of things that are there. */
  readonly path: string;
  readonly body?: unknown;
  /** One with the route's own permission, where it matters which; a new one unless told. */
  readonly key?: string;
};

/**
 * What holds of every route: no key 401, all permissions but its own 403, its own alone and it is
 * done (once: whoever was refused before did nothing), absent 404, a body that is none refused.
 */
export async function checkDoors(api: ApiSite, checked: Checked, own: Permission): Promise<void> {
  const { method, path, body } = checked;
  const what = `${method} ${path}`;
  const sent = body === undefined ? {} : { body };
  const without = await api.call(method, path, { key: '', ...sent });
  assert.equal(without.status, 401, what);
  assert.equal(without.headers.get('www-authenticate'), 'Bearer realm="Tocsin"');
  assert.equal((await api.call(method, path, { key: 'tocsin_none', ...sent })).status, 401, what);
  const others = everything.filter((one) => one !== own);
  const lacking = await api.call(method, path, { key: await api.key(others), ...sent });
  assert.equal(lacking.status, 403, what);
  assert.match(String(lacking.value['detail']), /permission/);
  const key = checked.key ?? (await api.key([own]));
  const alone = await api.call(method, path, { key, ...sent });
  assert.ok(alone.status < 300, `${what}: ${alone.status}`);
  const absent = path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, newId());
  if (absent !== path) {
    assert.equal((await api.call(method, absent, sent)).status, 404, what);
    const noId = path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'none');
    assert.equal((await api.call(method, noId, sent)).status, 404, what);
  }
  if (body !== undefined) await checkBody(api, checked);
}

/** A body of the wrong kind is refused with the field named, and never a fault of ours. */
async function checkBody(api: ApiSite, { method, path, body }: Checked): Promise<void> {
  const good = body as Json;
  const what = `${method} ${path}`;
  const proto = `{"__proto__":{"polluted":true},${JSON.stringify(good).slice(1)}`;
  for (const wrong of [{ ...good, extra: 1 }, proto, { ...good, constructor: {} }]) {
    const refused = await api.call(method, path, { body: wrong });
    assert.equal(refused.status, 422, `${what}: ${JSON.stringify(wrong).slice(0, 80)}`);
    assert.match(JSON.stringify(refused.value['errors']), /Not known here/);
  }
  assert.equal(({} as Json)['polluted'], undefined);
  for (const [field, value] of Object.entries(good))
    for (const wrong of [
      { a: 1 },
      typeof value === 'number' ? 'x' : 7,
      [[]],
      'x'.repeat(300_000),
    ]) {
      const refused = await api.call(method, path, { body: { ...good, [field]: wrong } });
      assert.equal(refused.status, 422, `${what} ${field}: ${JSON.stringify(wrong).slice(0, 40)}`);
      const named = errorsOf(refused).filter((error) => error.field.split('.')[0] === field);
      assert.ok(named.length > 0, `${what} names ${field}: ${JSON.stringify(refused.value)}`);
      for (const { message } of named)
        assert.doesNotMatch(message, /^(Fill this in|Check this)$/, `${what} ${field}`);
    }
  for (const wrong of [null, [], 'text', 7])
    assert.equal((await api.call(method, path, { body: JSON.stringify(wrong) })).status, 422, what);
  assert.equal((await api.call(method, path, { body: '{broken' })).status, 400, what);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await api.call(method, path, { body: 'a=b', headers: form })).status, 415, what);
}
