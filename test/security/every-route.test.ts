/**
 * Every route, every visitor, and an object of their own, of somebody else and of nobody: who is
 * let in is what the route declares, and what is not theirs looks like what there is not. Posts
 * are sent empty, and never at what others need.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { may, permissions, system, type Actor, type Permission } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { createApiKey, apiKeysOf, giveRole, permissionsIn, revokeApiKey } from '#identity/index.ts';
import { productRoutes } from '#main/wiring.ts';
import type { Route } from '#web/index.ts';
import { must, openCentre, type Centre, type Person } from '../support/centre.ts';
import { seedNotify } from '../support/dispatch.ts';
import { startSite, type Site } from '../support/page-client.ts';
import { makeObjects, type Objects, type Which } from './objects.ts';

type Visitor = {
  readonly name: string;
  readonly actor: Actor;
  readonly headers: Readonly<Record<string, string>>;
  /** Reads of RB or keeps ZZ-0003, and of nothing else. */
  readonly isBound?: true;
};

let centre: Centre;
let site: Site | undefined;
let routes: readonly Route[];
let objects: Objects;
let visitors: readonly Visitor[];

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  objects = await makeObjects(centre);
  routes = productRoutes(centre.product);
  const contacts = new Map<string, Actor>();
  site = await startSite({
    routes,
    apiKeys: apiKeysOf(centre.db.web),
    contactSessions: {
      findSession: async (token) => {
        const actor = contacts.get(token);
        return actor && { id: token, actor, name: 'contact', expiresAt: new Date('2099-01-01') };
      },
    },
    // Each request comes from a network of its own: limits are tested elsewhere.
    trustedProxies: ['127.0.0.1'],
    log: { info: () => {}, error: () => {} },
  });
  visitors = await inviteAll(contacts);
});

after(async () => {
  await site?.close();
  await centre.close();
});

const nobody: Actor = { kind: 'nobody' };

async function inviteAll(contacts: Map<string, Actor>): Promise<Visitor[]> {
  const person = (name: string, actor: Person, isBound?: true): Visitor => {
    site!.visitorAs(actor);
    return { name, actor, headers: { cookie: `tocsin=${actor.id}` }, ...(isBound && { isBound }) };
  };
  const all: Visitor[] = [{ name: 'a visitor', actor: nobody, headers: {} }];
  for (const [role, { label, givenFor, may: held }] of Object.entries(centre.model.roles)) {
    if (givenFor === 'region') {
      all.push(person(label, await centre.inviteLead(`Lead ${role}`, ['RB']), true));
    } else if (held.every((one) => one === 'directory.own')) {
      all.push(person(label, await inviteKeeper(role), true));
    } else all.push(person(label, await centre.invite(`Holder ${role}`, [role])));
  }
  all.push(person('no role', await centre.invite('Nils Holm', [])));
  const contactId = objects.pathOf('/organisations/contacts/:id', 'own')!.split('/').at(-1)!;
  const organisationId = objects.pathOf('/organisations/:id', 'own')!.split('/').at(-1)!;
  const contact: Actor = { kind: 'contact', id: contactId, organisationIds: [organisationId] };
  contacts.set('contact', contact);
  all.push({ name: 'a contact', actor: contact, headers: { cookie: 'tocsin_contact=contact' } });
  for (const permission of Object.keys(permissions) as Permission[])
    all.push(await keyOf(`key for ${permission}`, [permission]));
  all.push(await keyOf('key that ended', ['alert.read'], 'ended'));
  all.push(await keyOf('key that was revoked', ['alert.read'], 'revoked'));
  return all;
}

async function inviteKeeper(role: string): Promise<Person> {
  const keeper = await centre.invite('Karin Own', []);
  const organisationId = objects.pathOf('/organisations/:id', 'own')!.split('/').at(-1)!;
  await centre.db.web.withActor(system('test'), async (tx) => {
    const held = { personId: keeper.id, role, organisationId, regionCode: null };
    must(await giveRole(tx, held, { model: centre.model, now: new Date() }));
  });
  const held = permissionsIn(centre.model, [{ role, regionCode: null }]);
  return { ...keeper, ...held, organisationIds: [organisationId] };
}

async function keyOf(
  name: string,
  held: readonly Permission[],
  end?: 'ended' | 'revoked',
): Promise<Visitor> {
  return await centre.db.web.withActor(system('test'), async (tx) => {
    const expiresAt = end === 'ended' ? new Date(Date.now() - 1_000) : null;
    const wish = { name, permissions: held, expiresAt };
    const { id, secret } = must(await createApiKey(tx, wish, new Date(Date.now() - 60_000)));
    if (end === 'revoked') must(await revokeApiKey(tx, id, new Date()));
    const actor: Actor =
      end === undefined ? { kind: 'key', id, name, permissions: new Set(held) } : nobody;
    return { name, actor, headers: { authorization: `Bearer ${secret}` } };
  });
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

async function send(route: Route, path: string, visitor: Visitor) {
  networks += 1;
  const isPage = route.kind !== 'api' && route.method !== 'GET';
  const response = await fetch(site!.address + path, {
    method: route.method,
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
    headers: {
      ...visitor.headers,
      'x-forwarded-for': `10.${(networks >> 16) & 255}.${(networks >> 8) & 255}.${networks & 255}`,
      ...(route.method !== 'GET' && { 'sec-fetch-site': 'same-origin' }),
      ...(route.kind === 'api' && route.method !== 'GET' && { 'content-type': 'application/json' }),
      ...(isPage && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(route.method !== 'GET' && { body: route.kind === 'api' ? '{}' : '' }),
  });
  const { status } = response;
  const location = response.headers.get('location') ?? '';
  if (route.kind === 'events') await response.body?.cancel();
  else await response.arrayBuffer();
  return { status, location };
}

const INTERNAL = 500;

/** Why the answer is not what was declared; undefined where it is. */
function fault(
  route: Route,
  visitor: Visitor,
  which: Which,
  { status, location }: { status: number; location: string },
): string | undefined {
  if (status >= INTERNAL && status !== 503) return `answers ${status}`;
  const admitted = declared(route, visitor);
  if (admitted === 'forbidden') return status === 403 ? undefined : `${status}, not 403`;
  if (admitted === 'unknown') {
    const asks = status === 303 && /^\/(?:sign-in|your-details\/sign-in|passkey)/.test(location);
    return status === 401 || status === 403 || asks ? undefined : `${status} ${location}: let in`;
  }
  // Its proof is a token that nobody here has.
  if (route.access === 'callback')
    return [401, 403, 404].includes(status) ? undefined : `${status}`;
  // The session of the contact here is no row: what asks for its row again finds none.
  if (status === 401) return visitor.actor.kind === 'contact' ? undefined : 'not let in';
  const tellsNothing = SAME_FOR_ALL.has(route.path);
  if (which === 'absent' && route.method === 'GET' && status < 300 && !tellsNothing)
    return `${status} of nothing`;
  if (which === 'other' && visitor.isBound && status < 400) return `${status} of another’s`;
  if (which === 'own' && route.method === 'GET' && (status === 403 || status === 404)) {
    const isTheirs = !visitor.isBound || !route.path.includes(':');
    return isTheirs && route.path.includes(':') ? `${status} of what there is` : undefined;
  }
  return undefined;
}

/** The same page whether it is there or not, so that nobody learns which codes and numbers are. */
const SAME_FOR_ALL = new Set(['/:number', '/sign-in/code/:id', '/your-details/code/:id']);

/** Would end what the others need, or is nothing but its own effect. */
const NEVER_ADMITTED = new Set(['POST /sign-out', 'POST /account/sessions/end-others']);

test('every route lets in whom it declares, and shows nobody what is not theirs', async (t) => {
  const faults: string[] = [];
  let requests = 0;
  for (const route of routes) {
    for (const visitor of visitors) {
      const isIn = declared(route, visitor) === 'in';
      for (const which of ['own', 'other', 'absent'] as const) {
        const path = objects.pathOf(route.path, which);
        if (path === undefined) continue;
        const isRead = route.method === 'GET';
        // What an empty post does to an object that is theirs, the tests of its page say.
        const isTheirs = which === 'own' || (which === 'other' && !visitor.isBound);
        if (!isRead && isIn && isTheirs) continue;
        if (isIn && NEVER_ADMITTED.has(`${route.method} ${route.path}`)) continue;
        requests += 1;
        const answer = await send(route, path, visitor).catch((error: unknown) => {
          console.error(route.method, path, visitor.name, String(error));
          return { status: 0, location: '' };
        });
        const why = fault(route, visitor, which, answer);
        if (why !== undefined)
          faults.push(`${route.method} ${route.path} (${which}) as ${visitor.name}: ${why}`);
      }
    }
  }
  t.diagnostic(`${routes.length} routes, ${visitors.length} visitors, ${requests} requests`);
  assert.deepEqual(faults, []);
});

test('no post of the walk changed what there is', async () => {
  const rows = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ state: string }>(sql`select state from alerts.version order by state`),
  );
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['draft', 'released', 'submitted'],
  );
});
