/** Who stands in for a contact: chosen of a short list, or searched by a part of the name. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { listColleagues } from './store-contact-list.ts';
import { findContact } from './store-contacts.ts';

/** More are not offered at once: nobody finds a name in a longer list on a phone. */
export const COVERS_MAX = 12;

type Contact = { readonly id: string; readonly organisationId: string };

export type CoverChoice = {
  readonly offered: readonly { readonly id: string; readonly name: string }[];
  /** There are more than are offered: a part of the name is asked for. */
  readonly isSearched: boolean;
};

/** What a form offers; `text` is the part of the name that was typed, if any. */
export async function readCoverChoice(tx: Tx, contact: Contact, text = ''): Promise<CoverChoice> {
  const all = await listColleagues(tx, contact, { text: '', limit: COVERS_MAX + 1 });
  if (all.length <= COVERS_MAX) return { offered: all, isSearched: false };
  if (text === '') return { offered: [], isSearched: true };
  const found = await listColleagues(tx, contact, { text, limit: COVERS_MAX });
  return { offered: found, isSearched: true };
}

/** Who is meant by a part of a name; null: nobody was named. Refused where it is not one alone. */
export async function findCover(
  tx: Tx,
  contactId: string,
  text: string,
): Promise<Outcome<string | null>> {
  const contact = text === '' ? undefined : await findContact(tx, contactId);
  if (contact === undefined) return ok(null);
  const found = await listColleagues(tx, contact, { text, limit: COVERS_MAX + 1 });
  const [only, ...others] = found;
  if (only === undefined) return invalid('Nobody else who is told here has that in the name');
  if (others.length === 0) return ok(only.id);
  return invalid(
    found.length > COVERS_MAX
      ? 'Many here have that in the name: choose one of the first, or type more of it'
      : 'Several have that in the name: choose one of them',
  );
}

function invalid(why: string): Outcome<never> {
  return refused('invalid', why, { coverName: why });
}
