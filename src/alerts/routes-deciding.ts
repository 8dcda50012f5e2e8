/** One address for an alert: check and submit, approve or return, take back, steer, close. */
import { may, type Actor } from '#kernel/actor.ts';
import { formatMoney, priceOfTexts } from '#kernel/money.ts';
import type { Outcome, Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { cancelDispatch, pauseDispatch, resumeDispatch } from '#dispatch/index.ts';
import { severityById } from '#operating-model/index.ts';
import type { AudienceQuestion } from '#organisations/index.ts';
import {
  errorsAt,
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
import { listHeldAudiences } from './audience.ts';
import { beginCorrection } from './correct.ts';
import { approveAndRelease, closeAlert, returnAlert, withdrawAlert } from './decide.ts';
import { abandonAlert } from './draft.ts';
import { renderMarkdown } from './markdown.ts';
import { idParams, previewOf, type AlertRoutesContext } from './pages.ts';
import { recallAlert, sendAlertNow } from './recall.ts';
import { EXAMPLE, readFrozen, type FrozenRound } from './preview.ts';
import { findSubmission, findVersion, listEditors } from './store.ts';
import { ledgerOfAlert, steerAlert } from './steer.ts';
import { countRecipients } from './store-freeze.ts';
import { checkForSubmission, submitAlert } from './submit.ts';

type Call = { readonly id: string; readonly form: Form; readonly now: Date };

/** A verb behind one button: done, and back to the alert; or the page of the refusal. */
type Verb = {
  readonly path: string;
  readonly access: 'alert.write' | 'alert.approve' | 'dispatch.steer';
  readonly notice: string;
  /** The page after it, below the alert's own. */
  readonly leadsTo?: 'edit';
  /** Says with the notice what is gone, unknown and never sent. */
  readonly showsLedger?: true;
  readonly act: (tx: Tx, call: Call, context: AlertRoutesContext) => Promise<Outcome<unknown>>;
};

const verbs: readonly Verb[] = [
  {
    path: 'submit',
    access: 'alert.write',
    notice: 'Submitted. A second person has to approve it; nothing is sent yet.',
    act: async (tx, { id, form, now }, context) =>
      await submitAlert(tx, context, {
        alertId: id,
        revision: Number(field(form, 'revision')),
        now,
      }),
  },
  {
    path: 'approve',
    access: 'alert.approve',
    notice: 'Approved and released.',
    act: async (tx, { id, form, now }, context) =>
      await approveAndRelease(tx, context, { alertId: id, hash: field(form, 'hash'), now }),
  },
  {
    path: 'return',
    access: 'alert.approve',
    notice: 'Returned to its author. Nothing was sent.',
    act: async (tx, { id, form, now }) =>
      await returnAlert(tx, { alertId: id, reason: field(form, 'reason'), now }),
  },
  {
    path: 'withdraw',
    access: 'alert.write',
    notice: 'Taken back. It is a draft again; nothing was sent.',
    act: async (tx, { id, now }) => await withdrawAlert(tx, { alertId: id, now }),
  },
  {
    path: 'abandon',
    access: 'alert.write',
    notice: 'The draft was given up.',
    act: async (tx, { id }) => await abandonAlert(tx, id),
  },
  {
    path: 'close',
    access: 'alert.write',
    notice: 'Closed. Nobody is chased any more.',
    act: async (tx, { id }) => await closeAlert(tx, id),
  },
  {
    path: 'correct',
    access: 'alert.write',
    notice: 'The next version begins with the words that are out. Nothing is sent yet.',
    leadsTo: 'edit',
    act: async (tx, { id }, { model }) => await beginCorrection(tx, model, id),
  },
  {
    path: 'recall',
    access: 'dispatch.steer',
    notice: 'Recalled. Nothing was sent; it is a draft again.',
    act: async (tx, { id, form }) => await recallAlert(tx, { alertId: id, reason: reasonOf(form) }),
  },
  {
    path: 'send-now',
    access: 'dispatch.steer',
    notice: 'It leaves now.',
    act: async (tx, { id, now }, context) => await sendAlertNow(tx, context, { alertId: id, now }),
  },
  {
    path: 'pause',
    access: 'dispatch.steer',
    notice: 'Paused. What is under way ends within seconds; nothing new leaves.',
    showsLedger: true,
    act: async (tx, call) => await steer(tx, call, pauseDispatch),
  },
  {
    path: 'resume',
    access: 'dispatch.steer',
    notice: 'Going on.',
    showsLedger: true,
    act: async (tx, call) => await steer(tx, call, resumeDispatch),
  },
  {
    path: 'cancel',
    access: 'dispatch.steer',
    notice: 'Stopped for good. What had not left will not leave.',
    showsLedger: true,
    act: async (tx, call) => await steer(tx, call, cancelDispatch),
  },
];

async function steer(
  tx: Tx,
  { id, form }: Call,
  how: typeof pauseDispatch,
): Promise<Outcome<void>> {
  return await steerAlert(tx, { alertId: id, reason: reasonOf(form) }, how);
}

function reasonOf(form: Form): string {
  return field(form, 'reason').trim().slice(0, 500) || 'by hand, from the board';
}

function field(form: Form | undefined, name: string): string {
  return many(form?.[name])[0] ?? '';
}

export function decidingRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/:id',
      access: 'alert.read',
      params: idParams,
      handle: async ({ actor, params, now }) =>
        await showAlert(context, actor, { id: params.id, now }),
    }),
    ...verbs.map(({ path, access, notice, leadsTo, showsLedger, act }) =>
      page({
        method: 'POST',
        path: `/alerts/:id/${path}`,
        access,
        params: idParams,
        async handle({ actor, params: { id }, form, now }) {
          const done = await database.attempt(actor, (tx) => act(tx, { id, form, now }, context));
          if (done.ok) {
            if (leadsTo !== undefined) return redirect(`/alerts/${id}/${leadsTo}`, { notice });
            // After the commit: the ledger of a million messages must hold nothing up.
            const ledger = showsLedger
              ? await database.withActor(actor, (tx) => ledgerOfAlert(tx, id))
              : '';
            return redirect(`/alerts/${id}`, { notice: `${notice} ${ledger}`.trim() });
          }
          if (path === 'return')
            return await showAlert(context, actor, { id, refused: done, form, now });
          if (done.kind === 'invalid')
            return await showAlert(context, actor, { id, refused: done, now });
          return refusedPage(done);
        },
      }),
    ),
  ];
}

/** After a refusal: why, and the form that was refused where words were typed into it. */
type Showing = {
  readonly id: string;
  readonly now: Date;
  readonly refused?: Refused;
  readonly form?: Form;
};

/** One address for the whole life of an alert: check, approval, or the board once it is live. */
async function showAlert(
  context: AlertRoutesContext,
  actor: Actor,
  { id, now, refused, form }: Showing,
): Promise<Reply> {
  const { database, model } = context;
  const found = await database.withActor(actor, (tx) => readShown(tx, id));
  if (found === undefined) return notFound();
  const { version, submission, editors, frozen, correction, counts, held } = found;
  if (refused !== undefined && refused.kind !== 'invalid' && frozen === undefined)
    return refusedPage(refused, [{ label: 'What has to change', text: field(form, 'reason') }]);
  if (version.state === 'released' || version.state === 'closed')
    return redirect(`/alerts/${id}/board`);
  const severity = severityById(model, version.severity);
  const errors = refused && errorsAt(form === undefined ? '' : 'reason', refused);
  const shared = {
    version,
    submission,
    model,
    severityLabel: severity?.label ?? version.severity,
    mayWrite: may(actor, 'alert.write'),
    form: formModel(['reason'], form, errors),
  };
  const status = refused === undefined ? {} : { status: refusalStatus(refused.kind).status };
  if (frozen !== undefined && counts !== undefined) {
    const shaped =
      actor.kind === 'person' && [...editors, submission?.submittedBy].includes(actor.id);
    // Of a correction everybody gets one of the two: the dearer for each is more than it will be.
    const fragments = [...frozen, ...correction].reduce((sum, { fragments: n }) => sum + n, 0);
    return view(
      'alerts/approval.njk',
      {
        ...shared,
        frozen,
        correction,
        exampleTime: EXAMPLE.since,
        plan: planOf(frozen),
        counts,
        held,
        bodyHtml: renderMarkdown(version.body),
        shaped,
        mayApprove: may(actor, 'alert.approve'),
        recallMs: correction.length > 0 ? 0 : (severity?.recallWindowMs ?? 0),
        costAtMost: formatMoney(priceOfTexts(fragments, model.textPrice)),
      },
      status,
    );
  }
  const draft = { wording: version, audience: version.audience as AudienceQuestion };
  const { alertNumber } = version;
  const preview = await previewOf(context, actor, { draft, alertNumber, now });
  const bodyHtml = renderMarkdown(version.body);
  const missing = version.state === 'draft' && checkForSubmission(version, context, now);
  const toMend = missing ? mendable(id, missing) : [];
  const summary = refused === undefined ? [] : mendable(id, refused);
  const check = { ...shared, form: { ...shared.form, summary }, toMend, preview, bodyHtml };
  return view('alerts/check.njk', { ...check, problems: [] }, status);
}

/** The version with all that is frozen for it while it waits for approval. */
async function readShown(tx: Tx, id: string) {
  const version = await findVersion(tx, id);
  if (version === undefined) return undefined;
  const submission = await findSubmission(tx, version.id);
  const isWaiting = version.state === 'submitted' && submission !== undefined;
  return {
    version,
    submission,
    editors: await listEditors(tx, version.id),
    frozen: isWaiting ? await readFrozen(tx, submission.dispatchId) : undefined,
    correction:
      isWaiting && submission.correctionDispatchId !== null
        ? await readFrozen(tx, submission.correctionDispatchId)
        : [],
    counts: isWaiting ? await countRecipients(tx, submission.id) : undefined,
    held: isWaiting ? await listHeldAudiences(tx, version.audience as AudienceQuestion) : [],
  };
}

/** What a refusal complains of, each line leading to its field in the composer. */
function mendable(id: string, why: Refused) {
  return Object.entries(errorsAt('', why)).map(([name, text]) =>
    name === '' ? { text } : { text, href: `/alerts/${id}/edit#${name}` },
  );
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
