/** Bearer keys: one function per statement. */
import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import type { Permission } from '#kernel/actor.ts';

export type ApiKeyRow = {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
  /** By which two persons agreed; null: made at the server's terminal. */
  readonly approvalId: string | null;
};

export type NewApiKeyRow = {
  readonly id: string;
  readonly prefix: string;
  readonly secretSha256: Buffer;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  /** By which two persons agreed; null: made at the server's terminal. */
  readonly approvalId: string | null;
};

export async function insertApiKey(tx: Tx, key: NewApiKeyRow): Promise<void> {
  await tx.run(sql`
    insert into identity.api_key
      (id, prefix, secret_sha256, name, permissions, created_at, created_by, expires_at,
        approval_id)
    values (${key.id}, ${key.prefix}, ${key.secretSha256}, ${key.name}, ${key.permissions},
      ${key.createdAt}, ${key.createdBy}, ${key.expiresAt}, ${key.approvalId})`);
}

/** `which` is the id of a key or its prefix. */
export async function markKeyRevoked(
  tx: Tx,
  which: string,
  revoked: { readonly at: Date; readonly by: string },
): Promise<{ id: string } | undefined> {
  return await tx.maybe(sql`
    update identity.api_key set revoked_at = ${revoked.at}, revoked_by = ${revoked.by}
    where (id::text = ${which} or prefix = ${which}) and revoked_at is null
    returning id`);
}

export async function selectApiKeys(tx: Tx): Promise<ApiKeyRow[]> {
  return await tx.rows(sql`
    select id, prefix, name, permissions, created_at, expires_at, last_used_at, revoked_at,
      approval_id
    from identity.api_key order by created_at desc, id desc`);
}

export type LivingKey = {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
};

/**
 * The living key of a secret, unless whoever answers for it is locked out; notes its use at most
 * once a minute.
 */
export async function touchApiKey(
  tx: Tx,
  secretSha256: Buffer,
  now: Date,
): Promise<LivingKey | undefined> {
  return await tx.maybe(sql`
    with living as (
      select id, name, permissions, last_used_at from identity.api_key
      where secret_sha256 = ${secretSha256} and revoked_at is null
        and (expires_at is null or expires_at > ${now})
        and not exists (select from identity.person
          where person.id::text = api_key.created_by and not person.active)
    ), touched as (
      update identity.api_key set last_used_at = ${now} from living
      where api_key.id = living.id
        and coalesce(living.last_used_at, '-infinity') < ${new Date(now.getTime() - 60_000)}
    )
    select id, name, permissions from living`);
}
