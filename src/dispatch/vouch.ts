/**
 * What the audit vouches for where messages move without anybody’s act: one entry for all that
 * moved together, with the hash of each message and what became of it (P9).
 */
import { createHash } from 'node:crypto';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import type { Moved } from './store-told.ts';

export async function vouchFor(
  tx: Tx,
  action: string,
  subject: { readonly kind: string; readonly id: string },
  moved: readonly Moved[],
): Promise<void> {
  if (moved.length === 0) return;
  const counts: Record<string, number> = {};
  for (const { state } of moved) counts[state] = (counts[state] ?? 0) + 1;
  const lines = moved.map(({ id, state }) => `${id} ${state}`).sort();
  const hash = createHash('sha256').update(lines.join('\n')).digest('hex');
  await record(tx, { action, subject, detail: { ...counts, hash } });
}
