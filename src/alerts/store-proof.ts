/** What the worker reads of an alert again before it sends: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { submissionColumns, type SubmissionRow } from './store-submission.ts';

export type FoundDispatch = {
  readonly alertId: string;
  readonly submission: SubmissionRow;
  /** Set where it says that the alert ends. */
  readonly ends: 'withdrawal' | 'closing' | undefined;
};

/** What this dispatch was released as; undefined where as nothing. */
export async function findByDispatch(
  tx: Tx,
  dispatchId: string,
): Promise<FoundDispatch | undefined> {
  const row = await tx.maybe<SubmissionRow & { alertId: string; isWithdrawal: boolean }>(sql`
    select ${submissionColumns}, version.alert_id, version.kind = 'withdrawal' as is_withdrawal
    from alerts.submission submission
    join alerts.version version on version.id = submission.version_id
    where submission.state = 'released' and ${dispatchId}::uuid in (submission.dispatch_id,
      submission.correction_dispatch_id, submission.closing_dispatch_id)`);
  if (row === undefined) return undefined;
  const { alertId, isWithdrawal, ...submission } = row;
  const isOwn = [row.dispatchId, row.correctionDispatchId].includes(dispatchId);
  const ends = isOwn ? (isWithdrawal ? 'withdrawal' : undefined) : 'closing';
  return { alertId, submission, ends };
}

/** The submission that this approval was asked for: what a withdrawal ends has the same one. */
export async function findOriginal(tx: Tx, approvalId: string): Promise<SubmissionRow | undefined> {
  return await tx.maybe<SubmissionRow>(sql`
    select ${submissionColumns} from alerts.submission submission
    join alerts.version version on version.id = submission.version_id
    where submission.approval_id = ${approvalId} and submission.state = 'released'
      and version.kind <> 'withdrawal'`);
}

export type WordsOf = {
  readonly dispatchId: string;
  /** Whose frozen audience has the names and codes. */
  readonly submissionId: string;
  /** With the blanks of a recipient; without a round they are for any. */
  readonly templates: readonly {
    readonly channel: 'text' | 'mail';
    readonly round?: number;
    readonly subject: string | null;
    readonly body: string;
  }[];
};

/** Messages that are not one of these with the name and code of a recipient in it. */
export async function countOtherWords(tx: Tx, words: WordsOf): Promise<number> {
  const { dispatchId, submissionId, templates } = words;
  const { other } = await tx.one<{ other: number }>(sql`
    select count(*) as other
    from dispatch.v_text text
    join dispatch.v_message message on message.id = text.id
    where text.dispatch_id = ${dispatchId} and not exists (
      select from alerts.recipient recipient
      cross join unnest(${templates.map((t) => t.channel)}::text[],
        ${templates.map((t) => t.round ?? null)}::smallint[],
        ${templates.map((t) => t.subject)}::text[], ${templates.map((t) => t.body)}::text[])
        as template (channel, round, subject, body)
      cross join lateral (
        select count(*) - 1 as more from dispatch.v_credit credit
        where credit.message_id = text.id) shared
      where recipient.submission_id = ${submissionId} and recipient.code = message.code
        and template.channel = text.channel and coalesce(template.round, text.round) = text.round
        and template.subject is not distinct from text.subject
        and text.body = replace(replace(template.body, '{organisation}', recipient.short_name
          || case when shared.more > 0 then ' +' || shared.more else '' end),
          '{code}', recipient.code))`);
  return other;
}

/** Messages to a number or address that none of the earlier dispatches was for. */
export async function countStrangers(
  tx: Tx,
  {
    dispatchId,
    earlierIds,
  }: { readonly dispatchId: string; readonly earlierIds: readonly string[] },
): Promise<number> {
  const { strangers } = await tx.one<{ strangers: number }>(sql`
    select count(*) as strangers from dispatch.v_addressee addressee
    where addressee.dispatch_id = ${dispatchId}
      and (addressee.contact_point_id, addressee.channel, addressee.address_sealed) not in (
        select earlier.contact_point_id, earlier.channel, earlier.address_sealed
        from dispatch.v_addressee earlier
        where earlier.dispatch_id = any(${[...earlierIds]}::uuid[]))`);
  return strangers;
}
