/** Looks at somebody's details: each is an entry of the audit, masked numbers or not. */
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import type { ContactRecord } from './store-contacts.ts';

/** A view of one person's details. */
export async function recordView(
  tx: Tx,
  { id, organisationId }: Pick<ContactRecord, 'id' | 'organisationId'>,
): Promise<void> {
  await record(tx, {
    action: 'contact.viewed',
    subject: { kind: 'organisation', id: organisationId },
    detail: { contact: id },
  });
}

/** Which list, as an entry names it. */
export type ContactList =
  | 'organisation'
  | 'in_alert'
  | 'desk_item'
  | 'mend'
  | 'our_contacts'
  | 'shared_numbers';

/**
 * A list of people with their numbers or addresses: one entry for all of them, by id. A list of
 * nobody is none, and so is one that has names alone.
 */
export async function recordListView(
  tx: Tx,
  seen: {
    readonly list: ContactList;
    readonly contactIds: readonly string[];
    /** Where it is of one organisation. */
    readonly organisationId?: string;
  },
): Promise<void> {
  const { list, organisationId } = seen;
  const contacts = [...new Set(seen.contactIds)];
  if (contacts.length === 0) return;
  await record(tx, {
    action: 'contact_list.viewed',
    subject:
      organisationId === undefined
        ? { kind: 'contact_list', id: list }
        : { kind: 'organisation', id: organisationId },
    detail: { list, contacts },
  });
}
