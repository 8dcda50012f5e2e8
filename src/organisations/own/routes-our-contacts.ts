/** Whoever keeps the contacts of organisations: which they are, and what is to be mended first. */
import { system } from '#kernel/actor.ts';
import { page, view, type Route } from '#web/index.ts';
import { recordListView } from '../contacts/looks.ts';
import { gaps } from '../coverage/coverage.ts';
import { troubleFacts, type MendRoutesContext } from '../proof/routes-mend.ts';
import { listGaps } from '../coverage/store-coverage.ts';
import { listTrouble } from '../proof/store-trouble.ts';
import { listOrganisationNames } from '../store.ts';
import { troubleRules } from '../proof/trouble.ts';

/** Those of a few organisations; more would not be read. */
const ROWS_MAX = 200;

export function ourContactsRoutes({ database, model }: MendRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/our-contacts',
      access: 'directory.own',
      async handle({ actor }) {
        const organisationIds = actor.kind === 'person' ? (actor.organisationIds ?? []) : [];
        const search = { organisationIds, mustAnswerOnly: false };
        // What failed is in the messages, which are the centre's: asked as the system, and of these
        // organisations only.
        const found = await database.withActor(system('our contacts'), async (tx) => ({
          organisations: await listOrganisationNames(tx, organisationIds),
          gaps: await listGaps(tx, search, { limit: ROWS_MAX }),
          rows: await listTrouble(tx, { ...search, ...troubleRules(model) }, { limit: ROWS_MAX }),
        }));
        await database.withActor(actor, (tx) =>
          recordListView(tx, {
            list: 'our_contacts',
            contactIds: found.rows.map(({ contactId }) => contactId),
          }),
        );
        return view('organisations/our-contacts.njk', {
          organisations: found.organisations.map((one) => {
            const gap = found.gaps.find(({ id }) => id === one.id)?.gap;
            return { ...one, gap: gap ?? null, gapLabel: gap ? gaps[gap] : '' };
          }),
          rows: found.rows.map((row) => troubleFacts(row, model)),
        });
      },
    }),
  ];
}
