/** Whose mail domains are an organisation's own: what is on its network fails with it. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type MailDomain = {
  readonly domain: string;
  readonly isOwn: boolean;
  /** Somebody said so. Else it is learnt: of the domains that only they use, the most used. */
  readonly isSaid: boolean;
  /** Contacts who are told and have an address there. */
  readonly contacts: number;
};

export async function listDomains(tx: Tx, organisationId: string): Promise<MailDomain[]> {
  return await tx.rows<MailDomain>(sql`
    with used as (
      select contact_point.domain, count(distinct contact.id) as contacts
      from organisations.contact
      join organisations.contact_contact_point link
        on link.contact_id = contact.id and link.channel = 'mail'
      join organisations.contact_point on contact_point.id = link.contact_point_id
      where contact.organisation_id = ${organisationId} and contact.active
      group by contact_point.domain
    ), only_theirs as (
      select used.domain, rank() over (order by used.contacts desc) as place
      from used
      where not exists (
        select from organisations.contact_point other_point
        join organisations.contact_contact_point link on link.contact_point_id = other_point.id
        join organisations.contact other on other.id = link.contact_id
        where other_point.channel = 'mail' and other_point.domain = used.domain
          and other.organisation_id <> ${organisationId})
    )
    select coalesce(used.domain, said.domain) as domain, said.domain is not null as is_said,
      coalesce(used.contacts, 0) as contacts,
      coalesce(said.is_own, used.domain in (
        select only_theirs.domain from only_theirs where only_theirs.place = 1)) as is_own
    from used
    full join (
      select domain, is_own from organisations.mail_domain
      where mail_domain.organisation_id = ${organisationId}
    ) said on said.domain = used.domain
    order by 1`);
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
