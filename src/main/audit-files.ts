import path from 'node:path';
import { KEYS_FILE } from '#audit/index.ts';
import type { Ground } from './ground.ts';

/** Which log an installation keeps, and its files outside of the database. */
export function auditFiles({ config, folder }: Pick<Ground, 'config' | 'folder'>) {
  return {
    installation: folder.installation.id,
    keysFile: path.join(folder.path, KEYS_FILE),
    checkpointsFile: config.auditFile ?? path.join(folder.path, 'audit-checkpoints.jsonl'),
  };
}
