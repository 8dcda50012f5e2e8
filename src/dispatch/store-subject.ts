/** What dispatch holds on one person: messages to their numbers and addresses, texts from them. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type SubjectMessage = {
  readonly id: string;
  readonly dispatch: string | null;
  readonly channel: string;
  readonly subject: string | null;
  readonly body: string;
  readonly state: string;
  readonly dueAt: Date | null;
  readonly acceptedAt: Date | null;
  readonly finalAt: Date | null;
};

export async function listSubjectMessages(
  tx: Tx,
  contactPointIds: readonly string[],
): Promise<SubjectMessage[]> {
  return await tx.rows<SubjectMessage>(sql`
    select message.id, dispatch.label as dispatch, message.channel, message.subject, message.body,
      message.state, message.due_at, message.accepted_at, message.final_at
    from dispatch.message
    left join dispatch.dispatch on dispatch.id = message.dispatch_id
    where message.contact_point_id = any (${[...contactPointIds]}::uuid[])
    order by message.id`);
}

export type SubjectReply = {
  readonly id: string;
  readonly contentSealed: Buffer;
  readonly receivedAt: Date;
};

/** Texts that came from numbers with these keyed hashes. */
export async function listSubjectReplies(
  tx: Tx,
  addressIndexes: readonly Buffer[],
): Promise<SubjectReply[]> {
  return await tx.rows<SubjectReply>(sql`
    select id, content_sealed, received_at from dispatch.reply_inbox
    where address_index = any (${[...addressIndexes]}::bytea[]) order by received_at, id`);
}

/** Messages that may still leave or get a receipt, and texts that nobody has read yet. */
export async function countSubjectUnderWay(
  tx: Tx,
  subject: { readonly pointIds: readonly string[]; readonly addressIndexes: readonly Buffer[] },
): Promise<number> {
  const { count } = await tx.one<{ count: number }>(sql`
    select (
      (select count(*) from dispatch.message
        left join dispatch.dispatch on dispatch.id = message.dispatch_id
        where message.contact_point_id = any (${[...subject.pointIds]}::uuid[])
          and (message.state in ('ready', 'claimed', 'unknown')
            or dispatch.lane > 0 and dispatch.state in ('held', 'sending', 'paused')))
      + (select count(*) from dispatch.reply_inbox
        where address_index = any (${[...subject.addressIndexes]}::bytea[])
          and handled_at is null))::int as count`);
  return count;
}

/**
 * Takes a person out of what was sent: the address of each message becomes the given seal of
 * nothing, and texts that came from them go. Messages stay with their states and times, so that
 * ledgers still add up. For the owner of the tables.
 */
export async function eraseSubjectMessages(
  tx: Tx,
  subject: {
    readonly points: readonly { readonly id: string; readonly nothingSealed: Buffer }[];
    readonly addressIndexes: readonly Buffer[];
  },
): Promise<{ messages: number; replies: number }> {
  const ids = subject.points.map(({ id }) => id);
  const messages = await tx.run(sql`
    update dispatch.message set address_sealed = told.sealed
    from unnest(${ids}::uuid[],
      ${subject.points.map(({ nothingSealed }) => nothingSealed)}::bytea[]) as told (id, sealed)
    where message.contact_point_id = told.id`);
  await tx.run(sql`
    delete from dispatch.sender where contact_point_id = any (${ids}::uuid[])`);
  const replies = await tx.run(sql`
    delete from dispatch.reply_inbox
    where address_index = any (${[...subject.addressIndexes]}::bytea[])`);
  return { messages, replies };
}
