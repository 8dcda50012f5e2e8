/** The verbs of tags: give, take, rename, remove. A tag is made by its first use. */
import { actorId, may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { findOrganisationRecord } from '../store.ts';
import { lockNames } from './store-supplier.ts';
import {
  deleteTag,
  endTagging,
  findTag,
  findTagByName,
  insertTag,
  insertTagging,
  renameTag,
} from './store-tag.ts';

const notAllowed = refused('forbidden', 'Your role may not change the directory.');
const absent = refused('not_found', 'It is not there any more.');

export type Tagging = {
  readonly organisationId: string;
  readonly tag: string;
  readonly now: Date;
};

/** Tagged twice it is tagged once. */
export async function tagOrganisation(tx: Tx, tagging: Tagging): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  const { organisationId, tag: name, now } = tagging;
  if ((await findOrganisationRecord(tx, organisationId)) === undefined) return absent;
  await lockNames(tx);
  const found = await findTagByName(tx, name);
  const tagId = found?.id ?? newId();
  if (found === undefined) {
    await insertTag(tx, { id: tagId, name });
    await record(tx, { action: 'tag.added', subject: { kind: 'tag', id: tagId } });
  }
  if (await insertTagging(tx, { organisationId, tagId, by: actorId(tx.actor), now }))
    await record(tx, {
      action: 'organisation.tagged',
      subject: { kind: 'organisation', id: organisationId },
      detail: { tag: tagId },
    });
  return ok(undefined);
}

export async function untagOrganisation(
  tx: Tx,
  tagging: { readonly organisationId: string; readonly tagId: string; readonly now: Date },
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  if (await endTagging(tx, tagging))
    await record(tx, {
      action: 'organisation.untagged',
      subject: { kind: 'organisation', id: tagging.organisationId },
      detail: { tag: tagging.tagId },
    });
  return ok(undefined);
}

/** Questions that ask by the old word still find it. */
export async function renameTagTo(
  tx: Tx,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  await lockNames(tx);
  if ((await findTag(tx, id)) === undefined) return absent;
  const other = await findTagByName(tx, name);
  if (other !== undefined && other.id !== id)
    return refused('invalid', 'The word is taken.', { name: `There is a tag ${other.name}` });
  await renameTag(tx, { id, name });
  await record(tx, { action: 'tag.renamed', subject: { kind: 'tag', id } });
  return ok(undefined);
}

/** Says how many organisations lost it. */
export async function removeTag(tx: Tx, id: string): Promise<Outcome<number>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  await lockNames(tx);
  if ((await findTag(tx, id)) === undefined) return absent;
  const organisations = await deleteTag(tx, id);
  await record(tx, {
    action: 'tag.removed',
    subject: { kind: 'tag', id },
    detail: { organisations },
  });
  return ok(organisations);
}
