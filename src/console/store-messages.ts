/** The messages behind the numbers of a path: to whom, by which way, and what became of each. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { MessageListing } from './model.ts';

const conditions: Readonly<Record<MessageListing, Sql>> = {
  planned: sql`true`,
  gone: sql`state in ('accepted', 'delivered')`,
  delivered: sql`state = 'delivered'`,
  under_way: sql`state = 'claimed'`,
  failed: sql`state in ('undelivered', 'rejected', 'expired')`,
  unknown: sql`state in ('unknown', 'uncertain_closed')`,
  cancelled: sql`state = 'cancelled'`,
};

export type MessageRow = {
  id: string;
  /** Each that the text counts for: several share a number. */
  organisations: { id: string; name: string }[];
  dispatchId: string;
  round: number;
  rank: number;
  /** When its round opens, and when it did. */
  opensAt: Date | null;
  openedAt: Date | null;
  state: string;
  gatewayId: string | null;
  at: Date | null;
  failureCode: string | null;
};

export type MessageQuestion = {
  readonly alertId: string;
  readonly dispatchIds: readonly string[];
  readonly channel: 'text' | 'mail';
  readonly listing: MessageListing;
  /** Id of the last message seen. */
  readonly after: string | undefined;
  readonly most: number;
};

/** In the order in which they were made: by organisation and round. */
export async function listMessages(tx: Tx, question: MessageQuestion): Promise<MessageRow[]> {
  const { alertId, dispatchIds, channel, listing, after, most } = question;
  return await tx.rows<MessageRow>(sql`
    select page.id, page.dispatch_id, page.round, page.rank, page.state,
      opening.opens_at, opening.opened_at, page.gateway_id, page.failure_code, page.at,
      array(
        select jsonb_build_object('id', organisation.organisation_id, 'name', organisation.name)
        from dispatch.v_credit credit
        join alerts.v_recipient recipient on recipient.alert_id = ${alertId}
          and recipient.organisation_id = credit.organisation_id
        join organisations.v_known_organisation organisation
          on organisation.organisation_id = credit.organisation_id
        where credit.message_id = page.id order by organisation.name) as organisations
    from (
      select id, dispatch_id, round, rank, state,
        coalesce(gateway_id, home_gateway_id) as gateway_id,
        failure_code, coalesce(final_at, accepted_at, due_at) as at
      from dispatch.v_message message
      where dispatch_id = any(${[...dispatchIds]}::uuid[]) and channel = ${channel}
        and ${conditions[listing]} and ${after === undefined ? sql`true` : sql`id > ${after}`}
        -- Every list of an alert begins with the recipients that the reader may see.
        and exists (
          select from dispatch.v_credit credit
          join alerts.v_recipient recipient on recipient.alert_id = ${alertId}
            and recipient.organisation_id = credit.organisation_id
          where credit.message_id = message.id)
      order by id limit ${most}
    ) page
    join dispatch.v_round opening on opening.dispatch_id = page.dispatch_id
      and opening.round = page.round
    order by page.id`);
}
