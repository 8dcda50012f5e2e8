/** The pages of writing, approving and steering an alert. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import { may } from '#kernel/actor.ts';
import type { FieldErrors, Outcome, Refused } from '#kernel/outcome.ts';
import { markings } from '#kernel/marking.ts';
import type { Database } from '#db/database.ts';
import { cancelDispatch, pauseDispatch, resumeDispatch } from '#dispatch/index.ts';
import { severityById } from '#operating-model/index.ts';
import { absent } from './policy.ts';
import { listRegions, listSystems, type AudienceQuestion } from '#organisations/index.ts';
import {
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { approveAndRelease, closeAlert, returnAlert, withdrawAlert } from './decide.ts';
import { abandonAlert, createAlert, saveDraft, type Draft } from './draft.ts';
import { blankFields, composerFields, fieldsOf, parseDraft } from './form.ts';
import { previewAlert, readFrozen, type FrozenRound } from './preview.ts';
import type { AlertContext } from './rendering.ts';
import {
  findSubmission,
  findVersion,
  listEditors,
  listVersions,
  type VersionRow,
} from './store.ts';
import { countRecipients } from './store-freeze.ts';
import { submitAlert } from './submit.ts';
import { formatMoney, priceOfTexts } from '#kernel/money.ts';

export type AlertRoutesContext = AlertContext & { readonly database: Database };

const idParams = z.object({ id: z.uuid() });
const LIST_MAX = 200;

export function alertRoutes(context: AlertRoutesContext): Route[] {
  return [...writingRoutes(context), ...decidingRoutes(context), ...steeringRoutes(context)];
}

function writingRoutes(context: AlertRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts',
      access: 'alert.read',
      async handle({ actor }) {
        const versions = await database.withActor(actor, (tx) => listVersions(tx, LIST_MAX));
        const severities = Object.fromEntries(model.severities.map(({ id, label }) => [id, label]));
        return view('alerts/list.njk', {
          versions,
          severities,
          mayWrite: may(actor, 'alert.write'),
        });
      },
    }),
    page({
      method: 'GET',
      path: '/alerts/new',
      access: 'alert.write',
      handle: async ({ actor, now }) =>
        await composer(context, actor, { fields: blankFields(model, now) }),
    }),
    page({
      method: 'POST',
      path: '/alerts/new',
      access: 'alert.write',
      async handle({ actor, form }) {
        const draft = parseDraft(form, model);
        if (!draft.ok) return await composer(context, actor, { fields: form, refused: draft });
        const created = await database.attempt(actor, (tx) => createAlert(tx, model, draft.value));
        if (!created.ok) return refusedPage(created);
        return afterSave(created.value.id, form);
      },
    }),
    page({
      method: 'GET',
      path: '/alerts/:id/edit',
      access: 'alert.write',
      params: idParams,
      async handle({ actor, params }) {
        const version = await database.withActor(actor, (tx) => findVersion(tx, params.id));
        if (version === undefined) return notFound();
        if (version.state !== 'draft') return redirect(`/alerts/${params.id}`);
        const fields = fieldsOf(version, version.audience as AudienceQuestion);
        return await composer(context, actor, { fields, version });
      },
    }),
    page({
      method: 'POST',
      path: '/alerts/:id/edit',
      access: 'alert.write',
      params: idParams,
      async handle({ actor, params, form }) {
        const version = await database.withActor(actor, (tx) => findVersion(tx, params.id));
        if (version === undefined) return notFound();
        const draft = parseDraft(form, model);
        if (!draft.ok)
          return await composer(context, actor, { fields: form, version, refused: draft });
        const revision = Number(many(form['revision'])[0]);
        const saved = await database.attempt(actor, (tx) =>
          saveDraft(tx, { ...draft.value, alertId: params.id, revision }),
        );
        if (!saved.ok)
          return await composer(context, actor, { fields: form, version, refused: saved });
        return afterSave(params.id, form);
      },
    }),
    page({
      method: 'POST',
      path: '/alerts/preview',
      access: 'alert.write',
      async handle({ actor, form }) {
        const draft = parseDraft(form, model);
        const number = Number(many(form['alertNumber'])[0] ?? 4901);
        const preview = draft.ok ? await previewOf(context, actor, draft.value, number) : undefined;
        const problems = draft.ok ? [] : Object.values(draft.fields);
        return view('alerts/preview-only.njk', { preview, problems });
      },
    }),
  ];
}

/** `then=check` goes on to the page before submission; anything else stays with the draft. */
function afterSave(id: string, form: Form): Reply {
  if (many(form['then'])[0] === 'check') return redirect(`/alerts/${id}`);
  return redirect(`/alerts/${id}/edit`, { notice: 'Draft saved.' });
}

async function previewOf(
  context: AlertRoutesContext,
  actor: Actor,
  draft: Draft,
  alertNumber: number,
) {
  return await context.database.withActor(actor, (tx) =>
    previewAlert(tx, context, { ...draft, alertNumber }),
  );
}

type Composing = {
  readonly fields: Form;
  readonly version?: VersionRow;
  readonly refused?: Refused;
};

async function composer(
  context: AlertRoutesContext,
  actor: Actor,
  { fields, version, refused }: Composing,
): Promise<Reply> {
  const { database, model } = context;
  const draft = parseDraft(fields, model);
  const number = version?.alertNumber ?? 4901;
  const preview = draft.ok ? await previewOf(context, actor, draft.value, number) : undefined;
  const places = await database.withActor(actor, async (tx) => ({
    regions: await listRegions(tx),
    systems: await listSystems(tx),
  }));
  const errors = refused === undefined ? {} : errorsOf(refused);
  return view(
    'alerts/composer.njk',
    {
      form: formModel(composerFields, fields, errors),
      // After a conflict the newer revision is offered, so that saving again is a decision.
      revision: version?.revision ?? 0,
      alertId: version?.alertId,
      alertNumber: version?.alertNumber,
      savedAt: version?.updatedAt,
      saved: refused?.kind === 'conflict' ? version : undefined,
      preview,
      problems: [],
      model,
      markings,
      ...places,
    },
    refused === undefined ? {} : { status: refused.kind === 'conflict' ? 409 : 422 },
  );
}

function decidingRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  /** A verb behind one button: done, and back to the alert; or the page of the refusal. */
  const verb = (
    path: string,
    access: 'alert.write' | 'alert.approve' | 'dispatch.steer',
    act: (call: { actor: Actor; id: string; form: Form; now: Date }) => Promise<Outcome<unknown>>,
    notice: string,
  ) =>
    page({
      method: 'POST',
      path: `/alerts/:id/${path}`,
      access,
      params: idParams,
      async handle({ actor, params, form, now }) {
        const done = await act({ actor, id: params.id, form, now });
        if (!done.ok && done.kind === 'invalid')
          return await showAlert(context, actor, { id: params.id, now, refused: done });
        return done.ok ? redirect(`/alerts/${params.id}`, { notice }) : refusedPage(done);
      },
    });
  return [
    page({
      method: 'GET',
      path: '/alerts/:id',
      access: 'alert.read',
      params: idParams,
      handle: async ({ actor, params, now }) =>
        await showAlert(context, actor, { id: params.id, now }),
    }),
    verb(
      'submit',
      'alert.write',
      async ({ actor, id, form, now }) =>
        await database.attempt(actor, (tx) =>
          submitAlert(tx, context, {
            alertId: id,
            revision: Number(many(form['revision'])[0]),
            now,
          }),
        ),
      'Submitted. A second person has to approve it; nothing is sent yet.',
    ),
    verb(
      'approve',
      'alert.approve',
      async ({ actor, id, form, now }) =>
        await database.attempt(actor, (tx) =>
          approveAndRelease(tx, context, {
            alertId: id,
            hash: many(form['hash'])[0] ?? '',
            now,
          }),
        ),
      'Approved and released. Texts are leaving now.',
    ),
    verb(
      'return',
      'alert.approve',
      async ({ actor, id, form, now }) =>
        await database.attempt(actor, (tx) =>
          returnAlert(tx, { alertId: id, reason: many(form['reason'])[0] ?? '', now }),
        ),
      'Returned to its author. Nothing was sent.',
    ),
    verb(
      'withdraw',
      'alert.write',
      async ({ actor, id, now }) =>
        await database.attempt(actor, (tx) => withdrawAlert(tx, { alertId: id, now })),
      'Taken back. It is a draft again; nothing was sent.',
    ),
    verb(
      'abandon',
      'alert.write',
      async ({ actor, id }) => await database.attempt(actor, (tx) => abandonAlert(tx, id)),
      'The draft was given up.',
    ),
    verb(
      'close',
      'alert.write',
      async ({ actor, id }) => await database.attempt(actor, (tx) => closeAlert(tx, id)),
      'Closed. Nobody is chased any more.',
    ),
  ];
}

function steeringRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  const steering = {
    pause: pauseDispatch,
    resume: resumeDispatch,
    cancel: cancelDispatch,
  } as const;
  const notices = {
    pause: 'Paused. What is under way ends within seconds; nothing new leaves.',
    resume: 'Going on.',
    cancel: 'Stopped for good. What had not left will not leave.',
  } as const;
  return (Object.keys(steering) as (keyof typeof steering)[]).map((name) =>
    page({
      method: 'POST',
      path: `/alerts/:id/${name}`,
      access: 'dispatch.steer',
      params: idParams,
      async handle({ actor, params, form }) {
        const reason = many(form['reason'])[0]?.trim() || `${name} by an officer`;
        const done = await database.attempt(actor, async (tx) => {
          const version = await findVersion(tx, params.id);
          const submission = version && (await findSubmission(tx, version.id));
          if (submission === undefined) return absent;
          return await steering[name](tx, { dispatchId: submission.dispatchId, reason });
        });
        return done.ok
          ? redirect(`/alerts/${params.id}`, { notice: notices[name] })
          : refusedPage(done);
      },
    }),
  );
}

type Showing = { readonly id: string; readonly now: Date; readonly refused?: Refused };

/** One address for the whole life of an alert: check, approval, or the board once it is live. */
async function showAlert(
  context: AlertRoutesContext,
  actor: Actor,
  { id, refused }: Showing,
): Promise<Reply> {
  const { database, model } = context;
  const found = await database.withActor(actor, async (tx) => {
    const version = await findVersion(tx, id);
    if (version === undefined) return undefined;
    const submission = await findSubmission(tx, version.id);
    const isWaiting = version.state === 'submitted' && submission !== undefined;
    return {
      version,
      submission,
      editors: await listEditors(tx, version.id),
      frozen: isWaiting ? await readFrozen(tx, submission.dispatchId) : undefined,
      counts: isWaiting ? await countRecipients(tx, submission.id) : undefined,
    };
  });
  if (found === undefined) return notFound();
  const { version, submission, editors, frozen, counts } = found;
  if (version.state === 'released' || version.state === 'closed')
    return redirect(`/alerts/${id}/board`);
  const severity = severityById(model, version.severity);
  const shared = {
    version,
    submission,
    model,
    severityLabel: severity?.label ?? version.severity,
    mayWrite: may(actor, 'alert.write'),
    form: formModel(['reason'], {}, refused === undefined ? {} : errorsOf(refused)),
  };
  const status = refused === undefined ? {} : { status: 422 };
  if (frozen !== undefined && counts !== undefined) {
    const shaped =
      actor.kind === 'person' && [...editors, submission?.submittedBy].includes(actor.id);
    const fragments = frozen.reduce((sum, round) => sum + round.fragments, 0);
    return view(
      'alerts/approval.njk',
      {
        ...shared,
        frozen,
        plan: planOf(frozen),
        counts,
        shaped,
        mayApprove: may(actor, 'alert.approve'),
        costAtMost: formatMoney(priceOfTexts(fragments, model.textPrice)),
      },
      status,
    );
  }
  const draft = { wording: version, audience: version.audience as AudienceQuestion };
  const preview = await previewOf(context, actor, draft, version.alertNumber);
  return view('alerts/check.njk', { ...shared, preview, problems: [] }, status);
}

/** Texts and mails of one round in one line, as an approver reads them. */
function planOf(frozen: readonly FrozenRound[]) {
  const rounds = [...new Set(frozen.map(({ round }) => round))];
  return rounds.map((round) => {
    const [text, mail] = (['text', 'mail'] as const).map((channel) =>
      frozen.find((one) => one.round === round && one.channel === channel),
    );
    return {
      opensAfterMs: (text ?? mail)!.opensAfterMs,
      texts: text?.messages ?? 0,
      mails: mail?.messages ?? 0,
    };
  });
}

/** The errors of the fields, or of the whole where no field is to blame. */
function errorsOf(refused: Refused): FieldErrors {
  return Object.keys(refused.fields).length > 0 ? refused.fields : { '': refused.message };
}
