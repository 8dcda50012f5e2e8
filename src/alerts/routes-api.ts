/**
 * Alerts for programs: write, submit, take back, close. There is no route to approve or to return:
 * P5 wants a second person, the API knows keys only, and a route that always refuses helps nobody.
 */
import { z } from 'zod';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import type { AudienceQuestion } from '#organisations/index.ts';
import { countMessages } from '#dispatch/index.ts';
import { api, json, notFound, pageOf, problem, refuseBody, type Route } from '#web/index.ts';
import { closeAlert } from './close.ts';
import { beginVersion } from './correct.ts';
import { withdrawAlert } from './decide.ts';
import { costOfDraft } from './counted-rounds.ts';
import { createAlert, saveDraft } from './draft.ts';
import { abandonAlert, takeUpDraft } from './drafts/give-up.ts';
import { dispatchesOf } from './model.ts';
import { previewAlert, readFrozenOf } from './preview.ts';
import { recallAlert, sendAlertNow } from './recall.ts';
import type { AlertContext } from './rendering.ts';
import { act, readState } from './routes-api-act.ts';
import { dryRunApiRoutes } from './routes-api-dry-run.ts';
import { endingApiRoutes } from './routes-api-ending.ts';
import { moveRulesApiRoutes } from './routes-api-move-rules.ts';
import {
  alertDetail,
  alertList,
  alertState,
  frozen,
  listQuery,
  newDraft,
  preview,
  savedDraft,
  submitBody,
  submitted,
} from './routes-api-shapes.ts';
import {
  detailOf,
  frozenRoundOf,
  parseBody,
  previewOf,
  submissionOf,
  withPaths,
} from './routes-api-values.ts';
import { countRecipients } from './store-frozen.ts';
import { listAlerts } from './store-list.ts';
import { findSubmission } from './store-submission.ts';
import { findVersion } from './store.ts';
import { submitAlert } from './submit.ts';

export type AlertApiContext = AlertContext & { readonly database: Database };

const params = z.object({ id: z.uuid() });

export function alertApiRoutes(context: AlertApiContext): Route[] {
  return [
    ...listRoutes(context),
    ...readRoutes(context),
    ...dryRunApiRoutes(context),
    ...draftRoutes(context),
    submitRoute(context),
    ...actRoutes(context),
    ...endingApiRoutes(context),
    ...moveRulesApiRoutes(context),
  ];
}

function listRoutes({ database }: AlertApiContext): Route[] {
  return [
    api({
      method: 'GET',
      path: '/api/v1/alerts',
      access: 'alert.read',
      query: listQuery,
      api: { summary: 'Alerts, newest first', responses: { 200: alertList } },
      async handle({ actor, query: { state, after, limit } }) {
        const search = { state, before: after?.[0], most: limit + 1 };
        const found = await database.withActor(actor, (tx) => listAlerts(tx, search));
        return json(
          200,
          pageOf(found, limit, (row) => [row.number]),
        );
      },
    }),
  ];
}

function readRoutes(context: AlertApiContext): Route[] {
  const { database } = context;
  return [
    api({
      method: 'GET',
      path: '/api/v1/alerts/:id',
      access: 'alert.read',
      params,
      api: { summary: 'One alert: state, words, audience', responses: { 200: alertDetail } },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          const version = await findVersion(tx, id);
          if (version === undefined) return notFound();
          return json(200, detailOf(version, await findSubmission(tx, version.id)));
        }),
    }),
    api({
      method: 'GET',
      path: '/api/v1/alerts/:id/preview',
      access: 'alert.read',
      params,
      api: {
        summary: 'What these words to this audience would be today',
        responses: { 200: preview },
      },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          const version = await findVersion(tx, id);
          if (version === undefined) return notFound();
          const audience = version.audience as AudienceQuestion;
          const { alertNumber, kind, exercise } = version;
          const shown = await previewAlert(tx, context, {
            kind,
            wording: version,
            audience,
            alertNumber,
            exercise,
          });
          if (shown === undefined) return problem(noSuchSeverity);
          return json(200, previewOf(shown, await costOfDraft(tx, context, version)));
        }),
    }),
    api({
      method: 'GET',
      path: '/api/v1/alerts/:id/submission',
      access: 'alert.read',
      params,
      api: {
        summary: 'What was frozen at the last submission: who, how many, in which words',
        responses: { 200: frozen },
      },
      handle: async ({ actor, params: { id } }) =>
        await database.withActor(actor, async (tx) => {
          const version = await findVersion(tx, id);
          const submission = version && (await findSubmission(tx, version.id));
          if (version === undefined || submission === undefined) return notFound();
          const found = { version, submission };
          const { frozen: rounds, following } = await readFrozenOf(tx, context, found);
          return json(200, {
            ...submissionOf(submission),
            counts: await countRecipients(tx, submission),
            rounds: rounds.map(frozenRoundOf),
            correction: following.map(frozenRoundOf),
          });
        }),
    }),
  ];
}

const noSuchSeverity = refused('conflict', 'The operating model has no such severity any more.');

function draftRoutes({ database, model }: AlertApiContext): Route[] {
  return [
    api({
      method: 'POST',
      path: '/api/v1/alerts',
      access: 'alert.write',
      body: newDraft(model),
      api: { summary: 'Begin a draft', responses: { 201: alertState } },
      async handle({ actor, body }) {
        const draft = parseBody(body, model);
        if (!draft.ok) return problem(draft);
        const done = await database.attempt(actor, async (tx) => {
          const created = await createAlert(tx, model, { ...draft.value, exercise: body.exercise });
          return created.ok ? await readState(tx, created.value.id) : created;
        });
        if (!done.ok) return problem(withPaths(done));
        return json(201, done.value, { location: `/api/v1/alerts/${done.value.id}` });
      },
    }),
    api({
      method: 'PUT',
      path: '/api/v1/alerts/:id',
      access: 'alert.write',
      params,
      body: savedDraft(model),
      api: { summary: 'Replace a draft as a whole', responses: { 200: alertState } },
      async handle({ actor, params: { id }, body }) {
        const draft = parseBody(body, model);
        if (!draft.ok) return problem(draft);
        const { revision } = body;
        return await act(database, actor, id, (tx) =>
          saveDraft(tx, { ...draft.value, alertId: id, revision }),
        );
      },
    }),
  ];
}

function submitRoute(context: AlertApiContext): Route {
  const { database, origin } = context;
  return api({
    method: 'POST',
    path: '/api/v1/alerts/:id/submit',
    access: 'alert.write',
    params,
    body: submitBody,
    api: {
      summary: 'Freeze audience and texts, and ask for a second person; sends nothing',
      responses: { 200: submitted },
    },
    async handle({ actor, params: { id }, body: { revision }, now }) {
      const done = await database.attempt(actor, async (tx) => {
        const outcome = await submitAlert(tx, context, { alertId: id, revision, now });
        if (!outcome.ok) return outcome;
        const version = await findVersion(tx, id);
        const submission = version && (await findSubmission(tx, version.id));
        if (submission === undefined) throw new Error(`alert ${id} has no submission`);
        const { dispatchId, correctionDispatchId, contentHash } = submission;
        let messages = 0;
        for (const one of dispatchesOf(submission))
          for (const count of await countMessages(tx, one)) messages += count.messages;
        const { value } = await readState(tx, id);
        return ok({ ...value, dispatchId, correctionDispatchId, messages, contentHash });
      });
      if (!done.ok) return problem(withPaths(done));
      return json(200, { ...done.value, approvalPage: `${origin}/alerts/${id}` });
    },
  });
}

function actRoutes(context: AlertApiContext): Route[] {
  const { database } = context;
  const route = (
    name:
      | 'withdraw'
      | 'abandon'
      | 'take-up'
      | 'close'
      | 'update'
      | 'correct'
      | 'recall'
      | 'send-now',
    summary: string,
    verb: (tx: Tx, id: string, now: Date) => Promise<Outcome<void>>,
    access: 'alert.write' | 'dispatch.steer' = 'alert.write',
  ) =>
    api({
      method: 'POST',
      path: `/api/v1/alerts/:id/${name}`,
      access,
      params,
      api: { summary, responses: { 200: alertState } },
      async handle({ actor, params: { id }, now, rawBody }) {
        const unwanted = refuseBody(rawBody);
        if (unwanted !== undefined) return problem(unwanted);
        return await act(database, actor, id, (tx) => verb(tx, id, now));
      },
    });
  return [
    route('withdraw', 'Take a submitted alert back to draft', (tx, alertId, now) =>
      withdrawAlert(tx, { alertId, now }),
    ),
    route('abandon', 'Give up a draft', (tx, id) => abandonAlert(tx, id)),
    route('take-up', 'Take a draft up again that was given up', (tx, id) => takeUpDraft(tx, id)),
    route('close', 'End a live alert: nobody is chased any more', (tx, id) => closeAlert(tx, id)),
    route('update', 'Begin an update of an alert that is out, as a draft', (tx, alertId) =>
      beginVersion(tx, context.model, { alertId, kind: 'update' }),
    ),
    route('correct', 'Begin a correction of an alert that is out, as a draft', (tx, alertId) =>
      beginVersion(tx, context.model, { alertId, kind: 'correction' }),
    ),
    route(
      'recall',
      'Take a release back whole, before its first text left; it is a draft again',
      (tx, alertId) => recallAlert(tx, { alertId, reason: 'recalled by a program' }),
      'dispatch.steer',
    ),
    route(
      'send-now',
      'End the recall window: the first texts leave now',
      (tx, alertId) => sendAlertNow(tx, alertId),
      'dispatch.steer',
    ),
  ];
}
