/** Statements of cutting an organisation off (ADR 0026); the table is the kernel's. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { thisDay } from '../store-day.ts';

export type CutOff = {
  readonly id: string;
  readonly since: Date;
  readonly reason: string;
  readonly domains: readonly string[];
  readonly byName: string;
};

/** That which holds now. */
export async function findCutOff(tx: Tx, organisationId: string): Promise<CutOff | undefined> {
  return await tx.maybe<CutOff>(sql`
    select id, since, reason, domains, cut_by_name as by_name from kernel.cut_off
    where organisation_id = ${organisationId} and lifted_at is null`);
}

export type NewCutOff = {
  readonly id: string;
  readonly organisationId: string;
  readonly domains: readonly string[];
  readonly reason: string;
  readonly by: string;
  readonly byName: string;
};

/** False where it is cut off already: pressed twice it is once. */
export async function insertCutOff(tx: Tx, cut: NewCutOff): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into kernel.cut_off (id, organisation_id, domains, reason, cut_by, cut_by_name)
    values (${cut.id}, ${cut.organisationId}, ${[...cut.domains]}::text[], ${cut.reason}, ${cut.by},
      ${cut.byName})
    on conflict (organisation_id) where lifted_at is null do nothing`);
  return inserted === 1;
}

/** False where it is not cut off any more. */
export async function markLifted(
  tx: Tx,
  lifted: Pick<NewCutOff, 'organisationId' | 'reason' | 'by' | 'byName'> & {
    /** By which two agreed; null: the server's terminal. */
    readonly approvalId: string | null;
  },
): Promise<boolean> {
  const updated = await tx.run(sql`
    update kernel.cut_off set lifted_at = greatest(now(), since), lifted_by = ${lifted.by},
      lifted_by_name = ${lifted.byName}, lift_reason = ${lifted.reason},
      lifted_by_approval = ${lifted.approvalId}
    where organisation_id = ${lifted.organisationId} and lifted_at is null`);
  return updated === 1;
}

/** Every code session of its contacts. */
export async function markCodeSessionsEnded(
  tx: Tx,
  organisationId: string,
  now: Date,
): Promise<number> {
  return await tx.run(sql`
    update organisations.code_session session set ended_at = ${now}
    from organisations.contact
    where contact.id = session.contact_id and contact.organisation_id = ${organisationId}
      and session.ended_at is null`);
}

/** Codes under way to its contacts, of a number that another organisation shares too. */
export async function markCodesVoid(tx: Tx, organisationId: string, now: Date): Promise<number> {
  return await tx.run(sql`
    update organisations.one_time_code code set used_at = ${now}
    where code.used_at is null and (
      code.contact_id in (select contact.id from organisations.contact
        where contact.organisation_id = ${organisationId})
      or code.contact_point_id in (select link.contact_point_id
        from organisations.contact_contact_point link
        join organisations.contact on contact.id = link.contact_id
        where contact.organisation_id = ${organisationId}))`);
}

/** Every address on networks that are cut off now, whoever has it. */
export async function listPointsCutOff(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select point.id from organisations.contact_point point
    where point.channel = 'mail' and point.domain = any(array(
      select cut.domain from organisations.v_cut_off_domain cut))`);
  return rows.map(({ id }) => id);
}

/** What was asked of these addresses proves nothing any more: whoever holds them would answer. */
export async function clearProofsAsked(
  tx: Tx,
  contactPointIds: readonly string[],
): Promise<number> {
  return await tx.run(sql`
    update organisations.contact_point point
    set asked_at = null, asked_code = null, asked_for = null, asked_is_sent = false
    where point.id = any(${[...contactPointIds]}::uuid[]) and point.asked_at is not null`);
}

export type DomainUse = {
  readonly domain: string;
  /** Contacts of other organisations who have an address there. */
  readonly elsewhere: number;
};

/** Who else has addresses at these domains. */
export async function listDomainUse(
  tx: Tx,
  organisationId: string,
  domains: readonly string[],
): Promise<DomainUse[]> {
  return await tx.rows<DomainUse>(sql`
    select named.domain, count(distinct contact.id) as elsewhere
    from unnest(${[...domains]}::text[]) named (domain)
    left join organisations.contact_point point
      on point.channel = 'mail' and point.domain = named.domain
    left join organisations.contact_contact_point link on link.contact_point_id = point.id
    left join organisations.contact on contact.id = link.contact_id and contact.active
      and contact.organisation_id <> ${organisationId}
    group by named.domain order by named.domain`);
}

export type Consequences = {
  readonly codeSessions: number;
  /** Contacts who are told, and those of them with a mobile or an address elsewhere. */
  readonly contacts: number;
  readonly outOfBand: number;
  /** Below it by parenthood today: they are not cut off by this. */
  readonly below: number;
};

/** What is to be said before the switch. `domains`: those of its network. */
export async function readConsequences(
  tx: Tx,
  organisationId: string,
  { domains, openedAfter }: { readonly domains: readonly string[]; readonly openedAfter: Date },
): Promise<Consequences> {
  return await tx.one<Consequences>(sql`
    select
      (select count(*) from organisations.code_session session
        join organisations.contact on contact.id = session.contact_id
        where contact.organisation_id = ${organisationId} and session.ended_at is null
          and session.opened_at > ${openedAfter}) as code_sessions,
      count(*) as contacts,
      count(*) filter (where exists (
        select from organisations.contact_contact_point link
        join organisations.contact_point point on point.id = link.contact_point_id
        where link.contact_id = contact.id and (point.channel = 'text' or point.channel = 'mail'
          and point.domain <> all(${[...domains]}::text[])))) as out_of_band,
      (select count(*) from organisations.parenthood
        where parenthood.parent_id = ${organisationId}
          and (parenthood.began_on is null or parenthood.began_on <= ${thisDay})
          and (parenthood.ended_on is null or parenthood.ended_on >= ${thisDay})) as below
    from organisations.contact
    where contact.organisation_id = ${organisationId} and contact.active`);
}

export type CutOffRow = {
  readonly organisationId: string;
  readonly code: string;
  readonly name: string;
  readonly since: Date;
  readonly byName: string;
};

/** Those that are cut off now, the newest first. */
export async function listCutOff(tx: Tx): Promise<CutOffRow[]> {
  return await tx.rows<CutOffRow>(sql`
    select organisation.id as organisation_id, organisation.code, organisation.name, cut.since,
      cut.cut_by_name as by_name
    from organisations.v_cut_off cut
    join organisations.organisation on organisation.id = cut.organisation_id
    order by cut.since desc, organisation.code`);
}

/** Which of these are cut off now. */
export async function listCutOffOf(tx: Tx, organisationIds: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select cut.organisation_id as id from organisations.v_cut_off cut
    where cut.organisation_id = any(${[...organisationIds]}::uuid[])`);
  return rows.map(({ id }) => id);
}
