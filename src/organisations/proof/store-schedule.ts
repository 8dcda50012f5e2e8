/** Statements of the schedule that asks for proof by itself, and of whom it asks. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Every legal move; one schedule at a time waits or runs. */
export const scheduleMoves = {
  waiting: ['running', 'ended'],
  running: ['ended'],
  ended: [],
} as const satisfies Record<string, readonly string[]>;

export type ScheduleState = keyof typeof scheduleMoves;

export type ScheduleRow = {
  readonly id: string;
  readonly aDay: number;
  readonly hash: string;
  readonly state: ScheduleState;
  readonly approvalId: string;
  readonly plannedAt: Date;
  /** Null where a program planned it. */
  readonly plannedByName: string | null;
  readonly startedAt: Date | null;
};

/** The one that waits or runs. */
export async function findSchedule(tx: Tx): Promise<ScheduleRow | undefined> {
  return await tx.maybe<ScheduleRow>(sql`
    select schedule.id, schedule.a_day, schedule.hash, schedule.state, schedule.approval_id,
      schedule.planned_at, person.name as planned_by_name, schedule.started_at
    from organisations.proof_schedule schedule
    left join identity.v_person person on person.id::text = schedule.planned_by
    where schedule.state <> 'ended'`);
}

/** False where another one waits or runs. */
export async function insertSchedule(
  tx: Tx,
  plan: Pick<ScheduleRow, 'id' | 'aDay' | 'hash' | 'approvalId'> & { readonly plannedBy: string },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      insert into organisations.proof_schedule (id, a_day, hash, approval_id, planned_by)
      values (${plan.id}, ${plan.aDay}, ${plan.hash}, ${plan.approvalId}, ${plan.plannedBy})
      on conflict do nothing`)) === 1
  );
}

export async function markRunning(tx: Tx, id: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.proof_schedule set state = 'running', started_at = now()
      where id = ${id} and state = 'waiting'`)) === 1
  );
}

export async function markEnded(tx: Tx, id: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.proof_schedule set state = 'ended', ended_at = now()
      where id = ${id} and state <> 'ended'`)) === 1
  );
}

export type DueQuestions = {
  readonly proofHoldsForMs: number;
  readonly attestEveryMs: number;
  readonly againAfterMs: number;
  readonly most: number;
};

/** Its owner's "still right" keeps a proof young, and is none for what was never answered from. */
function isUnproven(proofHoldsForMs: number): Sql {
  return sql`contact_point.channel in ('text', 'mail') and (contact_point.proven_at is null
    or greatest(contact_point.proven_at, told.attested_at)
      < now() - ${proofHoldsForMs} * interval '1 ms')`;
}

/** Numbers and addresses of active contacts whose proof is missing or too old. */
export async function countUnproven(tx: Tx, proofHoldsForMs: number): Promise<number> {
  const { unproven } = await tx.one<{ unproven: number }>(sql`
    select count(*) as unproven from organisations.contact_point
    join (
      select link.contact_point_id, max(contact.attested_at) as attested_at
      from organisations.contact_contact_point link
      join organisations.contact on contact.id = link.contact_id and contact.active
      join organisations.v_organisation organisation
        on organisation.organisation_id = contact.organisation_id
      group by link.contact_point_id
    ) told on told.contact_point_id = contact_point.id
    where ${isUnproven(proofHoldsForMs)}`);
  return unproven;
}

/** True of a `contact` that has not said for so long that all on file of it is still right. */
export function hasLapsed(attestEveryMs: number): Sql {
  return sql`(contact.says_left_at is null and coalesce(contact.attested_at, contact.created_at)
    < now() - ${attestEveryMs} * interval '1 ms')`;
}

export async function countLapsed(tx: Tx, attestEveryMs: number): Promise<number> {
  const { lapsed } = await tx.one<{ lapsed: number }>(sql`
    select count(*) as lapsed from organisations.contact
    join organisations.v_organisation organisation
      on organisation.organisation_id = contact.organisation_id
    where contact.active and ${hasLapsed(attestEveryMs)}`);
  return lapsed;
}

/**
 * Of such a contact one way at a time is asked, its number before its address, and where that is
 * not answered the next: nobody gets a text and a mail for one word.
 */
function isNextWay({ attestEveryMs, againAfterMs }: DueQuestions): Sql {
  const ways = sql`organisations.contact_contact_point way
    join organisations.contact_point point on point.id = way.contact_point_id
    where way.contact_id = contact.id and way.channel <> 'landline'`;
  return sql`exists (
    select from organisations.contact_contact_point link
    join organisations.contact on contact.id = link.contact_id and contact.active
      and ${hasLapsed(attestEveryMs)}
    join organisations.v_organisation organisation
      on organisation.organisation_id = contact.organisation_id
    where link.contact_point_id = contact_point.id
      and link.contact_point_id = (
        select point.id from ${ways} and point.stop_asked_at is null
        order by point.asked_at nulls first, way.channel desc, way.position limit 1)
      and not exists (
        select from ${ways} and point.asked_at >= now() - ${againAfterMs} * interval '1 ms'))`;
}

/**
 * Whom to ask next, locked: numbers and addresses of active contacts whose proof is missing or too
 * old, and one of each contact that has not said for too long that all is right; those who are told
 * first before the others; whoever is locked is passed over.
 */
export async function claimDue(tx: Tx, due: DueQuestions): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select contact_point.id from organisations.contact_point
    join lateral (
      select min(contact.rank) as rank, max(contact.attested_at) as attested_at,
        bool_or(organisation.must_answer) as must_answer
      from organisations.contact_contact_point link
      join organisations.contact on contact.id = link.contact_id and contact.active
      join organisations.v_organisation organisation
        on organisation.organisation_id = contact.organisation_id
      where link.contact_point_id = contact_point.id
    ) told on told.rank is not null
    where (${isUnproven(due.proofHoldsForMs)} or ${isNextWay(due)})
      and contact_point.stop_asked_at is null
      and (contact_point.asked_at is null
        or contact_point.asked_at < now() - ${due.againAfterMs} * interval '1 ms')
    order by told.must_answer desc, told.rank, contact_point.asked_at nulls first, contact_point.id
    limit ${due.most} for update of contact_point skip locked`);
  return rows.map(({ id }) => id);
}

/** How many were asked since then. */
export async function countAskedSince(tx: Tx, since: Date): Promise<number> {
  const { asked } = await tx.one<{ asked: number }>(sql`
    select count(*) as asked from organisations.contact_point where asked_at >= ${since}`);
  return asked;
}
