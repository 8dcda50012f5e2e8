/** One organisation on another day than today, and the banner of all pages that show one. */
import type { Actor } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { notFound, view, type Reply } from '#web/index.ts';
import { asAtShown, type AsAt } from './as-at.ts';
import { weekWords } from './contacts/form-duty.ts';
import type { DirectoryContext } from './context.ts';
import { organisationFacts } from './form-organisation.ts';
import { readFamily } from './routes-parents.ts';
import {
  findBeginning,
  findOrganisationOn,
  listAwayOn,
  listContactsOn,
  listHoursOn,
  listUsesOn,
} from './store-as-at.ts';
import { listTagsOfOrganisation } from './suppliers/store-tag.ts';
import { showAhead, type Ahead } from './successions/ahead.ts';
import type { SuccessionRow } from './successions/store-succession.ts';
import { predecessorsOf, successorsOf } from './successions/succession.ts';

/** For `organisations/as-at.njk`. */
export async function readAsAt(tx: Tx, asAt: AsAt | undefined, ahead: Ahead) {
  const { done, waiting, planned } = ahead;
  return asAtShown(asAt, {
    beganOn: asAt?.isPast === true ? await findBeginning(tx) : null,
    ahead: { done: done.length, waiting: waiting.length, planned: planned.length },
  });
}

/** What is known of an organisation on a day; undefined where there is none of this id. */
export async function readOrganisationOn(tx: Tx, id: string, asAt: AsAt) {
  const found = await findOrganisationOn(tx, id, asAt);
  if (found === undefined) return undefined;
  const tags = await listTagsOfOrganisation(tx, id, asAt);
  return {
    ...found,
    uses: await listUsesOn(tx, id, asAt),
    tags: tags.map(({ name }) => name),
    contacts: await readContactsOn(tx, id, asAt),
  };
}

/** With when each was on duty, and away. */
async function readContactsOn(tx: Tx, organisationId: string, asAt: AsAt) {
  const contacts = await listContactsOn(tx, organisationId, asAt);
  const hours = Map.groupBy(
    await listHoursOn(tx, organisationId, asAt),
    ({ contactId }) => contactId,
  );
  const away = Map.groupBy(await listAwayOn(tx, organisationId, asAt), (one) => one.contactId);
  return contacts.map(({ id, ...contact }) => ({
    ...contact,
    dutyHours: (hours.get(id) ?? []).map(({ weekday, startsAt, endsAt }) => ({
      weekday,
      startsAt,
      endsAt,
    })),
    absences: (away.get(id) ?? []).map(({ from, until, cover }) => ({ from, until, cover })),
  }));
}

/** Nothing is offered to be done: what is shown is not how it is. */
export async function showOrganisationOn(
  { database, model }: DirectoryContext,
  actor: Actor,
  id: string,
  asAt: AsAt,
): Promise<Reply> {
  return await database.withActor(actor, (tx) =>
    showAhead(tx, asAt, async (ahead) => {
      const found = await readOrganisationOn(tx, id, asAt);
      if (found === undefined) return notFound();
      const { contacts, uses, tags } = found;
      return view('organisations/organisation-on.njk', {
        organisation: organisationFacts(found, model, new Date(`${asAt.day}T12:00:00Z`)),
        asAt: await readAsAt(tx, asAt, ahead),
        uses,
        tags,
        contacts: contacts.map((contact) => ({
          ...contact,
          roleLabel: model.contactRoles[contact.role]?.label ?? contact.role,
          onDuty: weekWords(contact.dutyHours),
        })),
        successions: (['done', 'waiting', 'planned'] as const).flatMap((fate) =>
          ahead[fate].flatMap((row) => partOf(id, row)).map((part) => ({ ...part, fate })),
        ),
        ...(await readFamily(tx, id, asAt.day)),
        mayWriteParents: false,
      });
    }),
  );
}

/** What of a succession is about this organisation: to whom it hands over, and from whom it takes. */
function partOf(organisationId: string, row: SuccessionRow) {
  const plan = { id: row.id, on: new Date(`${row.onDate}T12:00:00Z`) };
  const self = [...row.predecessors, ...row.successors].find(({ id }) => id === organisationId);
  if (self === undefined) return [];
  const to = successorsOf(row, self.id);
  const from = predecessorsOf(row, self.id).filter(({ id }) => id !== self.id);
  return [
    ...(to.length > 0 ? [{ ...plan, predecessors: [self], successors: to }] : []),
    ...(from.length > 0 ? [{ ...plan, predecessors: from, successors: [self] }] : []),
  ];
}
