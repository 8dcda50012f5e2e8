/** Issuers, and who somebody is there: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Issuer } from './issuer-model.ts';
import { isForCutOff } from './store-cut-off.ts';
import { IN_FORCE } from './store-held.ts';

/** As screens show it. */
export type IssuerCard = Issuer & {
  readonly savedBy: string;
  readonly lastUsedAt: Date | null;
  /** When it last told us that somebody signed out there. */
  readonly lastLogoutAt: Date | null;
  readonly lastFailedAt: Date | null;
  /** A word of ours. */
  readonly lastFailure: string | null;
  readonly linked: number;
};

/** With what is sealed of it. */
export type IssuerRow = IssuerCard & { readonly settingsSealed: Buffer };

const COLUMNS = sql`id, url, label, organisation_id, client_id, origins, acr, amr,
    auth_age_max_ms::float8 as auth_age_max_ms, saved_at, saved_by, off_at, last_used_at,
    last_logout_at, last_failed_at, last_failure,
    (select count(*) from identity.issuer_link link
      where link.issuer_id = issuer.id and link.ended_at is null) as linked`;

const ISSUER = sql`select ${COLUMNS}, settings_sealed from identity.issuer`;

/** All, also those that are off. */
export async function selectIssuers(tx: Tx): Promise<IssuerCard[]> {
  return await tx.rows<IssuerCard>(sql`
    select ${COLUMNS} from identity.issuer order by lower(label), id`);
}

export async function selectIssuer(tx: Tx, id: string): Promise<IssuerRow | undefined> {
  return await tx.maybe<IssuerRow>(sql`${ISSUER} where id = ${id}`);
}

/**
 * Until the end of the transaction nobody switches it off, and it ends no session: what begins now
 * is ended by that. For one at a time: each writes that it was used, and two who shared the lock
 * would wait for one another.
 */
export async function holdIssuer(tx: Tx, id: string): Promise<IssuerRow | undefined> {
  return await tx.maybe<IssuerRow>(
    sql`${ISSUER} where id = ${id} and off_at is null for no key update`,
  );
}

export type SavedIssuer = Omit<Issuer, 'offAt'> & {
  readonly settingsSealed: Buffer;
  readonly savedBy: string;
};

/** A new one, or one that is there with other settings; 0 where its address is another. */
export async function upsertIssuer(tx: Tx, saved: SavedIssuer): Promise<number> {
  return await tx.run(sql`
    insert into identity.issuer (id, url, label, organisation_id, client_id, settings_sealed,
      origins, acr, amr, auth_age_max_ms, saved_at, saved_by)
    values (${saved.id}, ${saved.url}, ${saved.label}, ${saved.organisationId}, ${saved.clientId},
      ${saved.settingsSealed}, ${[...saved.origins]}, ${[...saved.acr]}, ${[...saved.amr]},
      ${saved.authAgeMaxMs}, ${saved.savedAt}, ${saved.savedBy})
    on conflict (id) do update set label = excluded.label,
      organisation_id = excluded.organisation_id, client_id = excluded.client_id,
      settings_sealed = excluded.settings_sealed, origins = excluded.origins, acr = excluded.acr,
      amr = excluded.amr, auth_age_max_ms = excluded.auth_age_max_ms,
      saved_at = excluded.saved_at, saved_by = excluded.saved_by
    where issuer.url = excluded.url`);
}

/** True where another issuer has this address. */
export async function selectIsUrlTaken(tx: Tx, url: string, id: string): Promise<boolean> {
  const row = await tx.one<{ taken: boolean }>(sql`
    select exists (select from identity.issuer where url = ${url} and id <> ${id}) as taken`);
  return row.taken;
}

/** 0 where it is off already, or was never there. */
export async function markIssuerOff(tx: Tx, id: string, off: { at: Date; by: string }) {
  return await tx.run(sql`
    update identity.issuer set off_at = ${off.at}, off_by = ${off.by}
    where id = ${id} and off_at is null`);
}

/** 0 where it is on already, or was never there. */
export async function markIssuerOn(tx: Tx, id: string, approvalId: string | null): Promise<number> {
  return await tx.run(sql`
    update identity.issuer set off_at = null, off_by = null, on_by_approval = ${approvalId}
    where id = ${id} and off_at is not null`);
}

/** Those of an organisation that are on, by id. */
export async function selectIssuersOf(tx: Tx, organisationId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select id from identity.issuer
    where organisation_id = ${organisationId} and off_at is null order by id`);
  return rows.map(({ id }) => id);
}

export async function markIssuerUsed(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.run(sql`update identity.issuer set last_used_at = ${now} where id = ${id}`);
}

export async function markIssuerFailed(tx: Tx, id: string, failed: { at: Date; failure: string }) {
  await tx.run(sql`
    update identity.issuer set last_failed_at = ${failed.at}, last_failure = ${failed.failure}
    where id = ${id}`);
}

export async function markSessionsOfIssuerEnded(tx: Tx, id: string, now: Date): Promise<number> {
  return await tx.run(sql`
    update identity.session set ended_at = ${now} where issuer_id = ${id} and ended_at is null`);
}

export type IssuerLink = {
  readonly id: string;
  readonly personId: string;
  readonly vouchedBy: readonly string[];
};

/** Whose this subject is; undefined also where that person is locked out. */
export async function selectLink(
  tx: Tx,
  issuerId: string,
  subject: string,
): Promise<IssuerLink | undefined> {
  return await tx.maybe<IssuerLink>(sql`
    select link.id, link.person_id, link.vouched_by from identity.issuer_link link
    join identity.person on person.id = link.person_id
    where link.issuer_id = ${issuerId} and link.subject = ${subject} and link.ended_at is null
      and person.active`);
}

/** The same by its id; tries to come in by it take turns. */
export async function lockLink(tx: Tx, id: string): Promise<IssuerLink | undefined> {
  return await tx.maybe<IssuerLink>(sql`
    select link.id, link.person_id, link.vouched_by from identity.issuer_link link
    join identity.person on person.id = link.person_id
    where link.id = ${id} and link.ended_at is null and person.active for update of link`);
}

export type NewLink = IssuerLink & {
  readonly issuerId: string;
  readonly subject: string;
  readonly linkedAt: Date;
};

/** 0 where the subject is somebody's already, or the person is somebody there already. */
export async function insertIssuerLink(tx: Tx, link: NewLink): Promise<number> {
  return await tx.run(sql`
    insert into identity.issuer_link (id, issuer_id, subject, person_id, linked_at, vouched_by)
    values (${link.id}, ${link.issuerId}, ${link.subject}, ${link.personId}, ${link.linkedAt},
      ${[...link.vouchedBy]})
    on conflict do nothing`);
}

export async function markLinkUsedNow(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.run(sql`update identity.issuer_link set last_used_at = ${now} where id = ${id}`);
}

type Ended = { readonly at: Date; readonly by: string };

/** One of this person; the issuer it was at. */
export async function markIssuerLinkEnded(
  tx: Tx,
  { id, personId }: { readonly id: string; readonly personId: string },
  ended: Ended,
): Promise<string | undefined> {
  const row = await tx.maybe<{ issuerId: string }>(sql`
    update identity.issuer_link set ended_at = ${ended.at}, ended_by = ${ended.by}
    where id = ${id} and person_id = ${personId} and ended_at is null
    returning issuer_id`);
  return row?.issuerId;
}

export async function markAllIssuerLinksEnded(tx: Tx, personId: string, ended: Ended) {
  return await tx.run(sql`
    update identity.issuer_link set ended_at = ${ended.at}, ended_by = ${ended.by}
    where person_id = ${personId} and ended_at is null`);
}

export type OwnLink = {
  readonly id: string;
  readonly issuerId: string;
  readonly linkedAt: Date;
  readonly lastUsedAt: Date | null;
};

export async function selectLinksOf(tx: Tx, personId: string): Promise<OwnLink[]> {
  return await tx.rows<OwnLink>(sql`
    select id, issuer_id, linked_at, last_used_at from identity.issuer_link
    where person_id = ${personId} and ended_at is null order by linked_at, id`);
}

/** The organisations for which a person holds a role now. */
export async function selectOrganisationsOf(tx: Tx, personId: string): Promise<string[]> {
  const rows = await tx.rows<{ organisationId: string }>(sql`
    select distinct held.organisation_id from identity.role_grant held
    where held.person_id = ${personId} and ${IN_FORCE} and not ${isForCutOff}
      and held.organisation_id is not null`);
  return rows.map(({ organisationId }) => organisationId);
}
