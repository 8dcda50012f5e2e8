/** Why an alert does what it does, and why single messages went, as pages and for programs. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import {
  api,
  because,
  instant,
  json,
  listOf,
  notFound,
  page,
  pageOf,
  pageQuery,
  view,
  type Route,
} from '#web/index.ts';
import { explainAlert } from './because.ts';
import { explainSingle } from './because-single.ts';
import type { ConsoleContext } from './context.ts';
import type { Explained } from './model.ts';
import { idParams, messageCursor, singleQuery } from './parse.ts';
import { listSingles } from './store-single.ts';
import { findLiveAlert } from './store.ts';

const PAGE_ROWS = 100;

export function becauseRoute({ database, model }: ConsoleContext): Route {
  return page({
    method: 'GET',
    path: '/alerts/:id/because',
    access: 'alert.read',
    params: idParams,
    handle: async ({ actor, params: { id } }) =>
      await database.withActor(actor, async (tx) => {
        const alert = await findLiveAlert(tx, id);
        if (alert === undefined) return notFound();
        const explained = await explainAlert(tx, alert, model);
        return view('console/because.njk', { alert, explained });
      }),
  });
}

const explanation = z.strictObject({
  what: z.string(),
  at: instant.nullable().describe('When it happened, or will'),
  because,
  facts: z.array(z.string()).describe('What the rule was applied to'),
});

export function becauseApiRoute(context: {
  readonly database: Database;
  readonly model: OperatingModel;
}): Route {
  return api({
    method: 'GET',
    path: '/api/v1/alerts/:id/because',
    access: 'alert.read',
    params: idParams,
    api: {
      summary: 'Why a released alert does what it does: rule, version and facts of each step',
      responses: { 200: listOf(explanation) },
    },
    handle: async ({ actor, params: { id } }) =>
      await context.database.withActor(actor, async (tx) => {
        const rows = await explainById(tx, id, context.model);
        return rows === undefined ? notFound() : json(200, { rows, next: null });
      }),
  });
}

async function explainById(tx: Tx, alertId: string, model: OperatingModel) {
  const alert = await findLiveAlert(tx, alertId);
  if (alert === undefined) return undefined;
  return (await explainAlert(tx, alert, model)).map(asShape);
}

function asShape(one: Explained) {
  return { ...one, because: one.because ?? null };
}

type ApiContext = { readonly database: Database };

export function singlesRoute({ database }: ApiContext): Route {
  return page({
    method: 'GET',
    path: '/single-messages',
    access: 'system.read',
    query: singleQuery,
    handle: async ({ actor, query: { after } }) =>
      view('console/singles.njk', await readSingles(database, actor, { after, limit: PAGE_ROWS })),
  });
}

export function singlesApiRoute({ database }: ApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/single-messages',
    access: 'system.read',
    query: z.strictObject(pageQuery(messageCursor)),
    api: {
      summary: 'Why each message outside of alerts went, the newest first; never what it says',
      responses: { 200: listOf(explanation) },
    },
    handle: async ({ actor, query }) => {
      const { explained, next } = await readSingles(database, actor, query);
      return json(200, { rows: explained.map(asShape), next });
    },
  });
}

async function readSingles(
  database: Database,
  actor: Actor,
  { after, limit }: { readonly after?: readonly [string] | undefined; readonly limit: number },
): Promise<{ explained: Explained[]; next: string | null }> {
  const most = limit + 1;
  const found = await database.withActor(actor, (tx) =>
    listSingles(tx, { after: after?.[0], most }),
  );
  const { rows, next } = pageOf(found, limit, ({ id }) => [id]);
  return { explained: rows.map(explainSingle), next };
}
