/** Pages of answering: an organisation within an alert. */
import { z } from 'zod';
import { mayIn, type Actor } from '#kernel/actor.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { listAlertsOfOrganisation } from '#alerts/index.ts';
import {
  NUMBERS_PER_MINUTE_MAX,
  findOrganisation,
  recordListView,
  historyLines,
  listChanges,
  type HistoryLine,
  type ContactRules,
  listCutOffOf,
} from '#organisations/index.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { recordCall } from './actions.ts';
import { openContacts } from './asker.ts';
import { alertRules } from './because.ts';
import { callRoutes } from './calls/routes-calls.ts';
import type { ResponseRoutesContext } from './context.ts';
import { answerKinds, evidences, type AnswerKind } from './model.ts';
import { deskRoutes } from './routes-desk.ts';
import { genuineRoutes } from './routes-genuine.ts';
import { proofRoutes } from './routes-proof.ts';
import { publicRoutes } from './routes-public.ts';
import { yourAlertsRoutes } from './routes-your-alerts.ts';
import { listAnswers, listMessages } from './store-read.ts';

const inAlert = z.object({ id: z.uuid(), organisationId: z.uuid() });

export function responseRoutes(context: ResponseRoutesContext): Route[] {
  return [
    ...organisationRoutes(context),
    ...deskRoutes(context),
    ...callRoutes(context),
    ...publicRoutes(context),
    ...proofRoutes(context),
    ...genuineRoutes(context),
    ...yourAlertsRoutes(context),
  ];
}

function organisationRoutes(context: ResponseRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/organisations/:organisationId',
      access: 'alert.read',
      params: inAlert,
      handle: async ({ actor, params }) => await showOrganisation(context, actor, params),
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/organisations/:organisationId/numbers',
      access: 'response.record',
      perAccountMinuteMax: NUMBERS_PER_MINUTE_MAX,
      params: inAlert,
      handle: async ({ actor, params }) =>
        await showOrganisation(context, actor, params, { withNumbers: true }),
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/organisations/:organisationId/call',
      access: 'response.record',
      params: inAlert,
      async handle({ actor, params, form }) {
        const call = parseCall(form);
        if (!call.ok)
          return await showOrganisation(context, actor, params, {
            failed: { form, refused: call },
          });
        const done = await database.attempt(actor, (tx) =>
          recordCall(tx, model, {
            id: formIdOf(form),
            alertId: params.id,
            organisationId: params.organisationId,
            ...call.value,
          }),
        );
        if (!done.ok)
          return await showOrganisation(context, actor, params, {
            failed: { form, refused: done },
          });
        const back = `/alerts/${params.id}/organisations/${params.organisationId}`;
        return redirect(back, { notice: 'The call is written down.' });
      },
    }),
  ];
}

type Call = { readonly kind: AnswerKind; readonly note: string };

function parseCall(form: Form): { ok: true; value: Call } | Refused {
  const kind = many(form['kind'])[0] as AnswerKind | undefined;
  const note = (many(form['note'])[0] ?? '').trim();
  const errors: Record<string, string> = {};
  if (kind === undefined || !answerKinds.includes(kind)) errors['kind'] = 'Choose what they said';
  if (note.length > 1000) errors['note'] = 'Use 1,000 characters or fewer';
  if (kind === undefined || Object.keys(errors).length > 0)
    return refused('invalid', 'Put right what is marked below.', errors);
  return { ok: true, value: { kind, note } };
}

async function showOrganisation(
  { database, model, ...opens }: ResponseRoutesContext,
  actor: Actor,
  params: { id: string; organisationId: string },
  how: { failed?: { form: Form; refused: Refused }; withNumbers?: boolean } = {},
): Promise<Reply> {
  const { failed, withNumbers } = how;
  return await database.withActor(actor, async (tx) => {
    const { id: alertId, organisationId } = params;
    const organisation = await findOrganisation(tx, organisationId);
    const messages = await listMessages(tx, alertId, organisationId);
    if (organisation === undefined || messages === undefined) return notFound();
    if (!mayIn(actor, 'alert.read', messages.regionCode)) return notFound();
    const mayRecord = mayIn(actor, 'response.record', messages.regionCode);
    const rules = await alertRules(tx, alertId, model);
    const contactIds = organisation.contacts.map((contact) => contact.id);
    if (!(withNumbers === true && mayRecord))
      await recordListView(tx, { list: 'in_alert', contactIds, organisationId });
    return view(
      'responses/organisation.njk',
      {
        alertId,
        alertNumber: messages.alertNumber,
        isExercise: messages.exercise,
        code: messages.code,
        organisation,
        isCutOff: (await listCutOffOf(tx, [organisationId])).length > 0,
        numbers:
          withNumbers === true && mayRecord
            ? await openContacts(tx, organisationId, opens)
            : undefined,
        roles: model.contactRoles,
        changes: await chainChanges(tx, params, model),
        answers: await listAnswers(tx, alertId, organisationId),
        messages: messages.rows.map((row) => ({
          ...row,
          /** Called off before anything left. */
          isDropped: row.state === 'cancelled',
          because: rules.ofMessage({ ...row, at: row.acceptedAt ?? row.finalAt }),
        })),
        evidences,
        mayRecord,
        // After a conflict a new one, so that pressing again is a decision.
        formId: formIdOf(failed?.refused.kind === 'invalid' ? failed.form : {}),
        form: formModel(['kind', 'note'], failed?.form, failed && errorsAt('note', failed.refused)),
      },
      statusOf(failed?.refused),
    );
  });
}

const CHANGES_SHOWN_MAX = 20;

/** What was changed of the organisation's chain while this alert is, or was, out. */
async function chainChanges(
  tx: Tx,
  { id: alertId, organisationId }: { id: string; organisationId: string },
  rules: ContactRules,
): Promise<HistoryLine[]> {
  const sent = await listAlertsOfOrganisation(tx, organisationId);
  const alert = sent.find((one) => one.alertId === alertId);
  if (alert === undefined) return [];
  const rows = await listChanges(tx, organisationId, {
    since: alert.from,
    ...(alert.until !== null && { before: alert.until }),
    limit: CHANGES_SHOWN_MAX,
  });
  return historyLines(rows, rules, [alert]).filter(({ duringAlert }) => duringAlert !== null);
}

function statusOf(why: Refused | undefined): { status?: number } {
  return why === undefined ? {} : { status: refusalStatus(why.kind).status };
}
