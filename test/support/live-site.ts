/** The pages of identity of a live installation, and people with devices in software. */
import assert from 'node:assert/strict';
import { sql } from '#db/sql.ts';
import {
  createSignInLink,
  identityRoutes,
  invitePerson,
  sessionsOf,
  type RoleModel,
} from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { Authenticator, type Asked, type Lies } from './authenticator.ts';
import { cloneDatabase, type Clone } from './database.ts';
import { startSite, type PageClient, type Site } from './page-client.ts';
import { identitySeals } from './identity-seals.ts';
import { markingCeilings, signingIn } from './signing-in.ts';

export const ORIGIN = 'https://tocsin.centre.example';

export const COOKIE = '__Host-tocsin';

const model: RoleModel = {
  signingIn,
  markingCeilings,
  roles: {
    administrator: { label: 'Administrator', may: ['alert.read', 'person.manage'] },
    approver: { label: 'Approver', may: ['alert.read', 'alert.approve'] },
    reader: { label: 'Reader', may: ['alert.read'] },
    space_lead: { label: 'Lead of a space', may: ['space.lead'] },
    keeper: { label: 'Keeper of contacts', may: ['directory.own'] },
    keeper_reader: { label: 'Keeper who reads', may: ['directory.own', 'directory.read'] },
  },
};

/** Codes that a test gives to organisations of its own. */
export const CODES = new Map<string, string>();

/** Of any id: a name is all that identity asks for. */
const organisations = {
  findByCode: async (_: unknown, code: string) => {
    const id = CODES.get(code);
    return id === undefined ? undefined : { id };
  },
  listNames: async (_: unknown, ids: readonly string[]) =>
    ids.map((id) => ({ id, name: `Organisation ${id.slice(-4)}` })),
  listRegions: async () => [],
};

const installation = { name: 'Health and care', kind: 'live' } as const;

/** What a post for the script answers. */
type Told = { create: Asked; get: Asked; ticket: string; message: string };

export type LiveSite = Awaited<ReturnType<typeof openLiveSite>>;

export async function openLiveSite(passkeyDomain: string) {
  const clone = await cloneDatabase();
  let now = new Date('2026-11-23T03:12:00Z');
  await clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into kernel.installation (id, kind, created_at)
      values (${newId()}, 'live', ${now})`),
  );
  const startAt = async (origin: string): Promise<Site> => {
    const where = { installation, origin, passkeyDomain };
    return await startSite({
      ...where,
      routes: identityRoutes({
        ...where,
        ...identitySeals,
        database: clone.web,
        model,
        organisations,
      }),
      sessions: sessionsOf(clone.web, model),
      now: () => now,
    });
  };
  const site = await startAt(ORIGIN);

  const ground = { clone, site, now: () => now };
  return {
    ...ground,
    ...peopleAt(ground),
    model,
    startAt,
    wait: (ms: number) => void (now = new Date(now.getTime() + ms)),
    post,
    async close() {
      await site.close();
      await clone.drop();
    },
  };
}

type Ground = { readonly clone: Clone; readonly site: Site; readonly now: () => Date };

/** Letting people in, and what they do with their devices. */
function peopleAt({ clone, site, now }: Ground) {
  const invite = async (name: string, roles: string[]): Promise<string> => {
    const email = `${name.toLowerCase().replaceAll(' ', '.')}@centre.test`;
    const invited = await clone.web.withActor(system('test'), (tx) =>
      invitePerson(tx, { name, email, roles }, { model, now: now() }),
    );
    assert.ok(invited.ok);
    return invited.value;
  };
  const byLink = async (personId: string): Promise<PageClient> => {
    const link = await clone.web.withActor(system('test'), (tx) =>
      createSignInLink(tx, { personId, model, now: now() }),
    );
    assert.ok(link.ok, JSON.stringify(link));
    const client = site.visitor();
    const answer = await client.request('POST', `/sign-in/link/${link.value.token}`);
    assert.equal(answer.status, 303);
    return client;
  };
  /** Registers this device as the passkey of whoever is signed in. */
  const make = async (client: PageClient, device: Authenticator, lies?: Lies) => {
    const { told } = await post(client, '/account/passkeys/options');
    const passkey = device.make(told.create, ORIGIN, lies);
    return await post(client, '/account/passkeys', { passkey, name: 'Phone' });
  };
  /** Asked, signed by this device, and posted, by a new visitor. */
  const signIn = async (
    device: Authenticator,
    { at = site, origin = ORIGIN, lies }: { at?: Site; origin?: string; lies?: Lies } = {},
  ) => {
    const client = at.visitor();
    const { told } = await post(client, '/sign-in/passkey/options');
    const fields = { passkey: device.use(told.get, origin, lies), ticket: told.ticket };
    const answer = await post(client, '/sign-in/passkey', fields);
    return { client, fields, status: answer.status, isIn: client.cookie(COOKIE) !== undefined };
  };
  /** Somebody who manages people, signed in, with a device. */
  const administrator = async (name: string): Promise<[PageClient, Authenticator, string]> => {
    const id = await invite(name, ['administrator']);
    const client = await byLink(id);
    const device = new Authenticator();
    assert.equal((await make(client, device)).status, 303);
    return [client, device, id];
  };
  const prove = async (client: PageClient, device: Authenticator, lies?: Lies) => {
    const { told } = await post(client, '/passkey/options');
    return await post(client, '/passkey/proof', { passkey: device.use(told.get, ORIGIN, lies) });
  };
  return { invite, byLink, make, signIn, administrator, prove };
}

async function post(client: PageClient, path: string, fields: Record<string, string> = {}) {
  const form = new URLSearchParams(fields);
  const { status, body, headers } = await client.request('POST', path, { form });
  const isJson = headers.get('content-type')?.startsWith('application/json') === true;
  return { status, body, headers, told: (isJson ? JSON.parse(body) : {}) as Told };
}
