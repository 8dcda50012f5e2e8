/**
 * The product with whoever its routes admit, in lanes that run at the same time: each has a person,
 * a key and contacts of its own, so that what was written can be told apart by who wrote it.
 */
import http from 'node:http';
import { keyPermissions, permissions, system, type Permission } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { upsertGateway } from '#dispatch/index.ts';
import { apiKeysOf, createApiKey, idempotencyOf } from '#identity/index.ts';
import { productRoutes } from '#main/wiring.ts';
import { contactSessionsOf } from '#organisations/index.ts';
import type { Route, Session } from '#web/index.ts';
import {
  contactsCsv,
  must,
  openCentre,
  organisationsCsv,
  type Centre,
  type Person,
} from '../../support/centre.ts';
import { startSite, type Site } from '../../support/page-client.ts';
import { openContactSession, openSession, sha256 } from '../sessions.ts';
import { watchWrites, wroteSince } from '../watch-writes.ts';
import { exchange, type Received, type Sent } from './wire.ts';
import { keyOf } from './right-requests.ts';

const all = new Set(Object.keys(permissions) as Permission[]);

export type Lane = {
  readonly person: Person;
  readonly key: string;
  readonly actorIds: readonly string[];
  /** Sends it as whoever the route admits. */
  send(route: Route, sent: Sent): Promise<Received>;
  /** The tables that this lane wrote to since then, in what was committed. */
  wroteSince(begin: Date): Promise<string[]>;
};

export type Ground = {
  readonly centre: Centre;
  readonly routes: readonly Route[];
  readonly lanes: readonly Lane[];
  readonly site: Site;
  /** Handlers that ran: past who may come and past what could not be parsed. */
  readonly reached: ReadonlySet<string>;
  /** What the server logged as its own fault. */
  readonly logged: string[];
  close(): Promise<void>;
};

/** Some of them say that they left, and nobody of the walk brings them back. */
const LEAVING = Array.from(
  { length: 120 },
  (_, i) => `ZZ-0005,Leaver ${i},person,ciso,9,,leaver${i}@lonely.test\n`,
);

const centreOfMany = {
  modelFile: 'operating-model.yaml',
  organisationsCsv,
  contactsCsv: contactsCsv + LEAVING.join(''),
  officerRole: 'duty_officer',
  approverRole: 'approver',
};

const CALLBACK_TOKEN = 'a token of a gateway';

export async function openGround(lanes: number): Promise<Ground> {
  const centre = await openCentre('demonstration', centreOfMany);
  await seedGateway(centre);
  await watchWrites(centre);
  const routes = productRoutes(centre.product);
  const reached = new Set<string>();
  const logged: string[] = [];
  const sessions = new Map<string, Session>();
  const site = await startSite({
    routes: routes.map((route) => ({
      ...route,
      handle: async (request) => {
        reached.add(keyOf(route));
        return await route.handle(request);
      },
    })),
    sessions: { findSession: async (token) => sessions.get(token) },
    contactSessions: contactSessionsOf(centre.db.web),
    apiKeys: apiKeysOf(centre.db.web, centre.model),
    idempotency: idempotencyOf(centre.db.web),
    // Each request comes from a network of its own: limits are tested elsewhere.
    trustedProxies: ['127.0.0.1'],
    log: {
      info: () => {},
      error: (event, fields) => {
        const { route = '', error } = fields ?? {};
        const stack = error instanceof Error ? (error.stack ?? '') : String(error);
        logged.push(
          `${event} ${route} ${stack
            .split('\n')
            .filter((line) => !line.includes('Template render'))
            .slice(0, 6)
            .join(' | ')}`,
        );
      },
    },
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: lanes });
  return {
    centre,
    routes,
    reached,
    logged,
    site,
    lanes: await Promise.all(
      Array.from({ length: lanes }, (_, i) => openLane(i, { centre, site, sessions, agent })),
    ),
    async close() {
      agent.destroy();
      await site.close();
      await centre.close();
    },
  };
}

async function seedGateway({ db }: Centre): Promise<void> {
  await db.worker.withActor(system('test'), (tx) =>
    upsertGateway(tx, {
      id: 'notify',
      kind: 'notify',
      channel: 'text',
      bucket: { id: 'notify', ratePerSecond: 1e6, burst: 1e6 },
      canBeAsked: true,
      takesReplies: true,
      settingsSealed: Buffer.from('unused in tests'),
      callbackTokenHash: sha256(CALLBACK_TOKEN),
    }),
  );
}

type Shared = {
  readonly centre: Centre;
  readonly site: Site;
  readonly sessions: Map<string, Session>;
  readonly agent: http.Agent;
};

async function openLane(i: number, { centre, site, sessions, agent }: Shared): Promise<Lane> {
  const name = `Mighty ${'ABCDEFGHIJ'[i]}`;
  const invited = await centre.invite(name, ['duty_officer', 'administrator']);
  const organisations = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ id: string }>(sql`select id from organisations.organisation`),
  );
  const organisationIds = organisations.map(({ id }) => id);
  const person: Person = { ...invited, permissions: all, organisationIds };
  // A row, so that what belongs to a session finds one; what it may do is not asked of its roles.
  const { id, token } = await openSession(centre, person.id);
  sessions.set(token, { id, actor: person, name, expiresAt: new Date('2099-01-01') });
  const { id: keyId, secret } = await centre.db.web.withActor(system('test'), async (tx) =>
    must(
      await createApiKey(
        tx,
        { name, permissions: [...keyPermissions], expiresAt: null },
        new Date(),
      ),
    ),
  );
  let requests = 0;
  const proofOf = async (route: Route): Promise<[string, string][]> => {
    if (route.kind === 'api') return [['authorization', `Bearer ${secret}`]];
    if (route.kind === 'callback') return [['authorization', `Bearer ${CALLBACK_TOKEN}`]];
    if (route.access === 'contact') {
      return [['cookie', `tocsin-contact=${await openContactSession(centre, { turn: requests })}`]];
    }
    const isSignedIn = route.access !== 'public' && route.access !== 'nobody';
    return isSignedIn ? [['cookie', `tocsin=${token}`]] : [];
  };
  const actorIds = [person.id, keyId];
  return {
    person,
    key: secret,
    actorIds,
    async send(route, sent) {
      requests += 1;
      const own = new Map<string, string>([
        ...(await proofOf(route)),
        ['x-forwarded-for', `10.${i}.${(requests >> 8) & 255}.${requests & 255}`],
        ...(route.method === 'GET'
          ? []
          : ([['sec-fetch-site', 'same-origin']] satisfies [string, string][])),
        ...sent.headers,
      ]);
      const isStream = route.kind === 'events';
      return await exchange(site.address, { ...sent, headers: [...own] }, { agent, isStream });
    },
    wroteSince: async (begin) => await wroteSince(centre, actorIds, begin),
  };
}
