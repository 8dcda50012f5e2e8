/**
 * Freezing: the audience and every rendered text are written by `insert … select` from the
 * directory's published view into the dispatch engine's one door, so that a million recipients
 * never pass through the process.
 */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { RoundTemplate } from './model.ts';

/**
 * Freezes which organisations the alert is for. Each gets a code of four digits, drawn at random,
 * that is not its code in any other live alert: an answer says which alert it means.
 */
export async function freezeRecipients(
  tx: Tx,
  frozen: { submissionId: string; where: Sql },
): Promise<number> {
  return await tx.run(sql`
    insert into alerts.recipient (submission_id, organisation_id, code, short_name, must_answer)
    select ${frozen.submissionId}, organisation.organisation_id, free.code,
      organisation.short_name, organisation.must_answer
    from organisations.v_organisation organisation
    cross join lateral (
      select drawn.code from (
        -- Drawn anew for each organisation: without its id in the expression the planner draws one
        -- list of codes for all of them.
        select (1000 + ('x' || substr(md5(gen_random_uuid()::text
          || organisation.organisation_id), 1, 7))::bit(28)::int % 9000)::text as code
        from generate_series(1, 20)
      ) drawn
      where not exists (
        select from alerts.recipient other
        join alerts.submission submission on submission.id = other.submission_id
        join alerts.version version on version.id = submission.version_id
        where other.organisation_id = organisation.organisation_id and other.code = drawn.code
          and version.state in ('submitted', 'released'))
      limit 1
    ) free
    where ${frozen.where}`);
}

/**
 * Renders one round by one channel into held messages. A number shared by several organisations
 * gets one text that names the first and counts the others, and is credited to each (P1).
 */
export async function freezeRound(
  tx: Tx,
  frozen: { submissionId: string; dispatchId: string; template: RoundTemplate; contacts: Sql },
): Promise<number> {
  const { submissionId, dispatchId, template, contacts } = frozen;
  return await tx.run(sql`
    with reached as materialized (
      select reachable.contact_point_id, reachable.organisation_id, min(reachable.rank) as rank,
        recipient.code, recipient.short_name, reachable.address_sealed
      from alerts.recipient recipient
      join organisations.v_reachable reachable
        on reachable.organisation_id = recipient.organisation_id
      where recipient.submission_id = ${submissionId} and reachable.channel = ${template.channel}
        and reachable.rank = any(${[...template.ranks]}::int[]) and reachable.position = 1
        and ${contacts}
      group by reachable.contact_point_id, reachable.organisation_id, recipient.code,
        recipient.short_name, reachable.address_sealed
    ), addressed as (
      select distinct on (contact_point_id) contact_point_id, rank, code, address_sealed,
        short_name || case when count(*) over same_point > 1
          then ' +' || count(*) over same_point - 1 else '' end as organisation
      from reached window same_point as (partition by contact_point_id)
      order by contact_point_id, rank, short_name
    ), written as (
      insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, channel, round, rank,
        code, subject, body, address_sealed)
      select kernel.uuid_v7(), ${dispatchId}, contact_point_id, ${template.channel},
        ${template.round}, rank, code, ${template.subject},
        replace(replace(${template.body}, '{organisation}', organisation), '{code}', code),
        address_sealed
      from addressed
      returning id, contact_point_id
    )
    insert into dispatch.v_in_credit (message_id, organisation_id)
    select written.id, reached.organisation_id
    from written join reached on reached.contact_point_id = written.contact_point_id`);
}

/** Hash over the frozen audience and its codes, in a fixed order. */
export async function hashRecipients(tx: Tx, submissionId: string): Promise<string> {
  const { hash } = await tx.one<{ hash: string }>(sql`
    select encode(sha256(convert_to(coalesce(string_agg(concat_ws(' ', organisation_id, code,
      short_name, must_answer), chr(10) order by organisation_id), ''), 'UTF8')), 'hex') as hash
    from alerts.recipient where submission_id = ${submissionId}`);
  return hash;
}

export type SampleText = {
  round: number;
  channel: 'text' | 'mail';
  messages: number;
  opensAfterMs: number;
  subject: string | null;
  body: string;
};

/** One message of each length in each round, with how many have that length. */
export async function sampleTexts(tx: Tx, dispatchId: string): Promise<SampleText[]> {
  return await tx.rows<SampleText>(sql`
    select message.round, message.channel, count(*) as messages, min(message.subject) as subject,
      (extract(epoch from round.opens_after) * 1000)::float8 as opens_after_ms,
      min(message.body) as body
    from dispatch.v_text message
    join dispatch.v_round round on round.dispatch_id = message.dispatch_id
      and round.round = message.round
    where message.dispatch_id = ${dispatchId}
    group by message.round, message.channel, round.opens_after, char_length(message.body)
    order by message.round, message.channel desc, char_length(message.body)`);
}

export type FrozenCounts = { organisations: number; mustAnswer: number; unreachable: number };

/** The frozen audience in numbers; unreachable: must answer, and no message is planned for it. */
export async function countRecipients(tx: Tx, submissionId: string): Promise<FrozenCounts> {
  return await tx.one<FrozenCounts>(sql`
    select count(*) as organisations, count(*) filter (where recipient.must_answer) as must_answer,
      count(*) filter (where recipient.must_answer and not exists (
        select from dispatch.v_credit credit
        where credit.organisation_id = recipient.organisation_id
          and credit.dispatch_id = submission.dispatch_id)) as unreachable
    from alerts.recipient recipient
    join alerts.submission submission on submission.id = recipient.submission_id
    where recipient.submission_id = ${submissionId}`);
}
