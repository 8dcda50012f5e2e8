/** Invitations to colleagues, and who holds what for an organisation: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { isShutOut } from './store-cut-off.ts';
import { IN_FORCE, type Term } from './store-held.ts';
import { isSecondPerson, type SecondPerson } from './store-second-person.ts';

export type NewInvitation = {
  readonly id: string;
  readonly tokenSha256: Buffer;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly organisationId: string;
  readonly invitedBy: string;
  readonly invitedAt: Date;
  /** Of a sponsor: why; somebody else then confirms it. Null: whoever invites lets in. */
  readonly vouchedBecause: string | null;
  readonly expiresAt: Date;
};

/** 0 where one with this id says something else, is another's or is over. */
export async function insertInvitation(tx: Tx, made: NewInvitation): Promise<number> {
  return await tx.run(sql`
    insert into identity.invitation (id, token_sha256, name, email, role, organisation_id,
      invited_by, invited_at, vouched_because, expires_at)
    values (${made.id}, ${made.tokenSha256}, ${made.name}, ${made.email}, ${made.role},
      ${made.organisationId}, ${made.invitedBy}, ${made.invitedAt}, ${made.vouchedBecause},
      ${made.expiresAt})
    on conflict (id) do update
      set token_sha256 = excluded.token_sha256, expires_at = excluded.expires_at
      where invitation.invited_by = excluded.invited_by and invitation.name = excluded.name
        and invitation.email = excluded.email and invitation.role = excluded.role
        and invitation.organisation_id = excluded.organisation_id
        and invitation.vouched_because is not distinct from excluded.vouched_because
        and invitation.confirmed_at is null and invitation.accepted_at is null
        and invitation.revoked_at is null`);
}

export type Invited = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly organisationId: string;
  readonly invitedBy: string;
  readonly invitedByName: string;
  readonly vouchedBecause: string | null;
  /** Who let in whom a sponsor vouched for. */
  readonly confirmedBy: string | null;
  readonly confirmedByName: string | null;
  readonly expiresAt: Date;
};

const INVITED = sql`
  select invitation.id, invitation.name, invitation.email, invitation.role,
    invitation.organisation_id, invitation.invited_by, inviter.name as invited_by_name,
    invitation.vouched_because, invitation.confirmed_by, confirmer.name as confirmed_by_name,
    invitation.expires_at
  from identity.invitation
  join identity.person inviter on inviter.id = invitation.invited_by
  left join identity.person confirmer on confirmer.id = invitation.confirmed_by`;

/** The open one of a token, whose inviter is not locked out nor cut off. Changes nothing. */
export async function selectInvitation(
  tx: Tx,
  tokenSha256: Buffer,
  now: Date,
): Promise<Invited | undefined> {
  return await tx.maybe<Invited>(sql`
    ${INVITED}
    where invitation.token_sha256 = ${tokenSha256} and invitation.accepted_at is null
      and (invitation.vouched_because is null or invitation.confirmed_at is not null)
      and invitation.revoked_at is null and invitation.expires_at > ${now} and inviter.active
      and not ${isShutOut(sql`inviter.id`)}`);
}

/** Those that a sponsor vouched for and nobody has confirmed, the oldest first. */
export async function selectVouchedFor(tx: Tx, now: Date): Promise<Invited[]> {
  return await tx.rows<Invited>(sql`
    ${INVITED}
    where invitation.vouched_because is not null and invitation.confirmed_at is null
      and invitation.accepted_at is null and invitation.revoked_at is null
      and invitation.expires_at > ${now} and inviter.active
    order by invitation.invited_at, invitation.id`);
}

/** 0 where it is over, or this is no second person: see `isSecondPerson`. */
export async function markInvitationConfirmed(
  tx: Tx,
  confirmed: SecondPerson & {
    readonly id: string;
    readonly tokenSha256: Buffer;
    readonly expiresAt: Date;
  },
): Promise<number> {
  const { id, tokenSha256, expiresAt, personId, now } = confirmed;
  return await tx.run(sql`
    update identity.invitation
    set confirmed_at = ${now}, confirmed_by = ${personId}, token_sha256 = ${tokenSha256},
      expires_at = ${expiresAt}
    where id = ${id} and vouched_because is not null and confirmed_at is null
      and accepted_at is null and revoked_at is null and expires_at > ${now}
      and ${isSecondPerson(confirmed, sql`invitation.invited_by::text`)}`);
}

/** Those of these organisations that can still be accepted, the newest first. */
export async function selectOpenInvitations(
  tx: Tx,
  organisationIds: readonly string[],
  now: Date,
): Promise<Invited[]> {
  return await tx.rows<Invited>(sql`
    ${INVITED}
    where invitation.organisation_id = any (${[...organisationIds]}::uuid[])
      and (invitation.vouched_because is null or invitation.confirmed_at is not null)
      and invitation.accepted_at is null and invitation.revoked_at is null
      and invitation.expires_at > ${now}
    order by invitation.invited_at desc, invitation.id desc`);
}

/** 0 where somebody was faster, or it is over. */
export async function markInvitationAccepted(
  tx: Tx,
  { id, personId, now }: { readonly id: string; readonly personId: string; readonly now: Date },
): Promise<number> {
  return await tx.run(sql`
    update identity.invitation set accepted_at = ${now}, accepted_by = ${personId}
    where id = ${id} and accepted_at is null and revoked_at is null and expires_at > ${now}`);
}

export async function markInvitationRevoked(
  tx: Tx,
  revoked: {
    readonly id: string;
    readonly organisationIds: readonly string[];
    /** Of any organisation, where a sponsor vouches: for whoever manages people. */
    readonly anywhere: boolean;
    readonly by: string;
    readonly now: Date;
  },
): Promise<number> {
  return await tx.run(sql`
    update identity.invitation set revoked_at = ${revoked.now}, revoked_by = ${revoked.by}
    where id = ${revoked.id} and accepted_at is null and revoked_at is null
      and (organisation_id = any (${[...revoked.organisationIds]}::uuid[])
        or (vouched_because is not null and (${revoked.anywhere} or invited_by = ${revoked.by})))`);
}

/** The roles that an active person holds for an organisation now; none of them ends before the commit. */
export async function selectRolesFor(
  tx: Tx,
  personId: string,
  organisationId: string,
): Promise<string[]> {
  const rows = await tx.rows<{ role: string }>(sql`
    select held.role from identity.role_grant held
    join identity.person on person.id = held.person_id and person.active
    where held.person_id = ${personId} and held.organisation_id = ${organisationId}
      and ${IN_FORCE}
    for share of held`);
  return rows.map(({ role }) => role);
}

export type Colleague = Term & {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
  readonly role: string;
  readonly organisationId: string;
  readonly givenAt: Date;
  readonly hasPasskey: boolean;
  readonly lastSeenAt: Date | null;
};

/** Whoever holds a role for these organisations, or is to, by name. */
export async function selectColleagues(
  tx: Tx,
  organisationIds: readonly string[],
): Promise<Colleague[]> {
  return await tx.rows<Colleague>(sql`
    select person.id, person.name, person.active, held.role, held.organisation_id, held.given_at,
      held.starts_at, held.ends_at,
      exists (select from identity.passkey
        where passkey.person_id = person.id and passkey.ended_at is null) as has_passkey,
      (select max(session.last_seen_at) from identity.session
        where session.person_id = person.id) as last_seen_at
    from identity.role_grant held join identity.person on person.id = held.person_id
    where held.organisation_id = any (${[...organisationIds]}::uuid[]) and held.ended_at is null
      and (held.ends_at is null or held.ends_at > now())
    order by lower(person.name), person.id, held.organisation_id, held.role`);
}

/**
 * True of an account that is no more than what this inviter gave: made by an invitation of theirs,
 * with no role from anybody else and never a passkey, an app or a link to an issuer. A new link
 * from them opens nothing new.
 */
export async function selectIsOwnGuest(tx: Tx, personId: string, inviterId: string) {
  const row = await tx.one<{ isGuest: boolean }>(sql`
    select exists (select from identity.person
      where person.id = ${personId} and person.active and person.created_by = ${inviterId})
      and not exists (select from identity.passkey where person_id = ${personId})
      and not exists (select from identity.authenticator_app app
        where app.person_id = ${personId} and app.confirmed_at is not null)
      and not exists (select from identity.issuer_link where person_id = ${personId})
      and not exists (select from identity.role_grant held
        where held.person_id = ${personId} and held.given_by <> ${inviterId}) as is_guest`);
  return row.isGuest;
}
