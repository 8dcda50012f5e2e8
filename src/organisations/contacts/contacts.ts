/** The verbs of one contact. Each runs in the caller's transaction and leaves an entry. */
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { blindIndex, seal } from '#kernel/sealed.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { sealingContext, type DirectorySecrets } from '../imports/actions.ts';
import { channels, type Address, type Channel } from '../model.ts';
import { NEEDS_A_WAY } from '../imports/parse-contact.ts';
import { keepsContactsOf } from '../policy.ts';
import { closeGap, moveRank, type Direction } from './ranks.ts';
import { readChain } from './store-contact-list.ts';
import {
  findContact,
  findNamesake,
  findOrInsertPoint,
  insertContact,
  insertLinksOf,
  insertLinksOfMany,
  keepImportsOut,
  listFieldsChangedSince,
  lockContacts,
  setContactActive,
  setRanks,
  takePointOff,
  touchContacts,
  updateContact,
  type ContactFields,
  type ContactRecord,
  type PlacedPoint,
} from './store-contacts.ts';
import { deleteLinks } from '../imports/store-import.ts';

/** A number or address as typed, or one that the contact has and keeps. */
export type PointChoice = Address | { readonly keep: string };

/** In order of use, every channel: what is not listed is taken off. */
export type PointChoices = Readonly<Record<Channel, readonly PointChoice[]>>;

export type NewContact = {
  /** Of the form: posted twice it is one contact. */
  readonly id: string;
  readonly organisationId: string;
  readonly fields: ContactFields;
  readonly points: PointChoices;
};

export const IMPORT_RUNS = 'A file is being checked or imported just now. Try again in a moment.';

export async function addContact(
  tx: Tx,
  contact: NewContact,
  secrets: DirectorySecrets,
): Promise<Outcome<string>> {
  const { id, organisationId, fields } = contact;
  const barred = await barredFrom(tx, organisationId);
  if (barred) return barred;
  const posted = await findContact(tx, id);
  if (posted) return posted.name === fields.name ? ok(id) : overtaken;
  const twice = await refuseNamesake(tx, { ...fields, organisationId }, id);
  if (twice) return twice;
  if ((await insertContact(tx, { ...fields, id, organisationId })) === 0) return overtaken;
  const links = await linksOf(tx, contact.points, secrets);
  if (links.length === 0) return refused('invalid', NEEDS_A_WAY, { mobile: NEEDS_A_WAY });
  await insertLinksOf(tx, id, links);
  await record(tx, {
    action: 'contact.added',
    subject: { kind: 'organisation', id: organisationId },
    detail: { contact: id, role: fields.role, rank: fields.rank },
  });
  return ok(id);
}

export type ContactChange = {
  readonly id: string;
  /** As the form saw it. */
  readonly version: string;
  readonly fields: ContactFields;
  readonly points: PointChoices;
  /** Numbers and addresses that are changed for everybody who has them, from old to new. */
  readonly everywhere: readonly { readonly from: string; readonly to: Address }[];
};

export async function changeContact(
  tx: Tx,
  change: ContactChange,
  secrets: DirectorySecrets,
): Promise<Outcome<ContactRecord>> {
  const before = await findContact(tx, change.id);
  if (before === undefined) return absent;
  const { organisationId } = before;
  const barred = await barredFrom(tx, organisationId);
  if (barred) return barred;
  const twice = await refuseNamesake(tx, { ...change.fields, organisationId }, change.id);
  if (twice) return twice;
  await lockContacts(tx, organisationId);
  if ((await updateContact(tx, { ...change.fields, ...change })) === 0) {
    return changedSince(await listFieldsChangedSince(tx, change.id, change.version));
  }
  const links = await linksOf(tx, change.points, secrets);
  if (links.length === 0) return refused('invalid', NEEDS_A_WAY, { mobile: NEEDS_A_WAY });
  const relinked = !isSame(links, before);
  if (relinked) {
    await deleteLinks(tx, [change.id]);
    await insertLinksOf(tx, change.id, links);
  }
  for (const { from, to } of change.everywhere) {
    const channel = channelOf(before, from);
    if (channel) await replaceElsewhere(tx, from, await pointOf(tx, channel, to, secrets));
  }
  await record(tx, {
    action: 'contact.changed',
    subject: { kind: 'organisation', id: organisationId },
    detail: { contact: change.id, fields: fieldsOf(before, change.fields), relinked },
  });
  return ok(before);
}

/** Others who had the old one get the new one in its place. */
async function replaceElsewhere(tx: Tx, from: string, to: string): Promise<void> {
  const taken = await takePointOff(tx, from);
  await insertLinksOfMany(
    tx,
    taken.map((link) => ({ ...link, contactPointId: to })),
  );
  await touchContacts(
    tx,
    taken.map(({ contactId }) => contactId),
  );
}

/** One step earlier or later; `chain` is the order (`readChain`) that the presser saw. */
export async function moveContact(
  tx: Tx,
  move: { readonly id: string; readonly direction: Direction; readonly chain: string },
): Promise<Outcome<ContactRecord>> {
  const contact = await findContact(tx, move.id);
  if (contact === undefined) return absent;
  if (!keepsContactsOf(tx.actor, contact.organisationId)) return notAllowed;
  const told = (await lockContacts(tx, contact.organisationId)).filter(({ active }) => active);
  if ((await readChain(tx, contact.organisationId)).order !== move.chain) {
    return refused('conflict', 'The order changed after you opened the page. It is now as below.');
  }
  const moved = moveRank(told, move.id, move.direction);
  if (!moved.ok) return moved;
  await setRanks(tx, moved.value);
  await record(tx, {
    action: 'contact.moved',
    subject: { kind: 'organisation', id: contact.organisationId },
    detail: { contact: move.id, direction: move.direction, ranks: moved.value },
  });
  return ok(contact);
}

/** Kept, and told nothing. Where nobody is left in its rank, the later ones move up. */
export async function endContact(
  tx: Tx,
  id: string,
): Promise<Outcome<ContactRecord & { readonly left: number }>> {
  const contact = await findContact(tx, id);
  if (contact === undefined) return absent;
  if (!keepsContactsOf(tx.actor, contact.organisationId)) return notAllowed;
  const told = (await lockContacts(tx, contact.organisationId)).filter(({ active }) => active);
  if ((await setContactActive(tx, { id, active: false })) === 0) {
    return refused('conflict', 'Somebody wrote that down already.');
  }
  const left = told.filter((one) => one.id !== id);
  const moved = closeGap(left, contact.rank);
  if (moved.length > 0) await setRanks(tx, moved);
  await record(tx, {
    action: 'contact.left',
    subject: { kind: 'organisation', id: contact.organisationId },
    detail: { contact: id, ranks: moved },
  });
  return ok({ ...contact, left: left.length });
}

/** Told again, at the rank it had. */
export async function returnContact(tx: Tx, id: string): Promise<Outcome<ContactRecord>> {
  const contact = await findContact(tx, id);
  if (contact === undefined) return absent;
  if (!keepsContactsOf(tx.actor, contact.organisationId)) return notAllowed;
  if ((await setContactActive(tx, { id, active: true })) === 0) {
    return refused('conflict', 'Somebody brought them back already.');
  }
  await record(tx, {
    action: 'contact.returned',
    subject: { kind: 'organisation', id: contact.organisationId },
    detail: { contact: id },
  });
  return ok(contact);
}

async function linksOf(
  tx: Tx,
  points: PointChoices,
  secrets: DirectorySecrets,
): Promise<PlacedPoint[]> {
  const links: PlacedPoint[] = [];
  for (const channel of channels) {
    const ids = new Set<string>();
    for (const choice of points[channel]) {
      ids.add('keep' in choice ? choice.keep : await pointOf(tx, channel, choice, secrets));
    }
    links.push(
      ...Array.from(ids, (contactPointId, i) => ({ contactPointId, channel, position: i + 1 })),
    );
  }
  return links;
}

export async function pointOf(
  tx: Tx,
  channel: Channel,
  { normalised, shown }: Address,
  { addressKey, blindIndexKey }: DirectorySecrets,
): Promise<string> {
  const id = newId();
  return await findOrInsertPoint(tx, {
    id,
    channel,
    shown,
    addressIndex: blindIndex(blindIndexKey, channel, normalised),
    addressSealed: seal(addressKey, sealingContext(id), normalised),
  });
}

function isSame(links: readonly PlacedPoint[], { points }: ContactRecord): boolean {
  const ids = (list: readonly { readonly contactPointId: string }[]) =>
    list.map(({ contactPointId }) => contactPointId).join();
  return ids(links) === ids(points);
}

function channelOf({ points }: ContactRecord, contactPointId: string): Channel | undefined {
  return points.find((point) => point.contactPointId === contactPointId)?.channel;
}

function fieldsOf(before: ContactFields, after: ContactFields): string[] {
  const fields = ['name', 'isPost', 'role', 'rank', 'readerKind', 'language'] as const;
  return fields.filter((field) => before[field] !== after[field]);
}

async function barredFrom(tx: Tx, organisationId: string): Promise<Refused | undefined> {
  if (!keepsContactsOf(tx.actor, organisationId)) return notAllowed;
  return (await keepImportsOut(tx)) ? undefined : refused('unavailable', IMPORT_RUNS);
}

async function refuseNamesake(
  tx: Tx,
  like: Parameters<typeof findNamesake>[1],
  exceptId: string,
): Promise<Refused | undefined> {
  const found = await findNamesake(tx, like, exceptId);
  if (found === undefined) return undefined;
  const why = found.active
    ? 'There is a contact of this name and role here already'
    : 'A contact of this name and role has left: bring that one back';
  return refused('invalid', why, { name: why });
}

function changedSince(fields: readonly string[]): Refused {
  const what = fields.length > 0 ? ` Changed: ${fields.join(', ')}.` : '';
  const message = `Somebody changed this contact after you opened it.${what}`;
  return refused('conflict', message, { '': message });
}

const absent = refused('not_found', 'There is no such contact.');
const overtaken = refused('conflict', 'This form was sent already, with other words.');
const notAllowed = refused('forbidden', 'Your role may not change the directory.');
