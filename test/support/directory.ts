/** What a directory needs before the first file comes in: a small model's words, and keys. */
import { randomBytes } from 'node:crypto';
import { createLog } from '#log.ts';
import { startTasks, type RunningTasks } from '#db/tasks.ts';
import {
  importTasks,
  type AudienceRules,
  type DirectorySecrets,
  type ImportRules,
} from '#organisations/index.ts';
import type { Clone } from './database.ts';

export const rules: AudienceRules & ImportRules = {
  organisationTypes: {
    trust: { label: 'NHS trust', mustAnswer: true },
    practice: { label: 'GP practice', mustAnswer: false },
  },
  contactRoles: { ciso: { label: 'CISO' }, on_call_it: { label: 'On-call IT' } },
  audienceLookAheadMs: 90 * 86_400_000,
  importedAloneADay: 100_000,
  readerKinds: {
    technical: { label: 'Technical', chased: true },
    manager: { label: 'Manager', chased: true },
    information: { label: 'For information', chased: false },
  },
};

const addressKey = { id: 1, key: randomBytes(32) };

export const secrets: DirectorySecrets = {
  addressKey,
  openingKeys: [addressKey],
  blindIndexKey: randomBytes(32),
};

/** What a worker does with files of the import page. */
export async function startImports(db: Clone, model: ImportRules = rules): Promise<RunningTasks> {
  const onError = (error: unknown) => console.error(error);
  const tasks = importTasks({ database: db.worker, rules: model, secrets, onError });
  return await startTasks(db.config, tasks, createLog({ level: 'silent' }));
}
