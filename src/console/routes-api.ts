/** Live figures and gateways for programs: what the boards show, as values. */
import { z } from 'zod';
import { markings } from '#kernel/marking.ts';
import type { Database } from '#db/database.ts';
import {
  api,
  instant,
  json,
  keysOf,
  listOf,
  meaningsOf,
  notFound,
  pageOf,
  pageQuery,
  uuid,
  type Route,
} from '#web/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { becauseApiRoute, singlesApiRoute } from './routes-because.ts';
import { listings, reaches } from './model.ts';
import { tallyOf } from './figures.ts';
import { filterOf, standingCursor } from './parse.ts';
import { tallyHeaps } from './counted.ts';
import { byChannel } from './paths.ts';
import { listStandings, readFigures, scopeOf } from './store-standings.ts';
import {
  findLiveAlert,
  listGatewayStates,
  listRounds,
  readHeaps,
  dispatchesOf,
  type LiveAlert,
} from './store.ts';

export type ConsoleApiContext = {
  readonly database: Database;
  readonly model: OperatingModel;
};

const params = z.object({ id: z.uuid() });
const count = z.int();

const placeCode = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,19}$/, 'Not a code')
  .transform((code) => code.toUpperCase())
  .optional();

const listingQuery = z.strictObject({
  listing: keysOf(listings)
    .default('must_answer')
    .describe('The organisations behind one figure of the tally'),
  region: placeCode.describe('Code of a region'),
  system: placeCode.describe('Code of a system'),
  type: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/, 'Not a type')
    .optional()
    .describe('Type of organisation'),
  ...pageQuery(standingCursor),
});

const figures = z
  .strictObject({
    mustAnswer: count,
    delivered: count.describe('A handset or mailbox has it'),
    deliveredLately: count.describe('Of these within the last five minutes'),
    acknowledged: count.describe('A person answered'),
    acknowledgedLately: count,
    affected: count.describe('Said so themselves'),
    affectedLately: count,
    help: count.describe('Asked for help'),
    helpLately: count,
    silent: count.describe('Reached, no answer, and nobody of the chain is left to be asked'),
    unreachable: count.describe('Nothing can reach them: ring'),
    uncertain: count.describe('Nobody can say yet whether it left'),
    waiting: count.describe('Not yet answered, for whatever reason'),
    toRing: count.describe('Silent or unreachable'),
    notGone: count.describe('Not answered, and nothing has left for them'),
    noReceipt: count.describe('Not answered; a provider took something, no receipt yet'),
    unanswered: count.describe('Not answered, though a handset or mailbox has it'),
    notSaid: count.describe('Acknowledged, and not said whether affected'),
  })
  .describe('Organisations that must answer, not messages');

const path = z.strictObject({
  channel: z.enum(['text', 'mail']),
  planned: count,
  waiting: count,
  underWay: count,
  accepted: count.describe('Taken by the provider; no receipt yet'),
  delivered: count,
  failed: count,
  unknown: count,
  cancelled: count,
});

const tally = z.strictObject({
  alertId: uuid,
  number: z.int().meta({ examples: [4901] }),
  title: z.string(),
  severity: z.string(),
  marking: z.enum(markings),
  state: z.enum(['released', 'closed']),
  releasedAt: instant,
  closedAt: instant.nullable(),
  nextUpdateAt: instant.nullable(),
  exercise: z.boolean(),
  dispatchId: uuid,
  dispatchState: z.enum(['held', 'sending', 'paused', 'cancelled', 'done']),
  pauseReason: z.string().nullable(),
  organisations: figures,
  messages: z.array(path).describe('By channel'),
  rounds: z.array(
    z.strictObject({
      round: z.int(),
      opensAt: instant.nullable(),
      openedAt: instant.nullable(),
      reminds: z
        .boolean()
        .describe('To those of an earlier round who have not answered, once more'),
    }),
  ),
  readAt: instant,
});

const standing = z.strictObject({
  organisationId: uuid,
  name: z.string().meta({ examples: ['Northmoor Teaching Hospitals'] }),
  shortName: z.string().meta({ examples: ['Northmoor'] }),
  code: z
    .string()
    .describe('What its people text back')
    .meta({ examples: ['4821'] }),
  regionCode: z.string().nullable(),
  reach: meaningsOf(reaches),
  moreToCome: z.boolean().describe('Messages to it still wait'),
  openedAt: instant.nullable().describe('Somebody opened it with its code, which is no answer'),
  acknowledgedAt: instant.nullable(),
  evidence: z
    .enum(['text_with_code', 'text_without_code', 'link_with_code', 'call', 'signed_in'])
    .nullable()
    .describe('How sure we are that a person answered'),
  affected: z.enum(['yes', 'no']).nullable(),
  helpAskedAt: instant.nullable(),
  isCutOff: z.boolean().describe('Its network is in foreign hands: believe no mail from it'),
});

const gateway = z.strictObject({
  id: z.string().meta({ examples: ['notify'] }),
  kind: z.enum(['notify', 'smtp']),
  channel: z.enum(['text', 'mail']),
  weight: z.int().describe('Its share of new people; 0 is a reserve'),
  enabled: z.boolean().describe('One that is switched off sends nothing'),
  breakerState: z
    .enum(['closed', 'open', 'half_open', 'ramping'])
    .describe('closed works; open sends nothing just now; the others are on their way back'),
  bucket: z
    .strictObject({
      id: z.string(),
      ratePerSecond: z.number(),
      burst: z.number(),
      tokens: z.number().describe('What may leave at once, now'),
    })
    .describe('How fast it may send; gateways of one service share one'),
  pausedUntil: instant.nullable(),
  pauseReason: z.string().nullable(),
  lastProvenAt: instant.nullable().describe('When a message was last seen to pass'),
  lastFailureAt: instant.nullable(),
  lastFailureCode: z.string().nullable(),
});

export function consoleApiRoutes(context: ConsoleApiContext): Route[] {
  return [
    tallyRoute(context),
    standingsRoute(context),
    gatewaysRoute(context),
    becauseApiRoute(context),
    singlesApiRoute(context),
  ];
}

function tallyRoute({ database }: ConsoleApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/alerts/:id/tally',
    access: 'alert.read',
    params,
    api: { summary: 'The figures of a released alert, now', responses: { 200: tally } },
    handle: async ({ actor, params: { id: alertId }, now }) =>
      await database.withActor(actor, async (tx) => {
        const alert = await findLiveAlert(tx, alertId);
        if (alert === undefined) return notFound();
        return json(200, {
          ...headOf(alert),
          organisations: tallyOf(await readFigures(tx, scopeOf(alert))),
          messages: byChannel(tallyHeaps(await readHeaps(tx, dispatchesOf(alert)))),
          rounds: await listRounds(tx, alert.dispatchId),
          readAt: now,
        });
      }),
  });
}

/** The alert without its words: those are with the alert itself. */
function headOf(alert: LiveAlert) {
  return {
    alertId: alert.alertId,
    number: alert.number,
    title: alert.title,
    severity: alert.severity,
    marking: alert.marking,
    state: alert.state,
    releasedAt: alert.releasedAt,
    closedAt: alert.closedAt,
    nextUpdateAt: alert.nextUpdateAt,
    exercise: alert.exercise,
    dispatchId: alert.dispatchId,
    dispatchState: alert.dispatchState,
    pauseReason: alert.pauseReason,
  };
}

function standingsRoute({ database }: ConsoleApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/alerts/:id/organisations',
    access: 'alert.read',
    params,
    query: listingQuery,
    api: {
      summary: 'The organisations behind a figure of the tally, by name',
      responses: { 200: listOf(standing) },
    },
    handle: async ({ actor, params: { id: alertId }, query }) =>
      await database.withActor(actor, async (tx) => {
        const alert = await findLiveAlert(tx, alertId);
        if (alert === undefined) return notFound();
        const { listing, after, limit } = query;
        const question = { listing, filter: filterOf(query), after, most: limit + 1 };
        const found = await listStandings(tx, scopeOf(alert), question);
        return json(
          200,
          pageOf(found, limit, (row) => [row.name, row.organisationId]),
        );
      }),
  });
}

function gatewaysRoute({ database }: ConsoleApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/gateways',
    access: 'system.read',
    api: {
      summary: 'The gateways: when last proven, how fast, paused or not; never their secrets',
      responses: { 200: listOf(gateway) },
    },
    async handle({ actor }) {
      const found = await database.withActor(actor, (tx) => listGatewayStates(tx));
      const rows = found.map(({ bucketId, ratePerSecond, burst, tokens, ...row }) => ({
        ...row,
        bucket: { id: bucketId, ratePerSecond, burst, tokens },
      }));
      return json(200, { rows, next: null });
    },
  });
}
