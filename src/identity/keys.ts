/** Bearer keys for programs. */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId, may, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { newApiKey, sha256 } from './secrets.ts';
import { insertApiKey, markKeyRevoked } from './store-key.ts';

export type ApiKeyWish = {
  readonly name: string;
  readonly permissions: readonly Permission[];
  /** Null: until revoked. */
  readonly expiresAt: Date | null;
  /** The person who answers for it: counts as having shaped whatever the key writes (P5). */
  readonly answeredFor?: string;
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
  await insertApiKey(tx, {
    ...wish,
    id,
    prefix: key.prefix,
    secretSha256: sha256(key.secret),
    createdAt: now,
    createdBy: wish.answeredFor ?? actorId(tx.actor),
  });
  const subject = { kind: 'api_key', id };
  const detail = { may: wish.permissions };
  await record(tx, { action: 'api_key.created', subject, detail });
  return ok({ id, ...key });
}

/** Ends a key at once; `which` is its id or its prefix. */
export async function revokeApiKey(tx: Tx, which: string, now: Date): Promise<Outcome<void>> {
  const revoked = await markKeyRevoked(tx, which, { at: now, by: actorId(tx.actor) });
  if (revoked === undefined) return refused('not_found', 'There is no living key of that name.');
  await record(tx, { action: 'api_key.revoked', subject: { kind: 'api_key', id: revoked.id } });
  return ok(undefined);
}
