/** What holds for every route of the product, and for every cookie: read from the routes it has. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { createSignInLink, sessionsOf } from '#identity/index.ts';
import { productRoutes } from '#main/wiring.ts';
import { contactSessionsOf } from '#organisations/index.ts';
import type { Route } from '#web/index.ts';
import {
  messagesOf,
  must,
  numbers,
  openCentre,
  sendOwnCodes,
  type Centre,
} from '../support/centre.ts';
import { seedNotify } from '../support/dispatch.ts';
import { PageClient, startSite, type Answer, type Site } from '../support/page-client.ts';

const ORIGIN = 'https://tocsin.test';
const ANSWERS = '00000000-0000-4000-8000-000000000000';

let centre: Centre;
let site: Site;
let routes: readonly Route[];

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  routes = productRoutes({ ...centre.product, origin: ORIGIN });
  const { database, model } = centre.product;
  site = await startSite({
    routes,
    origin: ORIGIN,
    sessions: sessionsOf(database, model),
    contactSessions: contactSessionsOf(database),
  });
});

after(async () => {
  await site.close();
  await centre.close();
});

/** The path with something in the place of each parameter. */
const filled = ({ path }: Route) =>
  path.replaceAll(/:(\w+)/g, (_, name: string) => (name === 'number' ? '1' : newId()));

const isUnsafe = ({ method }: Route) => !['GET', 'HEAD', 'OPTIONS'].includes(method);

test('every change on a page is refused from elsewhere, whoever is signed in', async () => {
  const client = await signIn();
  const form = () => new URLSearchParams({ a: '1' });
  const senders = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: ORIGIN },
  ];
  const taken: string[] = [];
  const pages = routes.filter((route) => route.kind === 'page' && isUnsafe(route));
  assert.ok(pages.length > 80, `${pages.length} routes`);
  for (const route of pages)
    for (const headers of senders) {
      const { status } = await client.request(route.method, filled(route), {
        form: form(),
        headers,
      });
      if (status !== 403) taken.push(`${route.method} ${route.path} ${status}`);
    }
  assert.deepEqual(taken, []);
});

test('without Fetch Metadata the origin decides, and with neither nothing is changed', async () => {
  const taken: string[] = [];
  const pages = routes.filter((route) => route.kind === 'page' && isUnsafe(route));
  for (const route of pages)
    for (const origin of [undefined, 'null', 'http://tocsin.test', `${ORIGIN}.evil.test`]) {
      const { status } = await fetch(site.address + filled(route), {
        method: route.method,
        body: new URLSearchParams({ a: '1' }),
        redirect: 'manual',
        headers: origin === undefined ? {} : { origin },
      });
      if (status !== 403) taken.push(`${route.method} ${route.path} ${status} from ${origin}`);
    }
  assert.deepEqual(taken, []);
});

test('a program is known by its key alone: the cookie of a browser opens no door of the API', async () => {
  const client = await signIn();
  const taken: string[] = [];
  const doors = routes.filter(({ kind, access }) => kind === 'api' && access !== 'public');
  assert.ok(doors.length > 20, `${doors.length} doors`);
  for (const route of doors) {
    const { status } = await client.request(route.method, filled(route));
    if (status !== 401) taken.push(`${route.method} ${route.path} ${status}`);
  }
  assert.deepEqual(taken, []);
});

test('every answer has the headers, whatever the route and the status', async () => {
  const client = await signIn();
  const bare: string[] = [];
  for (const route of routes.filter(({ kind, method }) => method === 'GET' && kind !== 'events')) {
    const { status, headers } = await client.request('GET', filled(route));
    const policy = headers.get('content-security-policy') ?? '';
    const fits =
      /script-src 'nonce-[\w+/=]{20,}';.*require-trusted-types-for 'script'/.test(policy) &&
      headers.get('x-content-type-options') === 'nosniff' &&
      headers.get('referrer-policy') === 'no-referrer' &&
      /max-age=63072000; includeSubDomains/.test(headers.get('strict-transport-security') ?? '') &&
      headers.get('cross-origin-opener-policy') === 'same-origin' &&
      headers.get('server') === null &&
      headers.get('x-powered-by') === null;
    if (!fits || status >= 500) bare.push(`${route.path} ${status}`);
  }
  assert.deepEqual(bare, []);
});

test('so has every refusal of a change, of a page, a program, a provider and of no route', async () => {
  const bare: string[] = [];
  const changes = routes.filter(isUnsafe).map((route) => [route.method, filled(route)] as const);
  const none = [
    ['PUT', '/sign-in'],
    ['POST', '/nowhere'],
    ['GET', '/assets/x/none.js'],
    ['GET', '/%zz'],
  ] as const;
  for (const [method, at] of [...changes, ...none]) {
    const answer = await fetch(site.address + at, { method, redirect: 'manual' });
    const { status, headers } = answer;
    await answer.arrayBuffer();
    const fits =
      /require-trusted-types-for 'script'/.test(headers.get('content-security-policy') ?? '') &&
      headers.get('x-content-type-options') === 'nosniff' &&
      headers.get('cache-control') === 'no-store' &&
      headers.get('strict-transport-security') !== null &&
      headers.get('set-cookie') === null;
    if (!fits || status < 400 || status >= 500) bare.push(`${method} ${at} ${status}`);
  }
  assert.deepEqual(bare, []);
});

test('every cookie is for this host alone, by https alone, and closed to scripts', async () => {
  const lines = new Set<string>();
  const hear = ({ headers }: Answer) => headers.getSetCookie().forEach((line) => lines.add(line));
  const client = await signIn(hear);
  hear(await client.request('POST', '/sign-out', { form: new URLSearchParams() }));
  hear(await enterAsContact());
  const names = new Set([...lines].map((line) => line.split('=')[0]));
  assert.ok(names.has('__Host-tocsin') && names.has('__Host-tocsin-contact'), [...names].join());
  for (const line of lines) {
    assert.match(line, /^__Host-tocsin(-\w+)?=/);
    assert.match(line, /; Path=\/(;|$)/);
    assert.match(line, /; HttpOnly(;|$)/);
    assert.match(line, /; Secure(;|$)/);
    assert.match(line, /; SameSite=Lax(;|$)/);
    assert.doesNotMatch(line, /Domain=/i);
  }
});

/** A signed-in officer; `hear` gets the answer that begins the session. */
async function signIn(hear: (answer: Answer) => void = () => {}): Promise<PageClient> {
  const { token } = await centre.db.web.withActor(system('test'), async (tx) =>
    must(
      await createSignInLink(tx, {
        personId: centre.officer.id,
        model: centre.model,
        now: new Date(),
      }),
    ),
  );
  const client = new PageClient(site.address);
  hear(await client.request('POST', `/sign-in/link/${token}`, { form: new URLSearchParams() }));
  assert.ok(client.cookie('__Host-tocsin') !== undefined);
  return client;
}

/** The answer that begins the session of a contact. */
async function enterAsContact(): Promise<Answer> {
  const client = new PageClient(site.address);
  await client.get('/your-details');
  await client.submit('Send me a code', { address: `0${numbers.northmoor.slice(2)}` });
  await sendOwnCodes(centre);
  const sent = await messagesOf(centre, ANSWERS);
  const [, code] = /(\d{6}) is your code/.exec(sent.map(({ body }) => body).join('\n'))!;
  return await client.request('POST', client.page.path, {
    form: new URLSearchParams({ code: code! }),
  });
}
