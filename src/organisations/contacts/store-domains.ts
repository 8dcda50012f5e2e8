/** Whose mail domains are an organisation's own: what is on its network fails with it. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { isInUse } from './store-contact-list.ts';

export type MailDomain = {
  readonly domain: string;
  readonly isOwn: boolean;
  /** Somebody said so. Else it is learnt: of the domains that only they use, the most used. */
  readonly isSaid: boolean;
  /** Contacts who are told and have an address there. */
  readonly contacts: number;
};

export async function listDomains(tx: Tx, organisationId: string): Promise<MailDomain[]> {
  return await tx.rows<MailDomain>(sql`${domainsOf(sql`${organisationId}::uuid`)} order by 1`);
}

/** Of these, who has addresses, and none that works while their own network is down; no numbers. */
export async function listOnOwnNetworkOnly(
  tx: Tx,
  organisationIds: readonly string[],
): Promise<string[]> {
  const used = sql`organisations.contact
    join organisations.contact_contact_point link on link.contact_id = contact.id
    join organisations.contact_point on contact_point.id = link.contact_point_id
    where contact.organisation_id = asked.id and contact.active
      and link.channel in ('text', 'mail') and ${isInUse}`;
  const rows = await tx.rows<{ id: string }>(sql`
    select asked.id from unnest(${[...organisationIds]}::uuid[]) as asked (id)
    cross join lateral (
      select coalesce(array_agg(known.domain), '{}') as own
      from (${domainsOf(sql`asked.id`)}) known where known.is_own) network
    where exists (select from ${used}) and not exists (select from ${used}
      and (link.channel = 'text' or contact_point.domain <> all (network.own)))`);
  return rows.map(({ id }) => id);
}

/**
 * "offset 0" keeps the way through the indexes: of 20,000 contacts that were imported a moment ago
 * the planner knows nothing, and compared each with each for 11 s.
 */
function domainsOf(organisationId: Sql): Sql {
  return sql`
    with used as (
      select contact_point.domain, count(distinct contact.id) as contacts
      from organisations.contact
      cross join lateral (
        select held.contact_point_id from organisations.contact_contact_point held
        where held.contact_id = contact.id and held.channel = 'mail' offset 0) link
      cross join lateral (
        select point.domain from organisations.contact_point point
        where point.id = link.contact_point_id offset 0) contact_point
      where contact.organisation_id = ${organisationId} and contact.active
      group by contact_point.domain
    ), only_theirs as (
      select used.domain, rank() over (order by used.contacts desc) as place
      from used
      where not exists (
        select from (
          select point.id from organisations.contact_point point
          where point.channel = 'mail' and point.domain = used.domain offset 0) other_point
        cross join lateral (
          select held.contact_id from organisations.contact_contact_point held
          where held.contact_point_id = other_point.id offset 0) link
        cross join lateral (
          select contact.organisation_id from organisations.contact
          where contact.id = link.contact_id offset 0) other
        where other.organisation_id <> ${organisationId})
    )
    select coalesce(used.domain, said.domain) as domain, said.domain is not null as is_said,
      coalesce(used.contacts, 0) as contacts,
      coalesce(said.is_own, used.domain in (
        select only_theirs.domain from only_theirs where only_theirs.place = 1)) as is_own
    from used
    full join (
      select domain, is_own from organisations.mail_domain
      where mail_domain.organisation_id = ${organisationId}
    ) said on said.domain = used.domain`;
}

export async function saveDomain(
  tx: Tx,
  organisationId: string,
  { domain, isOwn }: { readonly domain: string; readonly isOwn: boolean },
): Promise<number> {
  return await tx.run(sql`
    insert into organisations.mail_domain as stored (organisation_id, domain, is_own)
    values (${organisationId}, ${domain}, ${isOwn})
    on conflict (organisation_id, domain) do update set is_own = excluded.is_own
    where stored.is_own <> excluded.is_own`);
}

/**
 * What is on the network of whoever hands over stays on the network that its successor takes over.
 * Asked before contacts are handed over: from then on a domain that was only theirs is also the
 * successor's. What a successor said itself stands; where two that hand over disagree, it is own.
 * Says how many are kept so.
 */
export async function handOverDomains(tx: Tx, successionId: string): Promise<number> {
  return await tx.run(sql`
    with handed as (
      insert into organisations.mail_domain (organisation_id, domain, is_own)
      select part.successor_id, known.domain, bool_or(known.is_own)
      from organisations.succession_part part
      cross join lateral (${domainsOf(sql`part.predecessor_id`)}) known
      where part.succession_id = ${successionId} and (known.is_own or known.is_said)
      group by part.successor_id, known.domain
      on conflict do nothing
      returning organisation_id, domain, is_own
    )
    insert into organisations.change (organisation_id, what, fields)
    select organisation_id, 'domain', jsonb_build_object('domain', domain, 'isOwn', is_own)
    from handed`);
}
