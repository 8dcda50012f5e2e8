/** Visits to issuers: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type VisitPurpose = 'sign_in' | 'link' | 'accept';

export type NewVisit = {
  readonly id: string;
  readonly issuerId: string;
  readonly ticketSha256: Buffer;
  readonly purpose: VisitPurpose;
  /** For a link: the session that it is made in. */
  readonly sessionId: string | null;
  /** For an acceptance: the invitation, by the SHA-256 of its token. */
  readonly invitationSha256: Buffer | null;
  readonly returnTo: string;
  readonly begunAt: Date;
};

export async function insertVisit(tx: Tx, visit: NewVisit): Promise<void> {
  await tx.run(sql`
    insert into identity.issuer_visit (id, issuer_id, ticket_sha256, purpose, session_id,
      invitation_sha256, return_to, begun_at)
    values (${visit.id}, ${visit.issuerId}, ${visit.ticketSha256}, ${visit.purpose},
      ${visit.sessionId}, ${visit.invitationSha256}, ${visit.returnTo}, ${visit.begunAt})`);
}

/** The visit of this browser, back now for the first and only time. */
export async function takeVisit(
  tx: Tx,
  which: {
    readonly id: string;
    readonly issuerId: string;
    readonly ticketSha256: Buffer;
    readonly begunAfter: Date;
    readonly now: Date;
  },
): Promise<NewVisit | undefined> {
  return await tx.maybe<NewVisit>(sql`
    update identity.issuer_visit set back_at = ${which.now}
    where id = ${which.id} and issuer_id = ${which.issuerId} and back_at is null
      and ticket_sha256 = ${which.ticketSha256} and begun_at > ${which.begunAfter}
    returning id, issuer_id, ticket_sha256, purpose, session_id, invitation_sha256, return_to,
      begun_at`);
}

/** The issuer knows who it is and proved too little: a proof of ours is asked for. */
export async function markVisitWaits(
  tx: Tx,
  id: string,
  waits: { readonly linkId: string; readonly issuerSession: string | null },
): Promise<void> {
  await tx.run(sql`
    update identity.issuer_visit
    set link_id = ${waits.linkId}, issuer_session = ${waits.issuerSession} where id = ${id}`);
}

export type WaitingVisit = {
  readonly id: string;
  readonly issuerId: string;
  readonly linkId: string;
  readonly issuerSession: string | null;
  readonly returnTo: string;
  readonly wrongTries: number;
};

/** Locked, so that two tries count as two. */
export async function lockWaitingVisit(
  tx: Tx,
  which: { readonly id: string; readonly ticketSha256: Buffer; readonly begunAfter: Date },
): Promise<WaitingVisit | undefined> {
  return await tx.maybe<WaitingVisit>(sql`
    select id, issuer_id, link_id, issuer_session, return_to, wrong_tries
    from identity.issuer_visit
    where id = ${which.id} and ticket_sha256 = ${which.ticketSha256} and link_id is not null
      and done_at is null and begun_at > ${which.begunAfter} for update`);
}

export async function markVisitWrong(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`
    update identity.issuer_visit set wrong_tries = wrong_tries + 1 where id = ${id}`);
}

/** Wrong numbers of this person in all visits since then. */
export async function countWrongNumbers(tx: Tx, personId: string, since: Date): Promise<number> {
  const row = await tx.one<{ wrong: number }>(sql`
    select coalesce(sum(visit.wrong_tries), 0) as wrong from identity.issuer_visit visit
    join identity.issuer_link link on link.id = visit.link_id
    where link.person_id = ${personId} and visit.begun_at > ${since}`);
  return row.wrong;
}

export async function markVisitDone(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.run(sql`update identity.issuer_visit set done_at = ${now} where id = ${id}`);
}
