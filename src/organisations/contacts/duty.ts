/** When somebody is on duty, and who stands in. Verbs; the rule itself is `reachable_at` in SQL. */
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { mayKeep } from '../policy.ts';
import { findContact, touchContacts, type ContactRecord } from './store-contacts.ts';
import {
  deleteComingAbsence,
  deleteHours,
  endBegunAbsence,
  findAbsence,
  insertAbsence,
  insertHours,
  listHours,
  listOverlapping,
  type Absence,
  type DutyHours,
  type NewAbsence,
} from './store-duty.ts';
import { insertChange } from '../store-history.ts';

/** Puts these hours in the place of what there was; none: always on duty. */
export async function setHours(
  tx: Tx,
  change: {
    readonly contactId: string;
    /** As the form saw it. */
    readonly version: string;
    readonly hours: readonly DutyHours[];
    readonly timeZone: string;
  },
): Promise<Outcome<ContactRecord>> {
  const { contactId, hours } = change;
  const contact = await writable(tx, contactId);
  if (!contact.ok) return contact;
  if (contact.value.version !== change.version) return overtaken;
  const before = await listHours(tx, contactId);
  if (JSON.stringify(before) === JSON.stringify(hours)) return contact;
  await touchContacts(tx, [contactId]);
  await deleteHours(tx, contactId);
  await insertHours(tx, contactId, change);
  // The history holds both in full: a past day is told by it.
  await note(tx, contact.value, 'hours', { hours: [before, hours] });
  return contact;
}

/** From, until, and who is told instead. */
export async function recordAbsence(
  tx: Tx,
  absence: NewAbsence,
  now: Date,
): Promise<Outcome<ContactRecord>> {
  const contact = await writable(tx, absence.contactId);
  if (!contact.ok) return contact;
  const wrong = wrongTimes(absence, now) ?? (await wrongCover(tx, absence, contact.value));
  if (wrong) return wrong;
  const overlapping = await listOverlapping(tx, [absence.contactId], absence);
  if (overlapping.some(({ id }) => id === absence.id)) return contact;
  if (overlapping.length > 0) {
    return invalid('from', 'They are away at that time already: end that absence first');
  }
  await insertAbsence(tx, absence);
  await touchContacts(tx, [absence.contactId]);
  await note(tx, contact.value, 'absence', {
    from: absence.startsAt.toISOString(),
    until: absence.endsAt.toISOString(),
    cover: absence.coverId,
  });
  return contact;
}

function wrongTimes({ startsAt, endsAt }: NewAbsence, now: Date): Refused | undefined {
  if (endsAt <= startsAt) return invalid('until', 'Must be after the beginning');
  return endsAt <= now ? invalid('until', 'This is over already') : undefined;
}

/** A cover that lacks a channel would cost the organisation its reach by it. */
async function wrongCover(
  tx: Tx,
  absence: NewAbsence,
  { organisationId, points, name }: ContactRecord,
): Promise<Refused | undefined> {
  if (absence.coverId === null) return undefined;
  const cover = await findContact(tx, absence.coverId);
  if (!cover?.active || cover.organisationId !== organisationId || cover.id === absence.contactId) {
    return invalid('cover', 'Choose somebody else of this organisation who is told');
  }
  const has = (contact: Pick<ContactRecord, 'points'>, channel: string) =>
    contact.points.some((point) => point.channel === channel);
  for (const [channel, what] of [
    ['text', 'mobile'],
    ['mail', 'email address'],
  ] as const) {
    if (has({ points }, channel) && !has(cover, channel)) {
      return invalid('cover', `${cover.name} has no ${what}, and ${name} has one`);
    }
  }
  const away = await listOverlapping(tx, [cover.id], absence);
  return away.length > 0 ? invalid('cover', `${cover.name} is away then too`) : undefined;
}

/** Back again: one that has begun ends now, one to come is taken off. */
export async function endAbsence(tx: Tx, id: string, now: Date): Promise<Outcome<Absence>> {
  const absence = await findAbsence(tx, id);
  if (absence === undefined) return refused('not_found', 'There is no such absence.');
  const contact = await writable(tx, absence.contactId);
  if (!contact.ok) return contact;
  const done = (await endBegunAbsence(tx, id, now)) + (await deleteComingAbsence(tx, id, now));
  if (done === 0) return refused('conflict', 'This absence is over already.');
  await touchContacts(tx, [absence.contactId]);
  await note(tx, contact.value, 'absence', { ended: now.toISOString() });
  return ok(absence);
}

async function writable(tx: Tx, contactId: string): Promise<Outcome<ContactRecord>> {
  const contact = await findContact(tx, contactId);
  if (contact === undefined) return refused('not_found', 'There is no such contact.');
  return mayKeep(tx.actor, contact) ? ok(contact) : notAllowed;
}

async function note(
  tx: Tx,
  { id, organisationId }: ContactRecord,
  what: 'hours' | 'absence',
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  await insertChange(tx, { organisationId, contactId: id, what, fields: detail });
  await record(tx, {
    action: what === 'hours' ? 'contact.hours_set' : 'contact.absence_set',
    subject: { kind: 'organisation', id: organisationId },
    detail: { contact: id, ...detail },
  });
}

function invalid(field: string, why: string): Refused {
  return refused('invalid', why, { [field]: why });
}

const overtaken = refused('conflict', 'Somebody changed this contact after you opened it.');
const notAllowed = refused('forbidden', 'Your role may not change the directory.');
