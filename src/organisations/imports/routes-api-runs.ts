/** The undo of the last import for programs: begun, looked at while it is at work, cancelled. */
import { z } from 'zod';
import { newId } from '#kernel/ids.ts';
import type { Tx } from '#db/database.ts';
import {
  api,
  json,
  meaningsOf,
  notFound,
  problem,
  refuseBody,
  uuid,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { OrganisationApiContext } from '../routes-api-context.ts';
import { beginUndo, cancelRun, findOwnRun, type RunContext } from './import-run.ts';
import { findUndone } from './store-undo.ts';

const params = z.object({ id: z.uuid() });

const undoRun = z.strictObject({
  id: uuid,
  importId: uuid,
  state: meaningsOf({
    undoing: 'waits for its turn or is at work',
    undone: 'done',
    failed: 'nothing is undone; `reason` says why',
    interrupted: 'the process that worked on it is gone; nothing is undone, begin another',
    cancelled: 'nothing is undone',
  }),
  progress: z.number().describe('How much of all is done, 0 to 1'),
  reason: z.string().nullable(),
  counts: z
    .strictObject({
      removed: z.int().describe('Added by the import, and gone again'),
      ended: z.int().describe('Added by it, and kept for what refers to it: inactive, or closed'),
      putBack: z.int(),
      left: z.int().describe('Changed by somebody since'),
    })
    .nullable()
    .describe('Once it is done'),
  left: z.array(z.string()).describe('The first hundred of those that were left, by name'),
});

export function undoApiRoutes(context: OrganisationApiContext): Route[] {
  return [beginRoute(context), lookRoute(context), cancelRoute(context)];
}

function beginRoute({ database, secrets }: OrganisationApiContext): Route {
  return api({
    method: 'POST',
    path: '/api/v1/imports/:id/undo',
    access: 'directory.write',
    params,
    api: {
      summary: 'Begin to take back the last import; what somebody changed since is left',
      responses: { 202: undoRun },
    },
    async handle({ actor, params: { id: importId }, rawBody, now }) {
      const none = refuseBody(rawBody);
      if (none !== undefined) return problem(none);
      const id = newId(now.getTime());
      const begun = await database.attempt(actor, (tx) =>
        beginUndo(tx, { id, importId }, { secrets, now }),
      );
      if (!begun.ok) return problem(begun);
      return await database.withActor(actor, (tx) => runReply(tx, id, { secrets, now }, 202));
    },
  });
}

function lookRoute({ database, secrets }: OrganisationApiContext): Route {
  return api({
    method: 'GET',
    path: '/api/v1/undo-runs/:id',
    access: 'directory.write',
    params,
    api: {
      summary: 'How far an undo is that this key began; kept for an hour',
      responses: { 200: undoRun },
    },
    handle: async ({ actor, params: { id }, now }) =>
      await database.withActor(actor, (tx) => runReply(tx, id, { secrets, now }, 200)),
  });
}

function cancelRoute({ database, secrets }: OrganisationApiContext): Route {
  return api({
    method: 'POST',
    path: '/api/v1/undo-runs/:id/cancel',
    access: 'directory.write',
    params,
    api: {
      summary: 'Cancel an undo that this key began; then nothing is undone',
      responses: { 200: undoRun },
    },
    async handle({ actor, params: { id }, rawBody, now }) {
      const none = refuseBody(rawBody);
      if (none !== undefined) return problem(none);
      const done = await database.attempt(actor, (tx) => cancelRun(tx, id, { secrets, now }));
      if (!done.ok) return problem(done);
      return await database.withActor(actor, (tx) => runReply(tx, id, { secrets, now }, 200));
    },
  });
}

/** Absent, of a file on its way in, and somebody else's look alike. */
async function runReply(
  tx: Tx,
  id: string,
  context: RunContext,
  status: 200 | 202,
): Promise<Reply> {
  const run = await findOwnRun(tx, id, context);
  if (run === undefined || run.undoes === null) return notFound();
  const { state, undoes: importId, progress, reason, leftNames: left } = run;
  const isDone = state === 'undone';
  const counts = isDone ? ((await findUndone(tx, importId)) ?? null) : null;
  const shown = { id, importId, state, progress: isDone ? 1 : (progress ?? 0), reason };
  const location = { location: `/api/v1/undo-runs/${id}` };
  return json(status, { ...shown, counts, left }, status === 202 ? location : {});
}
