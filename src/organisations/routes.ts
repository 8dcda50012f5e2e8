/** The pages of the directory. Those of importing: `routes-import.ts`. */
import { z } from 'zod';
import { may } from '#kernel/actor.ts';
import { notFound, page, PAGE_ROWS, pageOf, view, type Route } from '#web/index.ts';
import { contactCard, organisationFacts } from './form-organisation.ts';
import { readSearch, searchKey, searchQuery } from './form-search.ts';
import { oneAudienceRoutes } from './routes-audience.ts';
import { audienceRoutes } from './routes-audiences.ts';
import { importRoutes, type OrganisationRoutesContext } from './routes-import.ts';
import { supplierRoutes } from './routes-suppliers.ts';
import { readUses, useRoutes } from './routes-uses.ts';
import { findOrganisation, listOrganisations } from './store.ts';
import { countOrganisations } from './store-pages.ts';
import { listRegions } from './store-places.ts';

export function organisationRoutes(context: OrganisationRoutesContext): Route[] {
  return [
    ...directoryRoutes(context),
    ...importRoutes(context),
    ...audienceRoutes(context),
    ...oneAudienceRoutes(context),
    ...supplierRoutes(context),
    ...useRoutes(context),
  ];
}

function directoryRoutes({ database, model }: OrganisationRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/organisations',
      access: 'directory.read',
      query: searchQuery,
      async handle({ actor, query, now }) {
        return await database.withActor(actor, async (tx) => {
          const regions = await listRegions(tx);
          const { search, ...asked } = readSearch(query, model, regions);
          const found = await listOrganisations(tx, { ...search, limit: PAGE_ROWS + 1 });
          const { rows, next } = pageOf(found, PAGE_ROWS, searchKey);
          return view('organisations/list.njk', {
            ...asked,
            count: await countOrganisations(tx, search),
            organisations: rows.map((row) => organisationFacts(row, model, now)),
            next,
            isFirst: search.after === undefined,
            regions,
            types: model.organisationTypes,
            mayImport: may(actor, 'directory.write'),
          });
        });
      },
    }),
    page({
      method: 'GET',
      path: '/organisations/:id',
      access: 'directory.read',
      params: z.object({ id: z.uuid() }),
      async handle({ actor, params, now }) {
        const { found, uses } = await database.withActor(actor, async (tx) => ({
          found: await findOrganisation(tx, params.id),
          uses: await readUses(tx, params.id),
        }));
        if (found === undefined) return notFound();
        const contacts = found.contacts.map((one) => contactCard(one, found.contacts, model));
        return view('organisations/organisation.njk', {
          organisation: organisationFacts(found, model, now),
          contacts: contacts.filter(({ active }) => active),
          formerContacts: contacts.filter(({ active }) => !active),
          ...uses,
        });
      },
    }),
  ];
}
