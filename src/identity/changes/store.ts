/** Changes that take two persons: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { ApprovalState } from '../approval-model.ts';

export type NewChange = {
  readonly id: string;
  readonly kind: string;
  readonly content: string;
  readonly sha256: string;
  readonly approvalId: string;
};

export async function insertChange(tx: Tx, change: NewChange): Promise<void> {
  await tx.run(sql`
    insert into identity.proposed_change (id, kind, content, sha256, approval_id)
    values (${change.id}, ${change.kind}, ${change.content}, ${change.sha256},
      ${change.approvalId})`);
}

/** A change with what became of it. */
export type ChangeRow = NewChange & {
  readonly state: ApprovalState;
  readonly requestedBy: string;
  readonly proposedByName: string;
  readonly proposedAt: Date;
  readonly expiresAt: Date;
  readonly shapedBy: readonly string[];
  /** Whoever approved it, let it go alone, returned it or took it back. */
  readonly decidedByName: string | null;
  readonly decidedAt: Date | null;
  readonly endReason: string | null;
};

const CHANGE = sql`
  select change.id, change.kind, change.content, change.sha256, change.approval_id,
    approval.state, approval.requested_by, proposer.name as proposed_by_name,
    approval.requested_at as proposed_at, approval.expires_at, approval.shaped_by,
    decider.name as decided_by_name,
    coalesce(approval.ended_at, approval.let_go_at, approval.consumed_at) as decided_at,
    approval.end_reason
  from identity.proposed_change change
  join identity.approval on approval.id = change.approval_id
  join identity.person proposer on proposer.id = approval.requested_by
  left join identity.person decider on decider.id::text =
    coalesce(approval.ended_by, approval.let_go_by::text, approval.approved_by::text)`;

export async function selectChange(tx: Tx, id: string): Promise<ChangeRow | undefined> {
  return await tx.maybe<ChangeRow>(sql`${CHANGE} where change.id = ${id}`);
}

/** Those that wait for a second person, the oldest first. */
export async function selectWaitingChanges(tx: Tx, now: Date): Promise<ChangeRow[]> {
  return await tx.rows<ChangeRow>(sql`
    ${CHANGE} where approval.state = 'requested' and approval.expires_at > ${now}
    order by approval.requested_at, change.id`);
}

/** The newest that were decided, or that nobody decided in time. */
export async function selectPastChanges(tx: Tx, now: Date, most: number): Promise<ChangeRow[]> {
  return await tx.rows<ChangeRow>(sql`
    ${CHANGE} where approval.state <> 'requested' or approval.expires_at <= ${now}
    order by approval.requested_at desc, change.id desc limit ${most}`);
}

/** True of somebody who has never had a second person here (`identity.is_first_person`). */
export async function selectIsFirst(tx: Tx, personId: string): Promise<boolean> {
  const row = await tx.one<{ first: boolean }>(sql`
    select identity.is_first_person(${personId}) as first`);
  return row.first;
}

/** Only one at a time decides over a change. */
export async function lockChange(tx: Tx, approvalId: string): Promise<void> {
  await tx.run(sql`select from identity.approval where id = ${approvalId} for update`);
}
