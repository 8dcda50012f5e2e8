/** Statements about submissions: versions as they were frozen, and what became of them. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Along } from './texts.ts';

export type SubmissionRow = {
  id: string;
  versionId: string;
  dispatchId: string;
  correctionDispatchId: string | null;
  approvalId: string;
  contentHash: string;
  along: Along;
  readerSetId: string;
  state: 'waiting' | 'returned' | 'withdrawn' | 'released' | 'recalled';
  submittedBy: string;
  submittedByName: string;
  submittedAt: Date;
  decidedAt: Date | null;
  decidedByName: string | null;
  returnReason: string | null;
};

export const submissionColumns = sql`submission.id, submission.version_id, submission.dispatch_id,
  submission.correction_dispatch_id, submission.approval_id, submission.content_hash,
  submission.along, submission.reader_set_id, submission.state, submission.submitted_by,
  submission.submitted_by_name, submission.submitted_at, submission.decided_at,
  submission.decided_by_name, submission.return_reason`;

export async function findSubmission(
  tx: Tx,
  versionId: string,
): Promise<SubmissionRow | undefined> {
  return await tx.maybe<SubmissionRow>(sql`
    select ${submissionColumns} from alerts.submission where version_id = ${versionId}
    order by submitted_at desc limit 1`);
}

export type ReturnedRow = { decidedAt: Date; decidedByName: string; returnReason: string };

/** The last time that this version was sent back to be changed, and why. */
export async function findLastReturn(tx: Tx, versionId: string): Promise<ReturnedRow | undefined> {
  return await tx.maybe<ReturnedRow>(sql`
    select decided_at, decided_by_name, return_reason from alerts.submission
    where version_id = ${versionId} and state = 'returned'
    order by submitted_at desc limit 1`);
}

/** Which dispatch says that it is over: what sends it asks (P5). */
export async function setClosingDispatch(
  tx: Tx,
  { id, dispatchId }: { readonly id: string; readonly dispatchId: string },
): Promise<void> {
  await tx.run(sql`
    update alerts.submission set closing_dispatch_id = ${dispatchId} where id = ${id}`);
}

export async function insertSubmission(
  tx: Tx,
  submission: {
    id: string;
    versionId: string;
    dispatchId: string;
    correctionDispatchId: string | null;
    approvalId: string;
    contentHash: string;
    /** Null: who is silent is to be rung as soon as nobody of their chain is left to be told. */
    callListAfterMs: number | null;
    along: Along;
    readerSetId: string;
    submittedBy: string;
    submittedByName: string;
  },
): Promise<{ submittedAt: Date }> {
  return await tx.one<{ submittedAt: Date }>(sql`
    insert into alerts.submission (id, version_id, dispatch_id, correction_dispatch_id, approval_id,
      content_hash, call_list_after, along, reader_set_id, submitted_by, submitted_by_name,
      owned_by, owned_by_name)
    values (${submission.id}, ${submission.versionId}, ${submission.dispatchId},
      ${submission.correctionDispatchId}, ${submission.approvalId}, ${submission.contentHash},
      ${submission.callListAfterMs} * interval '1 ms', ${JSON.stringify(submission.along)}::jsonb,
      ${submission.readerSetId},
      ${submission.submittedBy}, ${submission.submittedByName}, ${submission.submittedBy},
      ${submission.submittedByName})
    returning submitted_at`);
}

export async function decideSubmission(
  tx: Tx,
  decision: {
    id: string;
    from: 'waiting' | 'released';
    state: 'returned' | 'withdrawn' | 'released' | 'recalled';
    by: string;
    byName: string;
    reason: string | null;
  },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      update alerts.submission set state = ${decision.state}, decided_at = now(),
        decided_by = ${decision.by}, decided_by_name = ${decision.byName},
        return_reason = ${decision.reason}
      where id = ${decision.id} and state = ${decision.from}`)) === 1
  );
}
