/** What the server kit asks for: sessions, keys and kept answers, each over the database. */
import type { Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import type { ApiKeys, IdempotencyState, IdempotencyStore, Sessions } from '#web/index.ts';
import { touchApiKey } from './keys.ts';
import { isPermission, permissionsOf, SESSION_LIMITS } from './model.ts';
import type { RoleModel, SessionLimits } from './model.ts';
import { sha256 } from './secrets.ts';
import { touchSession } from './store-session.ts';

const asker = system('sign-in');

/** Permissions come from the model at each request, so that a role that ended ends at once. */
export function sessionsOf(
  database: Database,
  model: RoleModel,
  limits: SessionLimits = SESSION_LIMITS,
): Sessions {
  return {
    async findSession(token, now) {
      const found = await database.withActor(asker, (tx) =>
        touchSession(tx, sha256(token), now, limits),
      );
      if (found === undefined) return undefined;
      const { id, personId, name, roles, createdAt } = found;
      const permissions = permissionsOf(model, roles);
      return {
        id,
        name,
        expiresAt: new Date(createdAt.getTime() + limits.absoluteMs),
        actor: { kind: 'person', id: personId, name, permissions },
      };
    },
  };
}

export function apiKeysOf(database: Database): ApiKeys {
  return {
    async findApiKey(secret, now) {
      const key = await database.withActor(asker, (tx) => touchApiKey(tx, secret, now));
      if (key === undefined) return undefined;
      const permissions = new Set(key.permissions.filter(isPermission));
      return { kind: 'key', id: key.id, name: key.name, permissions };
    },
  };
}

const KEPT_MS = 86_400_000;

export function idempotencyOf(database: Database): IdempotencyStore {
  const run = async (statement: ReturnType<typeof sql>) =>
    await database.withActor(asker, async (tx) => await tx.run(statement));
  return {
    async claim({ key, actorId, route, bodyHash, now }): Promise<IdempotencyState> {
      // A key of two days ago is a new one: the row is taken over where the sweep has not been.
      const claimed = await run(sql`
        insert into identity.idempotency (actor_id, route, key, body_sha256, created_at)
        values (${actorId}, ${route}, ${key}, ${bodyHash}, ${now})
        on conflict (actor_id, route, key) do update
        set body_sha256 = excluded.body_sha256, status = null, body = null,
          created_at = excluded.created_at
        where idempotency.created_at < ${new Date(now.getTime() - KEPT_MS)}`);
      if (claimed === 1) return { state: 'new' };
      const before = await database.withActor(asker, (tx) =>
        tx.maybe<{ bodySha256: string; status: number | null; body: string | null }>(sql`
          select body_sha256, status, body from identity.idempotency
          where actor_id = ${actorId} and route = ${route} and key = ${key}`),
      );
      if (before === undefined) return { state: 'unfinished' };
      if (before.bodySha256 !== bodyHash) return { state: 'other-body' };
      const { status, body } = before;
      if (status === null || body === null) return { state: 'unfinished' };
      return { state: 'answered', answer: { status, body } };
    },
    async keep({ key, actorId, route }, { status, body }) {
      await run(sql`
        update identity.idempotency set status = ${status}, body = ${body}
        where actor_id = ${actorId} and route = ${route} and key = ${key}`);
    },
    async release({ key, actorId, route }) {
      await run(sql`
        delete from identity.idempotency
        where actor_id = ${actorId} and route = ${route} and key = ${key} and status is null`);
    },
  };
}
