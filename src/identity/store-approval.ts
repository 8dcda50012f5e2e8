/** Requests for approval: one function per statement. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { isUuid } from '#kernel/ids.ts';
import { statesBefore, type ApprovalRequest, type ApprovalState } from './approval-model.ts';
import { IN_FORCE, OF_CENTRE } from './store-held.ts';

const COLUMNS = sql`id, hash, subject_kind, subject_id, permission, requested_by, requested_at,
  expires_at, shaped_by, state, approved_by, approved_at, ended_by, ended_at, end_reason,
  consumed_at, let_go_by, let_go_at`;

/** Everybody with a hand in it, as "by" columns name them. */
const HANDS = sql`(approval.shaped_by || approval.requested_by)::text[]`;

export type NewRequest = Pick<
  ApprovalRequest,
  | 'id'
  | 'hash'
  | 'subjectKind'
  | 'subjectId'
  | 'permission'
  | 'requestedBy'
  | 'requestedAt'
  | 'expiresAt'
  | 'shapedBy'
>;

/** 0 where the subject has an open request already. */
export async function insertRequest(tx: Tx, request: NewRequest): Promise<number> {
  return await tx.run(sql`
    insert into identity.approval (id, hash, subject_kind, subject_id, permission, requested_by,
      requested_at, expires_at, shaped_by)
    values (${request.id}, ${request.hash}, ${request.subjectKind}, ${request.subjectId},
      ${request.permission}, ${request.requestedBy}, ${request.requestedAt},
      ${request.expiresAt}, ${request.shapedBy}::uuid[])
    on conflict (subject_kind, subject_id) where state in ('requested', 'approved') do nothing`);
}

export async function selectRequest(tx: Tx, id: string): Promise<ApprovalRequest | undefined> {
  return await tx.maybe(sql`select ${COLUMNS} from identity.approval where id = ${id}`);
}

/** All that wait for somebody, the oldest first. */
export async function selectWaiting(tx: Tx, now: Date): Promise<ApprovalRequest[]> {
  return await tx.rows(sql`
    select ${COLUMNS} from identity.approval
    where state = 'requested' and expires_at > ${now} order by requested_at, id`);
}

export type ByApprover = {
  readonly id: string;
  readonly approver: string;
  readonly now: Date;
  /** How long a session lasts at most: so long a sign-in link may be the one being used. */
  readonly sessionLifeMs: number;
};

/** True where this person signed this hash for it lately. */
export async function selectIsSigned(
  tx: Tx,
  by: { readonly id: string; readonly hash: string; readonly approver: string; readonly now: Date },
): Promise<boolean> {
  const row = await tx.one<{ signed: boolean }>(sql`
    select exists (select from identity.approval_signature
      where approval_id = ${by.id} and person_id = ${by.approver} and hash = ${by.hash}
        and valid_until > ${by.now}) as signed`);
  return row.signed;
}

/** Marks it approved: open, unchanged, in time, and not by anybody who shaped it, nor by proxy. */
export async function markApproved(
  tx: Tx,
  given: ByApprover & { readonly hash: string },
): Promise<ApprovalRequest | undefined> {
  const { id, hash, approver, now } = given;
  return await tx.maybe(sql`
    update identity.approval
    set state = 'approved', approved_by = ${approver}, approved_at = ${now}
    where id = ${id} and hash = ${hash} and ${isBefore('approved')} and expires_at > ${now}
      and requested_by <> ${approver} and ${approver}::uuid <> all (shaped_by)
      and not (${isBeholden(given)})
    returning ${COLUMNS}`);
}

/** True where somebody with a hand in it let this approver in, or gave them a right. */
export async function selectBeholden(tx: Tx, by: ByApprover): Promise<boolean> {
  const row = await tx.maybe<{ beholden: boolean }>(sql`
    select ${isBeholden(by)} as beholden from identity.approval where id = ${by.id}`);
  return row?.beholden === true;
}

/**
 * Who makes a sign-in link can open it, and so act as the other person until that session ends, or
 * for as long as the passkeys live that were made in it; so does who agrees to a recovery. Who
 * gives a role can give it to a person who does not exist. Systems (the command line, the first
 * start) have names instead of ids and are never among the hands.
 */
function isBeholden({ approver, now, sessionLifeMs }: ByApprover): Sql {
  const since = new Date(now.getTime() - sessionLifeMs);
  return sql`exists (
      select from identity.sign_in_link link
      where link.person_id = ${approver} and link.used_at > ${since}
        and (link.created_by = any (${HANDS}) or link.confirmed_by = any (${HANDS})))
    or exists (
      select from identity.passkey
      where passkey.person_id = ${approver} and passkey.ended_at is null
        and passkey.vouched_by && ${HANDS})
    or exists (
      select from identity.role_grant held
      where held.person_id = ${approver} and held.ended_at is null
        and (held.given_by = any (${HANDS}) or held.agreed_by = any (${HANDS})))`;
}

/**
 * Uses it, once: only while its approver is active and still holds one of `roles`, by a gift of
 * somebody without a hand in it: a right that was taken away is not given back by who gains by it.
 */
export async function markConsumed(
  tx: Tx,
  { id, hash, roles, now }: { id: string; hash: string; roles: readonly string[]; now: Date },
): Promise<ApprovalRequest | undefined> {
  return await tx.maybe(sql`
    update identity.approval set state = 'consumed', consumed_at = ${now}
    where id = ${id} and hash = ${hash} and ${isBefore('consumed')} and expires_at > ${now}
      and exists (
        select from identity.person
        join identity.role_grant held on held.person_id = person.id and ${IN_FORCE}
        where person.id = approval.approved_by and person.active
          and ${OF_CENTRE} and held.role = any (${roles})
          and held.given_by <> all (${HANDS})
          and (held.agreed_by is null or held.agreed_by <> all (${HANDS})))
    returning ${COLUMNS}`);
}

/** Marks it let go by one person: open, unchanged and in time. */
export async function markAlone(
  tx: Tx,
  { id, hash, by, now }: { id: string; hash: string; by: string; now: Date },
): Promise<ApprovalRequest | undefined> {
  return await tx.maybe(sql`
    update identity.approval set state = 'alone', let_go_by = ${by}, let_go_at = ${now}
    where id = ${id} and hash = ${hash} and ${isBefore('alone')} and expires_at > ${now}
    returning ${COLUMNS}`);
}

export async function markEnded(
  tx: Tx,
  id: string,
  end: { state: 'returned' | 'voided'; by: string; reason: string; now: Date },
): Promise<ApprovalRequest | undefined> {
  return await tx.maybe(sql`
    update identity.approval
    set state = ${end.state}, ended_by = ${end.by}, ended_at = ${end.now},
      end_reason = ${end.reason}
    where id = ${id} and ${isBefore(end.state)}
    returning ${COLUMNS}`);
}

/** The people behind these: a key counts as who answers for it; a program has a name and nobody. */
export async function selectPeopleBehind(tx: Tx, hands: readonly string[]): Promise<string[]> {
  const ids = hands.filter(isUuid);
  const rows = await tx.rows<{ id: string }>(sql`
    select person.id from identity.person where id = any (${ids}::uuid[])
    union
    select person.id from identity.api_key
    join identity.person on person.id::text = api_key.created_by
    where api_key.id = any (${ids}::uuid[])`);
  return rows.map(({ id }) => id);
}

function isBefore(to: ApprovalState): Sql {
  return sql`state = any (${statesBefore(to)})`;
}
