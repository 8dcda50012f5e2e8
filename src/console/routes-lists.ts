/** The organisations and messages behind each number of a board, as lists and as a file. */
import { file, notFound, page, pageOf, view, type Route } from '#web/index.ts';
import { rulesOfAlert } from './because.ts';
import { explainMessage } from './because-messages.ts';
import { readNames } from './reading.ts';
import type { ConsoleContext } from './context.ts';
import { csvOf } from './csv.ts';
import { filterBy, NONE, queryOf, type Filter } from './figures.ts';
import { headListings, ledgerParts, listings, messageListings } from './model.ts';
import { filterOf, idParams, ledgerQuery, listQuery, messageQuery, pastMomentOf } from './parse.ts';
import { listLedger } from './store-ledger.ts';
import { listMessages } from './store-messages.ts';
import { listStandings, scopeOf } from './store-standings.ts';
import { dispatchesOf, findLiveAlert } from './store.ts';

const PAGE_ROWS = 100;
const CSV_ROWS_MAX = 100_000;

export function listRoutes(context: ConsoleContext): Route[] {
  return [...organisationRoutes(context), messageRoute(context), ledgerRoute(context)];
}

function organisationRoutes({ database, model }: ConsoleContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/organisations',
      access: 'alert.read',
      params: idParams,
      query: listQuery,
      async handle({ actor, params, query, now }) {
        const { show: listing, after } = query;
        const filter = filterOf(query);
        return await database.withActor(actor, async (tx) => {
          const alert = await findLiveAlert(tx, params.id);
          if (alert === undefined) return notFound();
          const at = momentOf(query.at, alert.releasedAt, now);
          const question = { listing, filter, after, most: PAGE_ROWS + 1 };
          const found = await listStandings(tx, scopeOf(alert, at), question);
          const shown = pageOf(found, PAGE_ROWS, (row) => [row.name, row.organisationId]);
          return view('console/organisations.njk', {
            alert,
            at,
            listing,
            listings,
            shownListings: new Set([...headListings, listing]),
            only: namesOf(filter, await readNames(tx, model)),
            query: queryOf(filter, at),
            ...shown,
          });
        });
      },
    }),
    page({
      method: 'GET',
      path: '/alerts/:id/organisations.csv',
      access: 'alert.read',
      params: idParams,
      query: listQuery,
      async handle({ actor, params, query, now }) {
        const { show: listing } = query;
        return await database.withActor(actor, async (tx) => {
          const alert = await findLiveAlert(tx, params.id);
          if (alert === undefined) return notFound();
          const at = momentOf(query.at, alert.releasedAt, now);
          const question = { listing, filter: filterOf(query), after: undefined };
          const rows = await listStandings(tx, scopeOf(alert, at), {
            ...question,
            most: CSV_ROWS_MAX,
          });
          const name = `alert-${alert.number}-${listing}.csv`;
          return file(name, 'text/csv; charset=utf-8', csvOf(rows));
        });
      },
    }),
  ];
}

function messageRoute({ database, model }: ConsoleContext): Route {
  return page({
    method: 'GET',
    path: '/alerts/:id/messages',
    access: 'alert.read',
    params: idParams,
    query: messageQuery,
    handle: async ({ actor, params, query: { channel, show: listing, after } }) =>
      await database.withActor(actor, async (tx) => {
        const alert = await findLiveAlert(tx, params.id);
        if (alert === undefined) return notFound();
        const found = await listMessages(tx, {
          alertId: params.id,
          dispatchIds: dispatchesOf(alert),
          channel,
          listing,
          after: after?.[0],
          most: PAGE_ROWS + 1,
        });
        const rules = await rulesOfAlert(tx, alert, model);
        const explained = found.map((row) => ({ ...row, why: explainMessage(alert, rules, row) }));
        const shown = pageOf(explained, PAGE_ROWS, ({ id }) => [id]);
        return view('console/messages.njk', {
          alert,
          channel,
          listing,
          listings: messageListings,
          ...shown,
        });
      }),
  });
}

/** The minute of a list whose number was one of a past board; now where it is none. */
function momentOf(text: string | undefined, releasedAt: Date, now: Date): Date | undefined {
  const at = text ? pastMomentOf(text, { releasedAt, now }) : undefined;
  return typeof at === 'string' ? undefined : at;
}

/** What a list is narrowed to, in words. */
function namesOf(filter: Filter, names: Awaited<ReturnType<typeof readNames>>): string[] {
  return filterBy.flatMap((by) => {
    const code = filter[by];
    if (code === undefined) return [];
    return [code === NONE ? `no ${by}` : (names[by].get(code) ?? code)];
  });
}

function ledgerRoute({ database }: ConsoleContext): Route {
  return page({
    method: 'GET',
    path: '/alerts/:id/ledger',
    access: 'alert.read',
    params: idParams,
    query: ledgerQuery,
    handle: async ({ actor, params, query: { show: part, after } }) =>
      await database.withActor(actor, async (tx) => {
        const alert = await findLiveAlert(tx, params.id);
        if (alert === undefined) return notFound();
        const { alertId, dispatchId } = alert;
        const question = { alertId, dispatchId, part, after, most: PAGE_ROWS + 1 };
        const found = await listLedger(tx, question);
        const shown = pageOf(found, PAGE_ROWS, ({ name, id }) => [name, id]);
        return view('console/ledger.njk', { alert, part, parts: ledgerParts, ...shown });
      }),
  });
}
