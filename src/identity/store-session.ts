/** Sessions: the one statement that every signed-in request runs, and those around it. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Held } from './model.ts';
import { isForCutOff, isShutOut } from './store-cut-off.ts';
import type { SigningIn } from '#operating-model/index.ts';
import { AS_HELD, IN_FORCE } from './store-held.ts';

/** How long a session lasts. */
type Limits = Pick<SigningIn, 'sessionEndsIdleMs' | 'sessionEndsMs'>;

export type NewSession = {
  readonly id: string;
  readonly tokenSha256: Buffer;
  readonly personId: string;
  readonly device: string;
  readonly place: string;
  readonly begunBy: 'link' | 'demonstration' | 'passkey' | 'code' | 'issuer';
  /** Who let the person in, by ids. */
  readonly vouchedBy: readonly string[];
  /** That it began with. */
  readonly passkeyId: string | null;
  /** That it began by, and what that calls its own session. */
  readonly issuerId: string | null;
  readonly issuerSession: string | null;
  readonly now: Date;
};

export async function insertSession(tx: Tx, session: NewSession): Promise<void> {
  await tx.run(sql`
    insert into identity.session (id, token_sha256, person_id, device, place, begun_by, vouched_by,
      passkey_id, passkey_at, issuer_id, issuer_session, created_at, last_seen_at)
    values (${session.id}, ${session.tokenSha256}, ${session.personId}, ${session.device},
      ${session.place}, ${session.begunBy}, ${[...session.vouchedBy]}, ${session.passkeyId},
      ${session.passkeyId && session.now}, ${session.issuerId}, ${session.issuerSession},
      ${session.now}, ${session.now})`);
}

export type LivingSession = {
  readonly id: string;
  readonly createdAt: Date;
  readonly personId: string;
  readonly name: string;
  readonly held: readonly Held[];
  /** Whose issuer began it: without a proof of ours it speaks for those alone. Null: no such. */
  readonly onlyFor: string | null;
  /** When the person last used a passkey in it. */
  readonly passkeyAt: Date | null;
  readonly isLive: boolean;
};

/** So long what is on its way when a proof turns the token is answered under the one before. */
const TOKEN_BEFORE_MS = 10_000;

/** Writing at every request would make a row version for every click. */
const SEEN_EVERY_MS = 60_000;

/**
 * The living session of a token with the person's roles of this moment; notes that it was seen.
 * The token before the last proof finds it for seconds more, and without any proof.
 */
export async function touchSession(
  tx: Tx,
  tokenSha256: Buffer,
  now: Date,
  limits: Limits,
): Promise<LivingSession | undefined> {
  const idleSince = new Date(now.getTime() - limits.sessionEndsIdleMs);
  const begunAfter = new Date(now.getTime() - limits.sessionEndsMs);
  const turnedAfter = new Date(now.getTime() - TOKEN_BEFORE_MS);
  return await tx.maybe(sql`
    with living as (
      select session.id, session.created_at, session.last_seen_at, session.person_id, person.name,
        case when session.token_sha256 = ${tokenSha256} then session.passkey_at end as passkey_at,
        issuer.organisation_id as only_for
      from identity.session join identity.person on person.id = session.person_id
      left join identity.issuer on issuer.id = session.issuer_id
      where (session.token_sha256 = ${tokenSha256}
          or (session.token_before_sha256 = ${tokenSha256} and session.turned_at > ${turnedAfter}))
        and session.ended_at is null and person.active
        and session.last_seen_at > ${idleSince} and session.created_at > ${begunAfter}
        and not ${isShutOut(sql`person.id`)}
    ), touched as (
      update identity.session set last_seen_at = ${now} from living
      where session.id = living.id
        and living.last_seen_at < ${new Date(now.getTime() - SEEN_EVERY_MS)}
    )
    select living.id, living.created_at, living.person_id, living.name, living.passkey_at,
      living.only_for,
      exists (select from kernel.installation where kind = 'live') as is_live,
      (select coalesce(json_agg(${AS_HELD}), '[]')
        from identity.role_grant held
        where held.person_id = living.person_id and ${IN_FORCE} and not ${isForCutOff}
          and (held.space_id is null or not identity.is_of_cut_off(living.person_id))) as held
    from living`);
}

export type SessionRow = {
  readonly id: string;
  readonly device: string;
  readonly place: string;
  readonly begunBy: NewSession['begunBy'];
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
};

/** The sessions of a person that still live, the one seen last first. */
export async function selectSessions(
  tx: Tx,
  personId: string,
  now: Date,
  limits: Limits,
): Promise<SessionRow[]> {
  return await tx.rows(sql`
    select id, device, place, begun_by, created_at, last_seen_at from identity.session
    where person_id = ${personId} and ended_at is null
      and last_seen_at > ${new Date(now.getTime() - limits.sessionEndsIdleMs)}
      and created_at > ${new Date(now.getTime() - limits.sessionEndsMs)}
    order by last_seen_at desc, id`);
}

/** Ends one session of this person; 0 where there is no such session. */
export async function markSessionEnded(
  tx: Tx,
  session: { readonly id: string; readonly personId: string },
  now: Date,
): Promise<number> {
  return await tx.run(sql`
    update identity.session set ended_at = ${now}
    where id = ${session.id} and person_id = ${session.personId} and ended_at is null`);
}

/** All of this person but this one. */
export async function markOtherSessionsEnded(
  tx: Tx,
  kept: { readonly id: string; readonly personId: string },
  now: Date,
): Promise<number> {
  return await tx.run(sql`
    update identity.session set ended_at = ${now}
    where person_id = ${kept.personId} and id <> ${kept.id} and ended_at is null`);
}

/** The person used this passkey in it just now; from now on this token is its. */
export async function markSessionProved(
  tx: Tx,
  session: { readonly id: string; readonly personId: string },
  proof: { readonly passkeyId: string; readonly tokenSha256: Buffer; readonly now: Date },
): Promise<number> {
  return await tx.run(sql`
    update identity.session set passkey_id = ${proof.passkeyId}, passkey_at = ${proof.now},
      token_sha256 = ${proof.tokenSha256}, token_before_sha256 = token_sha256,
      turned_at = ${proof.now}
    where id = ${session.id} and person_id = ${session.personId} and ended_at is null`);
}

/** Those that were begun or proved by this passkey, but for one. */
export async function markSessionsOfPasskeyEnded(
  tx: Tx,
  { passkeyId, keptId }: { readonly passkeyId: string; readonly keptId: string },
  now: Date,
): Promise<number> {
  return await tx.run(sql`
    update identity.session set ended_at = ${now}
    where passkey_id = ${passkeyId} and id <> ${keptId} and ended_at is null`);
}

/** Those of a person that began so, at this issuer where it was one; but for one. */
export async function markSessionsBegunByEnded(
  tx: Tx,
  began: Pick<NewSession, 'personId' | 'begunBy' | 'issuerId'> & { readonly keptId: string },
  now: Date,
): Promise<void> {
  await tx.run(sql`
    update identity.session set ended_at = ${now}
    where person_id = ${began.personId} and begun_by = ${began.begunBy}
      and issuer_id is not distinct from ${began.issuerId} and id <> ${began.keptId}
      and ended_at is null`);
}

export type SessionProof = {
  readonly begunBy: NewSession['begunBy'];
  readonly createdAt: Date;
  readonly passkeyAt: Date | null;
  /** Who let the person in: into it, and for making the passkey that was used in it. */
  readonly vouchedBy: readonly string[];
};

export async function selectSessionProof(tx: Tx, id: string): Promise<SessionProof | undefined> {
  return await tx.maybe<SessionProof>(sql`
    select session.begun_by, session.created_at, session.passkey_at,
      session.vouched_by || coalesce(passkey.vouched_by, '{}') as vouched_by
    from identity.session left join identity.passkey on passkey.id = session.passkey_id
    where session.id = ${id} and session.ended_at is null`);
}

export async function markAllSessionsEnded(tx: Tx, personId: string, now: Date): Promise<number> {
  return await tx.run(sql`
    update identity.session set ended_at = ${now}
    where person_id = ${personId} and ended_at is null`);
}

export type Kept = {
  readonly sessionsMs: number;
  readonly invitationsMs: number;
  readonly now: Date;
};

/** Removes sessions, links and invitations that are long over, by the rules. */
export async function deleteOld(
  tx: Tx,
  { sessionsMs, invitationsMs, now }: Kept,
): Promise<{ sessions: number; links: number; invitations: number }> {
  const before = new Date(now.getTime() - sessionsMs);
  const endedBefore = new Date(now.getTime() - invitationsMs);
  return {
    sessions: await tx.run(sql`delete from identity.session where last_seen_at < ${before}`),
    links: await tx.run(sql`delete from identity.sign_in_link where expires_at < ${before}`),
    invitations: await tx.run(sql`
      delete from identity.invitation where expires_at < ${endedBefore}`),
  };
}

/** Removes what is worth nothing after a day: what was to be signed, codes, visits, answers. */
export async function deletePassing(tx: Tx, now: Date): Promise<number> {
  const dayAgo = new Date(now.getTime() - 86_400_000);
  return (
    (await tx.run(sql`delete from identity.passkey_challenge where expires_at < ${dayAgo}`)) +
    (await tx.run(sql`delete from identity.sign_in_code where asked_at < ${dayAgo}`)) +
    (await tx.run(sql`delete from identity.issuer_visit where begun_at < ${dayAgo}`)) +
    (await tx.run(sql`delete from identity.issuer_logout where taken_at < ${dayAgo}`)) +
    (await tx.run(sql`delete from identity.idempotency where created_at < ${dayAgo}`))
  );
}
