/** People, roles, links and sessions: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Held } from './model.ts';
import { isForCutOff } from './store-cut-off.ts';
import type { Scope } from './scope.ts';
import { AS_HELD, IN_FORCE, isFor, type Term } from './store-held.ts';

export type PersonRow = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
  /** The number that they are woken on, as screens show it; null where none is on file. */
  readonly phoneMask: string | null;
  readonly createdAt: Date;
  readonly roles: readonly string[];
  /** The same, each with what it is for. */
  readonly held: readonly Held[];
  readonly lastSeenAt: Date | null;
};

const PERSON = sql`
  select person.id, person.name, person.email, person.active, person.phone_mask,
    person.created_at,
    array(select distinct held.role from identity.role_grant held
      where held.person_id = person.id and ${IN_FORCE} order by held.role) as roles,
    (select coalesce(json_agg(${AS_HELD}), '[]') from identity.role_grant held
      where held.person_id = person.id and ${IN_FORCE}) as held,
    (select max(session.last_seen_at) from identity.session
      where session.person_id = person.id) as last_seen_at
  from identity.person`;

export async function selectPeople(tx: Tx): Promise<PersonRow[]> {
  return await tx.rows(sql`${PERSON} order by person.active desc, lower(person.name), person.id`);
}

export async function selectPerson(tx: Tx, id: string): Promise<PersonRow | undefined> {
  return await tx.maybe(sql`${PERSON} where person.id = ${id}`);
}

export async function selectPersonByEmail(tx: Tx, email: string): Promise<PersonRow | undefined> {
  return await tx.maybe(sql`${PERSON} where person.email = ${email}`);
}

export type NewPerson = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly createdAt: Date;
  readonly createdBy: string;
};

/** 0 where the address or the id is taken. */
export async function insertPerson(tx: Tx, person: NewPerson): Promise<number> {
  return await tx.run(sql`
    insert into identity.person (id, name, email, created_at, created_by)
    values (${person.id}, ${person.name}, ${person.email}, ${person.createdAt}, ${person.createdBy})
    on conflict do nothing`);
}

export async function updateActive(tx: Tx, id: string, active: boolean): Promise<number> {
  return await tx.run(sql`
    update identity.person set active = ${active} where id = ${id} and active <> ${active}`);
}

/** The number of a person: sealed for them, its blind index, and as screens show it. */
export type PersonPhone = {
  readonly sealed: Buffer;
  readonly index: Buffer;
  readonly mask: string;
};

/** The number that a person is woken on; null: none any more. */
export async function updatePhone(tx: Tx, id: string, phone: PersonPhone | null): Promise<number> {
  return await tx.run(sql`
    update identity.person set phone_sealed = ${phone?.sealed ?? null},
      phone_index = ${phone?.index ?? null}, phone_mask = ${phone?.mask ?? null}
    where id = ${id} and active`);
}

export type NewGrant = Scope &
  Partial<Term> & {
    readonly id: string;
    readonly personId: string;
    readonly role: string;
    readonly givenAt: Date;
    readonly givenBy: string;
    /** The second person, where it took two. */
    readonly agreedBy: string | null;
  };

/** 0 where the person holds the role already, or is to hold it. */
export async function insertGrant(tx: Tx, grant: NewGrant): Promise<number> {
  return await tx.run(sql`
    insert into identity.role_grant
      (id, person_id, role, organisation_id, region_code, space_id, given_at, given_by, agreed_by,
        starts_at, ends_at)
    values (${grant.id}, ${grant.personId}, ${grant.role}, ${grant.organisationId},
      ${grant.regionCode}, ${grant.spaceId}, ${grant.givenAt}, ${grant.givenBy}, ${grant.agreedBy},
      ${grant.startsAt ?? null}, ${grant.endsAt ?? null})
    on conflict (person_id, role, organisation_id, region_code, space_id) where ended_at is null
      do nothing`);
}

export async function markGrantEnded(
  tx: Tx,
  held: Scope & Pick<NewGrant, 'personId' | 'role'>,
  ended: { readonly at: Date; readonly by: string },
): Promise<number> {
  return await tx.run(sql`
    update identity.role_grant set ended_at = least(${ended.at}, ends_at), ended_by = ${ended.by}
    where person_id = ${held.personId} and role = ${held.role} and ended_at is null
      and ${isFor(held)}`);
}

export type HandedRole = {
  readonly personId: string;
  readonly role: string;
  readonly organisationId: string;
  /** False: it ended. */
  readonly isGiven: boolean;
};

/** Gives what is held for the givers for the takers, ends what is held for those that close. */
export async function passRolesOn(
  tx: Tx,
  over: {
    readonly giverIds: readonly string[];
    readonly takerIds: readonly string[];
    readonly closingIds: readonly string[];
    readonly by: string;
  },
): Promise<HandedRole[]> {
  return await tx.rows<HandedRole>(sql`
    select person_id, role, organisation_id, is_given
    from identity.hand_over_roles(${[...over.giverIds]}::uuid[], ${[...over.takerIds]}::uuid[],
      ${[...over.closingIds]}::uuid[], ${over.by})`);
}

export type OrganisationHolder = { readonly id: string; readonly name: string };

/** Who holds a role for one of these organisations that is not cut off, by name. */
export async function selectOrganisationHolders(
  tx: Tx,
  organisationIds: readonly string[],
): Promise<OrganisationHolder[]> {
  return await tx.rows<OrganisationHolder>(sql`
    select person.id, person.name from identity.person
    where person.active and person.id in (
      select held.person_id from identity.role_grant held
      where held.organisation_id = any(${[...organisationIds]}::uuid[]) and ${IN_FORCE}
        and not ${isForCutOff})
    order by lower(person.name), person.id`);
}

export type GrantRow = Term &
  Scope & {
    readonly role: string;
    readonly givenAt: Date;
    readonly givenByName: string;
    readonly agreedByName: string | null;
    readonly endedAt: Date | null;
  };

/** Every role the person ever held, the newest first. */
export async function selectGrants(tx: Tx, personId: string): Promise<GrantRow[]> {
  return await tx.rows(sql`
    select held.role, held.organisation_id, held.region_code, held.space_id, held.given_at,
      held.starts_at, held.ends_at,
      coalesce(giver.name, held.given_by) as given_by_name, agreer.name as agreed_by_name,
      coalesce(held.ended_at, case when held.ends_at <= now() then held.ends_at end) as ended_at
    from identity.role_grant held
    left join identity.person giver on giver.id::text = held.given_by
    left join identity.person agreer on agreer.id::text = held.agreed_by
    where held.person_id = ${personId}
    order by held.given_at desc, held.id desc`);
}

export type NewLink = {
  readonly id: string;
  readonly tokenSha256: Buffer;
  readonly personId: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date;
  /** Opens nothing until a second person agrees. */
  readonly recovers: boolean;
  /** By which a second person agrees to a recovery; of any other link null. */
  readonly approvalId: string | null;
};

/** 0 where a link with this id was used or agreed to already, or is another's. */
export async function insertLink(tx: Tx, link: NewLink): Promise<number> {
  return await tx.run(sql`
    insert into identity.sign_in_link
      (id, token_sha256, person_id, created_at, created_by, expires_at, recovers, approval_id)
    values (${link.id}, ${link.tokenSha256}, ${link.personId}, ${link.createdAt},
      ${link.createdBy}, ${link.expiresAt}, ${link.recovers}, ${link.approvalId})
    on conflict (id) do update
      set token_sha256 = excluded.token_sha256, expires_at = excluded.expires_at
      where sign_in_link.person_id = excluded.person_id and sign_in_link.used_at is null
        and sign_in_link.created_by = excluded.created_by
        and sign_in_link.recovers = excluded.recovers and sign_in_link.confirmed_at is null`);
}

export type UsedLink = {
  readonly personId: string;
  readonly createdBy: string;
  readonly confirmedBy: string | null;
};

/** Whoever had their account has the link as well: it opens no more once they are locked out. */
const madeByLocked = sql`exists (select from identity.person maker
  where not maker.active and maker.id::text in (link.created_by, link.confirmed_by))`;

/**
 * Whoever made a passkey since comes in by that, or is recovered by two persons: a link from before
 * that lay about unused would let its maker in beside them.
 */
const isOvertaken = sql`exists (select from identity.passkey
  where passkey.person_id = link.person_id
    and passkey.created_at > coalesce(link.confirmed_at, link.created_at))`;

/** The person of an unused, living link; the link is used from now on. */
export async function markLinkUsed(
  tx: Tx,
  tokenSha256: Buffer,
  now: Date,
): Promise<UsedLink | undefined> {
  return await tx.maybe<UsedLink>(sql`
    update identity.sign_in_link link set used_at = ${now}
    from identity.person
    where person.id = link.person_id and person.active
      and token_sha256 = ${tokenSha256} and used_at is null and expires_at > ${now}
      and (not recovers or confirmed_at is not null) and not ${madeByLocked}
      and not ${isOvertaken}
    returning person_id, link.created_by, confirmed_by`);
}

export type LinkPerson = {
  readonly name: string;
  /** For a second person to agree. */
  readonly waits: boolean;
};

/** The name behind a living link, for the button. Changes nothing: mail scanners fetch it too. */
export async function selectLinkPerson(
  tx: Tx,
  tokenSha256: Buffer,
  now: Date,
): Promise<LinkPerson | undefined> {
  return await tx.maybe<LinkPerson>(sql`
    select person.name, recovers and confirmed_at is null as waits from identity.sign_in_link link
    join identity.person on person.id = link.person_id and person.active
    where token_sha256 = ${tokenSha256} and used_at is null and expires_at > ${now}
      and not ${madeByLocked}
      and not ${isOvertaken}`);
}

export async function selectInstallationKind(tx: Tx): Promise<{ kind: string } | undefined> {
  return await tx.maybe(sql`select kind from kernel.installation`);
}
