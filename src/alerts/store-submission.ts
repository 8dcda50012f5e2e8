/** Statements about submissions: versions as they were frozen, and what became of them. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { KevSaid } from './kev/model.ts';
import type { Wording } from './model.ts';
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

/** What a version said when it was sent back. Kept as JSON, so the instant is ISO 8601 in UTC. */
export type ReturnedWords = Omit<Wording, 'nextUpdateAt'> & {
  readonly nextUpdateAt: string | null;
  readonly kev: KevSaid | null;
  readonly audience: unknown;
};

export type ReturnedRow = {
  id: string;
  decidedAt: Date;
  decidedByName: string;
  returnReason: string;
  returnedWords: ReturnedWords;
};

/**
 * The last time that this version was sent back to be changed, and why: by this person, where they
 * ever did.
 */
export async function findLastReturn(
  tx: Tx,
  versionId: string,
  by?: string,
): Promise<ReturnedRow | undefined> {
  return await tx.maybe<ReturnedRow>(sql`
    select id, decided_at, decided_by_name, return_reason, returned_words from alerts.submission
    where version_id = ${versionId} and state = 'returned'
      and returned_words ->> 'marking' = any (kernel.actor_markings())
    order by decided_by = ${by ?? ''} desc, submitted_at desc limit 1`);
}

/** Organisations that one submission has and the other has not. */
export async function compareRecipients(
  tx: Tx,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<{ came: number; went: number }> {
  return await tx.one<{ came: number; went: number }>(sql`
    select count(*) filter (where is_after and not is_before) as came,
      count(*) filter (where is_before and not is_after) as went
    from (
      select bool_or(submission_id = ${before}) as is_before,
        bool_or(submission_id = ${after}) as is_after
      from alerts.recipient where submission_id in (${before}, ${after})
      group by organisation_id
    ) compared`);
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
    /** Of one that is returned. */
    returnedWords?: ReturnedWords;
  },
): Promise<boolean> {
  const { returnedWords } = decision;
  return (
    (await tx.run(sql`
      update alerts.submission set state = ${decision.state}, decided_at = now(),
        decided_by = ${decision.by}, decided_by_name = ${decision.byName},
        return_reason = ${decision.reason},
        returned_words = ${returnedWords ? JSON.stringify(returnedWords) : null}::jsonb
      where id = ${decision.id} and state = ${decision.from}`)) === 1
  );
}
