/** The duty desk: its page and its stream. */
import { may, system } from '#kernel/actor.ts';
import { severityById } from '#operating-model/index.ts';
import { events, eventStream, page, redirect, view, type Route } from '#web/index.ts';
import { withWords } from './board.ts';
import { tallyOf } from './figures.ts';
import { boardRoutes, type ConsoleContext } from './routes-board.ts';
import { listRoutes } from './routes-lists.ts';
import { listBroken, readAuditor } from './store-audit.ts';
import { findHold } from './store-certainty.ts';
import { readFigures, scopeOf } from './store-standings.ts';
import { listDesk, listGatewayStates, listLiveAlerts, listWaitingApprovals } from './store.ts';
import type { Watch } from './topic.ts';

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
      alerts.push({
        ...alert,
        severityLabel,
        tally: tallyOf(await readFigures(tx, scopeOf(alert))),
      });
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

type DeskModel = { readonly desk: Awaited<ReturnType<typeof readDesk>> };

function watchDesk(context: ConsoleContext): Watch<DeskModel> {
  return {
    name: 'desk',
    read: async () => ({ desk: await readDesk(context, context.now()) }),
    keys: () => ['*'],
  };
}

function deskRoutes(context: ConsoleContext): Route[] {
  const watch = watchDesk(context);
  return [
    page({
      method: 'GET',
      path: '/',
      access: 'signed-in',
      async handle({ actor }) {
        if (!may(actor, 'alert.read'))
          return redirect(may(actor, 'directory.own') ? '/our-contacts' : '/account');
        const { desk } = await context.live.read(watch);
        return view('console/desk.njk', { desk, mayWrite: may(actor, 'alert.write') });
      },
    }),
    eventStream({
      path: '/desk/events',
      access: 'alert.read',
      handle: () =>
        Promise.resolve(
          events(async function* (signal) {
            for await (const model of context.live.follow(watch, signal))
              yield { name: 'desk', template: 'console/desk-live.njk', model };
          }),
        ),
    }),
  ];
}
