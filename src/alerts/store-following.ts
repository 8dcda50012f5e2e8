/** Statement about who had an alert, and is told by no round of the version that is written. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { groupedBy, readerOf, readOwn } from './store-correct.ts';
import { reachedBy, SPECIAL, type Asked, type Reach } from './store-dry-run.ts';
import type { Channel } from './texts.ts';

export type OnlyFollowing = {
  /** Each number and address once. */
  readonly channels: readonly {
    readonly channel: Channel;
    readonly organisations: number;
    readonly messages: number;
  }[];
  /** Texts by whose words they are and how the name looks: all of one length alike. */
  readonly names: readonly Omit<Reach['names'][number], 'round'>[];
  /** Organisations that a text reaches, this one or one of a round. */
  readonly texted: number;
};

/**
 * A severity of now may have fewer ranks, or no texts; whoever had the version before gets one text
 * or mail all the same (`freezeFollowing`).
 * @param readers kinds of readers with words of their own
 */
export async function readOnlyFollowing(
  tx: Tx,
  { question, chain }: Asked,
  {
    earlierIds,
    submissionId,
    readers,
  }: {
    readonly earlierIds: readonly string[];
    readonly submissionId: string;
    readonly readers: readonly string[];
  },
): Promise<OnlyFollowing> {
  return await tx.one<OnlyFollowing>(sql`
    with ${readOwn(readers)} ${reachedBy(question, chain)},
    ${groupedBy(earlierIds, submissionId)}, following as materialized (
      select channel, organisation_ids, name, ${readerOf(readers)} as reader from grouped
      where (contact_point_id, channel) not in (select contact_point_id, channel from reached)
    ), credit as (
      select channel, unnest(organisation_ids) as organisation_id from following
    ), sized as (
      select reader, (array_agg(name))[1] as name,
        (array_agg(organisation_ids[1]))[1] as organisation_id, count(*) as messages
      from following where channel = 'text'
      group by reader, char_length(name), case when name ~ ${SPECIAL} then name end
    )
    select coalesce((select jsonb_agg(jsonb_build_object('channel', channel, 'messages', messages,
        'organisations', (select count(distinct organisation_id) from credit
          where credit.channel = counted.channel)) order by channel desc)
        from (select channel, count(*) as messages from following group by channel) counted), '[]')
        as channels,
      coalesce((select jsonb_agg(jsonb_build_object('name', name,
        'reader', (${[...readers]}::text[])[reader], 'organisationId', organisation_id,
        'messages', messages)) from sized), '[]') as names,
      (select count(*) from (
        select organisation_id from reached where channel = 'text'
        union select organisation_id from credit where channel = 'text') told) as texted`);
}
