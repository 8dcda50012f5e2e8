/** Hours and absences of contacts, and whom the chain tells at a moment. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';

/** A stretch of the week; ends on the next day where it does not end after its start. */
export type DutyHours = {
  /** 1 is Monday. */
  readonly weekday: number;
  /** `18:00`. */
  readonly startsAt: string;
  readonly endsAt: string;
};

export async function listHours(tx: Tx, contactId: string): Promise<DutyHours[]> {
  return await tx.rows<DutyHours>(sql`
    select hours.weekday, to_char(hours.starts_at, 'HH24:MI') as starts_at,
      to_char(hours.ends_at, 'HH24:MI') as ends_at
    from organisations.duty_hours hours
    where hours.contact_id = ${contactId}
    order by hours.weekday, hours.starts_at`);
}

export async function deleteHours(tx: Tx, contactId: string): Promise<void> {
  await tx.run(sql`delete from organisations.duty_hours where contact_id = ${contactId}`);
}

export async function insertHours(
  tx: Tx,
  contactId: string,
  { hours, timeZone }: { readonly hours: readonly DutyHours[]; readonly timeZone: string },
): Promise<void> {
  await tx.run(sql`
    insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
    select ${contactId}, told.weekday, told."startsAt", told."endsAt", ${timeZone}
    from jsonb_to_recordset(${JSON.stringify(hours)}::jsonb)
      as told (weekday smallint, "startsAt" time, "endsAt" time)`);
}

export type Absence = {
  readonly id: string;
  readonly contactId: string;
  readonly organisationId: string;
  readonly contactName: string;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly coverId: string | null;
  readonly coverName: string | null;
};

/** Those that are not over, by their start. */
export async function listAbsences(tx: Tx, contactId: string): Promise<Absence[]> {
  return await tx.rows<Absence>(sql`
    ${selectAbsence}
    where absence.contact_id = ${contactId} and absence.ends_at > now()
    order by absence.starts_at`);
}

export async function findAbsence(tx: Tx, id: string): Promise<Absence | undefined> {
  return await tx.maybe<Absence>(sql`${selectAbsence} where absence.id = ${id}`);
}

const selectAbsence = sql`
    select absence.id, absence.contact_id, contact.organisation_id, contact.name as contact_name,
      absence.starts_at, absence.ends_at, absence.cover_id, cover.name as cover_name
    from organisations.absence
    join organisations.contact on contact.id = absence.contact_id
    left join organisations.contact cover on cover.id = absence.cover_id`;

export type NewAbsence = {
  readonly id: string;
  readonly contactId: string;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly coverId: string | null;
};

export async function insertAbsence(tx: Tx, absence: NewAbsence): Promise<number> {
  return await tx.run(sql`
    insert into organisations.absence (id, contact_id, starts_at, ends_at, cover_id)
    values (${absence.id}, ${absence.contactId}, ${absence.startsAt}, ${absence.endsAt},
      ${absence.coverId})
    on conflict (id) do nothing`);
}

/** Absences that lie in this time, of these contacts. */
export async function listOverlapping(
  tx: Tx,
  contactIds: readonly string[],
  { startsAt, endsAt }: { readonly startsAt: Date; readonly endsAt: Date },
): Promise<{ id: string; contactId: string }[]> {
  return await tx.rows(sql`
    select absence.id, absence.contact_id from organisations.absence
    where absence.contact_id = any(${contactIds}::uuid[]) and absence.starts_at < ${endsAt}
      and absence.ends_at > ${startsAt}`);
}

/** One that has begun ends now; says how many did. */
export async function endBegunAbsence(tx: Tx, id: string, now: Date): Promise<number> {
  return await tx.run(sql`
    update organisations.absence set ends_at = ${now}
    where id = ${id} and starts_at < ${now} and ends_at > ${now}`);
}

/** One that has not begun was never there; says how many went. */
export async function deleteComingAbsence(tx: Tx, id: string, now: Date): Promise<number> {
  return await tx.run(sql`
    delete from organisations.absence where id = ${id} and starts_at >= ${now}`);
}

/** The instant of a time on the wall, such as `2026-11-23T08:00`. */
export async function instantOf(tx: Tx, wall: string, timeZone: string): Promise<Date> {
  const { at } = await tx.one<{ at: Date }>(sql`
    select ${wall}::timestamp at time zone ${timeZone} as at`);
  return at;
}

export type ToldAt = {
  readonly seatId: string;
  readonly seatName: string;
  readonly rank: number;
  readonly role: string;
  readonly readerKind: string;
  /** Another than the seat where a cover stands in. */
  readonly contactId: string;
  readonly contactName: string;
  readonly told: readonly Channel[];
  readonly passedOver: readonly Channel[];
};

/** Whom the chain of an organisation tells at a moment, and whom it passes over, by rank. `seats`: the first so many of it. */
export async function listToldAt(
  tx: Tx,
  organisationId: string,
  { moment, seats }: { readonly moment: Date; readonly seats?: number },
): Promise<ToldAt[]> {
  return await tx.rows<ToldAt>(sql`
    with seat as materialized (
      select contact.id, contact.name from organisations.contact
      where contact.organisation_id = ${organisationId} and contact.active
      order by contact.rank, contact.name, contact.id
      ${seats === undefined ? sql`` : sql`limit ${seats}`}
    )
    select seat.id as seat_id, seat.name as seat_name, reachable.rank, reachable.role,
      reachable.reader_kind, reachable.contact_id, holder.name as contact_name,
      reachable.told, reachable.passed_over
    from seat
    -- Seat by seat: joined, the planner compared each of 20,000 contacts with each.
    cross join lateral (
      select at.rank, at.role, at.reader_kind, at.contact_id,
        coalesce(array_agg(distinct at.channel) filter (where not at.passed_over), '{}') as told,
        coalesce(array_agg(distinct at.channel) filter (where at.passed_over), '{}')
          as passed_over
      from organisations.reachable_at(${moment}) at
      where at.seat_id = seat.id and at.contact_point_id <> all(array(
        select stopped.contact_point_id from dispatch.v_stopped stopped))
      group by at.rank, at.role, at.reader_kind, at.contact_id
    ) reachable
    join organisations.contact holder on holder.id = reachable.contact_id
    order by reachable.rank, seat.name, seat.id`);
}
