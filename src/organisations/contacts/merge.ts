/** Two contacts that are one: merged, undone, or said to be two. */
import { may } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { IMPORT_RUNS } from './contacts.ts';
import { closeGap } from './ranks.ts';
import {
  findContact,
  findNamesake,
  insertLinksOf,
  keepImportsOut,
  lockContacts,
  setContactActive,
  setRanks,
  touchContacts,
  type ContactRecord,
  type PlacedPoint,
} from './store-contacts.ts';
import {
  findMerge,
  insertMerge,
  insertNotTheSame,
  markUndone,
  renameContact,
  type Snapshot,
} from './store-duplicates.ts';
import { insertChange } from '../store-history.ts';
import { deleteLinks } from '../imports/store-import.ts';

/** Of one channel, as the database has it. */
const POINTS_MAX = 9;

/**
 * What stays. Within an organisation the kept contact has the numbers of both, its own first, and
 * the other one has left. In two organisations both stay contacts of theirs, and the other one is
 * called and reached as the kept one is. Pure.
 */
export function mergeOf(kept: ContactRecord, gone: ContactRecord) {
  const isWithin = kept.organisationId === gone.organisationId;
  const added = gone.points.filter(
    (point) => !kept.points.some(({ contactPointId }) => contactPointId === point.contactPointId),
  );
  const points = [...kept.points, ...added];
  return { isWithin, points: isWithin ? points : kept.points, goneHasLeft: isWithin };
}

export async function mergeContacts(
  tx: Tx,
  merge: { readonly id: string; readonly keptId: string; readonly goneId: string } & {
    /** As the preview saw them: kept, gone. */
    readonly versions: readonly [string, string];
  },
): Promise<Outcome<ContactRecord>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  if (!(await keepImportsOut(tx))) return importRuns;
  const [kept, gone] = [await findContact(tx, merge.keptId), await findContact(tx, merge.goneId)];
  if (kept === undefined || gone === undefined || kept.id === gone.id) return absent;
  if ((await findMerge(tx, merge.id)) !== undefined) return ok(kept);
  if (kept.version !== merge.versions[0] || gone.version !== merge.versions[1]) return overtaken;
  const told = await lockBoth(tx, kept, gone);
  const { isWithin, points } = mergeOf(kept, gone);
  if (linksOf(points).some(({ position }) => position > POINTS_MAX)) {
    return refused('conflict', `Together they have more than ${POINTS_MAX} numbers or addresses.`);
  }
  const ranks = isWithin ? await leave(tx, gone, told) : [];
  if (!isWithin) {
    const like = { name: kept.name, role: gone.role, organisationId: gone.organisationId };
    if (await findNamesake(tx, like, gone.id)) {
      return refused(
        'conflict',
        `${gone.organisationName} has a ${kept.name} in that role already.`,
      );
    }
    await renameContact(tx, gone.id, kept.name);
  }
  await relink(tx, isWithin ? kept.id : gone.id, linksOf(points));
  await touchContacts(tx, [kept.id, gone.id]);
  const after = await versionsOf(tx, kept.id, gone.id);
  const before = { kept: snapshotOf(kept), gone: snapshotOf(gone), ranks, versions: after };
  await insertMerge(tx, { id: merge.id, keptId: kept.id, goneId: gone.id, before });
  await note(tx, kept, gone, 'contact.merged');
  return ok(kept);
}

/** Both organisations in one order, so that two merges never wait for each other. */
async function lockBoth(tx: Tx, kept: ContactRecord, gone: ContactRecord) {
  const ids = [...new Set([kept.organisationId, gone.organisationId])].toSorted();
  const locked = [];
  for (const id of ids) locked.push(...(await lockContacts(tx, id)));
  return locked;
}

async function leave(
  tx: Tx,
  gone: ContactRecord,
  told: readonly { readonly id: string; readonly rank: number; readonly active: boolean }[],
) {
  if ((await setContactActive(tx, { id: gone.id, active: false })) === 0) return [];
  const left = told.filter(({ id, active }) => active && id !== gone.id);
  const moved = closeGap(left, gone.rank);
  if (moved.length > 0) await setRanks(tx, moved);
  return moved.map(({ id, rank }) => ({ id, rank: rank + 1 }));
}

/** Only as long as nobody changed one of the two since. */
export async function undoMerge(tx: Tx, id: string): Promise<Outcome<ContactRecord>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  if (!(await keepImportsOut(tx))) return importRuns;
  const merge = await findMerge(tx, id);
  const kept = merge && (await findContact(tx, merge.keptId));
  const gone = merge && (await findContact(tx, merge.goneId));
  if (merge === undefined || kept === undefined || gone === undefined) return absent;
  const told = await lockBoth(tx, kept, gone);
  const [keptNow, goneNow] = await versionsOf(tx, kept.id, gone.id);
  const { versions, ranks } = merge.before;
  if (keptNow !== versions[0] || goneNow !== versions[1]) {
    return refused('conflict', 'One of the two was changed since: this merge stays.');
  }
  if ((await markUndone(tx, id)) === 0) return refused('conflict', 'This is undone already.');
  for (const [contact, was] of [
    [kept, merge.before.kept],
    [gone, merge.before.gone],
  ] as const) {
    if (contact.name !== was.name) await renameContact(tx, contact.id, was.name);
    await setContactActive(tx, { id: contact.id, active: was.active });
    await relink(tx, contact.id, was.links);
  }
  // Ranks that somebody gave since stay.
  const unmoved = ranks.filter((was) =>
    told.some((now) => now.id === was.id && now.active && now.rank === was.rank - 1),
  );
  if (unmoved.length > 0) await setRanks(tx, unmoved);
  await touchContacts(tx, [kept.id, gone.id]);
  await note(tx, kept, gone, 'contact.merge_undone');
  return ok(kept);
}

/** Remembered: the two are never listed as one again. */
export async function sayNotTheSame(tx: Tx, a: string, b: string): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  const [one, other] = [await findContact(tx, a), await findContact(tx, b)];
  if (one === undefined || other === undefined || a === b) return absent;
  if ((await insertNotTheSame(tx, a, b)) === 0) return ok(undefined);
  await record(tx, {
    action: 'contact.told_apart',
    subject: { kind: 'organisation', id: one.organisationId },
    detail: { contacts: [a, b] },
  });
  return ok(undefined);
}

function linksOf(points: readonly Omit<PlacedPoint, 'position'>[]): PlacedPoint[] {
  const seen = new Map<string, number>();
  return points.map(({ contactPointId, channel }) => {
    const position = (seen.get(channel) ?? 0) + 1;
    seen.set(channel, position);
    return { contactPointId, channel, position };
  });
}

async function relink(tx: Tx, contactId: string, links: readonly PlacedPoint[]): Promise<void> {
  await deleteLinks(tx, [contactId]);
  await insertLinksOf(tx, contactId, links);
}

function snapshotOf({ name, active, rank, points }: ContactRecord): Snapshot {
  return { name, active, rank, links: linksOf(points) };
}

async function versionsOf(tx: Tx, keptId: string, goneId: string): Promise<[string, string]> {
  const [kept, gone] = [await findContact(tx, keptId), await findContact(tx, goneId)];
  return [kept?.version ?? '', gone?.version ?? ''];
}

async function note(
  tx: Tx,
  kept: ContactRecord,
  gone: ContactRecord,
  action: 'contact.merged' | 'contact.merge_undone',
): Promise<void> {
  const fields = { other: gone.id, undone: action === 'contact.merge_undone' };
  const { organisationId } = kept;
  await insertChange(tx, { organisationId, contactId: kept.id, what: 'merge', fields });
  await record(tx, {
    action,
    subject: { kind: 'organisation', id: organisationId },
    detail: { kept: kept.id, gone: gone.id },
  });
}

const absent = refused('not_found', 'There is no such contact.');
const overtaken = refused('conflict', 'One of the two was changed after you looked. Look again.');
const importRuns = refused('unavailable', IMPORT_RUNS);
const notAllowed = refused('forbidden', 'Your role may not change the directory.');
