/**
 * Pages of answering: an organisation within an alert, what waits at the duty desk, and the public
 * page on which anybody with the code that came with the alert answers.
 */
import { z } from 'zod';
import { actorId, may, nobody, system, type Actor } from '#kernel/actor.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { parsePhoneNumber } from '#kernel/phone-number.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import { findReleased, renderMarkdown } from '#alerts/index.ts';
import { findOrganisation } from '#organisations/index.ts';
import { severityById, type OperatingModel } from '#operating-model/index.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { answerWithCode, recordCall } from './actions.ts';
import { claimItem, closeItem } from './desk.ts';
import { answerKinds, evidences, type AnswerKind } from './model.ts';
import { findDeskItem, listAnswers, listMessages, type DeskItemRow } from './store-read.ts';

export type ResponseRoutesContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  readonly indexAddress: (channel: 'text' | 'mail', normalised: string) => Buffer;
  readonly openReply: (replyId: string, sealed: Buffer) => string;
};

const inAlert = z.object({ id: z.uuid(), organisationId: z.uuid() });
const idParams = z.object({ id: z.uuid() });
const numberParams = z.object({
  number: z
    .string()
    .regex(/^[1-9]\d{0,7}$/)
    .transform(Number),
});

export function responseRoutes(context: ResponseRoutesContext): Route[] {
  return [...organisationRoutes(context), ...deskItemRoutes(context), ...publicRoutes(context)];
}

function organisationRoutes(context: ResponseRoutesContext): Route[] {
  const { database } = context;
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
      path: '/alerts/:id/organisations/:organisationId/call',
      access: 'response.record',
      params: inAlert,
      async handle({ actor, params, form }) {
        const call = parseCall(form);
        if (!call.ok)
          return await showOrganisation(context, actor, params, { form, refused: call });
        const done = await database.attempt(actor, (tx) =>
          recordCall(tx, {
            id: formIdOf(form),
            alertId: params.id,
            organisationId: params.organisationId,
            ...call.value,
          }),
        );
        if (!done.ok)
          return await showOrganisation(context, actor, params, { form, refused: done });
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
  { database, model }: ResponseRoutesContext,
  actor: Actor,
  params: { id: string; organisationId: string },
  failed?: { form: Form; refused: Refused },
): Promise<Reply> {
  return await database.withActor(actor, async (tx) => {
    const { id: alertId, organisationId } = params;
    const organisation = await findOrganisation(tx, organisationId);
    const messages = await listMessages(tx, alertId, organisationId);
    if (organisation === undefined || messages === undefined) return notFound();
    return view(
      'responses/organisation.njk',
      {
        alertId,
        alertNumber: messages.alertNumber,
        code: messages.code,
        organisation,
        roles: model.contactRoles,
        answers: await listAnswers(tx, alertId, organisationId),
        messages: messages.rows,
        evidences,
        mayRecord: may(actor, 'response.record'),
        // After a conflict a new one, so that pressing again is a decision.
        formId: formIdOf(failed?.refused.kind === 'invalid' ? failed.form : {}),
        form: formModel(['kind', 'note'], failed?.form, failed && errorsAt('note', failed.refused)),
      },
      statusOf(failed?.refused),
    );
  });
}

function deskItemRoutes(context: ResponseRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/desk/:id',
      access: 'alert.read',
      params: idParams,
      handle: async ({ actor, params }) => await showDeskItem(context, actor, params.id),
    }),
    page({
      method: 'POST',
      path: '/desk/:id/claim',
      access: 'response.record',
      params: idParams,
      async handle({ actor, params }) {
        const done = await database.attempt(actor, (tx) => claimItem(tx, params.id));
        return done.ok ? redirect(`/desk/${params.id}`) : refusedPage(done);
      },
    }),
    page({
      method: 'POST',
      path: '/desk/:id/close',
      access: 'response.record',
      params: idParams,
      async handle({ actor, params, form }) {
        const outcome = (many(form['outcome'])[0] ?? '').trim();
        const done = await database.attempt(actor, (tx) => closeItem(tx, params.id, outcome));
        if (!done.ok) return await showDeskItem(context, actor, params.id, { form, refused: done });
        return redirect('/', { notice: 'Done and written down.' });
      },
    }),
  ];
}

async function showDeskItem(
  { database, openReply, model }: ResponseRoutesContext,
  actor: Actor,
  id: string,
  failed?: { form: Form; refused: Refused },
): Promise<Reply> {
  return await database.withActor(actor, async (tx) => {
    const item = await findDeskItem(tx, id);
    if (item === undefined) return notFound();
    const organisation =
      item.organisationId === null ? undefined : await findOrganisation(tx, item.organisationId);
    return view(
      'responses/desk-item.njk',
      {
        item,
        words: wordsOf(item, openReply),
        organisation,
        roles: model.contactRoles,
        isMine: item.claimedBy === actorId(actor),
        mayRecord: may(actor, 'response.record'),
        form: formModel(['outcome'], failed?.form, failed && errorsAt('outcome', failed.refused)),
      },
      statusOf(failed?.refused),
    );
  });
}

function statusOf(why: Refused | undefined): { status?: number } {
  return why === undefined ? {} : { status: refusalStatus(why.kind).status };
}

function wordsOf(item: DeskItemRow, openReply: ResponseRoutesContext['openReply']) {
  if (item.replyId === null || item.contentSealed === null) return undefined;
  return openReply(item.replyId, item.contentSealed);
}

/** The address that texts and mails name. Whoever may not read the alert still may answer it. */
function publicRoutes(context: ResponseRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/:number',
      access: 'public',
      params: numberParams,
      handle: async ({ params }) => await showPublic(context, params.number),
    }),
    page({
      method: 'POST',
      path: '/:number',
      access: 'public',
      params: numberParams,
      async handle({ params, form }) {
        const answer = parseCodeAnswer(form, context);
        if (!answer.ok) return await showPublic(context, params.number, { form, refused: answer });
        const done = await database.withActor(system('answer page'), (tx) =>
          answerWithCode(tx, { alertNumber: params.number, ...answer.value }),
        );
        if (!done.ok) return await showPublic(context, params.number, { form, refused: done });
        const { helpLine } = context.model;
        return view('responses/answered.njk', {
          number: params.number,
          kind: answer.value.kind,
          helpLine,
        });
      },
    }),
  ];
}

function parseCodeAnswer(form: Form, context: ResponseRoutesContext) {
  const address = (many(form['address'])[0] ?? '').trim();
  const code = (many(form['code'])[0] ?? '').trim();
  const kind = many(form['kind'])[0] as AnswerKind;
  const errors: Record<string, string> = {};
  const isMail = address.includes('@');
  const parsed = isMail ? parseEmailAddress(address) : parsePhoneNumber(address);
  if (!parsed.ok) errors['address'] = 'Enter the mobile number or mail address the alert came to';
  if (!/^\d{4}$/.test(code)) errors['code'] = 'Enter the four digits that came with the alert';
  if (!answerKinds.includes(kind)) errors['kind'] = 'Choose your answer';
  if (!parsed.ok || Object.keys(errors).length > 0)
    return refused('invalid', 'Put right what is marked below.', errors);
  const channel = isMail ? ('mail' as const) : ('text' as const);
  const normalised = typeof parsed.value === 'string' ? parsed.value : parsed.value.e164;
  const addressIndex = context.indexAddress(channel, normalised);
  return { ok: true as const, value: { channel, addressIndex, code, kind } };
}

async function showPublic(
  { database, model }: ResponseRoutesContext,
  number: number,
  failed?: { form: Form; refused: Refused },
): Promise<Reply> {
  // As nobody: row-level security lets through what is released and marked CLEAR, nothing else. An
  // alert that is not there and one that is not public look the same (P8).
  const alert = await database.withActor(nobody, (tx) => findReleased(tx, number));
  const severityLabel = alert && (severityById(model, alert.severity)?.label ?? alert.severity);
  const errors = failed?.refused.fields ?? {};
  const shown =
    Object.keys(errors).length === 0 && failed ? { code: failed.refused.message } : errors;
  const status = failed?.refused.kind === 'forbidden' ? 429 : failed === undefined ? 200 : 422;
  return view(
    'responses/alert-page.njk',
    {
      number,
      alert,
      severityLabel,
      bodyHtml: alert === undefined ? '' : renderMarkdown(alert.body),
      helpLine: model.helpLine,
      form: formModel(['address', 'code', 'kind'], failed?.form, shown),
    },
    { status },
  );
}
