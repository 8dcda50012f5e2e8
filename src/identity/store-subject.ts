/** What is held on somebody who signs in, or was invited to: for a request of theirs. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type SubjectAccount = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
  readonly createdAt: Date;
  /** The mobile that they are woken on, as screens show it. */
  readonly phoneMask: string | null;
  /** By this what they texted is found. */
  readonly phoneIndex: Buffer | null;
  readonly roles: readonly object[];
  readonly passkeys: readonly object[];
  readonly sessions: readonly object[];
  readonly issuerLinks: readonly object[];
  /** Spaces that they were let into, each time by itself. */
  readonly spaces: readonly object[];
};

/** What of somebody is asked: all of it has to fit. */
export type SubjectAsked = {
  readonly name?: string | null;
  readonly email?: string | null;
  readonly phoneIndex?: Buffer | null;
};

export async function listSubjectAccounts(
  tx: Tx,
  { name = null, email = null, phoneIndex = null }: SubjectAsked,
): Promise<SubjectAccount[]> {
  return await tx.rows<SubjectAccount>(sql`
    select person.id, person.name, person.email, person.active, person.created_at,
      person.phone_mask, person.phone_index, held.roles, held.passkeys, held.sessions,
      held.issuer_links, held.spaces
    from identity.person
    cross join lateral (select
      (select coalesce(json_agg(json_build_object('role', role, 'organisationId', organisation_id,
          'regionCode', region_code, 'spaceId', space_id, 'givenAt', given_at,
          'startsAt', starts_at, 'endsAt', ends_at, 'endedAt', ended_at) order by given_at), '[]')
        from identity.role_grant where person_id = person.id) as roles,
      (select coalesce(json_agg(json_build_object('name', passkey.name,
          'createdAt', passkey.created_at, 'lastUsedAt', last_used_at, 'endedAt', ended_at)
          order by passkey.created_at), '[]')
        from identity.passkey where person_id = person.id) as passkeys,
      (select coalesce(json_agg(json_build_object('device', device, 'place', place,
          'createdAt', session.created_at, 'lastSeenAt', last_seen_at, 'endedAt', ended_at)
          order by session.created_at), '[]')
        from identity.session where person_id = person.id) as sessions,
      (select coalesce(json_agg(json_build_object('issuerId', issuer_id, 'subject', subject,
          'linkedAt', linked_at, 'endedAt', ended_at) order by linked_at), '[]')
        from identity.issuer_link where person_id = person.id) as issuer_links,
      (select coalesce(json_agg(json_build_object('name', space.name, 'from', reads_from,
          'until', reads_until) order by reads_from), '[]')
        from identity.reader_set_member member join identity.space on space.id = member.set_id
        where member.reader_kind = 'person' and member.reader_id = person.id) as spaces
    ) held
    where (${name}::text is null or lower(person.name) = lower(${name}::text))
      and (${email}::text is null or person.email = ${email}::text)
      and (${phoneIndex}::bytea is null or person.phone_index = ${phoneIndex}::bytea)
    order by person.name, person.id`);
}

export type SubjectInvitation = {
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly invitedAt: Date;
  readonly expiresAt: Date;
};

export async function listSubjectInvitations(
  tx: Tx,
  emails: readonly string[],
): Promise<SubjectInvitation[]> {
  return await tx.rows<SubjectInvitation>(sql`
    select name, email, role, invited_at, expires_at from identity.invitation
    where email = any(${[...emails]}::text[]) order by invited_at`);
}
