/** The pages of the directory: the list, and one organisation. Each other has a file of its own. */
import { z } from 'zod';
import { ZONE, londonDay } from '#kernel/day.ts';
import { isOwn, may, type Actor } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import {
  notFound,
  page,
  PAGE_ROWS,
  pageOf,
  refusedPage,
  view,
  type Reply,
  type Route,
} from '#web/index.ts';
import { asAtOf } from './as-at.ts';
import type { DirectoryContext } from './context.ts';
import { chainWords, isWallTime } from './contacts/form-duty.ts';
import { historyLines } from './form-history.ts';
import { organisationFacts } from './form-organisation.ts';
import { readSearch, searchKey, searchQuery, type DirectorySearch } from './form-search.ts';
import { readAsAt, showOrganisationOn } from './routes-as-at.ts';
import { recordListView } from './contacts/looks.ts';
import { NUMBERS_PER_MINUTE_MAX, openNumbers, type WholeNumbers } from './contacts/numbers.ts';
import { keepsContactsOf, maySee } from './policy.ts';
import { oneAudienceRoutes } from './audiences/routes-audience.ts';
import { audienceRoutes } from './audiences/routes-audiences.ts';
import { callListRoutes } from './coverage/routes-call-list.ts';
import { contactPlaceRoutes } from './contacts/routes-contact-places.ts';
import { contactRoutes } from './contacts/routes-contacts.ts';
import { cutOffRoutes } from './cut-off/routes-cut-off.ts';
import { findCutOff } from './cut-off/store-cut-off.ts';
import { duplicateRoutes } from './contacts/routes-duplicates.ts';
import { dutyRoutes } from './contacts/routes-duty.ts';
import { factsRoutes } from './routes-facts.ts';
import { importRoutes } from './imports/routes-import.ts';
import { parentRoutes, readFamily } from './routes-parents.ts';
import { supplierRoutes } from './suppliers/routes-suppliers.ts';
import { readUses, useRoutes } from './suppliers/routes-uses.ts';
import { contactQuery, pageAsked, readContacts, type ContactQuery } from './contacts/page.ts';
import { listContacts, readChain, readWays } from './contacts/store-contact-list.ts';
import { listDomains } from './contacts/store-domains.ts';
import { instantOf, listToldAt } from './contacts/store-duty.ts';
import { legalHoldRoutes } from './legal-holds/routes-legal-holds.ts';
import { listChanges } from './store-history.ts';
import { findOrganisationRecord, listOrganisations } from './store.ts';
import { countOrganisations } from './store-pages.ts';
import { listRegions, placesInUse, type Place } from './store-places.ts';
import { showAhead, type Ahead } from './successions/ahead.ts';
import { listComing } from './successions/store-succession.ts';

export function organisationRoutes(context: DirectoryContext): Route[] {
  return [
    ...callListRoutes(context),
    ...cutOffRoutes(context),
    ...duplicateRoutes(context),
    ...legalHoldRoutes(context),
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
        const show = async (tx: Tx, asked: DirectorySearch, regions: Place[], ahead: Ahead) => {
          const { search, ...shown } = asked;
          const found = await listOrganisations(tx, { ...search, limit: PAGE_ROWS + 1 });
          const { rows, next } = pageOf(found, PAGE_ROWS, searchKey);
          return view('organisations/list.njk', {
            ...shown,
            asAt: await readAsAt(tx, asked.asAt, ahead),
            count: await countOrganisations(tx, search),
            organisations: rows.map((row) => organisationFacts(row, model, now)),
            next,
            isFirst: search.after === undefined,
            regions: asked.asAt === undefined ? placesInUse(regions) : regions,
            types: model.organisationTypes,
            mayImport: may(actor, 'directory.write'),
            mayCall: may(actor, 'response.record'),
          });
        };
        return await database.withActor(actor, async (tx) => {
          const regions = await listRegions(tx);
          const asked = readSearch(query, model, { regions, now });
          return await showAhead(tx, asked.asAt, (ahead) => show(tx, asked, regions, ahead));
        });
      },
    }),
  ];
}

const idParams = z.object({ id: z.uuid() });
const CHANGES_ON_PAGE = 10;
const CHANGES_OF_HISTORY = 200;
/** Of those told at a moment; more would not be read. */
const TOLD_ON_PAGE = 20;

function organisationPageRoutes(context: DirectoryContext): Route[] {
  const { database, model, secrets } = context;
  return [
    page({
      method: 'GET',
      path: '/organisations/:id',
      access: ['directory.read', 'directory.own'],
      params: idParams,
      query: contactQuery.extend({ at: z.string().catch(''), 'as-at': z.string().catch('') }),
      async handle({ actor, params, query, now }) {
        const asAt = asAtOf(query['as-at'], now);
        // Of other days the history of all is read: that is the centre's.
        if (asAt !== undefined && may(actor, 'directory.read'))
          return await showOrganisationOn(context, actor, params.id, asAt);
        return await showOrganisation(context, actor, params.id, { now, at: query.at, query });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/numbers',
      access: ['response.record', 'directory.own'],
      perAccountMinuteMax: NUMBERS_PER_MINUTE_MAX,
      params: idParams,
      query: contactQuery,
      async handle({ actor, params, query, now }) {
        const opened = await database.attempt(actor, async (tx) => {
          const shown = await listContacts(tx, params.id, pageAsked(query, model).page);
          const contactIds = shown.slice(0, PAGE_ROWS).map(({ id }) => id);
          return await openNumbers(tx, { organisationId: params.id, contactIds }, secrets);
        });
        if (!opened.ok) return refusedPage(opened);
        const shown = { now, query, numbers: opened.value };
        return await showOrganisation(context, actor, params.id, shown);
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
          const organisation = await findOrganisationRecord(tx, params.id);
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
  readonly query: ContactQuery;
  readonly numbers?: WholeNumbers;
};

async function showOrganisation(
  context: DirectoryContext,
  actor: Actor,
  id: string,
  { now, at = '', query, numbers }: Shown,
): Promise<Reply> {
  const { database, model } = context;
  return await database.withActor(actor, async (tx) => {
    const found = await findOrganisationRecord(tx, id);
    if (found === undefined || !maySee(actor, id)) return notFound();
    const domains = await listDomains(tx, id);
    const ownDomains = new Set(domains.flatMap((one) => (one.isOwn ? [one.domain] : [])));
    const ways = await readWays(tx, id, [...ownDomains]);
    const listed = await readContacts(tx, id, { query, model, ownDomains });
    const contactIds = [...listed.contacts, ...listed.formerContacts].map((one) => one.id);
    // Whole numbers have an entry of their own.
    if (numbers === undefined)
      await recordListView(tx, { list: 'organisation', contactIds, organisationId: id });
    const whole = await readChain(tx, id);
    const moment = isWallTime(at) ? await instantOf(tx, at, ZONE) : now;
    const chain = await listToldAt(tx, id, { moment, seats: TOLD_ON_PAGE });
    const changes = await listChanges(tx, id, { limit: CHANGES_ON_PAGE });
    const alerts = (await context.alertsOf?.(tx, id)) ?? [];
    return view('organisations/organisation.njk', {
      organisation: organisationFacts(found, model, now),
      ...listed,
      order: whole.order,
      firstRank: whole.firstRank,
      lastRank: whole.lastRank,
      hasTimes: whole.hasTimes,
      chain: chainWords(chain, model.contactRoles),
      chainMore: Math.max(0, whole.told - TOLD_ON_PAGE),
      moment: isWallTime(at) ? moment : null,
      at: isWallTime(at) ? at : '',
      domains,
      hasUnproven: ways.hasUnproven,
      noneOffNetwork: whole.told > 0 && !ways.isOffNetwork,
      history: historyLines(changes, model, alerts),
      ...(await readFamily(tx, id, londonDay(now))),
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
      mayCall: may(actor, 'response.record'),
      cut: (await findCutOff(tx, id)) ?? null,
      mayCutOff: may(actor, 'organisation.cut_off'),
      mayHold: may(actor, 'audit.keep'),
    });
  });
}
