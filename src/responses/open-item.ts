/** Something new before the duty desk, with its entry in the audit. */
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { insertDeskItem, type CallPromise, type NewDeskItem } from './store-desk.ts';

/** Answers with the promise that it holds, where it is new and holds one. */
export async function openItem(tx: Tx, item: NewDeskItem): Promise<CallPromise | undefined> {
  const made = await insertDeskItem(tx, item);
  if (made === undefined) return undefined;
  await record(tx, {
    action: 'desk.opened',
    subject: { kind: 'desk_item', id: made.id },
    detail: { kind: item.kind },
  });
  return made.callBackAt === null ? undefined : { ...made, callBackAt: made.callBackAt };
}
