/** What a file of contacts changes in the directory as it is. Pure. */
import {
  channels,
  type Address,
  type Channel,
  type ContactRow,
  type FieldChange,
  type PlannedRow,
  type RefusedRow,
} from '../model.ts';
import type { Numbered } from './parse.ts';

export type Link = {
  readonly contactPointId: string;
  readonly channel: Channel;
  readonly position: number;
  /** The mask, for people. */
  readonly shown: string;
};

export type StoredContact = {
  readonly id: string;
  readonly organisationId: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly readerKind: string;
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
  /** One for each row of the file, in its order. */
  readonly rows: readonly PlannedRow[];
};

export type ContactState = {
  /** Every contact of the organisations in the file. */
  readonly stored: readonly StoredContact[];
  readonly contactPointId: (channel: Channel, address: Address) => string;
  readonly newId: () => string;
  /** What the operating model calls a role. */
  readonly roleLabel: (role: string) => string;
  /** Of a new contact of whom the file does not say it. */
  readonly usualReaderKind: string;
};

/** A row whose organisation the directory knows. */
export type PlacedContact = Numbered<ContactRow> & { readonly organisationId: string };

/** Splits off the rows whose organisation is not in the directory. */
export function placeContacts(
  rows: readonly Numbered<ContactRow>[],
  organisations: ReadonlyMap<string, { readonly id: string }>,
): { placed: PlacedContact[]; refusedRows: RefusedRow[] } {
  const placed: PlacedContact[] = [];
  const refusedRows: RefusedRow[] = [];
  const reason = 'is not in the directory: import its organisation first';
  for (const { line, row } of rows) {
    const organisationId = organisations.get(row.organisationCode)?.id;
    if (organisationId !== undefined) placed.push({ organisationId, line, row });
    else refusedRows.push({ line, field: 'organisation_code', reason });
  }
  return { placed, refusedRows };
}

export function planContacts(rows: readonly PlacedContact[], state: ContactState): ContactPlan {
  const stored = new Map(state.stored.map((contact) => [keyOf(contact), contact]));
  const added: StoredContact[] = [];
  const changed: StoredContact[] = [];
  const relinked: StoredContact[] = [];
  const planned: PlannedRow[] = [];
  for (const placed of rows) {
    const { line, organisationId, row } = placed;
    const before = stored.get(keyOf({ organisationId, ...row }));
    const next = merged(placed, before, state);
    const changes = before === undefined ? [] : changesOf(before, next);
    if (before === undefined) added.push(next);
    else if (changes.length > 0) changed.push(next);
    if (linksKey(before?.links ?? []) !== linksKey(next.links)) relinked.push(next);
    const label = `${next.name}, ${state.roleLabel(next.role)} at ${row.organisationCode}`;
    planned.push({ line, outcome: outcomeOf(before, next, changes), label, changes });
  }
  return { added, changed, relinked, rows: planned };
}

/** The same as the unique index `contact_once`. */
function keyOf(contact: Pick<StoredContact, 'organisationId' | 'role' | 'name'>): string {
  return [contact.organisationId, contact.role, contact.name.toLowerCase()].join('\n');
}

function merged(
  { organisationId, row }: Pick<PlacedContact, 'organisationId' | 'row'>,
  before: StoredContact | undefined,
  state: ContactState,
): StoredContact {
  const { name, role } = row;
  return {
    id: before?.id ?? state.newId(),
    organisationId,
    name,
    isPost: row.isPost ?? before?.isPost ?? false,
    role,
    rank: row.rank ?? before?.rank ?? 1,
    readerKind: row.readerKind ?? before?.readerKind ?? state.usualReaderKind,
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
    shown: address.shown,
  }));
}

/** What a file may change of a contact it found, beside its numbers and addresses. */
const columnOf = {
  name: 'name',
  isPost: 'kind',
  rank: 'rank',
  readerKind: 'reader_kind',
  language: 'language',
  active: 'active',
} as const;

const pointColumnOf = { text: 'mobile', mail: 'email', landline: 'landline' } as const;

function changesOf(before: StoredContact, next: StoredContact): FieldChange[] {
  const fields = (Object.keys(columnOf) as (keyof typeof columnOf)[])
    .filter((field) => before[field] !== next[field])
    .map((field) => ({
      field: columnOf[field],
      from: shown(field, before[field]),
      to: shown(field, next[field]),
    }));
  const points = channels.flatMap((channel) => {
    const [from, to] = [before.links, next.links].map((links) =>
      links.filter((link) => link.channel === channel),
    );
    if (linksKey(from!) === linksKey(to!)) return [];
    const list = (links: readonly Link[]) => links.map((link) => link.shown).join(', ');
    return [{ field: pointColumnOf[channel], from: list(from!), to: list(to!) }];
  });
  return [...fields, ...points];
}

function shown(field: keyof typeof columnOf, value: string | number | boolean): string {
  if (field === 'isPost') return value === true ? 'post' : 'person';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

function linksKey(links: readonly Link[]): string {
  return links
    .map(({ channel, position, contactPointId }) => `${channel} ${position} ${contactPointId}`)
    .join('\n');
}

function outcomeOf(
  before: StoredContact | undefined,
  next: StoredContact,
  changes: readonly FieldChange[],
): PlannedRow['outcome'] {
  if (before === undefined) return 'added';
  if (changes.length === 0) return 'unchanged';
  return before.active && !next.active ? 'closed' : 'changed';
}
