/**
 * What is marked above AMBER, and everybody who may know of it: by each way of signing in, every
 * page, answer and stream of a live installation is read, and its words stand in none of them
 * before a passkey was used. Each word of an alert has a sign in it that stands nowhere else.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { noContent, returnAlert } from '#alerts/index.ts';
import { apiKeysOf, createApiKey, sessionsOf } from '#identity/index.ts';
import { productRoutes } from '#main/wiring.ts';
import type { Route } from '#web/index.ts';
import {
  draftAlert,
  endAlert,
  must,
  openCentre,
  releaseAlert,
  releaseVersion,
  rolesOfCentre,
  submitDraft,
  type Centre,
} from '../support/centre.ts';
import { seedNotify } from '../support/dispatch.ts';
import { startSite, type Site } from '../support/page-client.ts';
import { exchange } from './fuzz/wire.ts';
import { makeObjects, type Objects } from './objects.ts';
import { openContactSession, sha256 } from './sessions.ts';

const SIGN = /quagga/i;
const closed = {
  title: 'Quagga title',
  what: 'quagga what',
  doNow: 'Quagga do now.',
  notKnown: 'Quagga not known.',
  body: 'Quagga body',
  content: { ...noContent, platforms: ['Quagga server'], cves: ['CVE-2026-4242'] },
};

let centre: Centre;
let site: Site;
let routes: readonly Route[];
let objects: Objects;
let superuser: Client;
const alerts = new Map<string, string>();
/** Headers of each way in that proves no passkey, by its name. */
const unproved = new Map<string, Record<string, string>>();
let proved: Record<string, string>;
const agent = new http.Agent({ keepAlive: true });

before(async () => {
  centre = await openCentre();
  superuser = new Client(centre.db.superuser);
  await superuser.connect();
  await seedNotify(centre.db.worker);
  objects = await makeObjects(centre);
  await makeAlerts();
  // Written and approved while nobody has to prove anything; from here on it is live.
  await makeOf('live');
  routes = productRoutes(centre.product);
  site = await startSite({
    routes,
    apiKeys: apiKeysOf(centre.db.web, centre.model),
    sessions: sessionsOf(centre.db.web, centre.model),
    trustedProxies: ['127.0.0.1'],
    log: { info: () => {}, error: () => {} },
  });
  for (const begunBy of ['link', 'code', 'issuer'])
    unproved.set(begunBy, await signedIn(begunBy, false));
  unproved.set('key', await keyFor(['alert.read', 'directory.read', 'system.read']));
  unproved.set('contact', {
    cookie: `tocsin-contact=${await openContactSession(centre, { turn: 0 })}`,
  });
  proved = await signedIn('passkey', true);
});

after(async () => {
  agent.destroy();
  await site.close();
  await superuser.end();
  await centre.close();
});

/** Makes it an installation of this kind: of a real one it is fixed. */
async function makeOf(kind: 'live' | 'demonstration'): Promise<void> {
  await superuser.query('set session_replication_role = replica');
  await superuser.query('update kernel.installation set kind = $1', [kind]);
  await superuser.query('set session_replication_role = origin');
}

/** One in each state in which its words stand somewhere, marked RED or AMBER+STRICT. */
async function makeAlerts(): Promise<void> {
  const red = { ...closed, marking: 'RED' } as const;
  alerts.set('draft', await draftAlert(centre, red));
  const waiting = await draftAlert(centre, red);
  await submitDraft(centre, waiting);
  alerts.set('waiting', waiting);
  const returned = await draftAlert(centre, { ...red, marking: 'AMBER+STRICT' });
  await submitDraft(centre, returned);
  must(
    await centre.db.web.attempt(centre.approver, (tx) =>
      returnAlert(tx, { alertId: returned, reason: 'Say quagga first', now: new Date() }),
    ),
  );
  alerts.set('returned', returned);
  alerts.set('live', (await releaseAlert(centre, red)).alertId);
  const strict = await releaseAlert(centre, { ...closed, marking: 'AMBER+STRICT' });
  alerts.set('strict', strict.alertId);
  const over = await releaseAlert(centre, red);
  await endAlert(centre, over.alertId, 'withdrawn');
  alerts.set('withdrawn', over.alertId);
}

/** The headers of whoever holds every role of the centre and came in this way. */
async function signedIn(begunBy: string, isProved: boolean): Promise<Record<string, string>> {
  const roles = rolesOfCentre(centre.model);
  const person = await centre.invite(`Came by ${begunBy}`, roles);
  const token = `${begunBy}-session`;
  // Without the passkey and the issuer themselves.
  await superuser.query('set session_replication_role = replica');
  await superuser.query(
    `insert into identity.session (id, token_sha256, person_id, device, place, begun_by,
       vouched_by, passkey_id, passkey_at, issuer_id, created_at, last_seen_at)
     values ($1, $2, $3, 'Test', 'here', $4, '{}', $5, $6, $7, now(), now())`,
    [
      newId(),
      sha256(token),
      person.id,
      begunBy,
      isProved ? newId() : null,
      // Long ago: it was used in this session, and that is enough to read.
      isProved ? new Date(Date.now() - 3_600_000) : null,
      begunBy === 'issuer' ? 'their-issuer' : null,
    ],
  );
  await superuser.query('set session_replication_role = origin');
  return { cookie: `tocsin=${token}` };
}

async function keyFor(permissions: readonly Permission[]): Promise<Record<string, string>> {
  const wish = { name: 'Feed', permissions, expiresAt: null };
  const { secret } = await centre.db.web.withActor(system('test'), async (tx) =>
    must(await createApiKey(tx, wish, new Date())),
  );
  return { authorization: `Bearer ${secret}` };
}

async function get(route: Route, path: string, headers: Record<string, string>) {
  const sent = { method: 'GET', path, headers: Object.entries(headers), body: undefined };
  return await exchange(site.address, sent, { agent, isStream: route.kind === 'events' });
}

/** The addresses of a route: of the alert, or of what the made-up world has in its place. */
function pathsOf({ path }: Route, alertId: string): string[] {
  const ofAlert = /^(?:\/api\/v1)?\/alerts\/:id/;
  const own = objects.pathOf(path, 'own') ?? objects.pathOf(path, 'absent');
  if (own === undefined) return [];
  const [, known] = ofAlert.test(path) ? (/\/alerts\/([^/]+)/.exec(own) ?? []) : [];
  return [known === undefined ? own : own.replace(known, alertId)];
}

test('before a passkey was used no page, answer or stream shows a word', async (t) => {
  let read = 0;
  for (const [way, headers] of unproved)
    for (const [state, alertId] of alerts)
      for (const route of routes.filter(({ method }) => method === 'GET')) {
        const isOfAlert = route.path.includes('/alerts/:id');
        // What is of no alert is the same whichever is asked for.
        if (!isOfAlert && state !== 'live') continue;
        for (const path of pathsOf(route, alertId)) {
          const { status, body } = await get(route, path, headers);
          read += 1;
          assert.doesNotMatch(body, SIGN, `${path} of ${state} by ${way}`);
          assert.ok(status < 500, `${path} of ${state} by ${way}: ${status}`);
          const isProgram = way === 'key';
          if (!isOfAlert || (route.kind === 'api') !== isProgram || way === 'contact') continue;
          const isTurnedAway = status === 403 || (status === 303 && !isProgram);
          assert.ok(isTurnedAway, `${path} of ${state} by ${way}: ${status}`);
        }
      }
  t.diagnostic(`${read} answers, ${unproved.size} ways in`);
});

test('it says that the alert is there, how it is marked, and leads to the proof and back', async () => {
  const path = `/alerts/${alerts.get('live')}/board`;
  const route = routes.find((one) => one.path === '/alerts/:id/board')!;
  const { status, body } = await get(route, path, unproved.get('link')!);
  assert.equal(status, 403);
  assert.match(body, /TLP:RED/);
  assert.match(body, /Live/);
  assert.match(body, /Critical/);
  assert.ok(body.includes(`href="/passkey?to=${encodeURIComponent(path)}"`), body);
  const list = routes.find((one) => one.path === '/alerts')!;
  const listed = await get(list, '/alerts', unproved.get('link')!);
  assert.match(listed.body, /Words marked TLP:RED need a passkey/);
  const api = routes.find((one) => one.path === '/api/v1/alerts/:id')!;
  const refused = await get(api, `/api/v1/alerts/${alerts.get('live')}`, unproved.get('key')!);
  assert.match(refused.body, /A key reads up to TLP:AMBER/);
});

test('once a passkey was used in the session, all of it is read', async () => {
  for (const [state, alertId] of alerts)
    for (const path of ['/alerts/:id', '/alerts/:id/board', '/alerts/:id/versions']) {
      const route = routes.find((one) => one.path === path)!;
      const { status, body } = await get(route, path.replace(':id', alertId), proved);
      assert.ok(status !== 403, `${path} of ${state}: ${status}`);
      const isWordy = path === '/alerts/:id' ? status === 200 : state === 'live';
      if (isWordy) assert.match(body, SIGN, `${path} of ${state}`);
    }
  for (const path of ['/', '/desk/events', '/alerts']) {
    const route = routes.find((one) => one.path === path)!;
    assert.match((await get(route, path, proved)).body, SIGN, path);
  }
});

test('of what is over, a version that was closer stays closed when a later one is open', async () => {
  await makeOf('demonstration');
  const { alertId } = await releaseAlert(centre, { ...closed, marking: 'RED' });
  const open = { ...closed, title: 'Zebra', what: 'zebra', doNow: 'Zebra.', body: 'Zebra' };
  const rest = { notKnown: 'Zebra', content: noContent, ifActed: 'Zebra.' };
  await releaseVersion(centre, alertId, 'correction', { ...open, ...rest, marking: 'AMBER' });
  await makeOf('live');
  for (const [way, headers] of unproved) {
    for (const route of routes.filter(({ method, path }) => method === 'GET' && path !== '/'))
      for (const path of pathsOf(route, alertId))
        if (route.path.includes('/alerts/:id'))
          assert.doesNotMatch((await get(route, path, headers)).body, SIGN, `${path} by ${way}`);
    if (way !== 'link') continue;
    const route = routes.find((one) => one.path === '/alerts/:id/versions')!;
    const { status, body } = await get(route, `/alerts/${alertId}/versions`, headers);
    assert.equal(status, 200);
    assert.match(body, /Zebra/);
    assert.match(body, /Words marked TLP:RED need a passkey/);
  }
});
