/** Bearer keys for programs: their statements and verbs. */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { actorId, may, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { newApiKey, sha256 } from './secrets.ts';

export type ApiKeyRow = {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
};

export type ApiKeyWish = {
  readonly name: string;
  readonly permissions: readonly Permission[];
  /** Null: until revoked. */
  readonly expiresAt: Date | null;
};

/** Makes a key. Nobody gives a program more than they may do themselves. The secret is not kept. */
export async function createApiKey(
  tx: Tx,
  wish: ApiKeyWish,
  now: Date,
): Promise<Outcome<{ id: string; prefix: string; secret: string }>> {
  const beyond = wish.permissions.find((permission) => !may(tx.actor, permission));
  if (beyond !== undefined) {
    return refused('forbidden', `You may not give “${beyond}”: you do not hold it yourself.`);
  }
  const [id, key] = [newId(now.getTime()), newApiKey()];
  await tx.run(sql`
    insert into identity.api_key
      (id, prefix, secret_sha256, name, permissions, created_at, created_by, expires_at)
    values (${id}, ${key.prefix}, ${sha256(key.secret)}, ${wish.name}, ${wish.permissions},
      ${now}, ${actorId(tx.actor)}, ${wish.expiresAt})`);
  const subject = { kind: 'api_key', id };
  const detail = { may: wish.permissions };
  await record(tx, { action: 'api_key.created', subject, detail });
  return ok({ id, ...key });
}

/** Ends a key at once; `which` is its id or its prefix. */
export async function revokeApiKey(tx: Tx, which: string, now: Date): Promise<Outcome<void>> {
  const revoked = await tx.maybe<{ id: string }>(sql`
    update identity.api_key set revoked_at = ${now}, revoked_by = ${actorId(tx.actor)}
    where (id::text = ${which} or prefix = ${which}) and revoked_at is null
    returning id`);
  if (revoked === undefined) return refused('not_found', 'There is no living key of that name.');
  await record(tx, { action: 'api_key.revoked', subject: { kind: 'api_key', id: revoked.id } });
  return ok(undefined);
}

export async function listApiKeys(tx: Tx): Promise<ApiKeyRow[]> {
  return await tx.rows(sql`
    select id, prefix, name, permissions, created_at, expires_at, last_used_at, revoked_at
    from identity.api_key order by created_at desc, id desc`);
}

export type LivingKey = {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
};

/** The living key of a secret; notes its use at most once a minute. */
export async function touchApiKey(
  tx: Tx,
  secret: string,
  now: Date,
): Promise<LivingKey | undefined> {
  return await tx.maybe(
    sql`
    with living as (
      select id, name, permissions, last_used_at from identity.api_key
      where secret_sha256 = ${sha256(secret)} and revoked_at is null
        and (expires_at is null or expires_at > ${now})
    ), touched as (
      update identity.api_key set last_used_at = ${now} from living
      where api_key.id = living.id
        and coalesce(living.last_used_at, '-infinity') < ${new Date(now.getTime() - 60_000)}
    )
    select id, name, permissions from living`,
    { name: 'identity.touch_api_key' },
  );
}
