/** Why an alert does what it does, as a page and for programs. */
import { z } from 'zod';
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
  view,
  type Route,
} from '#web/index.ts';
import { explainAlert } from './because.ts';
import type { ConsoleContext } from './context.ts';
import type { Explained } from './model.ts';
import { idParams } from './parse.ts';
import { findLiveAlert } from './store.ts';

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
