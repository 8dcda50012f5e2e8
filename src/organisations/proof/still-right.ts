/**
 * Attestation: every so often each contact says that all on file of it is still right. By text that
 * is one answer; by mail one button behind a link. Opening the link says nothing: mail scanners
 * open every one. Its address is derived, so nothing of it is kept: it is good for the question
 * that it was made for, until that is answered or asked anew, and shows what its reader may see at
 * their own details.
 */
import { timingSafeEqual } from 'node:crypto';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { blindIndex } from '#kernel/sealed.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import type { DirectorySecrets } from '../imports/import-options.ts';
import { insertChange } from '../store-history.ts';
import { withdrawQuestion } from './store-enrol.ts';
import {
  findMailAsked,
  listOwners,
  markOwnersAttested,
  type OwnerOnFile,
} from './store-still-right.ts';

/** 128 bits: nobody guesses it. */
const KEY_BYTES = 16;

type Asked = { readonly contactPointId: string; readonly askedAt: Date };

type Keys = Pick<DirectorySecrets, 'blindIndexKey'>;

/** Where the button is for this question. */
export function stillRightPath(asked: Asked, secrets: Keys): string {
  return `/still-right/${asked.contactPointId}/${keyOf(asked, secrets).toString('base64url')}`;
}

function keyOf({ contactPointId, askedAt }: Asked, { blindIndexKey }: Keys): Buffer {
  const question = `${contactPointId}|${askedAt.getTime()}`;
  return blindIndex(blindIndexKey, 'still_right', question).subarray(0, KEY_BYTES);
}

/** What stands in the address of a link. */
export type Link = { readonly contactPointId: string; readonly key: string };

const opener = system('still right');

/** Used, replaced by a newer one and never made are alike (P8). */
const deadLink = refused('conflict', 'This link was used already, or a newer mail has come.');

/** What is on file of those whom the link was sent to. */
export async function openStillRight(
  database: Database,
  link: Link,
  secrets: Keys,
): Promise<Outcome<readonly OwnerOnFile[]>> {
  return await database.withActor(opener, async (tx) => {
    if (!(await isAlive(tx, link, secrets))) return deadLink;
    return ok(await listOwners(tx, link.contactPointId));
  });
}

/** The button: all of it is right. Pressed twice, the second finds the link used. */
export async function confirmStillRight(
  database: Database,
  link: Link,
  secrets: Keys,
): Promise<Outcome<void>> {
  return await database.attempt(opener, async (tx) => {
    if (!(await isAlive(tx, link, secrets))) return deadLink;
    await withdrawQuestion(tx, link.contactPointId);
    await attestOwners(tx, link.contactPointId, 'link');
    return ok(undefined);
  });
}

async function isAlive(tx: Tx, { contactPointId, key }: Link, secrets: Keys): Promise<boolean> {
  const asked = await findMailAsked(tx, contactPointId);
  if (asked === undefined) return false;
  const expected = keyOf({ contactPointId, askedAt: asked.askedAt }, secrets);
  const given = Buffer.from(key, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/**
 * All contacts that are told by it, who share it, are attested; not one who says that they have
 * left: that somebody must look at.
 */
export async function attestOwners(
  tx: Tx,
  contactPointId: string,
  by: 'answer' | 'link',
): Promise<void> {
  for (const { contactId, organisationId } of await markOwnersAttested(tx, contactPointId)) {
    await insertChange(tx, { organisationId, contactId, what: 'attested', fields: {} });
    await record(tx, {
      action: 'contact.attested',
      subject: { kind: 'organisation', id: organisationId },
      detail: { contact: contactId, by },
    });
  }
}
