/** Statements of contacts who keep their own details: codes, sessions, and what is on file. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';

export type NewCode = {
  readonly id: string;
  readonly channel: 'text' | 'mail';
  readonly addressIndex: Buffer;
  readonly networkIndex: Buffer;
  readonly askedAt: Date;
  /** Of a number that a contact wants on file; null: to come to its own details. */
  readonly contactId: string | null;
  readonly replacesId: string | null;
  readonly contactPointId: string | null;
};

export async function insertCode(tx: Tx, code: NewCode): Promise<void> {
  await tx.run(sql`
    insert into organisations.one_time_code (id, channel, address_index, network_index, asked_at,
      contact_id, replaces_id, contact_point_id)
    values (${code.id}, ${code.channel}, ${code.addressIndex}, ${code.networkIndex},
      ${code.askedAt}, ${code.contactId}, ${code.replacesId}, ${code.contactPointId})
    on conflict (id) do nothing`);
}

/**
 * Until the end of the transaction nobody else counts codes: two that are asked for at once would
 * each find room for the last one.
 */
export async function lockCodeCounts(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('organisations.code', 0))`);
}

/** Known addresses and unknown ones: a limit that counted only some would tell which. */
export async function countCodesOfNetwork(
  tx: Tx,
  networkIndex: Buffer,
  since: Date,
): Promise<number> {
  const { count } = await tx.one<{ count: number }>(sql`
    select count(*) from organisations.one_time_code
    where network_index = ${networkIndex} and asked_at > ${since}`);
  return count;
}

export async function countCodesOfContact(tx: Tx, contactId: string, since: Date): Promise<number> {
  const { count } = await tx.one<{ count: number }>(sql`
    select count(*) from organisations.one_time_code
    where contact_id = ${contactId} and asked_at > ${since}`);
  return count;
}

export type CodeToSend = {
  readonly contactPointId: string;
  readonly channel: 'text' | 'mail';
  readonly addressSealed: Buffer;
  /** Sent to this number or address in an hour and in a day, and in all in an hour. */
  readonly inHour: number;
  readonly inDay: number;
  readonly inAll: number;
};

/** Where a code that was not sent yet goes: to what is on file of a contact who is told. Locked. */
export async function findCodeToSend(
  tx: Tx,
  id: string,
  times: { readonly askedAfter: Date; readonly anHourAgo: Date; readonly aDayAgo: Date },
): Promise<CodeToSend | undefined> {
  return await tx.maybe<CodeToSend>(sql`
    select point.id as contact_point_id, asked.channel, point.address_sealed,
      there.in_hour, there.in_day, (
        select count(*) from organisations.one_time_code sent
        where sent.code_index is not null and sent.asked_at > ${times.anHourAgo}) as in_all
    from organisations.one_time_code asked
    join organisations.contact_point point
      on point.channel = asked.channel and point.address_index = asked.address_index
    cross join lateral (
      select count(*) filter (where sent.asked_at > ${times.anHourAgo}) as in_hour,
        count(*) as in_day
      from organisations.one_time_code sent
      where sent.contact_point_id = point.id and sent.code_index is not null
        and sent.asked_at > ${times.aDayAgo}
    ) there
    where asked.id = ${id} and asked.code_index is null and asked.asked_at > ${times.askedAfter}
      and (asked.contact_id is not null or exists (
        select from organisations.contact_contact_point link
        join organisations.contact on contact.id = link.contact_id and contact.active
        join organisations.v_organisation organisation
          on organisation.organisation_id = contact.organisation_id
        where link.contact_point_id = point.id
          and contact.organisation_id not in (
            select cut.organisation_id from organisations.v_cut_off cut)))
    for update of asked`);
}

export async function markCodeSent(
  tx: Tx,
  sent: { readonly id: string; readonly contactPointId: string; readonly codeIndex: Buffer },
): Promise<void> {
  await tx.run(sql`
    update organisations.one_time_code
    set contact_point_id = ${sent.contactPointId}, code_index = ${sent.codeIndex}
    where id = ${sent.id}`);
}

export type CodeRow = {
  readonly channel: 'text' | 'mail';
  readonly askedAt: Date;
  readonly contactId: string | null;
  readonly replacesId: string | null;
  readonly contactPointId: string | null;
  readonly codeIndex: Buffer | null;
  readonly wrongTries: number;
  readonly usedAt: Date | null;
};

/** Locked: one try at a time, or two at once would both find one left. */
export async function lockCode(tx: Tx, id: string): Promise<CodeRow | undefined> {
  return await tx.maybe<CodeRow>(sql`
    select code.channel, code.asked_at, code.contact_id, code.replaces_id, code.contact_point_id,
      code.code_index, code.wrong_tries, code.used_at
    from organisations.one_time_code code where code.id = ${id} for update`);
}

export async function markCodeWrong(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`
    update organisations.one_time_code set wrong_tries = wrong_tries + 1 where id = ${id}`);
}

export async function markCodeUsed(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.run(sql`update organisations.one_time_code set used_at = ${now} where id = ${id}`);
}

export type NewCodeSession = {
  readonly id: string;
  readonly tokenSha256: Buffer;
  readonly contactId: string;
  readonly contactPointId: string;
  readonly openedAt: Date;
};

export async function insertCodeSession(tx: Tx, session: NewCodeSession): Promise<void> {
  await tx.run(sql`
    insert into organisations.code_session (id, token_sha256, contact_id, contact_point_id,
      opened_at)
    values (${session.id}, ${session.tokenSha256}, ${session.contactId}, ${session.contactPointId},
      ${session.openedAt})`);
}

export type CodeSession = {
  readonly id: string;
  readonly contactId: string;
  readonly contactPointId: string;
  readonly name: string;
  readonly organisationId: string;
  readonly openedAt: Date;
};

/** Living: not ended, not too old, and the contact is still told by what the code went to. */
export async function findCodeSession(
  tx: Tx,
  tokenSha256: Buffer,
  openedAfter: Date,
): Promise<CodeSession | undefined> {
  return await tx.maybe<CodeSession>(sql`
    select session.id, session.contact_id, session.contact_point_id, contact.name,
      contact.organisation_id, session.opened_at
    from organisations.code_session session
    join organisations.contact on contact.id = session.contact_id and contact.active
    join organisations.contact_contact_point link
      on link.contact_id = contact.id and link.contact_point_id = session.contact_point_id
    join organisations.v_organisation organisation
      on organisation.organisation_id = contact.organisation_id
    where session.token_sha256 = ${tokenSha256} and session.ended_at is null
      and session.opened_at > ${openedAfter}
      and contact.organisation_id not in (
        select cut.organisation_id from organisations.v_cut_off cut)`);
}

/** What the code of a session went to, and when. */
export async function endCodeSession(
  tx: Tx,
  id: string,
  now: Date,
): Promise<Pick<CodeSession, 'contactPointId' | 'openedAt'> | undefined> {
  return await tx.maybe(sql`
    update organisations.code_session set ended_at = ${now} where id = ${id} and ended_at is null
    returning contact_point_id, opened_at`);
}

/** A number took the place of another one: who came by the old one has just proven the new one. */
export async function moveCodeSessions(
  tx: Tx,
  move: { readonly contactId: string; readonly from: string; readonly to: string },
): Promise<void> {
  await tx.run(sql`
    update organisations.code_session set contact_point_id = ${move.to}
    where contact_id = ${move.contactId} and contact_point_id = ${move.from}
      and ended_at is null`);
}

export async function deleteOldCodes(tx: Tx, before: Date): Promise<void> {
  await tx.run(sql`delete from organisations.one_time_code where asked_at < ${before}`);
  await tx.run(sql`delete from organisations.code_session where opened_at < ${before}`);
}

export type OwnPoint = {
  readonly contactPointId: string;
  readonly channel: Channel;
  /** Masked. */
  readonly shown: string;
  readonly provenAt: Date | null;
};

export async function listOwnPoints(tx: Tx, contactId: string): Promise<OwnPoint[]> {
  return await tx.rows<OwnPoint>(sql`
    select link.contact_point_id, link.channel, contact_point.shown, contact_point.proven_at
    from organisations.contact_contact_point link
    join organisations.contact_point on contact_point.id = link.contact_point_id
    where link.contact_id = ${contactId}
    order by link.channel desc, link.position`);
}

export async function getSealedPoint(
  tx: Tx,
  contactPointId: string,
): Promise<{ channel: Channel; addressSealed: Buffer }> {
  return await tx.one(sql`
    select contact_point.channel, contact_point.address_sealed from organisations.contact_point
    where contact_point.id = ${contactPointId}`);
}

export type Attestation = {
  readonly attestedAt: Date | null;
  readonly saysLeftAt: Date | null;
};

export async function findAttestation(tx: Tx, contactId: string): Promise<Attestation> {
  return await tx.one<Attestation>(sql`
    select contact.attested_at, contact.says_left_at from organisations.contact
    where contact.id = ${contactId}`);
}

/** False where it was said a moment ago: pressed twice is once. */
export async function markAttested(tx: Tx, contactId: string, now: Date): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.contact set attested_at = ${now}, says_left_at = null
      where id = ${contactId} and (says_left_at is not null or attested_at is null
        or attested_at < ${now}::timestamptz - interval '1 minute')`)) === 1
  );
}

/** Null: somebody dealt with it. False where it was so already. */
export async function markSaysLeft(tx: Tx, contactId: string, at: Date | null): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.contact set says_left_at = ${at}
      where id = ${contactId} and (says_left_at is null) <> (${at}::timestamptz is null)`)) === 1
  );
}

export async function findPointOfSession(tx: Tx, id: string): Promise<string | undefined> {
  const found = await tx.maybe<{ contactPointId: string }>(sql`
    select session.contact_point_id from organisations.code_session session
    where session.id = ${id}`);
  return found?.contactPointId;
}
