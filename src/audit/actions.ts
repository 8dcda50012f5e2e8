/** What people decide about the log: another key, a restore that lost entries, an erasure. */
import { may } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { isCheckpoint, type CheckpointLine } from './checkpoint-file.ts';
import { keyEntry } from './key-entry.ts';
import { addKey, readKeys, type LogKey } from './keys.ts';
import { maskPersonalData } from './model.ts';
import { isBeginning } from './proofs.ts';
import { record } from './record.ts';
import { eraseDetail, lockLog, readSize } from './store-log.ts';

const FORBIDDEN = refused('forbidden', 'Your role does not allow this.');

/**
 * Lets the log go on after a restore that lost entries which a checkpoint had vouched for. The log
 * says so for ever, and whoever checks it is told. `lines`: the whole file of checkpoints.
 */
export async function acceptRestore(
  tx: Tx,
  lines: readonly CheckpointLine[],
  { installation, reason }: { readonly installation: string; readonly reason: string },
): Promise<Outcome<{ readonly kept: number; readonly exported: number }>> {
  if (!may(tx.actor, 'audit.keep')) return FORBIDDEN;
  const exported = lines.filter(isCheckpoint);
  const last = exported.at(-1);
  const size = await readSize(tx);
  if (last === undefined || (await isBeginning(tx, last, size)))
    return refused('conflict', 'Nothing is lost: the log goes on from the last checkpoint.');
  let kept = 0;
  for (const one of exported.toReversed())
    if (one.size > kept && (await isBeginning(tx, one, size))) kept = one.size;
  await record(tx, {
    action: 'audit.restore_accepted',
    subject: { kind: 'installation', id: installation },
    detail: {
      kept,
      exported_size: last.size,
      exported_root: last.root.toString('hex'),
      reason: maskPersonalData(reason),
    },
  });
  return ok({ kept, exported: last.size });
}

/** A new key: made, named in the log, and from the next checkpoint on the one that signs. */
export async function rotateKey(
  tx: Tx,
  { installation, keysFile }: { readonly installation: string; readonly keysFile: string },
): Promise<Outcome<LogKey>> {
  if (!may(tx.actor, 'audit.keep')) return FORBIDDEN;
  // The sequencer writes the file too, under this lock.
  if (!(await lockLog(tx))) return refused('conflict', 'The log is being written. Try again.');
  const keys = readKeys(keysFile);
  if (!keys.ok) return keys;
  // The file first: a key that the log names and nobody has would stop all signing.
  const key = addKey(keysFile, keys.value);
  await record(tx, keyEntry('audit.key_rotated', installation, key.publicKey));
  return ok(key);
}

/** Takes the detail out of one entry. What was hashed stays, so nothing else loses its proof. */
export async function eraseEntryDetail(
  tx: Tx,
  { entryId, reason }: { readonly entryId: string; readonly reason: string },
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'audit.keep')) return FORBIDDEN;
  if (await eraseDetail(tx, entryId, maskPersonalData(reason))) return ok(undefined);
  return refused(
    'not_found',
    'There is no such entry, its detail was erased before, the log is checked by it, or it is not in the log yet: that takes ten seconds.',
  );
}
