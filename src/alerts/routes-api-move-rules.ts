/** Moving what is out to the rules in force, for programs. */
import { z } from 'zod';
import type { Database } from '#db/database.ts';
import { api, json, oneLine, problem, type Route } from '#web/index.ts';
import { moveRules, readMoving } from './move-rules.ts';
import type { AlertContext } from './rendering.ts';
import { act } from './routes-api-act.ts';
import { alertState } from './routes-api-shapes.ts';
import { REASON_MAX } from './withdraw.ts';

const params = z.object({ id: z.uuid() });

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'Not the SHA-256 of an operating model');

const moving = z.strictObject({
  from: sha256.describe('The operating model that it obeys'),
  to: sha256.describe('The one in force'),
  changes: z.array(z.string()).describe('What would change for it, in words'),
  widens: z
    .array(z.string())
    .describe('Why it cannot be moved, and has to go as an update; empty where it can'),
});

const body = z.strictObject({
  to: sha256.describe('The one in force, as you were told'),
  reason: oneLine(REASON_MAX).describe('Kept in the audit, sent to nobody'),
});

export function moveRulesApiRoutes(
  context: AlertContext & { readonly database: Database },
): Route[] {
  const { database, model } = context;
  return [
    api({
      method: 'GET',
      path: '/api/v1/alerts/:id/rules',
      access: 'alert.read',
      params,
      api: {
        summary: 'What would change for an alert that is out, were it moved to the rules in force',
        responses: { 200: moving },
      },
      async handle({ actor, params: { id } }) {
        const found = await database.attempt(actor, (tx) => readMoving(tx, context, id));
        if (!found.ok) return problem(found);
        const { from, moving: would } = found.value;
        const { changes, widens } = would;
        return json(200, { from: from.version, to: model.version, changes, widens });
      },
    }),
    api({
      method: 'POST',
      path: '/api/v1/alerts/:id/rules',
      access: 'dispatch.steer',
      params,
      body,
      api: {
        summary: 'Move it to the rules in force: its times follow, whom it tells does not',
        responses: { 200: alertState },
      },
      handle: async ({ actor, params: { id: alertId }, body: { to, reason } }) =>
        await act(database, actor, alertId, (tx) =>
          moveRules(tx, context, { alertId, to, reason }),
        ),
    }),
  ];
}
