/**
 * Freezing an update or a correction: its recipients are those of the version before, with their
 * codes; its messages go to whoever the dispatches of the alert were for. Who of them had something
 * is known only at the release.
 */
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { placeIn } from './store-freeze.ts';
import type { FollowingTemplate, OwnTexts } from './texts.ts';

/** The same organisations with the same codes: what a reader texts back still means them. */
export async function copyRecipients(
  tx: Tx,
  copy: { from: string; submissionId: string },
): Promise<number> {
  return await tx.run(sql`
    insert into alerts.recipient (submission_id, organisation_id, code, short_name, must_answer)
    select ${copy.submissionId}, organisation_id, code, short_name, must_answer
    from alerts.recipient where submission_id = ${copy.from}`);
}

/** Every dispatch of the alert so far. */
export async function listSent(tx: Tx, alertId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select dispatch_id as id from alerts.v_sent where alert_id = ${alertId} order by 1`);
  return rows.map(({ id }) => id);
}

/**
 * Renders the new text into held messages, one for each contact point; says how many. A shared
 * number is credited to all its organisations, of all rounds (P1).
 */
export async function freezeFollowing(
  tx: Tx,
  frozen: {
    submissionId: string;
    dispatchId: string;
    earlierIds: readonly string[];
    template: FollowingTemplate;
    /** Of reader kinds with words of their own, by the kind. */
    own?: OwnTexts;
  },
): Promise<number> {
  const { submissionId, dispatchId, earlierIds, template, own = {} } = frozen;
  const readers = Object.keys(own);
  return await tx.run(sql`
    with ${readOwn(readers)} ${groupedBy(earlierIds, submissionId)}, batch as materialized (
      select kernel.uuid_v7()::text as id
    ), addressed as materialized (
      select kernel.uuid_v7_of_batch(batch.id, row_number() over ()) as id,
        contact_point_id, channel, rank, address_sealed, organisation_ids, codes[1] as code, name
      from batch, grouped
    ), also_credited as (
      insert into dispatch.v_in_credit (message_id, organisation_id)
      select addressed.id, credit.organisation_id
      from addressed cross join unnest(addressed.organisation_ids[2:]) as credit (organisation_id)
    )
    insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, organisation_id,
      channel, round, rank, code, subject, body, address_sealed)
    select id, ${dispatchId}, contact_point_id, organisation_ids[1], channel, 1, rank, code,
      case when channel = 'mail' then ${template.subject}::text end,
      replace(replace(case when channel = 'mail' then ${template.mail}::text
        else (${[template.text, ...Object.values(own)]}::text[])[1 + ${readerOf(readers)}] end,
        '{organisation}', name), '{code}', code),
      address_sealed
    from addressed`);
}

/**
 * Whom earlier dispatches of an alert were for, each contact point once (P1), with the names and
 * codes of one of its submissions.
 */
export function groupedBy(earlierIds: readonly string[], submissionId: string): Sql {
  return sql`credited as (
      select addressee.contact_point_id, addressee.channel, credit.organisation_id,
        min(addressee.rank) as rank, min(addressee.address_sealed) as address_sealed
      from dispatch.v_addressee addressee
      cross join unnest(addressee.organisation_ids) as credit (organisation_id)
      where addressee.dispatch_id = any(${[...earlierIds]}::uuid[])
      group by addressee.contact_point_id, addressee.channel, credit.organisation_id
    ), grouped as (
      select credited.contact_point_id, credited.channel, min(credited.rank) as rank,
        min(credited.address_sealed) as address_sealed,
        array_agg(recipient.organisation_id order by credited.rank, recipient.short_name)
          as organisation_ids,
        array_agg(recipient.code order by credited.rank, recipient.short_name) as codes,
        (array_agg(recipient.short_name order by credited.rank, recipient.short_name))[1]
          || case when count(*) > 1 then ' +' || count(*) - 1 else '' end as name
      from credited join alerts.recipient recipient
        on recipient.organisation_id = credited.organisation_id
        and recipient.submission_id = ${submissionId}
      group by credited.contact_point_id, credited.channel
    )`;
}

/**
 * Numbers of which the directory knows readers with words of their own and no others, as
 * `freezeRounds` has it. How somebody read when the version before went is not kept.
 */
export function readOwn(readers: readonly string[]): Sql {
  if (readers.length === 0) return sql``;
  return sql`reader as materialized (
      select reachable.contact_point_id, min(${placeIn(readers)}) as place
      from organisations.v_reachable reachable
      where reachable.channel = 'text' group by reachable.contact_point_id
    ), `;
}

/** Looked up by hash: behind row-level security the planner expects few rows, and would loop. */
export function readerOf(readers: readonly string[]): Sql {
  if (readers.length === 0) return sql`0`;
  const places = readers.map(
    (_, i) => sql`case when contact_point_id in (
      select reader.contact_point_id from reader where reader.place = ${i + 1})
      then ${i + 1}::int end`,
  );
  return sql`coalesce(${join(places)}, 0)`;
}

/** Until the commit nobody else begins a version of this alert: ask only then what is newest. */
export async function lockVersions(tx: Tx, alertId: string): Promise<void> {
  const name = `alerts.version ${alertId}`;
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
}

/** The number after the newest version of the alert, abandoned ones counted. */
export async function nextVersionNumber(tx: Tx, alertId: string): Promise<number> {
  const { number } = await tx.one<{ number: number }>(sql`
    select max(number) + 1 as number from alerts.version where alert_id = ${alertId}`);
  return number;
}
