/**
 * Freezing: the audience and every rendered text are written by `insert … select` from the
 * directory's published view into the dispatch engine's one door, so that a million recipients
 * never pass through the process.
 */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { nameReaders } from '#identity/index.ts';
import { firstRankOf } from './compose.ts';
import { readersOf, type RoundTemplate } from './texts.ts';

/**
 * Freezes which organisations the alert is for. Each gets a code of four digits, drawn at random,
 * that is not its code in any other live alert: an answer says which alert it means.
 *
 * The codes in use are asked for as one list, which the planner hashes before the first row is
 * written. Asked for organisation by organisation it may choose to read through what this very
 * statement has written so far: 20,000 organisations took 1.5-2.1 s, now 0.11-0.15 s.
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
      where (organisation.organisation_id, drawn.code) not in (
        select other.organisation_id, other.code from alerts.recipient other
        join alerts.submission submission on submission.id = other.submission_id
        join alerts.version version on version.id = submission.version_id
        where version.state in ('submitted', 'released'))
      limit 1
    ) free
    where ${frozen.where}`);
}

/** The reader set of the frozen organisations: who reads it once it is out. */
export async function freezeReaders(tx: Tx, submissionId: string): Promise<string> {
  return await nameReaders(
    tx,
    'organisations',
    sql`select organisation_id from alerts.recipient where submission_id = ${submissionId}`,
  );
}

export type FrozenRounds = {
  readonly submissionId: string;
  readonly dispatchId: string;
  /** How many were frozen. */
  readonly organisations: number;
  readonly templates: readonly RoundTemplate[];
  readonly contacts: Sql;
  /** Reader kinds that are told with the first round, whatever their rank. */
  readonly unchased: readonly string[];
};

/**
 * Renders every round into held messages; says how many. A number shared by several organisations
 * gets one text in a round, which names the first and counts the others, and is credited to each
 * (P1). Where the contacts behind it read as different kinds, it gets the general text if one of
 * them has no words of its own: that one has to know what to do.
 *
 * The directory is read once for all rounds. Nothing is joined to what was written: the id of a
 * message is drawn before it is inserted. The planner expects one row from behind row-level
 * security, so a join on `returning` became a nested loop: 18 s for 20,000 messages. Only what is
 * shared is grouped: grouping all, to find one organisation nearly each time, took a tenth longer.
 */
export async function freezeRounds(tx: Tx, frozen: FrozenRounds): Promise<number> {
  const { submissionId, dispatchId, templates, contacts, unchased } = frozen;
  const reached = frozen.organisations < WHOLE_FROM ? reachedOneByOne : reachedAtOnce;
  const firstComesFirst = sql`order by rank, short_name`;
  // Templates are looked up by number in arrays: a join with six rows was a hash over all messages,
  // which scrambled their order, and every index was filled from the middle.
  const channels = sql`${templates.map(({ channel }) => channel)}::text[]`;
  const rounds = sql`${templates.map(({ round }) => round)}::smallint[]`;
  const reminds = sql`${templates.map((one) => one.reminds)}::boolean[]`;
  const subjects = sql`${templates.map(({ subject }) => subject)}::text[]`;
  const readers = readersOf(templates);
  const each = sql`${readers.length + 1}::int`;
  const bodies = sql`${templates.flatMap((one) => bodiesOf(one, readers))}::text[]`;
  return await tx.run(sql`
    with template as materialized (
      select template.number, (${channels})[template.number] as channel, rank::int
      from jsonb_array_elements(${JSON.stringify(templates.map(({ ranks }) => ranks))}::jsonb)
        with ordinality as template (ranks, number)
      cross join jsonb_array_elements(template.ranks) as rank
    ), reached as materialized (
      -- One order for both, so that one sort serves them. The n-th message is the same for all who
      -- share it.
      select reachable.contact_point_id, template.number::int as number, reachable.rank,
        reachable.address_sealed, reachable.organisation_id, recipient.code, recipient.short_name,
        ${placeIn(readers)} as reader,
        dense_rank() over (order by reachable.contact_point_id, template.number) as n,
        count(*) over (partition by reachable.contact_point_id, template.number) as sharing
      from alerts.recipient recipient
      ${reached}
      join template on template.channel = reachable.channel
        and template.rank = ${rankOfRound(templates, unchased)}
        and not (reachable.reader_kind = any(${unchased}::text[])
          and (${reminds})[template.number])
      where recipient.submission_id = ${submissionId} and reachable.in_use and ${contacts}
    ), shared as materialized (
      select n, contact_point_id, number, address_sealed, min(rank) as rank,
        min(reader) as reader,
        (array_agg(code ${firstComesFirst}))[1] as code,
        (array_agg(short_name ${firstComesFirst}))[1] as short_name,
        (array_agg(organisation_id ${firstComesFirst}))[1] as organisation_id,
        -- Two contacts of one organisation may share a number too.
        array_agg(distinct organisation_id) as organisation_ids
      from reached where sharing > 1
      group by n, contact_point_id, number, address_sealed
    ), batch as materialized (
      select kernel.uuid_v7()::text as id
    ), credited as (
      insert into dispatch.v_in_credit (message_id, organisation_id)
      select kernel.uuid_v7_of_batch(batch.id, shared.n), credit.organisation_id
      from batch, shared cross join unnest(shared.organisation_ids) as credit (organisation_id)
      where credit.organisation_id <> shared.organisation_id
    ), addressed as (
      select n, contact_point_id, number, reader, rank, address_sealed, organisation_id, code,
        short_name
      from reached where sharing = 1
      union all
      select n, contact_point_id, number, reader, rank, address_sealed, organisation_id, code,
        short_name || case when cardinality(organisation_ids) > 1
          then ' +' || cardinality(organisation_ids) - 1 else '' end
      from shared
    )
    insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, organisation_id,
      channel, round, rank, code, subject, body, address_sealed)
    select kernel.uuid_v7_of_batch(batch.id, n), ${dispatchId}, contact_point_id, organisation_id,
      (${channels})[number], (${rounds})[number], rank, code, (${subjects})[number],
      replace(replace((${bodies})[(number - 1) * ${each} + reader + 1], '{organisation}',
        short_name), '{code}', code),
      address_sealed
    from batch, addressed`);
}

/** The general text of a round, and that of each of these reader kinds. */
function bodiesOf({ body, own }: RoundTemplate, readers: readonly string[]): string[] {
  return [body, ...readers.map((reader) => own[reader] ?? body)];
}

/**
 * Over `organisations.v_reachable` named `reachable`: which of these reader kinds a contact is,
 * counted from 1; 0 where it is none of them.
 */
export function placeIn(readers: readonly string[]): Sql {
  if (readers.length === 0) return sql`0`;
  return sql`coalesce(array_position(${readers}::text[], reachable.reader_kind), 0)`;
}

/**
 * From so many organisations on the directory is read whole. The planner cannot choose: of what was
 * frozen a moment ago it expects 35. Of 20,000 organisations with 100,000 contact points, on a busy
 * machine: all of them at once 0.9 s and one by one 1.6 s; 5,000 of them 0.6 s and 0.4 s; 5 of
 * them 0.6 s and 0.01 s.
 */
const WHOLE_FROM = 7_000;

const reachedAtOnce = sql`
  join organisations.v_reachable reachable
    on reachable.organisation_id = recipient.organisation_id`;

const reachedOneByOne = sql`
  cross join lateral (
    select told.contact_point_id, told.channel, told.in_use, told.address_sealed, told.role,
      told.rank, told.reader_kind, told.organisation_id, told.passed_over
    from organisations.v_reachable told
    where told.organisation_id = recipient.organisation_id
    -- Else it becomes the other.
    offset 0
  ) reachable`;

/** The rank with whose round a contact is told: its own, or the first where it is not chased. */
function rankOfRound(templates: readonly RoundTemplate[], unchased: readonly string[]): Sql {
  return sql`
    case when reachable.reader_kind = any(${unchased}::text[]) then ${firstRankOf(templates)}
    else reachable.rank end`;
}

/** Hash over the frozen audience and its codes, in a fixed order. */
export async function hashRecipients(tx: Tx, submissionId: string): Promise<string> {
  const { hash } = await tx.one<{ hash: string }>(sql`
    select encode(sha256(convert_to(coalesce(string_agg(concat_ws(' ', organisation_id, code,
      short_name, must_answer), chr(10) order by organisation_id), ''), 'UTF8')), 'hex') as hash
    from alerts.recipient where submission_id = ${submissionId}`);
  return hash;
}
