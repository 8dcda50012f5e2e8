/** What a file of contacts changes in the directory as it is. Pure. */
import { channels, type Address, type Channel, type ContactRow, type RefusedRow } from './model.ts';
import type { Numbered } from './parse.ts';

export type Link = {
  readonly contactPointId: string;
  readonly channel: Channel;
  readonly position: number;
};

export type StoredContact = {
  readonly id: string;
  readonly organisationId: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly language: 'en' | 'cy';
  readonly active: boolean;
  /** By channel and position. */
  readonly links: readonly Link[];
};

export type ContactPlan = {
  readonly added: readonly StoredContact[];
  readonly changed: readonly StoredContact[];
  /** Those of `changed` and `added` whose numbers or addresses are to be written. */
  readonly relinked: readonly StoredContact[];
  readonly unchanged: number;
};

export type ContactState = {
  /** Every contact of the organisations in the file. */
  readonly stored: readonly StoredContact[];
  readonly contactPointId: (channel: Channel, address: Address) => string;
  readonly newId: () => string;
};

/** A row whose organisation the directory knows. */
export type PlacedContact = { readonly organisationId: string; readonly row: ContactRow };

/** Splits off the rows whose organisation is not in the directory. */
export function placeContacts(
  rows: readonly Numbered<ContactRow>[],
  organisationIds: ReadonlyMap<string, string>,
): { placed: PlacedContact[]; refusedRows: RefusedRow[] } {
  const placed: PlacedContact[] = [];
  const refusedRows: RefusedRow[] = [];
  const reason = 'is not in the directory: import its organisation first';
  for (const { line, row } of rows) {
    const organisationId = organisationIds.get(row.organisationCode);
    if (organisationId !== undefined) placed.push({ organisationId, row });
    else refusedRows.push({ line, field: 'organisation_code', reason });
  }
  return { placed, refusedRows };
}

export function planContacts(rows: readonly PlacedContact[], state: ContactState): ContactPlan {
  const stored = new Map(state.stored.map((contact) => [keyOf(contact), contact]));
  const added: StoredContact[] = [];
  const changed: StoredContact[] = [];
  const relinked: StoredContact[] = [];
  for (const { organisationId, row } of rows) {
    const before = stored.get(keyOf({ organisationId, ...row }));
    const next = merged({ organisationId, row }, before, state);
    const hasOtherLinks = JSON.stringify(before?.links ?? []) !== JSON.stringify(next.links);
    if (before === undefined) added.push(next);
    else if (hasOtherLinks || !isSame(before, next)) changed.push(next);
    if (hasOtherLinks) relinked.push(next);
  }
  return { added, changed, relinked, unchanged: rows.length - added.length - changed.length };
}

/** The same as the unique index `contact_once`. */
function keyOf(contact: Pick<StoredContact, 'organisationId' | 'role' | 'name'>): string {
  return [contact.organisationId, contact.role, contact.name.toLowerCase()].join('\n');
}

function merged(
  { organisationId, row }: PlacedContact,
  before: StoredContact | undefined,
  state: ContactState,
): StoredContact {
  const { name, isPost, role, rank } = row;
  return {
    id: before?.id ?? state.newId(),
    organisationId,
    name,
    isPost,
    role,
    rank,
    language: row.language ?? before?.language ?? 'en',
    active: row.active ?? before?.active ?? true,
    links: channels.flatMap((channel) => linksOf(channel, row, before, state)),
  };
}

/** A channel without a column in the file stays as it is. */
function linksOf(
  channel: Channel,
  row: ContactRow,
  before: StoredContact | undefined,
  state: ContactState,
): Link[] {
  const told = row.points[channel];
  if (told === undefined) return (before?.links ?? []).filter((link) => link.channel === channel);
  return told.map((address, i) => ({
    contactPointId: state.contactPointId(channel, address),
    channel,
    position: i + 1,
  }));
}

function isSame(a: StoredContact, b: StoredContact): boolean {
  const fields = ['name', 'isPost', 'rank', 'language', 'active'] as const;
  return fields.every((field) => a[field] === b[field]);
}
