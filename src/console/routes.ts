/** The duty desk and the live board: pages, their streams and their lists. */
import { z } from 'zod';
import { may, system } from '#kernel/actor.ts';
import { severityById } from '#operating-model/index.ts';
import {
  events,
  eventStream,
  file,
  keysOf,
  notFound,
  page,
  pageOf,
  redirect,
  view,
  type Route,
} from '#web/index.ts';
import { readBoard, withWords, type BoardContext } from './board.ts';
import { csvOf } from './csv.ts';
import type { LiveViews } from './live.ts';
import { listings } from './model.ts';
import { standingCursor } from './parse.ts';
import { findHold } from './store-certainty.ts';
import {
  dispatchesOf,
  findLiveAlert,
  findRegionName,
  listDesk,
  listGatewayStates,
  listLiveAlerts,
  listStandings,
  listWaitingApprovals,
  readTally,
} from './store.ts';
import { listBroken, readAuditor } from './store-audit.ts';

export type ConsoleContext = BoardContext & {
  readonly live: LiveViews;
  readonly now: () => Date;
};

const PAGE_ROWS = 100;
const CSV_ROWS_MAX = 100_000;
const idParams = z.object({ id: z.uuid() });
const listQuery = z.object({
  show: keysOf(listings).default('must_answer'),
  region: z.string().max(20).optional(),
  after: standingCursor.optional().catch(undefined),
});

export function consoleRoutes(context: ConsoleContext): Route[] {
  return [...deskRoutes(context), ...boardRoutes(context), ...listRoutes(context)];
}

/** What waits for somebody at the duty desk, as one value. */
async function readDesk({ database, openReply, model }: ConsoleContext, now: Date) {
  return await database.withActor(system('desk'), async (tx) => {
    const live = await listLiveAlerts(tx);
    const alerts = [];
    for (const alert of live) {
      const severityLabel = severityById(model, alert.severity)?.label ?? alert.severity;
      alerts.push({ ...alert, severityLabel, tally: await readTally(tx, alert.alertId) });
    }
    return {
      alerts,
      approvals: await listWaitingApprovals(tx),
      desk: withWords(await listDesk(tx, undefined), openReply),
      gateways: await listGatewayStates(tx),
      auditor: await readAuditor(tx),
      broken: await listBroken(tx),
      hold: await findHold(tx),
      readAt: now,
    };
  });
}

function deskRoutes(context: ConsoleContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/',
      access: 'signed-in',
      async handle({ actor, now }) {
        if (!may(actor, 'alert.read'))
          return redirect(may(actor, 'directory.own') ? '/our-contacts' : '/account');
        const desk = await readDesk(context, now);
        return view('console/desk.njk', { desk, mayWrite: may(actor, 'alert.write') });
      },
    }),
    eventStream({
      path: '/desk/events',
      access: 'alert.read',
      handle: () =>
        Promise.resolve(
          events(async function* (signal) {
            const read = () => readDesk(context, context.now());
            for await (const desk of context.live.follow(['*'], read, signal))
              yield { name: 'desk', template: 'console/desk-live.njk', model: { desk } };
          }),
        ),
    }),
  ];
}

function boardRoutes(context: ConsoleContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/board',
      access: 'alert.read',
      params: idParams,
      async handle({ actor, params, now }) {
        const board = await readBoard(context, { alertId: params.id, now });
        if (board === undefined) return notFound();
        return view('console/board.njk', {
          board,
          maySteer: may(actor, 'dispatch.steer'),
          mayWrite: may(actor, 'alert.write'),
        });
      },
    }),
    eventStream({
      path: '/alerts/:id/board/events',
      access: 'alert.read',
      params: idParams,
      async handle({ params, now }) {
        const { id } = params;
        const first = await readBoard(context, { alertId: id, now });
        if (first === undefined) return notFound();
        const read = () => readBoard(context, { alertId: id, now: context.now() });
        const keys = [id, ...dispatchesOf(first.alert)];
        return events(async function* (signal) {
          for await (const board of context.live.follow(keys, read, signal))
            if (board !== undefined)
              yield { name: 'board', template: 'console/board-live.njk', model: { board } };
        });
      },
    }),
  ];
}

function listRoutes({ database }: ConsoleContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/organisations',
      access: 'alert.read',
      params: idParams,
      query: listQuery,
      async handle({ actor, params, query }) {
        const { show: listing, region, after } = query;
        return await database.withActor(actor, async (tx) => {
          const alert = await findLiveAlert(tx, params.id);
          if (alert === undefined) return notFound();
          const question = { alertId: params.id, listing, region, after, most: PAGE_ROWS + 1 };
          const found = await listStandings(tx, question);
          const shown = pageOf(found, PAGE_ROWS, (row) => [row.name, row.organisationId]);
          return view('console/organisations.njk', {
            alert,
            listing,
            listings,
            region,
            regionName: region === undefined ? '' : await findRegionName(tx, region),
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
      async handle({ actor, params, query }) {
        const { show: listing, region } = query;
        return await database.withActor(actor, async (tx) => {
          const alert = await findLiveAlert(tx, params.id);
          if (alert === undefined) return notFound();
          const question = { alertId: params.id, listing, region, after: undefined };
          const rows = await listStandings(tx, { ...question, most: CSV_ROWS_MAX });
          const name = `alert-${alert.number}-${listing}.csv`;
          return file(name, 'text/csv; charset=utf-8', csvOf(rows));
        });
      },
    }),
  ];
}
