/** The duty desk: everything that waits for somebody, on one page that moves. */
import { may, readsUpTo, regionsOf, systemFor, type Actor } from '#kernel/actor.ts';
import {
  becauseApproval,
  becauseCallBack,
  becauseNextUpdate,
  rulesOf,
  severityById,
} from '#operating-model/index.ts';
import { clockOrDate, events, eventStream, page, redirect, view, type Route } from '#web/index.ts';
import type { ConsoleContext } from './context.ts';
import { groupDesk, withWords } from './desk.ts';
import { tallyOf } from './figures.ts';
import { listBroken, readAuditor } from './store-audit.ts';
import { findHold } from './store-certainty.ts';
import { findHelpSurge, listCutOff, listDesk, listDueHolds } from './store-desk.ts';
import { listAnnouncements, listOwedReviews, listWokenForUpdates } from './store-promises.ts';
import { readFigures, scopeOf } from './store-standings.ts';
import {
  countWaitingChanges,
  findWaitingRules,
  listGatewayStates,
  listLiveAlerts,
  listReturned,
  listWaitingApprovals,
  type WaitingApproval,
} from './store.ts';
import type { Watch } from './topic.ts';

/** What waits for somebody at the duty desk, as one value, as far as this actor may see it. */
async function readDesk(
  { database, openReply, model }: ConsoleContext,
  { actor, now }: { readonly actor: Actor; readonly now: Date },
) {
  const regions = regionsOf(actor, 'alert.read');
  return await database.withActor(systemFor('desk', actor), async (tx) => {
    const live = await listLiveAlerts(tx);
    const woken = await listWokenForUpdates(
      tx,
      live.map(({ versionId }) => versionId),
    );
    const alerts = [];
    for (const alert of live) {
      const rules = await rulesOf(tx, alert.modelVersion, model);
      const severityLabel = severityById(rules, alert.severity)?.label ?? alert.severity;
      alerts.push({
        ...alert,
        severityLabel,
        because: becauseNextUpdate(rules),
        woken: woken.filter(({ subjectId }) => subjectId === alert.versionId),
        tally: tallyOf(await readFigures(tx, scopeOf(alert))),
      });
    }
    const waiting = await listDesk(tx, { regionCodes: regions });
    const desk = groupDesk(withWords(waiting, openReply));
    const surge = await findHelpSurge(tx, model.desk.helpSurge);
    return {
      alerts,
      approvals: (await listWaitingApprovals(tx)).map((one) => ({
        ...one,
        dueAt: approvalDueAt(model, one),
        because: becauseApproval(model, one.severity),
      })),
      returned: await listReturned(tx),
      cutOff: await listCutOff(tx, regions),
      announcements: await listAnnouncements(tx, {
        withinMs: model.desk.announcementsStandForMs,
      }),
      reviews: await listOwedReviews(tx),
      rulesWaiting: await findWaitingRules(tx),
      // The centre's own business: nothing to whoever reads for some regions.
      changesWaiting: regions === undefined ? await countWaitingChanges(tx, now) : null,
      dueHolds: regions === undefined ? await listDueHolds(tx, now) : [],
      desk,
      deskMore: (waiting[0]?.groups ?? 0) - desk.length,
      surge: surge && {
        ...surge,
        isOneMinute: clockOrDate(surge.since, now) === clockOrDate(surge.until, now),
      },
      gateways: await listGatewayStates(tx),
      auditor: await readAuditor(tx),
      broken: await listBroken(tx),
      hold: await findHold(tx),
      callBack: becauseCallBack(model),
      readAt: now,
    };
  });
}

/** Undefined at severities whose approval is promised at no time. */
function approvalDueAt(
  { promises: { approval } }: ConsoleContext['model'],
  { severity, submittedAt }: WaitingApproval,
): Date | undefined {
  if (!approval.severities.includes(severity)) return undefined;
  return new Date(submittedAt.getTime() + approval.withinMs);
}

type DeskModel = { readonly desk: Awaited<ReturnType<typeof readDesk>> };

/** Whoever reads as much, for the same regions, shares what is read. */
function watchDesk(context: ConsoleContext, actor: Actor): Watch<DeskModel> {
  return {
    // Under other rules it is read anew.
    name: [
      'desk',
      context.model.version,
      readsUpTo(actor),
      ...(regionsOf(actor, 'alert.read') ?? ['all']),
    ].join(' '),
    read: async () => ({ desk: await readDesk(context, { actor, now: context.now() }) }),
    keys: () => ['*'],
  };
}

export function deskRoutes(context: ConsoleContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/',
      access: 'signed-in',
      async handle({ actor }) {
        if (!may(actor, 'alert.read'))
          return redirect(may(actor, 'directory.own') ? '/our-contacts' : '/account');
        const { desk } = await context.live.read(watchDesk(context, actor));
        return view('console/desk.njk', {
          desk,
          mayWrite: may(actor, 'alert.write'),
          mayCutOff: may(actor, 'organisation.cut_off'),
        });
      },
    }),
    eventStream({
      path: '/desk/events',
      access: 'alert.read',
      handle: ({ actor }) =>
        Promise.resolve(
          events(async function* (signal) {
            for await (const model of context.live.follow(watchDesk(context, actor), signal))
              yield { name: 'desk', template: 'console/desk-live.njk', model };
          }),
        ),
    }),
  ];
}
