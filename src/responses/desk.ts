/**
 * Working the duty desk: one owner for an organisation at a time, and an outcome at the end.
 * Whoever took something and says nothing has it no more after a while, so that nothing is
 * forgotten (P7).
 */
import { actorId, mayIn, nameOf } from '#kernel/actor.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { recordAll } from '#audit/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { heldBy, otherHolder } from './desk-model.ts';
import { planCalls } from './owed.ts';
import { notifyResponse } from './store.ts';
import {
  findDeskItem,
  lockTogether,
  markClosed,
  markHeld,
  markReleased,
  updateCallBack,
  type HeldItem,
} from './store-desk.ts';

export type DeskRules = Pick<OperatingModel, 'desk' | 'promises'>;

/** Takes it, and whatever else waits of the same organisation; or has it for as long again. */
export async function claimItem(tx: Tx, id: string, { desk }: DeskRules): Promise<Outcome<void>> {
  const items = await lockTogether(tx, id);
  const me = actorId(tx.actor);
  const [first] = items;
  if (first === undefined || !mayIn(tx.actor, 'response.record', first.regionCode))
    return refused('not_found', 'There is no such item.');
  if (otherHolder(items, me)) return refused('conflict', 'Somebody else took it first.');
  const ids = items.filter(({ state }) => state !== 'closed').map((item) => item.id);
  if (!ids.includes(id)) return refused('conflict', 'It is closed already.');
  const byName = nameOf(tx.actor);
  const holdsForMs = desk.claimHoldsForMs;
  await markHeld(tx, ids, { by: me, byName, holdsForMs, handedOverByName: null });
  return await recordAndTell(tx, ids, 'desk.claimed');
}

/** Gives it back to everybody. */
export async function releaseItem(tx: Tx, id: string): Promise<Outcome<void>> {
  const mine = await lockMine(tx, id);
  if (!mine.ok) return mine;
  await markReleased(tx, mine.value);
  return await recordAndTell(tx, mine.value, 'desk.released');
}

/** Gives it to somebody else, who has it from here on without a word of theirs. */
export async function handOverItem(
  tx: Tx,
  id: string,
  {
    to,
    rules: { desk },
  }: { readonly to: { readonly id: string; readonly name: string }; readonly rules: DeskRules },
): Promise<Outcome<void>> {
  const mine = await lockMine(tx, id);
  if (!mine.ok) return mine;
  await markHeld(tx, mine.value, {
    by: to.id,
    byName: to.name,
    holdsForMs: desk.claimHoldsForMs,
    handedOverByName: nameOf(tx.actor),
  });
  return await recordAndTell(tx, mine.value, 'desk.handed_over', { to: to.id });
}

/** Writes down that they expect the call in so many minutes; until then it stays with its owner. */
export async function promiseCall(
  tx: Tx,
  id: string,
  { inMinutes, rules }: { readonly inMinutes: number; readonly rules: DeskRules },
): Promise<Outcome<void>> {
  const mine = await lockMine(tx, id);
  if (!mine.ok) return mine;
  const inMs = inMinutes * 60_000;
  const { claimHoldsForMs: holdsForMs } = rules.desk;
  await planCalls(tx, rules, await updateCallBack(tx, mine.value, { inMs, holdsForMs }));
  return await recordAndTell(tx, mine.value, 'desk.call_promised', { inMinutes });
}

/**
 * Ends it with what came of it, and those of `others` that belong to it: what came while the page
 * was open nobody has read, and it stays. Only who has it may.
 */
export async function closeItem(
  tx: Tx,
  id: string,
  { outcome, others = [] }: { readonly outcome: string; readonly others?: readonly string[] },
): Promise<Outcome<void>> {
  if (outcome === '' || outcome.length > 1000)
    return refused('invalid', 'Say what came of it.', {
      outcome: 'Say what came of it, in 1,000 characters or fewer',
    });
  const me = actorId(tx.actor);
  const item = await findDeskItem(tx, id);
  if (item?.state === 'closed' && item.claimedBy === me)
    // The button was pressed twice: what it says is done.
    return item.outcome === outcome
      ? ok(undefined)
      : refused('conflict', 'It is closed already, with other words.');
  const mine = await lockMine(tx, id);
  if (!mine.ok) return mine;
  const ids = mine.value.filter((one) => one === id || others.includes(one));
  await markClosed(tx, ids, { byName: nameOf(tx.actor), outcome });
  return await recordAndTell(tx, ids, 'desk.closed');
}

/** What the actor has of the items that belong together, this one among them. */
async function lockMine(tx: Tx, id: string): Promise<Outcome<string[]>> {
  const items = await lockTogether(tx, id);
  const mine = heldBy(items, actorId(tx.actor)).map((item) => item.id);
  return mine.includes(id) ? ok(mine) : refuseOthers(items.find((item) => item.id === id));
}

function refuseOthers(item: HeldItem | undefined): Refused {
  if (item?.state === 'claimed') return refused('conflict', `${item.claimedByName} has it now.`);
  return refused('conflict', 'Take it first.');
}

async function recordAndTell(
  tx: Tx,
  ids: readonly string[],
  action: string,
  detail: Readonly<Record<string, string | number>> = {},
): Promise<Outcome<void>> {
  await recordAll(
    tx,
    ids.map((id) => ({ action, subject: { kind: 'desk_item', id }, detail })),
  );
  const item = await findDeskItem(tx, ids[0]!);
  await notifyResponse(tx, item?.alertId ?? '');
  return ok(undefined);
}
