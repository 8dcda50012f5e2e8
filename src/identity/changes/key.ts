/** A key for a program, made on a page: shown once to who asks for it, alive once another agrees. */
import { z } from 'zod';
import { permissions } from '#kernel/actor.ts';
import { ok, refused } from '#kernel/outcome.ts';
import { dateOnly } from '#web/index.ts';
import { isForKeys } from '../model.ts';
import { keepKey } from '../keys.ts';
import { changeKind } from './kind.ts';

const payload = z.strictObject({
  prefix: z.string().regex(/^[0-9a-f]{8}$/),
  /** Of the secret, in hex: it is kept nowhere. */
  secretSha256: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().min(1).max(200),
  permissions: z.array(z.string().refine(isForKeys)).min(1),
  expiresAt: z.iso.datetime(),
});

export type KeyPayload = z.output<typeof payload>;

/** Who proposes it answers for it, and counts as having shaped whatever the key writes (P5). */
export const keyChange = changeKind(payload, {
  id: 'api_key',
  title: 'A key for a program',
  proposes: 'person.manage',
  approves: 'person.manage',
  needs: (key) => key.permissions,
  look: async (_tx, key, now) => {
    if (new Date(key.expiresAt) <= now) return over;
    const lines = [
      { what: 'Program', after: key.name },
      ...key.permissions.map((one) => ({ what: 'It may', after: permissions[one] })),
      { what: 'Until', after: `${dateOnly(new Date(key.expiresAt))}, or until it is revoked` },
      { what: 'Begins with', after: `tocsin_${key.prefix}` },
    ];
    return ok({ base: null, lines });
  },
  carryOut: async (tx, { expiresAt, secretSha256, ...key }, { approvalId, proposedBy, now }) => {
    await keepKey(tx, {
      ...key,
      secretSha256: Buffer.from(secretSha256, 'hex'),
      expiresAt: new Date(expiresAt),
      createdAt: now,
      createdBy: proposedBy,
      approvalId,
    });
    return ok(undefined);
  },
});

const over = refused('conflict', 'The time of this key is over.');
