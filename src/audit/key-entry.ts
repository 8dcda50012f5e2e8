import type { NewEntry } from './model.ts';
import { keyIdOf, originOf } from './note.ts';

/** How an entry names a key: whoever checks the log reads there which one signs from then on. */
export function keyEntry(
  action: 'audit.key_made' | 'audit.key_rotated',
  installation: string,
  publicKey: Buffer,
): NewEntry {
  return {
    action,
    subject: { kind: 'audit_key', id: keyIdOf(originOf(installation), publicKey) },
    detail: { public_key: publicKey.toString('hex') },
  };
}
