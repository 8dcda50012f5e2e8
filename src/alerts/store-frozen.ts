/** What was frozen, counted: whoever approves has to know it at a glance, of any audience. */
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { recipientBlanks, type TextOfVersion } from './texts.ts';

export type SampleText = {
  round: number;
  channel: 'text' | 'mail';
  /** The reader kind in whose words it is; null: the general ones. */
  reader: string | null;
  messages: number;
  opensAfterMs: number;
  /** To those of an earlier round, once more. */
  reminds: boolean;
  subject: string | null;
  body: string;
  /** What is its recipient's in it: the name, null where the reader may not know it, and code. */
  shortName: string | null;
  code: string;
};

/**
 * One text of each length in each round and words, and one mail of each round, with how many there
 * are. The length is that in bytes, which a row says without its words being read: of 50,000
 * messages, half of them mails, on a busy machine, characters took 0.5 s and bytes take 0.08.
 */
export async function sampleTexts(
  tx: Tx,
  { submissionId, dispatchId, texts }: FrozenTexts,
): Promise<SampleText[]> {
  return await tx.rows<SampleText>(sql`
    with one as (
      select message.round, message.channel, ${readerOf(texts)} as reader, count(*) as messages,
        min(message.id::text collate "C")::uuid as id
      from dispatch.v_text message
      where message.dispatch_id = ${dispatchId}
      group by message.round, message.channel, 3,
        case when message.channel = 'text' then octet_length(message.body) end
    )
    select one.round, one.channel, one.reader, one.messages, message.subject, message.body,
      recipient.short_name, message.code,
      (extract(epoch from round.opens_after) * 1000)::float8 as opens_after_ms, round.reminds
    from one
    join dispatch.v_text message on message.id = one.id
    join dispatch.v_round round on round.dispatch_id = message.dispatch_id
      and round.round = message.round
    left join alerts.recipient recipient on recipient.submission_id = ${submissionId}
      and recipient.organisation_id = message.organisation_id
    order by one.round, one.channel desc, one.reader nulls first, char_length(message.body)`);
}

export type SamePair = { messages: number; first: string; following: string };

/**
 * Of a later version: the numbers that have a text in both dispatches, of which one leaves. One
 * pair of each two lengths with how many there are, the first text of each number in its chain.
 */
export async function samplePairs(
  tx: Tx,
  { dispatchId, laterId }: { readonly dispatchId: string; readonly laterId: string },
): Promise<SamePair[]> {
  return await tx.rows<SamePair>(sql`
    with first as materialized (
      select distinct on (message.contact_point_id) message.contact_point_id, message.id
      from dispatch.v_message message
      join dispatch.v_round round on round.dispatch_id = message.dispatch_id
        and round.round = message.round and not round.reminds
      where message.dispatch_id = ${dispatchId} and message.channel = 'text'
      order by message.contact_point_id, message.round
    ), pair as (
      select count(*) as messages, min(first.id::text)::uuid as first_id,
        (array_agg(later.id order by first.id::text))[1] as later_id
      from first
      join dispatch.v_message later on later.dispatch_id = ${laterId}
        and later.channel = 'text' and later.contact_point_id = first.contact_point_id
      join dispatch.v_text first_text on first_text.id = first.id
      join dispatch.v_text later_text on later_text.id = later.id
      group by octet_length(first_text.body), octet_length(later_text.body)
    )
    select pair.messages, first_text.body as first, later_text.body as following
    from pair
    join dispatch.v_text first_text on first_text.id = pair.first_id
    join dispatch.v_text later_text on later_text.id = pair.later_id`);
}

export type FrozenTexts = {
  readonly submissionId: string;
  readonly dispatchId: string;
  readonly texts: readonly TextOfVersion[];
};

/** In whose words a message is, by how its text reads but for name, code and time. */
function readerOf(texts: readonly TextOfVersion[]): Sql {
  const own = texts.filter(({ reader }) => reader !== null);
  if (own.length === 0) return sql`null::text`;
  const found = own.map(
    ({ reader, text }) => sql`case when message.body like ${patternOf(text)} then ${reader} end`,
  );
  return sql`case when message.channel = 'text' then coalesce(${join(found)}) end`;
}

function patternOf(template: string): string {
  const escaped = template.replaceAll(/[\\%_]/g, String.raw`\$&`);
  return Object.values(recipientBlanks).reduce(
    (pattern, blank) => pattern.replaceAll(blank.replaceAll('_', String.raw`\_`), '%'),
    escaped,
  );
}

export type FrozenCounts = {
  organisations: number;
  mustAnswer: number;
  /** Must answer, and no message is planned for it. */
  unreachable: number;
  /** No message is planned for it, whether it must answer or not. */
  withoutAny: number;
  /** No text is planned for it; 0 where none is planned for anybody. */
  withoutAnyText: number;
  /** Must answer, and is told something, but not in each round. */
  cutShort: number;
};

/**
 * The frozen audience in numbers. The messages are read once: asked for organisation by
 * organisation, and anew for each of the counts, 10,000 of them took 0.9 s on a busy machine, now
 * 0.1.
 */
export async function countRecipients(
  tx: Tx,
  { id, dispatchId }: { readonly id: string; readonly dispatchId: string },
): Promise<FrozenCounts> {
  // Reminders are no part of the chain.
  const chain = sql`
    select round from dispatch.v_round where dispatch_id = ${dispatchId} and not reminds`;
  return await tx.one<FrozenCounts>(sql`
    with told as materialized (
      select organisation_id, count(distinct round) as rounds, bool_or(channel = 'text') as by_text
      from (
        select distinct credit.organisation_id, credit.round, credit.channel
        from dispatch.v_credit credit
        where credit.dispatch_id = ${dispatchId} and credit.round in (${chain})
      ) each
      group by organisation_id
    )
    select count(*) as organisations, count(*) filter (where must_answer) as must_answer,
      count(*) filter (where must_answer and told.rounds is null) as unreachable,
      count(*) filter (where told.rounds is null) as without_any,
      count(*) filter (where told.by_text is not true
        and (select bool_or(by_text) from told)) as without_any_text,
      count(*) filter (where must_answer
        and told.rounds < (select count(*) from (${chain}) planned)) as cut_short
    from alerts.recipient recipient
    left join told on told.organisation_id = recipient.organisation_id
    where recipient.submission_id = ${id}`);
}
