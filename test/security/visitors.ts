/**
 * Who asks: nobody, each role, one without, one whose role ended or is to come, a contact by a code
 * and a key for each permission that one can have. All have rows of their own; what they may do,
 * the product reads from those, and what it should find is said here.
 */
import { keyPermissions, system, type Actor, type Permission } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  createApiKey,
  giveRole,
  ofOrganisation,
  permissionsIn,
  revokeApiKey,
} from '#identity/index.ts';
import { must, rolesOfCentre, type Centre, type Person } from '../support/centre.ts';
import { inviteReader, inviteSpaceLead, makeSpace } from '../support/spaces.ts';
import type { Objects } from './objects.ts';
import { openContactSession, openSession } from './sessions.ts';

export type Visitor = {
  readonly name: string;
  readonly actor: Actor;
  readonly headers: Readonly<Record<string, string>>;
  /** Reads of RB or keeps ZZ-0003, or is of it, and of nothing else. */
  readonly isBound?: true;
  /** Reads in this space. */
  readonly spaceId?: string;
};

const nobody: Actor = { kind: 'nobody' };

export async function inviteAll(centre: Centre, objects: Objects): Promise<Visitor[]> {
  const person = async (name: string, actor: Person, isBound?: true): Promise<Visitor> => {
    const { token } = await openSession(centre, actor.id);
    return { name, actor, headers: { cookie: `tocsin=${token}` }, ...(isBound && { isBound }) };
  };
  const spaceId = await makeSpace(centre, 'Gateways');
  const idOf = (path: string) => objects.pathOf(path, 'own')!.split('/').at(-1)!;
  const organisationId = idOf('/organisations/:id');
  const all: Visitor[] = [{ name: 'a visitor', actor: nobody, headers: {} }];
  for (const [role, { label, givenFor, may: held }] of Object.entries(centre.model.roles)) {
    if (givenFor === 'region') {
      all.push(await person(label, await centre.inviteLead(`Lead ${role}`, ['RB']), true));
    } else if (held.includes('directory.own')) {
      all.push(await person(label, await inviteKeeper(centre, role, organisationId), true));
    } else if (held.includes('space.lead')) {
      all.push({ ...(await person(label, await inviteSpaceLead(centre, role, spaceId))), spaceId });
    } else all.push(await person(label, await centre.invite(`Holder ${role}`, [role])));
  }
  all.push(await person('no role', await centre.invite('Nils Holm', [])));
  const reader = await inviteReader(centre, 'Rolf Reads', spaceId);
  all.push({ ...(await person('a reader in a space', reader)), spaceId });
  for (const term of ['ended', 'to come'] as const)
    all.push(await person(`a role ${term}`, await inviteFor(centre, term)));
  const contactId = idOf('/organisations/contacts/:id');
  const token = await openContactSession(centre, { contactId });
  all.push({
    name: 'a contact',
    actor: { kind: 'contact', id: contactId, organisationIds: [organisationId] },
    headers: { cookie: `tocsin-contact=${token}` },
    isBound: true,
  });
  for (const permission of keyPermissions)
    all.push(await keyOf(centre, `key for ${permission}`, [permission]));
  all.push(await keyOf(centre, 'key that ended', ['alert.read'], 'ended'));
  all.push(await keyOf(centre, 'key that was revoked', ['alert.read'], 'revoked'));
  return all;
}

async function inviteKeeper(centre: Centre, role: string, organisationId: string): Promise<Person> {
  const keeper = await centre.invite('Karin Own', []);
  await centre.db.web.withActor(system('test'), async (tx) => {
    const held = { personId: keeper.id, role, ...ofOrganisation(organisationId) };
    must(await giveRole(tx, held, { model: centre.model, now: new Date() }));
  });
  const held = permissionsIn(centre.model, [{ role, ...ofOrganisation(organisationId) }]);
  return { ...keeper, ...held, organisationIds: [organisationId] };
}

/** Every role of the centre, over since a day or from tomorrow on: they allow nothing. */
async function inviteFor(centre: Centre, term: 'ended' | 'to come'): Promise<Person> {
  const person = await centre.invite(`Terry ${term}`, rolesOfCentre(centre.model));
  const dates =
    term === 'ended'
      ? sql`given_at = now() - interval '9 days', ends_at = now() - interval '1 day'`
      : sql`given_at = now(), starts_at = now() + interval '1 day'`;
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update identity.role_grant set ${dates} where person_id = ${person.id}`),
  );
  return { ...person, permissions: new Set() };
}

async function keyOf(
  centre: Centre,
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
