/**
 * Undo of the last import. What it added goes, or ends where messages or anything else refer to
 * it; what it changed is put back; what somebody changed since, or a legal hold is on, is left,
 * and named.
 */
import { actorId, may } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import type { UndoCounts } from '../model.ts';
import type { ImportProgress } from './import-options.ts';
import { lockImports } from './store-import.ts';
import { forgetImages } from './store-image.ts';
import {
  endContacts,
  endOrganisations,
  putBackContacts,
  putBackOrganisations,
  putBackRegions,
  putBackSystems,
  relinkPutBack,
  removeContacts,
  removeOrganisations,
  reparentPutBack,
  unlinkPutBack,
  unparentPutBack,
} from './store-put-back.ts';
import {
  countFates,
  countWritten,
  findLastImport,
  listLeft,
  lockImaged,
  markUndone,
  writeFates,
  type LastImport,
} from './store-undo.ts';

export type Undo = {
  readonly import: LastImport;
  readonly counts: UndoCounts;
  /** The first of those that are left. */
  readonly left: readonly string[];
};

const LEFT_NAMED_MAX = 100;

/** The last import, where it can be undone. `importId`: refused where it is not the last. */
export async function findUndoable(tx: Tx, importId?: string): Promise<Outcome<LastImport>> {
  if (!may(tx.actor, 'directory.write')) {
    return refused('forbidden', 'Your role may not change the directory.');
  }
  const last = await findLastImport(tx);
  if (last === undefined) return refused('not_found', 'No file has changed the directory yet.');
  if (importId !== undefined && last.id !== importId) {
    return refused('conflict', 'Another file came in since: only the last import can be undone.');
  }
  if (last.undoneAt !== null) return refused('conflict', 'The last import is undone already.');
  if (!last.hasImages) {
    return refused('conflict', 'It is too long ago: how it was before is not kept any more.');
  }
  return ok(last);
}

/** What the undo of the last import would do. */
export async function previewUndo(tx: Tx, importId?: string): Promise<Outcome<Undo>> {
  const found = await findUndoable(tx, importId);
  if (!found.ok) return found;
  const last = found.value;
  const counts = await countFates(tx, last.id);
  const left = counts.left === 0 ? [] : await listLeft(tx, last.id, LEFT_NAMED_MAX);
  return ok({ import: last, counts, left });
}

/** What is to be done of each image, in this order: what refers to something goes before it. */
const steps: readonly ((tx: Tx, importId: string) => Promise<void>)[] = [
  writeFates,
  removeContacts,
  endContacts,
  putBackContacts,
  unlinkPutBack,
  relinkPutBack,
  unparentPutBack,
  removeOrganisations,
  endOrganisations,
  putBackOrganisations,
  reparentPutBack,
];

export type UndoOptions = {
  readonly importId?: string;
  readonly now: Date;
  /** Told before each step: how long one takes, nobody knows before. */
  readonly onProgress?: (progress: ImportProgress) => void;
};

/** Undoes the last import, once, as the directory is now. */
export async function undoImport(
  tx: Tx,
  { importId, now, onProgress }: UndoOptions,
): Promise<Outcome<Undo>> {
  await lockImports(tx);
  const found = await findUndoable(tx, importId);
  if (!found.ok) return found;
  const { id } = found.value;
  await lockImaged(tx, id);
  const left = await listLeft(tx, id, LEFT_NAMED_MAX);
  for (const [i, step] of steps.entries()) {
    onProgress?.({ phase: 'writing', share: i / steps.length });
    await step(tx, id);
  }
  const places = (await putBackSystems(tx, id)) + (await putBackRegions(tx, id));
  const counts = await countWritten(tx, id);
  await markUndone(tx, id, { now, by: actorId(tx.actor), counts });
  await forgetImages(tx, { of: id });
  const detail = { ...counts, places };
  await record(tx, { action: 'import.undone', subject: { kind: 'import', id }, detail });
  return ok({ import: found.value, counts, left });
}
