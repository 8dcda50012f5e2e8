/** Who had something of the duty desk, one after the other, from the audit. */
import type { Tx } from '#db/database.ts';
import { listEntries, type Entry } from '#audit/index.ts';
import { listPeople } from '#identity/index.ts';

/** What was done with it: a verb for the page. */
const verbs = {
  'desk.claimed': 'took it',
  'desk.released': 'gave it back to everybody',
  'desk.handed_over': 'handed it over',
  'desk.call_promised': 'promised a call',
  'desk.closed': 'closed it',
} as const;

type Action = keyof typeof verbs;

export type DeskStep = {
  readonly at: Date;
  readonly byName: string;
  /** Such as `handed it to Kim Lund`. */
  readonly did: string;
};

/** More steps than this nobody reads; the audit has them all. */
const STEPS_MAX = 30;

/** What was done with an item, oldest first. */
export async function listDeskSteps(tx: Tx, id: string): Promise<DeskStep[]> {
  const subject = { kind: 'desk_item', id };
  const { entries } = await listEntries(tx, { subject, limit: STEPS_MAX });
  const names = new Map((await listPeople(tx)).map((person) => [person.id, person.name]));
  return stepsOf(entries.toReversed(), (actorId) => names.get(actorId) ?? 'A program');
}

/** Entries, oldest first, as steps. Taking it once more means to have it still. */
export function stepsOf(
  entries: readonly Pick<Entry, 'at' | 'actorId' | 'action' | 'detail'>[],
  nameOf: (actorId: string) => string,
): DeskStep[] {
  let owner: string | undefined;
  return entries.flatMap(({ at, actorId, action, detail }) => {
    if (!isAction(action)) return [];
    let did: string = verbs[action];
    if (action === 'desk.claimed' && owner === actorId) did = 'still had it';
    if (action === 'desk.handed_over') did = `handed it to ${nameOf(String(detail['to']))}`;
    if (action === 'desk.call_promised') did += ` in ${String(detail['inMinutes'])} min`;
    if (action === 'desk.claimed') owner = actorId;
    if (action === 'desk.handed_over') owner = String(detail['to']);
    if (action === 'desk.released') owner = undefined;
    return [{ at, byName: nameOf(actorId), did }];
  });
}

function isAction(action: string): action is Action {
  return Object.hasOwn(verbs, action);
}
