/** Bearer keys for programs. */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { newApiKey, sha256 } from './secrets.ts';
import { insertApiKey, markKeyRevoked, type NewApiKeyRow } from './store-key.ts';

export type ApiKeyWish = {
  readonly name: string;
  readonly permissions: readonly Permission[];
  /** Null: until revoked. */
  readonly expiresAt: Date | null;
  /** The person who answers for it: counts as having shaped whatever the key writes (P5). */
  readonly answeredFor?: string;
};

/**
 * Makes a key at once, from the server's terminal: whoever runs the server could write the row as
 * well. On a page two persons do (`changes/key.ts`). The secret is not kept.
 */
export async function createApiKey(
  tx: Tx,
  wish: ApiKeyWish,
  now: Date,
): Promise<Outcome<{ id: string; prefix: string; secret: string }>> {
  if (tx.actor.kind !== 'system') return takesTwo;
  const key = newApiKey();
  const id = await keepKey(tx, {
    ...wish,
    prefix: key.prefix,
    secretSha256: sha256(key.secret),
    createdAt: now,
    createdBy: wish.answeredFor ?? actorId(tx.actor),
    approvalId: null,
  });
  return ok({ id, ...key });
}

/** Keeps what a key is known by; its id. The secret is with whoever made it. */
export async function keepKey(tx: Tx, key: Omit<NewApiKeyRow, 'id'>): Promise<string> {
  const id = newId(key.createdAt.getTime());
  await insertApiKey(tx, { ...key, id });
  const subject = { kind: 'api_key', id };
  const detail = { may: key.permissions, byTwo: key.approvalId !== null };
  await record(tx, { action: 'api_key.created', subject, detail });
  return id;
}

/** Ends a key at once; `which` is its id or its prefix. */
export async function revokeApiKey(tx: Tx, which: string, now: Date): Promise<Outcome<void>> {
  const revoked = await markKeyRevoked(tx, which, { at: now, by: actorId(tx.actor) });
  if (revoked === undefined) return refused('not_found', 'There is no living key of that name.');
  await record(tx, { action: 'api_key.revoked', subject: { kind: 'api_key', id: revoked.id } });
  return ok(undefined);
}

const takesTwo = refused(
  'forbidden',
  'A key is proposed on the page “Keys”, and another approves.',
);
