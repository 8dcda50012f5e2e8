/** The same person twice, and numbers that several have. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';
import { goesOn } from './store-contact-list.ts';
import type { PlacedPoint } from './store-contacts.ts';

export type TwinContact = {
  readonly id: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly organisationId: string;
  readonly organisationName: string;
};

export type Twins = {
  readonly one: TwinContact;
  readonly other: TwinContact;
  /** `name`: the same words in their names; `point`: the same number or address. */
  readonly why: readonly ('name' | 'point')[];
};

export type TwinsPage = {
  readonly scope: 'within' | 'across';
  /** Signs, name and contacts of the last pair seen. */
  readonly after?: readonly [signs: number, name: string, oneId: string, otherId: string];
  readonly limit: number;
};

/**
 * Pairs that may be one: the same name within an organisation, persons of the same name in several,
 * and other names with one number within an organisation. Of more than two each is paired with the
 * first. Who has the same name and the same number comes first. Left out is what somebody found to
 * be two, and who is known to be one: in several organisations by one name, all numbers the same.
 */
export async function listTwins(tx: Tx, { scope, after, limit }: TwinsPage): Promise<Twins[]> {
  const isWithin = scope === 'within';
  const sameOrganisation = isWithin
    ? sql`one.organisation_id = other.organisation_id`
    : sql`one.organisation_id <> other.organisation_id
        and not one.is_post and not other.is_post
        and not ('point' = any(gathered.why) and ${haveTheSame})`;
  const isBeyond = after
    ? sql`(-cardinality(gathered.why), one.name, one.id, other.id)
        > (${-after[0]}, ${after[1]}, ${after[2]}::uuid, ${after[3]}::uuid)`
    : sql`true`;
  return await tx.rows<Twins>(sql`
    with named as materialized (
      select contact.id, contact.name_key, contact.rank,
        first_value(contact.id) over same as first_id
      from organisations.contact
      where contact.active and contact.name_key <> ''
        ${isWithin ? sql`` : sql`and not contact.is_post`}
      window same as (partition by contact.name_key
        ${isWithin ? sql`, contact.organisation_id` : sql``} order by contact.rank, contact.id)
    ), pair as (
      select first_id as one_id, id as other_id, 'name' as why
      from named where first_id <> id
      union all
      ${isWithin ? sameNumberWithin : sameNumberToo}
    ), gathered as (
      select pair.one_id, pair.other_id, array_agg(distinct pair.why) as why
      from pair group by pair.one_id, pair.other_id
    )
    select gathered.why, ${twin('one')} as one, ${twin('other')} as other
    from gathered
    join organisations.contact one on one.id = gathered.one_id
    join organisations.organisation one_at on one_at.id = one.organisation_id
    join organisations.contact other on other.id = gathered.other_id
    join organisations.organisation other_at on other_at.id = other.organisation_id
    where ${sameOrganisation} and ${isBeyond} and not exists (
      select from organisations.not_the_same said
      where said.one_id = least(gathered.one_id, gathered.other_id)
        and said.other_id = greatest(gathered.one_id, gathered.other_id))
    order by -cardinality(gathered.why), one.name, one.id, other.id
    limit ${limit}`);
}

const sameNumberWithin = sql`
  select sharing.first_id, sharing.id, 'point'
  from (
    select contact.id, first_value(contact.id) over same as first_id
    from organisations.contact_point
    join organisations.contact_contact_point link on link.contact_point_id = contact_point.id
    join organisations.contact on contact.id = link.contact_id and contact.active
    where contact_point.contacts > 1
    window same as (partition by contact_point.id, contact.organisation_id
      order by contact.rank, contact.id)
  ) sharing
  where sharing.first_id <> sharing.id`;

/** Of those of one name in several organisations. */
const sameNumberToo = sql`
  select sharing.first_id, sharing.id, sign.why
  from (
    select named.id, first_value(named.id) over same as first_id
    from organisations.contact_point
    join organisations.contact_contact_point link on link.contact_point_id = contact_point.id
    join named on named.id = link.contact_id
    where contact_point.contacts > 1
    window same as (partition by contact_point.id, named.name_key order by named.rank, named.id)
  ) sharing
  cross join (values ('name'), ('point')) sign (why)
  where sharing.first_id <> sharing.id`;

const haveTheSame = sql`not exists (
  select from organisations.contact_contact_point link
  where link.contact_id in (gathered.one_id, gathered.other_id)
  group by link.contact_point_id having count(distinct link.contact_id) = 1)`;

function twin(side: 'one' | 'other') {
  return side === 'one'
    ? sql`json_build_object('id', one.id, 'name', one.name, 'isPost', one.is_post,
        'role', one.role, 'rank', one.rank, 'organisationId', one_at.id,
        'organisationName', one_at.name)`
    : sql`json_build_object('id', other.id, 'name', other.name, 'isPost', other.is_post,
        'role', other.role, 'rank', other.rank, 'organisationId', other_at.id,
        'organisationName', other_at.name)`;
}

export async function insertNotTheSame(tx: Tx, a: string, b: string): Promise<number> {
  return await tx.run(sql`
    insert into organisations.not_the_same (one_id, other_id)
    values (least(${a}::uuid, ${b}::uuid), greatest(${a}::uuid, ${b}::uuid))
    on conflict do nothing`);
}

export type SharedPoint = {
  readonly contactPointId: string;
  readonly channel: Channel;
  /** Masked. */
  readonly shown: string;
  /** Those of organisations that have not closed. */
  readonly contacts: number;
  /** Those of closed ones too: lists go on behind it. */
  readonly links: number;
  /** The first of `contacts`, by organisation. */
  readonly holders: readonly {
    readonly contactId: string;
    readonly name: string;
    readonly active: boolean;
    readonly organisationId: string;
    readonly organisationName: string;
  }[];
};

/** More names would not be read; the count says how many there are. */
const HOLDERS_MAX = 20;

/** Numbers and addresses of several contacts, by how many have them. */
export async function listSharedPoints(
  tx: Tx,
  {
    after,
    limit,
  }: { readonly after?: readonly [links: number, id: string]; readonly limit: number },
): Promise<SharedPoint[]> {
  const beyond = after
    ? sql`(-contact_point.contacts, contact_point.id) > (${-after[0]}, ${after[1]})`
    : sql`true`;
  return await tx.rows<SharedPoint>(sql`
    select shared.id as contact_point_id, shared.channel, shared.shown, shared.contacts,
      shared.links, holders.rows as holders
    from (
      select contact_point.id, contact_point.channel, contact_point.shown, going.contacts,
        contact_point.contacts as links
      from organisations.contact_point
      cross join lateral (
        select count(*) as contacts
        from organisations.contact_contact_point link
        join organisations.contact on contact.id = link.contact_id
        join organisations.organisation on organisation.id = contact.organisation_id
        where link.contact_point_id = contact_point.id and ${goesOn}
      ) going
      where contact_point.contacts > 1 and going.contacts > 1 and ${beyond}
      order by -contact_point.contacts, contact_point.id
      limit ${limit}
    ) shared
    cross join lateral (
      select json_agg(json_build_object('contactId', holder.id, 'name', holder.name,
        'active', holder.active, 'organisationId', holder.organisation_id,
        'organisationName', holder.organisation_name)) as rows
      from (
        select contact.id, contact.name, contact.active, organisation.id as organisation_id,
          organisation.name as organisation_name
        from organisations.contact_contact_point link
        join organisations.contact on contact.id = link.contact_id
        join organisations.organisation on organisation.id = contact.organisation_id
        where link.contact_point_id = shared.id and ${goesOn}
        order by organisation.name, contact.name limit ${HOLDERS_MAX}
      ) holder
    ) holders
    order by shared.links desc, shared.id`);
}

/** A contact as a merge found it: everything that the merge may change. */
export type Snapshot = {
  readonly name: string;
  readonly active: boolean;
  readonly rank: number;
  readonly links: readonly PlacedPoint[];
};

export type Merge = {
  readonly id: string;
  readonly keptId: string;
  readonly goneId: string;
  readonly before: {
    readonly kept: Snapshot;
    readonly gone: Snapshot;
    /** Others whose rank moved up. */
    readonly ranks: readonly { readonly id: string; readonly rank: number }[];
    /** As the merge left the two, to see whether anybody changed them since. */
    readonly versions: readonly [kept: string, gone: string];
  };
  readonly undoneAt: Date | null;
};

export async function insertMerge(tx: Tx, merge: Omit<Merge, 'undoneAt'>): Promise<number> {
  return await tx.run(sql`
    insert into organisations.merge (id, kept_id, gone_id, before)
    values (${merge.id}, ${merge.keptId}, ${merge.goneId}, ${JSON.stringify(merge.before)}::jsonb)
    on conflict do nothing`);
}

export async function findMerge(tx: Tx, id: string): Promise<Merge | undefined> {
  return await tx.maybe<Merge>(sql`
    select id, kept_id, gone_id, before, undone_at from organisations.merge where id = ${id}`);
}

export type RecentMerge = {
  readonly id: string;
  readonly mergedAt: Date;
  readonly keptId: string;
  readonly keptName: string;
  readonly organisationName: string;
};

/** Those that nobody undid, newest first. */
export async function listMerges(tx: Tx, limit: number): Promise<RecentMerge[]> {
  return await tx.rows<RecentMerge>(sql`
    select merge.id, merge.merged_at, merge.kept_id, contact.name as kept_name,
      organisation.name as organisation_name
    from organisations.merge
    join organisations.contact on contact.id = merge.kept_id
    join organisations.organisation on organisation.id = contact.organisation_id
    where merge.undone_at is null
    order by merge.merged_at desc limit ${limit}`);
}

export async function markUndone(tx: Tx, id: string): Promise<number> {
  return await tx.run(sql`
    update organisations.merge set undone_at = now() where id = ${id} and undone_at is null`);
}

export async function renameContact(tx: Tx, id: string, name: string): Promise<void> {
  await tx.run(sql`
    update organisations.contact set name = ${name}, updated_at = now() where id = ${id}`);
}
