/** The pages of the directory: the list, and one organisation. Each other has a file of its own. */
import { z } from 'zod';
import { isOwn, may, type Actor } from '#kernel/actor.ts';
import {
  notFound,
  page,
  PAGE_ROWS,
  pageOf,
  refusedPage,
  view,
  ZONE,
  type Reply,
  type Route,
} from '#web/index.ts';
import { asAtOf } from './as-at.ts';
import { chainOf } from './contacts/contacts.ts';
import type { DirectoryContext } from './context.ts';
import { chainWords, isWallTime } from './contacts/form-duty.ts';
import { historyLines } from './form-history.ts';
import { contactCard, organisationFacts } from './form-organisation.ts';
import { readSearch, searchKey, searchQuery } from './form-search.ts';
import { readAsAt, showOrganisationOn } from './routes-as-at.ts';
import { openNumbers, type WholeNumbers } from './contacts/numbers.ts';
import { keepsContactsOf, maySee } from './policy.ts';
import { oneAudienceRoutes } from './audiences/routes-audience.ts';
import { audienceRoutes } from './audiences/routes-audiences.ts';
import { callListRoutes } from './coverage/routes-call-list.ts';
import { contactPlaceRoutes } from './contacts/routes-contact-places.ts';
import { contactRoutes } from './contacts/routes-contacts.ts';
import { duplicateRoutes } from './contacts/routes-duplicates.ts';
import { dutyRoutes } from './contacts/routes-duty.ts';
import { factsRoutes } from './routes-facts.ts';
import { importRoutes } from './imports/routes-import.ts';
import { parentRoutes, readFamily } from './routes-parents.ts';
import { supplierRoutes } from './suppliers/routes-suppliers.ts';
import { readUses, useRoutes } from './suppliers/routes-uses.ts';
import { listDomains } from './contacts/store-domains.ts';
import { instantOf, listToldAt } from './contacts/store-duty.ts';
import { listChanges } from './store-history.ts';
import { findOrganisation, listOrganisations } from './store.ts';
import { countOrganisations } from './store-pages.ts';
import { listRegions } from './store-places.ts';
import { listComing } from './successions/store-succession.ts';

export function organisationRoutes(context: DirectoryContext): Route[] {
  return [
    ...callListRoutes(context),
    ...duplicateRoutes(context),
    ...factsRoutes(context),
    ...contactRoutes(context),
    ...contactPlaceRoutes(context),
    ...dutyRoutes(context),
    ...parentRoutes(context),
    ...directoryRoutes(context),
    ...organisationPageRoutes(context),
    ...importRoutes(context),
    ...audienceRoutes(context),
    ...oneAudienceRoutes(context),
    ...supplierRoutes(context),
    ...useRoutes(context),
  ];
}

function directoryRoutes({ database, model }: DirectoryContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/organisations',
      access: 'directory.read',
      query: searchQuery,
      async handle({ actor, query, now }) {
        return await database.withActor(actor, async (tx) => {
          const regions = await listRegions(tx);
          const { search, ...asked } = readSearch(query, model, { regions, now });
          const found = await listOrganisations(tx, { ...search, limit: PAGE_ROWS + 1 });
          const { rows, next } = pageOf(found, PAGE_ROWS, searchKey);
          return view('organisations/list.njk', {
            ...asked,
            asAt: await readAsAt(tx, asked.asAt),
            count: await countOrganisations(tx, search),
            organisations: rows.map((row) => organisationFacts(row, model, now)),
            next,
            isFirst: search.after === undefined,
            regions,
            types: model.organisationTypes,
            mayImport: may(actor, 'directory.write'),
            mayCall: may(actor, 'response.record'),
          });
        });
      },
    }),
  ];
}

const idParams = z.object({ id: z.uuid() });
const CHANGES_ON_PAGE = 10;
const CHANGES_OF_HISTORY = 200;

function organisationPageRoutes(context: DirectoryContext): Route[] {
  const { database, model, secrets } = context;
  return [
    page({
      method: 'GET',
      path: '/organisations/:id',
      access: ['directory.read', 'directory.own'],
      params: idParams,
      query: z.object({ at: z.string().catch(''), 'as-at': z.string().catch('') }),
      async handle({ actor, params, query, now }) {
        const asAt = asAtOf(query['as-at'], now);
        // Of other days the history of all is read: that is the centre's.
        if (asAt !== undefined && may(actor, 'directory.read'))
          return await showOrganisationOn(context, actor, params.id, asAt);
        return await showOrganisation(context, actor, params.id, { now, at: query.at });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/numbers',
      access: ['response.record', 'directory.own'],
      params: idParams,
      async handle({ actor, params, now }) {
        const opened = await database.attempt(actor, (tx) => openNumbers(tx, params.id, secrets));
        if (!opened.ok) return refusedPage(opened);
        return await showOrganisation(context, actor, params.id, { now, numbers: opened.value });
      },
    }),
    page({
      method: 'GET',
      path: '/organisations/:id/history',
      access: ['directory.read', 'directory.own'],
      params: idParams,
      query: z.object({ before: z.iso.datetime().optional().catch(undefined) }),
      handle: async ({ actor, params, query: { before } }) =>
        await database.withActor(actor, async (tx) => {
          const organisation = await findOrganisation(tx, params.id);
          if (organisation === undefined || !maySee(actor, params.id)) return notFound();
          const rows = await listChanges(tx, params.id, {
            limit: CHANGES_OF_HISTORY,
            ...(before !== undefined && { before: new Date(before) }),
          });
          const alerts = (await context.alertsOf?.(tx, params.id)) ?? [];
          const isMore = rows.length === CHANGES_OF_HISTORY;
          return view('organisations/history.njk', {
            organisation,
            lines: historyLines(rows, model, alerts),
            next: isMore ? (rows.at(-1)?.changedAt.toISOString() ?? null) : null,
          });
        }),
    }),
  ];
}

type Shown = {
  readonly now: Date;
  /** A time on the wall, for the chain at that moment; anything else: now. */
  readonly at?: string;
  readonly numbers?: WholeNumbers;
};

async function showOrganisation(
  context: DirectoryContext,
  actor: Actor,
  id: string,
  { now, at = '', numbers }: Shown,
): Promise<Reply> {
  const { database, model } = context;
  return await database.withActor(actor, async (tx) => {
    const found = await findOrganisation(tx, id);
    if (found === undefined || !maySee(actor, id)) return notFound();
    const domains = await listDomains(tx, id);
    const ownDomains = new Set(domains.flatMap((one) => (one.isOwn ? [one.domain] : [])));
    const contacts = found.contacts.map((contact) =>
      contactCard(contact, found.contacts, { rules: model, ownDomains }),
    );
    const told = contacts.filter(({ active }) => active);
    const moment = isWallTime(at) ? await instantOf(tx, at, ZONE) : now;
    const changes = await listChanges(tx, id, { limit: CHANGES_ON_PAGE });
    const alerts = (await context.alertsOf?.(tx, id)) ?? [];
    return view('organisations/organisation.njk', {
      organisation: organisationFacts(found, model, now),
      contacts: told,
      formerContacts: contacts.filter(({ active }) => !active),
      order: chainOf(told),
      firstRank: Math.min(...told.map(({ rank }) => rank)),
      lastRank: Math.max(...told.map(({ rank }) => rank)),
      hasTimes: told.some((contact) => contact.hasTimes),
      chain: chainWords(await listToldAt(tx, id, moment), model.contactRoles),
      moment: isWallTime(at) ? moment : null,
      at: isWallTime(at) ? at : '',
      domains,
      hasUnproven: told.some(({ texts, mails }) =>
        [...texts, ...mails].some(({ provenAt }) => provenAt === null),
      ),
      noneOffNetwork: told.length > 0 && !told.some(({ isOffNetwork }) => isOffNetwork),
      history: historyLines(changes, model, alerts),
      ...(await readFamily(tx, id, now.toISOString().slice(0, 10))),
      ...(await readUses(tx, id)),
      coming: (await listComing(tx, id)).map((one) => ({
        ...one,
        on: new Date(`${one.onDate}T12:00:00Z`),
      })),
      running: alerts.filter(({ until }) => until === null),
      numbers: numbers ?? null,
      ofCentre: may(actor, 'directory.read'),
      mayWrite: may(actor, 'directory.write'),
      mayKeep: keepsContactsOf(actor, id),
      maySeeNumbers: may(actor, 'response.record') || isOwn(actor, id),
    });
  });
}
