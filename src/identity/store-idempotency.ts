/** Kept answers of API posts: one function per statement. A key sees its own only. */
import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { actorId } from '#kernel/actor.ts';
import type { IdempotencyEntry, StoredAnswer } from '#web/index.ts';

const KEPT_MS = 86_400_000;

/** 1 where the key is ours now. A key of two days ago is new again, swept or not. */
export async function insertClaim(tx: Tx, entry: IdempotencyEntry): Promise<number> {
  const { key, route, bodyHash, now } = entry;
  return await tx.run(sql`
    insert into identity.idempotency (actor_id, route, key, body_sha256, created_at)
    values (${actorId(entry.actor)}, ${route}, ${key}, ${bodyHash}, ${now})
    on conflict (actor_id, route, key) do update
    set body_sha256 = excluded.body_sha256, status = null, body = null,
      created_at = excluded.created_at
    where idempotency.created_at < ${new Date(now.getTime() - KEPT_MS)}`);
}

export type ClaimRow = {
  readonly bodySha256: string;
  readonly status: number | null;
  readonly body: string | null;
};

export async function selectClaim(
  tx: Tx,
  { actor, route, key }: IdempotencyEntry,
): Promise<ClaimRow | undefined> {
  return await tx.maybe(sql`
    select body_sha256, status, body from identity.idempotency
    where actor_id = ${actorId(actor)} and route = ${route} and key = ${key}`);
}

export async function updateAnswer(
  tx: Tx,
  { actor, route, key }: IdempotencyEntry,
  { status, body }: StoredAnswer,
): Promise<void> {
  await tx.run(sql`
    update identity.idempotency set status = ${status}, body = ${body}
    where actor_id = ${actorId(actor)} and route = ${route} and key = ${key}`);
}

/** Frees a key that has no answer yet. */
export async function deleteClaim(tx: Tx, { actor, route, key }: IdempotencyEntry): Promise<void> {
  await tx.run(sql`
    delete from identity.idempotency
    where actor_id = ${actorId(actor)} and route = ${route} and key = ${key} and status is null`);
}
