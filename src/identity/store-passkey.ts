/** Passkeys of people: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type NewPasskey = {
  readonly id: string;
  readonly personId: string;
  readonly credentialId: Buffer;
  /** COSE. */
  readonly publicKey: Buffer;
  readonly counter: number;
  readonly transports: readonly string[];
  /** May be on several devices, by the account of its maker. */
  readonly isSyncedKind: boolean;
  readonly isBackedUp: boolean;
  readonly domain: string;
  readonly name: string;
  readonly vouchedBy: readonly string[];
  readonly createdAt: Date;
};

/** 0 where this credential is known already, whoever has it. */
export async function insertPasskey(tx: Tx, passkey: NewPasskey): Promise<number> {
  return await tx.run(sql`
    insert into identity.passkey (id, person_id, credential_id, public_key, counter, transports,
      is_synced_kind, is_backed_up, domain, name, vouched_by, created_at)
    values (${passkey.id}, ${passkey.personId}, ${passkey.credentialId}, ${passkey.publicKey},
      ${passkey.counter}, ${[...passkey.transports]}, ${passkey.isSyncedKind},
      ${passkey.isBackedUp}, ${passkey.domain}, ${passkey.name}, ${[...passkey.vouchedBy]},
      ${passkey.createdAt})
    on conflict do nothing`);
}

export type PasskeyRow = {
  readonly id: string;
  readonly credentialId: Buffer;
  readonly transports: readonly string[];
  readonly name: string;
  readonly isBackedUp: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
};

/** The living ones of a person, the oldest first. */
export async function selectPasskeys(tx: Tx, personId: string): Promise<PasskeyRow[]> {
  return await tx.rows<PasskeyRow>(sql`
    select id, credential_id, transports, name, is_backed_up, created_at, last_used_at
    from identity.passkey where person_id = ${personId} and ended_at is null
    order by created_at, id`);
}

export async function countPasskeys(tx: Tx, personId: string): Promise<number> {
  const row = await tx.one<{ living: number }>(sql`
    select count(*) as living from identity.passkey
    where person_id = ${personId} and ended_at is null`);
  return row.living;
}

/** True of somebody who has, or ever had, a passkey. */
export async function selectHadPasskey(tx: Tx, personId: string): Promise<boolean> {
  const row = await tx.one<{ had: boolean }>(sql`
    select exists (select from identity.passkey where person_id = ${personId}) as had`);
  return row.had;
}

export type UsablePasskey = {
  readonly id: string;
  readonly personId: string;
  readonly publicKey: Buffer;
  readonly vouchedBy: readonly string[];
};

/** A living passkey of somebody who is not locked out. */
export async function selectUsablePasskey(
  tx: Tx,
  credentialId: Buffer,
): Promise<UsablePasskey | undefined> {
  return await tx.maybe<UsablePasskey>(sql`
    select passkey.id, passkey.person_id, passkey.public_key, passkey.vouched_by
    from identity.passkey
    join identity.person on person.id = passkey.person_id and person.active
    where passkey.credential_id = ${credentialId} and passkey.ended_at is null`);
}

/** 0 where the counter did not move on: somebody signs with a copy. */
export async function markPasskeyUsed(
  tx: Tx,
  id: string,
  used: { readonly counter: number; readonly isBackedUp: boolean; readonly now: Date },
): Promise<number> {
  return await tx.run(sql`
    update identity.passkey set counter = ${used.counter}, last_used_at = ${used.now},
      is_backed_up = ${used.isBackedUp} and is_synced_kind
    where id = ${id} and ended_at is null
      and (counter < ${used.counter} or (counter = 0 and ${used.counter}::bigint = 0))`);
}

/** Takes turns with others who make or remove passkeys of this person. */
export async function lockPerson(tx: Tx, personId: string): Promise<void> {
  await tx.run(sql`select from identity.person where id = ${personId} for update`);
}

export async function markPasskeyEnded(
  tx: Tx,
  passkey: { readonly id: string; readonly personId: string },
  ended: { readonly at: Date; readonly by: string },
): Promise<number> {
  return await tx.run(sql`
    update identity.passkey set ended_at = ${ended.at}, ended_by = ${ended.by}
    where id = ${passkey.id} and person_id = ${passkey.personId} and ended_at is null`);
}

export async function markAllPasskeysEnded(
  tx: Tx,
  personId: string,
  ended: { readonly at: Date; readonly by: string },
): Promise<number> {
  return await tx.run(sql`
    update identity.passkey set ended_at = ${ended.at}, ended_by = ${ended.by}
    where person_id = ${personId} and ended_at is null`);
}

/** The domains that living passkeys were made for. */
export async function selectPasskeyDomains(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ domain: string }>(sql`
    select distinct domain from identity.passkey where ended_at is null order by domain`);
  return rows.map(({ domain }) => domain);
}
