/** What an alert would come to today: counted from the directory, and from what waits to leave. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import {
  matchesOrganisation,
  matchesToldNow,
  type AudienceQuestion,
} from '#organisations/index.ts';
import { firstRankOf } from './compose.ts';
import { placeIn } from './store-freeze.ts';
import type { Channel } from './texts.ts';

/** One rank of one round by one channel. */
export type ChainStep = {
  readonly round: number;
  readonly channel: Channel;
  readonly rank: number;
  /** To those of an earlier round, once more. */
  readonly reminds: boolean;
};

/** The rounds, and the reader kinds that are told with the first of them, whatever their rank. */
export type Chain = {
  readonly steps: readonly ChainStep[];
  readonly unchased: readonly string[];
  /** Reader kinds whose texts have words of their own. */
  readonly readers: readonly string[];
};

/** Whom, and how. */
export type Asked = { readonly question: AudienceQuestion; readonly chain: Chain };

/** Whom the audience is, and who of it is told in which round, as `freezeRounds` would have it. */
export function reachedBy(question: AudienceQuestion, { steps, unchased, readers }: Chain): Sql {
  const firstRank = firstRankOf(steps.map(({ round, rank }) => ({ round, ranks: [rank] })));
  return sql`chosen as materialized (
      select organisation.organisation_id, organisation.code, organisation.name,
        organisation.must_answer, organisation.telephone
      from organisations.v_organisation organisation where ${matchesOrganisation(question)}
    ), step as materialized (
      select step.round, step.channel, step.rank, step.reminds
      from unnest(${steps.map(({ round }) => round)}::int[],
        ${steps.map(({ channel }) => channel)}::text[], ${steps.map(({ rank }) => rank)}::int[],
        ${steps.map(({ reminds }) => reminds)}::boolean[]) as step (round, channel, rank, reminds)
    ), reached as materialized (
      select reachable.organisation_id, reachable.short_name, reachable.contact_id,
        reachable.contact_point_id, reachable.rank, step.round, step.channel,
        ${placeIn(readers)} as reader
      from organisations.v_reachable reachable
      join step on step.channel = reachable.channel
        and step.rank = case when reachable.reader_kind = any(${unchased}::text[])
          then ${firstRank} else reachable.rank end
        and not (step.reminds and reachable.reader_kind = any(${unchased}::text[]))
      where reachable.in_use and ${matchesToldNow(question)}
        and (reachable.organisation_id in (select chosen.organisation_id from chosen)) is true
    )`;
}

export type Reach = {
  readonly organisations: number;
  readonly mustAnswer: number;
  /** By round and channel: each number and address once. */
  readonly rounds: readonly {
    readonly round: number;
    readonly channel: Channel;
    readonly organisations: number;
    readonly people: number;
    readonly messages: number;
  }[];
  /** Texts of each round by whose words they are and how the name looks: all of one length alike. */
  readonly names: readonly {
    readonly round: number;
    /** The reader kind with words of its own; null: the general ones. */
    readonly reader: string | null;
    readonly name: string;
    readonly organisationId: string;
    readonly messages: number;
  }[];
  /** Organisations that a text reaches in some round, and when the last of them has its first. */
  readonly texted: number;
  readonly firstTextRound: number | null;
  readonly firstTexts: number;
  /** Organisations that rounds reach, but none by a number or an address that works. */
  readonly failedOnly: number;
};

/** Letters beyond ASCII, and those that count twice: names with them are looked at one by one. */
export const SPECIAL = String.raw`[^ -~]|[][\^{}~|]|\\`;

/** `failing`: the numbers and addresses of which it is known. */
export async function readReach(
  tx: Tx,
  { question, chain, failing }: Asked & { readonly failing: readonly string[] },
): Promise<Reach> {
  return await tx.one<Reach>(sql`
    with ${reachedBy(question, chain)}, counted as (
      select round, channel, count(distinct organisation_id) as organisations,
        count(distinct contact_id) as people, count(distinct contact_point_id) as messages
      from reached group by round, channel
    ), named as materialized (
      -- A shared number gets one text, which names the first and counts the others (P1).
      select round, min(rank) as rank, min(reader) as reader,
        (array_agg(organisation_id order by rank, short_name))[1] as organisation_id,
        (array_agg(short_name order by rank, short_name))[1]
          || case when count(distinct organisation_id) > 1
            then ' +' || count(distinct organisation_id) - 1 else '' end as name
      from reached where channel = 'text' group by round, contact_point_id
    ), sized as (
      select round, reader, (array_agg(name))[1] as name,
        (array_agg(organisation_id))[1] as organisation_id, count(*) as messages
      from named
      group by round, reader, char_length(name), case when name ~ ${SPECIAL} then name end
    ), first_text as (
      -- Breadth first: by round, and in a round by rank.
      select organisation_id, min(array[round, rank]) as first_at
      from reached where channel = 'text' group by organisation_id
    ), last_first as (
      select count(*) as texted, max(first_at) as last_at from first_text
    )
    select (select count(*) from chosen) as organisations,
      (select count(*) from chosen where must_answer) as must_answer,
      coalesce((select jsonb_agg(jsonb_build_object('round', round, 'channel', channel,
        'organisations', organisations, 'people', people, 'messages', messages)
        order by round, channel desc) from counted), '[]') as rounds,
      coalesce((select jsonb_agg(jsonb_build_object('round', round, 'name', name,
        'reader', (${[...chain.readers]}::text[])[reader], 'organisationId', organisation_id,
        'messages', messages)) from sized), '[]') as names,
      last_first.texted, last_first.last_at[1] as first_text_round,
      (select count(*) from named where named.round = last_first.last_at[1]
        and named.rank <= last_first.last_at[2]) as first_texts,
      (select count(*) from (
        select from reached group by organisation_id
        having bool_and(contact_point_id = any(${[...failing]}::uuid[]))) failed) as failed_only
    from last_first`);
}

export type Gap = {
  readonly organisationId: string;
  readonly code: string;
  readonly name: string;
  readonly mustAnswer: boolean;
  readonly telephone: string | null;
  /** Rounds in which nobody of it is told anything. */
  readonly silentRounds: readonly number[];
};

export type GapCounts = {
  readonly organisations: number;
  readonly mustAnswer: number;
  /** Those that no round reaches at all. */
  readonly unreachable: number;
};

export type GapSearch = {
  readonly after?: readonly [must: number, name: string, code: string] | undefined;
  readonly limit: number;
};

/**
 * Organisations with a round that tells nobody: their chain has a hole, or ends early. Those that
 * must answer first, then by name. The counts are of all of them.
 */
export async function listGaps(
  tx: Tx,
  { question, chain }: Asked,
  { after, limit }: GapSearch,
): Promise<{ counts: GapCounts; gaps: Gap[] }> {
  const beyond = after
    ? sql`(1 - must_answer::int, name, code) > (${after[0]}::int, ${after[1]}, ${after[2]})`
    : sql`true`;
  return await tx.one<{ counts: GapCounts; gaps: Gap[] }>(sql`
    with ${reachedBy(question, chain)}, told as (
      select organisation_id, array_agg(distinct round) as rounds
      from reached group by organisation_id
    ), rounds as (
      select array_agg(distinct round order by round) as all_rounds from step where not reminds
    ), gap as materialized (
      select chosen.organisation_id, chosen.code, chosen.name, chosen.must_answer,
        chosen.telephone, told.rounds is null as is_unreachable,
        array(select round from unnest(rounds.all_rounds) as round
          where round <> all (coalesce(told.rounds, '{}')) order by round) as silent_rounds
      from chosen cross join rounds
      left join told on told.organisation_id = chosen.organisation_id
      where not coalesce(told.rounds, '{}') @> rounds.all_rounds
    ), shown as (
      select organisation_id, code, name, must_answer, telephone, silent_rounds from gap
      where ${beyond}
      order by 1 - must_answer::int, name, code
      limit ${limit}
    )
    select (select jsonb_build_object('organisations', count(*),
        'mustAnswer', count(*) filter (where must_answer),
        'unreachable', count(*) filter (where is_unreachable)) from gap) as counts,
      coalesce((select jsonb_agg(jsonb_build_object('organisationId', organisation_id,
        'code', code, 'name', name, 'mustAnswer', must_answer, 'telephone', telephone,
        'silentRounds', silent_rounds) order by 1 - must_answer::int, name, code)
        from shown), '[]') as gaps`);
}

export type BucketNow = {
  readonly bucketId: string;
  readonly ratePerSecond: number;
  readonly burst: number;
  readonly tokens: number;
  readonly pausedForMs: number;
};

/** The buckets that messages of this channel may be drawn on now, each once. */
export async function listBuckets(tx: Tx, channel: Channel): Promise<BucketNow[]> {
  return await tx.rows<BucketNow>(sql`
    select distinct on (bucket_id) bucket_id, rate_per_second, burst, tokens,
      coalesce(extract(epoch from paused_until - now()) * 1000, 0)::float8 as paused_for_ms
    from dispatch.v_gateway
    where channel = ${channel} and enabled and removed_at is null and breaker_state <> 'open'
    order by bucket_id`);
}

/** Messages that wait to leave by a channel, of dispatches in this lane or a more urgent one. */
export async function countAhead(
  tx: Tx,
  { channel, lane }: { readonly channel: Channel; readonly lane: number },
): Promise<number> {
  const { messages } = await tx.one<{ messages: number }>(sql`
    select count(*) as messages
    from dispatch.v_dispatch dispatch
    join dispatch.v_message message on message.dispatch_id = dispatch.id
    where dispatch.state = 'sending' and dispatch.lane <= ${lane}
      and message.channel = ${channel} and message.state = 'ready'`);
  return messages;
}
