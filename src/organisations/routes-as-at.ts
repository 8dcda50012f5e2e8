/** One organisation on another day than today, and the banner of all pages that show one. */
import type { Actor } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { notFound, view, type Reply } from '#web/index.ts';
import { asAtShown, type AsAt } from './as-at.ts';
import type { DirectoryContext } from './context.ts';
import { organisationFacts } from './form-organisation.ts';
import { readFamily } from './routes-parents.ts';
import { findBeginning, findOrganisationOn, listContactsOn } from './store-as-at.ts';

/** For `organisations/as-at.njk`. */
export async function readAsAt(tx: Tx, asAt: AsAt | undefined) {
  return asAtShown(asAt, asAt?.isPast === true ? await findBeginning(tx) : null);
}

/** Nothing is offered to be done: what is shown is not how it is. */
export async function showOrganisationOn(
  { database, model }: DirectoryContext,
  actor: Actor,
  id: string,
  asAt: AsAt,
): Promise<Reply> {
  return await database.withActor(actor, async (tx) => {
    const found = await findOrganisationOn(tx, id, asAt);
    if (found === undefined) return notFound();
    const contacts = await listContactsOn(tx, id, asAt);
    return view('organisations/organisation-on.njk', {
      organisation: organisationFacts(found, model, new Date(`${asAt.day}T12:00:00Z`)),
      asAt: await readAsAt(tx, asAt),
      contacts: contacts.map((contact) => ({
        ...contact,
        roleLabel: model.contactRoles[contact.role]?.label ?? contact.role,
      })),
      ...(await readFamily(tx, id, asAt.day)),
      mayWriteParents: false,
    });
  });
}
