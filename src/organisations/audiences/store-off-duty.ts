/** Contacts of an audience who are off duty or away just now, and what comes of it. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AudienceQuestion, Channel } from '../model.ts';
import { matchesOrganisation, matchesRole, matchesToldNow } from './store-audience.ts';

/**
 * `stands_in`: their cover is told in their place. `left_out`: a colleague is on duty who is told
 * no later. `told`: nobody else would be, or they were asked for by role.
 */
export type OffDutyOutcome = 'stands_in' | 'left_out' | 'told';

export type OffDutyContact = {
  readonly organisationId: string;
  readonly code: string;
  readonly name: string;
  readonly mustAnswer: boolean;
  readonly role: string;
  readonly rank: number;
  readonly outcome: OffDutyOutcome;
  /** The role of who stands in. */
  readonly coverRole: string | null;
  /** By what the contact, or who stands in, is told. */
  readonly told: readonly Channel[];
};

export type OffDuty = {
  readonly counts: Readonly<Record<OffDutyOutcome, number>>;
  /** Those of organisations that must answer first, then by name. */
  readonly contacts: readonly OffDutyContact[];
};

/** Names of people are no part of it: a dry run is seen by more than the directory. */
export async function listOffDuty(
  tx: Tx,
  question: AudienceQuestion,
  limit: number,
): Promise<OffDuty> {
  return await tx.one<OffDuty>(sql`
    with chosen as materialized (
      select organisation.organisation_id, organisation.code, organisation.name,
        organisation.must_answer
      from organisations.v_organisation organisation where ${matchesOrganisation(question)}
    ), off as materialized (
      select chosen.organisation_id, chosen.code, chosen.name, chosen.must_answer,
        contact.id as seat_id, seat.holder_id
      from organisations.contact
      join chosen on chosen.organisation_id = contact.organisation_id
      cross join lateral organisations.seat_at(
        now(), contact.id, contact.has_times, contact.texts, contact.mails) seat
      where contact.active and contact.has_times and seat.holder_id is distinct from contact.id
    ), found as materialized (
      select off.organisation_id, off.code, off.name, off.must_answer, seat.role, seat.rank,
        cover.role as cover_role, seat.told,
        case when off.holder_id is not null then 'stands_in'
          when seat.told = '{}' then 'left_out' else 'told' end as outcome
      from off
      -- Seat by seat: joined, the planner reads whom the whole directory tells.
      cross join lateral (
        select reachable.role, reachable.rank, coalesce(array_agg(distinct reachable.channel)
          filter (where ${matchesToldNow(question)}), '{}') as told
        from organisations.v_reachable reachable
        where reachable.seat_id = off.seat_id and reachable.in_use and ${matchesRole(question)}
        group by reachable.role, reachable.rank
      ) seat
      left join organisations.contact cover on cover.id = off.holder_id
    )
    select (select jsonb_build_object(
        'stands_in', count(*) filter (where outcome = 'stands_in'),
        'left_out', count(*) filter (where outcome = 'left_out'),
        'told', count(*) filter (where outcome = 'told')) from found) as counts,
      coalesce((select jsonb_agg(jsonb_build_object('organisationId', organisation_id,
          'code', code, 'name', name, 'mustAnswer', must_answer, 'role', role, 'rank', rank,
          'outcome', outcome, 'coverRole', cover_role, 'told', told)
          order by 1 - must_answer::int, name, code, rank, role)
        from (
          select organisation_id, code, name, must_answer, role, rank, outcome, cover_role, told
          from found order by 1 - must_answer::int, name, code, rank, role
          limit ${limit}) shown), '[]') as contacts`);
}
