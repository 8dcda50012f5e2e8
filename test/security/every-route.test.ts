/**
 * Every route, every visitor, and an object of their own, of somebody else and of nobody: who is
 * let in is what the route declares, and what is not theirs looks like what there is not, but for
 * the id. Posts carry what the page itself would send, and never reach what others need.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { actorId, may } from '#kernel/actor.ts';
import { apiKeysOf, sessionsOf } from '#identity/index.ts';
import { productRoutes } from '#main/wiring.ts';
import { contactSessionsOf } from '#organisations/index.ts';
import type { Route } from '#web/index.ts';
import { openCentre, type Centre } from '../support/centre.ts';
import { seedNotify } from '../support/dispatch.ts';
import { startSite, type Site } from '../support/page-client.ts';
import { exampleOf, jsonSchemaOf, RightRequests } from './fuzz/right-requests.ts';
import { exchange, type Received } from './fuzz/wire.ts';
import { makeObjects, type Objects, type Which } from './objects.ts';
import { makeOfVisitors } from './own-objects.ts';
import { inviteAll, type Visitor } from './visitors.ts';
import { watchWrites, wroteSince } from './watch-writes.ts';

let centre: Centre;
let site: Site | undefined;
let routes: readonly Route[];
let objects: Objects;
let visitors: readonly Visitor[];
let rights: RightRequests;
let begin: Date;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  objects = await makeObjects(centre);
  routes = productRoutes(centre.product);
  site = await startSite({
    routes,
    apiKeys: apiKeysOf(centre.db.web, centre.model),
    sessions: sessionsOf(centre.db.web, centre.model),
    contactSessions: contactSessionsOf(centre.db.web),
    // Each request comes from a network of its own: limits are tested elsewhere.
    trustedProxies: ['127.0.0.1'],
    log: { info: () => {}, error: () => {} },
  });
  visitors = await inviteAll(centre, objects);
  objects.add(await makeOfVisitors(centre, visitors, begun));
  await readForms();
  await watchWrites(centre);
  begin = new Date();
});

after(async () => {
  agent.destroy();
  await site?.close();
  await centre.close();
});

/** The id of what this visitor begins by a post. */
async function begun(pattern: string, path: string, visitor: Visitor): Promise<string> {
  const route = routes.find((one) => one.method === 'POST' && one.path === pattern)!;
  const { status, location } = await send(route, path, visitor);
  assert.ok([202, 303].includes(status), `${path} as ${visitor.name}: ${status}`);
  return location.split('/').at(-1)!;
}

/** What the pages of whoever may see them post, with the ids and versions that stand in them. */
async function readForms(): Promise<void> {
  rights = new RightRequests(routes);
  for (const route of routes) {
    if (route.method !== 'GET' || route.kind !== 'page') continue;
    for (const visitor of visitors.filter((one) => declared(route, one) === 'in'))
      for (const which of ['own', 'other'] as const) {
        const path = objects.pathOf(route.path, which, actorId(visitor.actor));
        if (path === undefined) continue;
        const { status, body } = await send(route, path, visitor);
        if (status === 200) rights.readPage(body, path);
      }
  }
}

type Admitted = 'in' | 'unknown' | 'forbidden';

/** What the route declares of this visitor. A key is for programs, a cookie for pages. */
function declared({ access, kind }: Route, { actor }: Visitor): Admitted {
  if (access === 'public' || access === 'nobody' || access === 'callback') return 'in';
  const isProgram = actor.kind === 'key';
  // A cookie opens no door of the API, and a key no page.
  if ((kind === 'api') !== isProgram) return 'unknown';
  if (access === 'contact') return actor.kind === 'contact' ? 'in' : 'unknown';
  if (access === 'signed-in') return actor.kind === 'person' ? 'in' : 'unknown';
  if (actor.kind !== 'person' && actor.kind !== 'key') return 'unknown';
  return [access].flat().some((one) => may(actor, one)) ? 'in' : 'forbidden';
}

let networks = 0;

/** Rather than `fetch`, with which the whole walk takes 1.8 times as much of a processor. */
const agent = new http.Agent({ keepAlive: true });

type Answer = Received & { readonly location: string };

/** `like`: the path whose form it posts, so that two that are compared carry the same. */
async function send(
  route: Route,
  path: string,
  visitor: Visitor,
  like: string = path,
): Promise<Answer> {
  networks += 1;
  const isRead = route.method === 'GET';
  const text = isRead ? undefined : bodyFor(route, like);
  const headers: Record<string, string> = {
    ...visitor.headers,
    'x-forwarded-for': `10.${(networks >> 16) & 255}.${(networks >> 8) & 255}.${networks & 255}`,
    ...(!isRead && { 'sec-fetch-site': 'same-origin' }),
    ...(text !== undefined && { 'content-type': typeOf(route) }),
  };
  const body = text === undefined ? undefined : Buffer.from(text);
  const sent = { method: route.method, path, headers: Object.entries(headers), body };
  const options = { agent, isStream: route.kind === 'events' };
  const answer = await exchange(site!.address, sent, options);
  return { ...answer, location: answer.headers.location ?? '' };
}

function typeOf({ kind }: Route): string {
  return kind === 'page' ? 'application/x-www-form-urlencoded' : 'application/json';
}

/** What a page has posted there, or to another of the kind; what the schema of the API says. */
function bodyFor(route: Route, path: string): string | undefined {
  if (route.kind !== 'page') {
    const known = { idOf: () => undefined, isShort: true };
    return route.body && JSON.stringify(exampleOf(jsonSchemaOf(route.body), '', known));
  }
  const all = rights?.of(route) ?? [];
  const right = all.find((one) => one.path === path) ?? all[0];
  return String(new URLSearchParams((right?.fields ?? []).map(([name, value]) => [name, value])));
}

/** What is compared of an answer: all but its ids, its moment and its nonces. */
function lookOf({ status, headers, body }: Answer, path: string): unknown {
  const ids = new Set([...path.matchAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{4,}\b/g)].map(String));
  // Whole ids first: a request may have one that holds the number of an alert.
  const blank = (text: string) =>
    [...ids].reduce(
      (rest, id) => rest.replaceAll(id, 'ID'),
      text
        .replaceAll(/nonce(?:-|=")[\w+/=]+/g, 'NONCE')
        .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => (ids.has(id) ? 'ID' : 'REQUEST')),
    );
  const told = Object.entries(headers).filter(
    // The tag of a page is a hash over its body, which is compared itself.
    ([name]) => !/^(?:date|x-request-id|content-length|etag)$/.test(name),
  );
  return {
    status,
    headers: told.map(([name, value]) => `${name}: ${blank(String(value))}`),
    body: blank(body),
  };
}

const INTERNAL = 500;

/** Why the answer is not what was declared; undefined where it is. */
function fault(
  route: Route,
  visitor: Visitor,
  which: Which,
  { status, location }: Answer,
): string | undefined {
  if (status >= INTERNAL && status !== 503) return `answers ${status}`;
  const admitted = declared(route, visitor);
  if (admitted === 'forbidden') return status === 403 ? undefined : `${status}, not 403`;
  if (admitted === 'unknown') {
    const asks = status === 303 && /^\/(?:sign-in|your-details\/sign-in|passkey)/.test(location);
    return status === 401 || status === 403 || asks ? undefined : `${status} ${location}: let in`;
  }
  // Its proof is a token that nobody here has; for a logout token the standard says 400.
  if (route.access === 'callback')
    return [400, 401, 403, 404].includes(status) ? undefined : `${status}`;
  if (status === 401) return 'not let in';
  const tellsNothing = SAME_FOR_ALL.has(route.path);
  if (which === 'absent' && route.method === 'GET' && status < 300 && !tellsNothing)
    return `${status} of nothing`;
  if (which === 'other' && visitor.isBound && status < 400 && !tellsNothing)
    return `${status} of another’s`;
  if (which === 'own' && route.method === 'GET' && (status === 403 || status === 404)) {
    // What has an owner is theirs; the rest is of the centre, and some of it not for everybody.
    const isOwned = objects.pathOf(route.path, 'other', actorId(visitor.actor)) !== undefined;
    return (isOwned || !visitor.isBound) && route.path.includes(':')
      ? `${status} of what there is`
      : undefined;
  }
  return undefined;
}

/** The same page whether it is there or not, so that nobody learns which codes and numbers are. */
const SAME_FOR_ALL = new Set([
  '/:number',
  '/sign-in/code/:id',
  '/sign-in/more/:id',
  '/your-details/code/:id',
  '/your-details/number/:id',
]);

/** Would end what the others need, or is nothing but its own effect. */
const NEVER_ADMITTED = new Set(['POST /sign-out', 'POST /account/sessions/end-others']);

/** What belongs to a person is another’s for everybody but its owner, who is no visitor. */
const OF_A_PERSON = new RegExp(
  [
    '^/account/(?:sessions|passkeys|app|issuer-links)/:id',
    '^/colleagues(?:/invitations)?/:id',
    '^/organisations/import/:id',
    '^/api/v1/undo-runs/:id',
    // Of one person, at the page of another.
    ':linkId',
    ':requestId',
    // Of an alert that is not for everybody.
    '^/:number',
  ].join('|'),
);

/**
 * A change, or what is to be approved, is seen by whoever may decide over its kind; a space by whom
 * it was opened for, and by whoever opens spaces.
 */
function isOfOthers({ path }: Route, { actor }: Visitor): boolean {
  if (path.startsWith('/spaces/:id')) return !may(actor, 'person.manage');
  if (path.startsWith('/approvals/:id')) return !may(actor, 'alert.approve');
  return path.startsWith('/changes/:id') && !may(actor, 'person.manage');
}

async function tryVisitor(route: Route, visitor: Visitor, faults: string[]): Promise<number> {
  const isIn = declared(route, visitor) === 'in';
  const isBound = [
    visitor.isBound,
    OF_A_PERSON.test(route.path),
    isOfOthers(route, visitor),
  ].includes(true);
  let requests = 0;
  const looks: Partial<Record<Which, unknown>> = {};
  const pathOf = (which: Which) => objects.pathOf(route.path, which, actorId(visitor.actor));
  for (const which of ['own', 'other', 'absent'] as const) {
    const path = pathOf(which);
    if (path === undefined) continue;
    // What a post does to an object that is theirs, the tests of its page say.
    const isTheirs = which === 'own' || (which === 'other' && !isBound);
    if (route.method !== 'GET' && isIn && isTheirs) continue;
    if (isIn && NEVER_ADMITTED.has(`${route.method} ${route.path}`)) continue;
    requests += 1;
    const answer = await send(route, path, visitor, which === 'own' ? path : pathOf('other'));
    const why = fault(route, { ...visitor, ...(isBound && { isBound }) }, which, answer);
    const at = `${route.method} ${route.path} (${which}) as ${visitor.name}`;
    if (why !== undefined) faults.push(`${at}: ${why}`);
    if (isIn && isBound) looks[which] = lookOf(answer, path);
  }
  if (looks.other === undefined || looks.absent === undefined) return requests;
  compared += 1;
  const difference = differenceOf(looks.other, looks.absent);
  if (difference !== undefined)
    faults.push(`${route.method} ${route.path} as ${visitor.name}: ${difference}`);
  return requests;
}

let compared = 0;

function differenceOf(other: unknown, absent: unknown): string | undefined {
  const [one, two] = [JSON.stringify(other), JSON.stringify(absent)];
  if (one === two) return undefined;
  const at = one.split('').findIndex((unit, i) => unit !== two.charAt(i));
  const from = Math.max(0, at - 40);
  return `another’s is not like none: ${one.slice(from, at + 80)} | ${two.slice(from, at + 80)}`;
}

test('every route lets in whom it declares, and shows nobody what is not theirs', async (t) => {
  const faults: string[] = [];
  let requests = 0;
  for (const route of routes)
    for (let i = 0; i < visitors.length; i += TOGETHER) {
      const some = visitors.slice(i, i + TOGETHER);
      const sent = await Promise.all(some.map((one) => tryVisitor(route, one, faults)));
      requests += sent.reduce((sum, one) => sum + one, 0);
    }
  const tried = `${routes.length} routes, ${visitors.length} visitors, ${requests} requests`;
  t.diagnostic(`${tried}, ${compared} of them another’s beside none`);
  assert.deepEqual(faults, [], faults.join('\n'));
});

/** Visitors who ask at the same time. */
const TOGETHER = 4;

test('no post of the walk changed what there is', async () => {
  const ids = visitors.map(({ actor }) => actorId(actor)).filter((id) => id !== 'nobody');
  const wrote = await wroteSince(centre, ids, begin);
  // A look at a page of numbers is an entry; nothing else is written by whoever was refused.
  assert.deepEqual(
    wrote.filter((table) => !table.startsWith('audit.')),
    [],
  );
});
