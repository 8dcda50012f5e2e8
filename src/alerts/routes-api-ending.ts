/** Ending an alert that is out, for programs: the words were approved along with it (P5). */
import { z } from 'zod';
import type { Database } from '#db/database.ts';
import { api, json, problem, refuseBody, type Route } from '#web/index.ts';
import { closeAndTell } from './close.ts';
import { readEnding } from './ending.ts';
import type { AlertContext } from './rendering.ts';
import { act } from './routes-api-act.ts';
import { alertState, ending, withdrawalBody } from './routes-api-shapes.ts';
import { withdrawReleased } from './withdraw.ts';

const params = z.object({ id: z.uuid() });

export function endingApiRoutes(context: AlertContext & { readonly database: Database }): Route[] {
  const { database } = context;
  return [
    api({
      method: 'GET',
      path: '/api/v1/alerts/:id/ending',
      access: 'alert.read',
      params,
      api: {
        summary: 'What would be said, were this alert withdrawn or closed, and to how many',
        responses: { 200: ending },
      },
      async handle({ actor, params: { id } }) {
        const found = await database.attempt(actor, (tx) => readEnding(tx, id));
        if (!found.ok) return problem(found);
        const { submission, mayHaveIt } = found.value;
        const { withdrawal, closing } = submission.along;
        return json(200, { withdrawal: wordsOf(withdrawal), closing: wordsOf(closing), mayHaveIt });
      },
    }),
    api({
      method: 'POST',
      path: '/api/v1/alerts/:id/withdrawal',
      access: 'dispatch.steer',
      params,
      body: withdrawalBody,
      api: {
        summary: 'Withdraw what is out: it does not hold. Whoever may have had it is told',
        responses: { 200: alertState },
      },
      handle: async ({ actor, params: { id: alertId }, body: { reason } }) =>
        await act(database, actor, alertId, (tx) =>
          withdrawReleased(tx, context, { alertId, reason }),
        ),
    }),
    api({
      method: 'POST',
      path: '/api/v1/alerts/:id/closing',
      access: 'dispatch.steer',
      params,
      api: {
        summary: 'Close what is out and tell whoever may have had it; takes `alert.write` as well',
        responses: { 200: alertState },
      },
      async handle({ actor, params: { id: alertId }, rawBody }) {
        const unwanted = refuseBody(rawBody);
        if (unwanted !== undefined) return problem(unwanted);
        return await act(database, actor, alertId, (tx) => closeAndTell(tx, context, alertId));
      },
    }),
  ];
}

function wordsOf({ text, subject, mail }: { text: string; subject: string; mail: string }) {
  return { text, subject, mail };
}
