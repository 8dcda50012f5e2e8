/** What the server kit asks for: sessions, keys and kept answers, each over the database. */
import type { Database } from '#db/database.ts';
import { system } from '#kernel/actor.ts';
import type { ApiKeys, IdempotencyState, IdempotencyStore, Sessions } from '#web/index.ts';
import { isForKeys, readsUpToIn, rightsThrough, type RoleModel } from './model.ts';
import { sha256 } from './secrets.ts';
import { deleteClaim, insertClaim, selectClaim, updateAnswer } from './store-idempotency.ts';
import { touchApiKey } from './store-key.ts';
import { touchSession } from './store-session.ts';

const asker = system('sign-in');

/** Permissions come from the model at each request, so that a role that ended ends at once. */
export function sessionsOf(database: Database, model: RoleModel): Sessions {
  const { signingIn } = model;
  return {
    async findSession(token, now) {
      const found = await database.withActor(asker, (tx) =>
        touchSession(tx, sha256(token), now, signingIn),
      );
      if (found === undefined) return undefined;
      const { id, personId, name, held, createdAt } = found;
      const rights = rightsThrough(model, held, found, now);
      const { permissions, regional, locked, isFresh, isBound, ...own } = rights;
      return {
        id,
        name,
        expiresAt: new Date(createdAt.getTime() + signingIn.sessionEndsMs),
        actor: {
          kind: 'person',
          id: personId,
          name,
          ...own,
          isOfIssuer: isBound,
          permissions,
          regional,
          readsUpTo: readsUpToIn(model, found),
        },
        locked,
        isFresh,
      };
    },
  };
}

export function apiKeysOf(
  database: Database,
  { markingCeilings }: Pick<RoleModel, 'markingCeilings'>,
): ApiKeys {
  return {
    async findApiKey(secret, now) {
      const key = await database.withActor(asker, (tx) => touchApiKey(tx, sha256(secret), now));
      if (key === undefined) return undefined;
      const permissions = new Set(key.permissions.filter(isForKeys));
      // A program proves no passkey, in a demonstration neither.
      const readsUpTo = markingCeilings.withoutPasskey;
      return { kind: 'key', id: key.id, name: key.name, permissions, readsUpTo };
    },
  };
}

export function idempotencyOf(database: Database): IdempotencyStore {
  return {
    async claim(entry): Promise<IdempotencyState> {
      return await database.withActor(entry.actor, async (tx) => {
        if ((await insertClaim(tx, entry)) === 1) return { state: 'new' };
        const before = await selectClaim(tx, entry);
        if (before === undefined) return { state: 'unfinished' };
        if (before.bodySha256 !== entry.bodyHash) return { state: 'other-body' };
        const { status, body } = before;
        if (status === null || body === null) return { state: 'unfinished' };
        return { state: 'answered', answer: { status, body } };
      });
    },
    async keep(entry, answer) {
      await database.withActor(entry.actor, (tx) => updateAnswer(tx, entry, answer));
    },
    async release(entry) {
      await database.withActor(entry.actor, (tx) => deleteClaim(tx, entry));
    },
  };
}
