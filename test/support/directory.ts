/** What a directory needs before the first file comes in: a small model's words, and keys. */
import { randomBytes } from 'node:crypto';
import type { AudienceRules, DirectorySecrets } from '#organisations/index.ts';

export const rules: AudienceRules = {
  organisationTypes: {
    trust: { label: 'NHS trust', mustAnswer: true },
    practice: { label: 'GP practice', mustAnswer: false },
  },
  contactRoles: { ciso: { label: 'CISO' }, on_call_it: { label: 'On-call IT' } },
  audienceLookAheadMs: 90 * 86_400_000,
};

export const secrets: DirectorySecrets = {
  addressKey: { id: 1, key: randomBytes(32) },
  blindIndexKey: randomBytes(32),
};
