/** What time alone moves: leases that ended, messages past their use, dispatches that are through. */
import type { Database } from '#db/database.ts';
import { recordAll } from '#audit/index.ts';
import { system } from '#kernel/actor.ts';
import { endDispatches, expireLeases, expireMessages } from './store-send.ts';
import { vouchFor } from './vouch.ts';

/** `owner`: the worker whose beat it is, for the audit. */
type Beat = { readonly database: Database; readonly owner: string };

export async function endLeases({ database, owner }: Beat, quietMs: number): Promise<void> {
  await database.withActor(system('dispatch'), async (tx) => {
    const ended = await expireLeases(tx, quietMs);
    await vouchFor(tx, 'messages.lease_ended', { kind: 'worker', id: owner }, ended);
  });
}

export async function endUse({ database, owner }: Beat): Promise<void> {
  await database.withActor(system('dispatch'), async (tx) => {
    const expired = await expireMessages(tx);
    await vouchFor(tx, 'messages.expired', { kind: 'worker', id: owner }, expired);
  });
}

export async function endDone({ database }: Beat): Promise<void> {
  await database.withActor(system('dispatch'), async (tx) => {
    const done = await endDispatches(tx);
    await recordAll(
      tx,
      done.map((id) => ({ action: 'dispatch.done', subject: { kind: 'dispatch', id } })),
    );
  });
}
