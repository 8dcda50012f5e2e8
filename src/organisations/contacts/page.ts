/** The contacts of an organisation as its page shows them: 50 at a time, in the order of the chain. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import { cursorOf, encodeCursor, oneLine, PAGE_ROWS, pageOf } from '#web/index.ts';
import { contactCard } from '../form-organisation.ts';
import { word } from '../form-search.ts';
import type { ContactRules } from '../model.ts';
import {
  countContacts,
  listContacts,
  type ContactPage,
  type ContactSearch,
} from './store-contact-list.ts';

/** Which contacts of the organisation: told or not any more, rank, name and id of the last one. */
export const contactQuery = z.object({
  q: word,
  after: cursorOf(z.tuple([z.int(), z.int(), oneLine(200), z.uuid()]))
    .optional()
    .catch(undefined),
});

export type ContactQuery = z.output<typeof contactQuery>;

/** A page of contacts as the address asks for it, and what finds it again. */
export function pageAsked({ q, after }: ContactQuery, { contactRoles }: ContactRules) {
  const roles = Object.entries(contactRoles)
    .filter(([, { label }]) => label.toLowerCase().includes(q.toLowerCase()))
    .map(([key]) => key);
  const search: ContactSearch = q === '' ? {} : { text: q, roles };
  const page: ContactPage = { ...search, limit: PAGE_ROWS + 1, ...(after && { after }) };
  return { search, page, address: q === '' ? '?' : `?${new URLSearchParams({ q }).toString()}&` };
}

/** A page of its contacts, and how many there are. */
export async function readContacts(
  tx: Tx,
  id: string,
  given: {
    readonly query: ContactQuery;
    readonly model: ContactRules;
    readonly ownDomains: ReadonlySet<string>;
  },
) {
  const { query, model: rules, ownDomains } = given;
  const { search, page: asked, address } = pageAsked(query, rules);
  const { rows, next } = pageOf(await listContacts(tx, id, asked), PAGE_ROWS, (row) => [
    Number(!row.active),
    row.rank,
    row.name,
    row.id,
  ]);
  const contacts = rows.map((row) => contactCard(row, { rules, ownDomains }));
  const count = await countContacts(tx, id);
  return {
    contacts: contacts.filter(({ active }) => active),
    formerContacts: contacts.filter(({ active }) => !active),
    count,
    fitting: query.q === '' ? count : await countContacts(tx, id, search),
    isLong: count.told + count.former > PAGE_ROWS || query.q !== '',
    next,
    isFirst: query.after === undefined,
    q: query.q,
    address,
    samePage: query.after ? `${address}after=${encodeCursor(query.after)}` : address.slice(0, -1),
  };
}
