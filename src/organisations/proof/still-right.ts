/**
 * Attestation: every so often each contact says that all on file of it is still right. By text that
 * is one answer; by mail a code typed behind a link. Opening the link says nothing, nor does its
 * button alone: mail scanners open every link, run scripts and press buttons, but do not read the
 * mail for the six digits that the address does not have (P7). Both are derived, so nothing of them
 * is kept: they are good for the question that they were made for, until that is answered or asked
 * anew, and show what its reader may see at their own details.
 */
import { timingSafeEqual } from 'node:crypto';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { blindIndex } from '#kernel/sealed.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import type { DirectorySecrets } from '../imports/import-options.ts';
import { insertChange } from '../store-history.ts';
import { markProven, withdrawQuestion } from './store-enrol.ts';
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

/** Six digits of the mail that are not in its link: a form filled at random meets them never. */
export function stillRightCode(asked: Asked, { blindIndexKey }: Keys): string {
  const question = `${asked.contactPointId}|${asked.askedAt.getTime()}`;
  const drawn = blindIndex(blindIndexKey, 'still_right_code', question).readUIntBE(0, 6);
  return String(drawn % 1_000_000).padStart(6, '0');
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
    if ((await findAsked(tx, link, secrets)) === undefined) return deadLink;
    return ok(await listOwners(tx, link.contactPointId));
  });
}

/**
 * The button: all of it is right, and the mail was read there, so the address is proven. Pressed
 * twice, the second finds the link used. Refused with a field, `code`, where it is not that of the
 * mail.
 */
export async function confirmStillRight(
  database: Database,
  { code, ...link }: Link & { readonly code: string },
  secrets: Keys,
): Promise<Outcome<void>> {
  return await database.attempt(opener, async (tx) => {
    const asked = await findAsked(tx, link, secrets);
    if (asked === undefined) return deadLink;
    const expected = Buffer.from(stillRightCode(asked, secrets));
    const typed = Buffer.from(code.replaceAll(/\s/g, ''));
    if (typed.length !== expected.length || !timingSafeEqual(typed, expected))
      return refused('invalid', 'Put right what is marked below.', {
        code: 'Enter the six digits of the mail',
      });
    await withdrawQuestion(tx, link.contactPointId);
    await markProven(tx, link.contactPointId);
    await record(tx, {
      action: 'proof.given',
      subject: { kind: 'contact_point', id: link.contactPointId },
      detail: { by: 'still_right' },
    });
    await attestOwners(tx, link.contactPointId, 'link');
    return ok(undefined);
  });
}

/** The question that the link was made for, where it is still open. */
async function findAsked(
  tx: Tx,
  { contactPointId, key }: Link,
  secrets: Keys,
): Promise<Asked | undefined> {
  const found = await findMailAsked(tx, contactPointId);
  if (found === undefined) return undefined;
  const asked = { contactPointId, askedAt: found.askedAt };
  const expected = keyOf(asked, secrets);
  const given = Buffer.from(key, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected) ? asked : undefined;
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
