/**
 * What a contact does with its own details. The actor is the contact, and row-level security lets
 * it write what is on file of itself and nothing else; each act leaves an entry and a line in the
 * history of its organisation.
 */
import { system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { blindIndex } from '#kernel/sealed.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { record } from '#audit/index.ts';
import { sendSingleMessage } from '#dispatch/index.ts';
import { fillBlanks, singleReason } from '#operating-model/index.ts';
import { IMPORT_RUNS, pointOf } from '../contacts/contacts.ts';
import { drawUnusedCode } from '../proof/enrol.ts';
import type { DirectorySecrets } from '../imports/import-options.ts';
import type { Address } from '../model.ts';
import { checkCode, OWN_CODE_TASK, type OwnDetailsRules, type TypedCode } from './own-session.ts';
import { keepsContactsOf } from '../policy.ts';
import {
  findContact,
  insertLinksOf,
  keepImportsOut,
  touchContacts,
  updateContact,
  type ContactRecord,
  type PlacedPoint,
} from '../contacts/store-contacts.ts';
import { markProven } from '../proof/store-enrol.ts';
import { insertChange } from '../store-history.ts';
import { deleteLinks } from '../imports/store-import.ts';
import {
  countCodesOfContact,
  getSealedPoint,
  insertCode,
  lockCodeCounts,
  markAttested,
  markCodeUsed,
  markSaysLeft,
  moveCodeSessions,
} from './store-own.ts';

export type ContactActor = Actor & { readonly kind: 'contact' };

/** The contact that acts; routes of contacts let nobody else in. */
export async function ownContact(tx: Tx): Promise<ContactRecord> {
  const contact = tx.actor.kind === 'contact' ? await findContact(tx, tx.actor.id) : undefined;
  if (contact === undefined) throw new Error('not a contact');
  return contact;
}

/** One tap: all that is on file is right. It takes back that one has left. */
export async function sayStillRight(tx: Tx, now: Date): Promise<void> {
  const contact = await ownContact(tx);
  if (await markAttested(tx, contact.id, now)) await note(tx, contact, 'attested', {});
}

/** Removes nobody: whoever keeps the directory sees it and decides. */
export async function sayLeft(tx: Tx, now: Date): Promise<void> {
  const contact = await ownContact(tx);
  if (await markSaysLeft(tx, contact.id, now)) await note(tx, contact, 'left', { said: true });
}

/** They have not left: dealt with by whoever keeps the directory. */
export async function denyLeft(tx: Tx, contactId: string): Promise<Outcome<ContactRecord>> {
  const contact = await findContact(tx, contactId);
  if (contact === undefined) return refused('not_found', 'There is no such contact.');
  if (!keepsContactsOf(tx.actor, contact.organisationId))
    return refused('forbidden', 'Your role may not change the directory.');
  if (!(await markSaysLeft(tx, contactId, null)))
    return refused('conflict', 'Somebody dealt with that already.');
  await note(tx, contact, 'left', { said: false });
  return ok(contact);
}

async function note(
  tx: Tx,
  { id, organisationId }: ContactRecord,
  what: 'attested' | 'left',
  fields: Readonly<Record<string, unknown>>,
): Promise<void> {
  await insertChange(tx, { organisationId, contactId: id, what, fields });
  await record(tx, {
    action: what === 'attested' ? 'contact.attested' : 'contact.says_left',
    subject: { kind: 'organisation', id: organisationId },
    detail: { contact: id, ...fields },
  });
}

export async function setOwnLanguage(
  tx: Tx,
  { language, version }: { readonly language: 'en' | 'cy'; readonly version: string },
): Promise<Outcome<void>> {
  const contact = await ownContact(tx);
  if (contact.language === language) return ok(undefined);
  if ((await updateContact(tx, { ...contact, language, version })) === 0) return overtaken;
  await recordChange(tx, contact, { fields: ['language'], relinked: false });
  return ok(undefined);
}

async function recordChange(
  tx: Tx,
  { id, organisationId }: ContactRecord,
  change: { readonly fields: readonly string[]; readonly relinked: boolean },
): Promise<void> {
  await record(tx, {
    action: 'contact.changed',
    subject: { kind: 'organisation', id: organisationId },
    detail: { contact: id, ...change },
  });
}

export type NewNumber = {
  readonly channel: 'text' | 'mail';
  readonly address: Address;
  /** One of the same channel that it takes the place of; null: another one beside it. */
  readonly replacesId: string | null;
  readonly networkIndex: Buffer;
};

type Context = {
  readonly rules: OwnDetailsRules;
  readonly secrets: DirectorySecrets;
  readonly now: Date;
};

/** A code goes to the new number or address: on file it is once the code comes back. Its id. */
export async function offerNumber(
  tx: Tx,
  { channel, address, replacesId, networkIndex }: NewNumber,
  { rules, secrets, now }: Context,
): Promise<Outcome<string>> {
  const contact = await ownContact(tx);
  const own = contact.points.filter((point) => point.channel === channel);
  if (replacesId !== null && !own.some((point) => point.contactPointId === replacesId))
    return refused('conflict', 'What it should replace is not on file any more.');
  const since = new Date(now.getTime() - 3_600_000);
  await lockCodeCounts(tx);
  const asked = await countCodesOfContact(tx, contact.id, since);
  if (asked >= rules.ownDetails.codesPerHour.number)
    return invalid(
      'address',
      `Enough codes for this hour. Try again later, or ring ${rules.helpLine}`,
    );
  const contactPointId = await pointOf(tx, channel, address, secrets);
  if (own.some((point) => point.contactPointId === contactPointId))
    return invalid('address', 'This is on file already');
  const id = newId();
  const addressIndex = blindIndex(secrets.blindIndexKey, channel, address.normalised);
  const code = { id, channel, addressIndex, networkIndex, askedAt: now, replacesId };
  await insertCode(tx, { ...code, contactId: contact.id, contactPointId });
  await enqueue(tx, OWN_CODE_TASK, { id });
  await record(tx, {
    action: 'contact.number_offered',
    subject: { kind: 'organisation', id: contact.organisationId },
    detail: { contact: contact.id, contactPoint: contactPointId },
  });
  return ok(id);
}

/** The code came back: the new number is proven and on file. A wrong try must be committed. */
export async function takeNumber(
  tx: Tx,
  typed: TypedCode,
  { secrets, now }: Pick<Context, 'secrets' | 'now'>,
): Promise<Outcome<void>> {
  const contact = await ownContact(tx);
  const right = await checkCode(tx, typed, { contactId: contact.id, secrets, now });
  if (!right.ok) return right;
  if (!(await keepImportsOut(tx))) return refused('unavailable', IMPORT_RUNS);
  const { contactPointId, channel, replacesId } = right.value;
  await markCodeUsed(tx, typed.id, now);
  const links = linksWith(contact, { contactPointId, channel, replacesId });
  await deleteLinks(tx, [contact.id]);
  await insertLinksOf(tx, contact.id, links);
  await touchContacts(tx, [contact.id]);
  await markProven(tx, contactPointId);
  if (replacesId !== null) {
    await moveCodeSessions(tx, { contactId: contact.id, from: replacesId, to: contactPointId });
    await enqueue(tx, OWN_REPLACED_TASK, { contactPointId: replacesId });
  }
  await recordChange(tx, contact, { fields: [], relinked: true });
  return ok(undefined);
}

/** The task that tells the old number or address; `main.ts` says who does it. */
export const OWN_REPLACED_TASK = 'own_number_replaced';

/** Whoever had the old one learns of it there: alerts must not be led away in silence. */
export async function tellReplaced(
  database: Database,
  contactPointId: string,
  rules: OwnDetailsRules,
): Promise<void> {
  await database.withActor(system('own details'), async (tx) => {
    const { channel, addressSealed } = await getSealedPoint(tx, contactPointId);
    const values = { sender: rules.sender, help_line: rules.helpLine };
    const { subject, body } = rules.ownDetails.replaced;
    await sendSingleMessage(tx, {
      contactPointId,
      addressSealed,
      code: await drawUnusedCode(tx, contactPointId),
      ...(channel === 'mail' && { subject: fillBlanks(subject, values) }),
      body: fillBlanks(body, values),
      because: singleReason(rules, 'own_details.replaced', 'its holder put another in its place'),
      gatewayId: null,
      perHourMax: rules.passiveRepliesPerHour,
    });
  });
}

/** Where the old one was; at the end of its channel where that is gone or none was named. */
function linksWith(
  { points }: ContactRecord,
  taken: Pick<PlacedPoint, 'contactPointId' | 'channel'> & { readonly replacesId: string | null },
): PlacedPoint[] {
  const { contactPointId, channel, replacesId } = taken;
  const isNew = !points.some((point) => point.contactPointId === contactPointId);
  const places = new Map<string, number>();
  const at = points.findIndex((point) => point.contactPointId === replacesId);
  const ids = points.map((point) => ({
    contactPointId: point.contactPointId,
    channel: point.channel,
  }));
  if (at >= 0) ids.splice(at, 1, ...(isNew ? [{ contactPointId, channel }] : []));
  else if (isNew) ids.push({ contactPointId, channel });
  return ids.map((one) => {
    const position = (places.get(one.channel) ?? 0) + 1;
    places.set(one.channel, position);
    return { ...one, position };
  });
}

function invalid(field: string, why: string): Outcome<never> {
  return refused('invalid', why, { [field]: why });
}

const overtaken = refused(
  'conflict',
  'Somebody changed your details after you opened the page. They are now as below.',
);
