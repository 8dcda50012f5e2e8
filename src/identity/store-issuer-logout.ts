/** Sign-outs that issuers told us of: one function per statement. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** 0 where this token was taken before. */
export async function insertIssuerLogout(
  tx: Tx,
  taken: { readonly issuerId: string; readonly jtiSha256: Buffer; readonly takenAt: Date },
): Promise<number> {
  return await tx.run(sql`
    insert into identity.issuer_logout (issuer_id, jti_sha256, taken_at)
    values (${taken.issuerId}, ${taken.jtiSha256}, ${taken.takenAt})
    on conflict do nothing`);
}

export async function markIssuerToldLogout(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.run(sql`update identity.issuer set last_logout_at = ${now} where id = ${id}`);
}

/** Who is gone there: one session of somebody, or all of somebody. One of both is given. */
export type Gone = {
  readonly issuerId: string;
  readonly subject: string | undefined;
  readonly issuerSession: string | undefined;
};

/**
 * True of a session or visit of what the issuer names. Where it names the person as well, what it
 * gave no name to when it began is that person's and goes too: which one it is nobody can tell.
 */
function isOfSession({ subject, issuerSession }: Gone): Sql {
  if (issuerSession === undefined) return sql`true`;
  if (subject === undefined) return sql`issuer_session = ${issuerSession}`;
  return sql`(issuer_session = ${issuerSession} or issuer_session is null)`;
}

/** Ends them; whose they were, a person as often as they had some. */
export async function markSessionsLoggedOut(tx: Tx, gone: Gone, now: Date): Promise<string[]> {
  const { issuerId, subject } = gone;
  // Who was that subject when it began, also where the link has ended since.
  const isOfSubject =
    subject === undefined
      ? sql`true`
      : sql`exists (select from identity.issuer_link link
          where link.issuer_id = session.issuer_id and link.person_id = session.person_id
            and link.subject = ${subject} and link.linked_at <= session.created_at
            and (link.ended_at is null or link.ended_at > session.created_at))`;
  const rows = await tx.rows<{ personId: string }>(sql`
    update identity.session set ended_at = ${now}
    where issuer_id = ${issuerId} and ended_at is null and ${isOfSession(gone)} and ${isOfSubject}
    returning person_id`);
  return rows.map(({ personId }) => personId);
}

/** The same for whoever was to add a number of their app before they are in. */
export async function markVisitsLoggedOut(tx: Tx, gone: Gone, now: Date): Promise<string[]> {
  const { issuerId, subject } = gone;
  const isOfSubject = subject === undefined ? sql`true` : sql`link.subject = ${subject}`;
  const rows = await tx.rows<{ personId: string }>(sql`
    update identity.issuer_visit visit set done_at = ${now} from identity.issuer_link link
    where visit.issuer_id = ${issuerId} and visit.done_at is null and link.id = visit.link_id
      and ${isOfSession(gone)} and ${isOfSubject}
    returning link.person_id`);
  return rows.map(({ personId }) => personId);
}
