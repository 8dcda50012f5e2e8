/** One address for an alert: check and submit, approve or return, take back, steer, close. */
import { may, type Actor } from '#kernel/actor.ts';
import { formatMoney, priceOfTexts } from '#kernel/money.ts';
import type { Outcome, Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  cancelDispatch,
  ledgerSentence,
  pauseDispatch,
  readLedger,
  resumeDispatch,
} from '#dispatch/index.ts';
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
import { approveAndRelease, closeAlert, returnAlert, withdrawAlert } from './decide.ts';
import { abandonAlert } from './draft.ts';
import { renderMarkdown } from './markdown.ts';
import { idParams, previewOf, type AlertRoutesContext } from './pages.ts';
import { absent } from './policy.ts';
import { recallAlert, sendAlertNow } from './recall.ts';
import { readFrozen, type FrozenRound } from './preview.ts';
import { findLiveVersion, findSubmission, findVersion, listEditors } from './store.ts';
import { countRecipients } from './store-freeze.ts';
import { submitAlert } from './submit.ts';

type Call = { readonly id: string; readonly form: Form; readonly now: Date };

/** A verb behind one button: done, and back to the alert; or the page of the refusal. */
type Verb = {
  readonly path: string;
  readonly access: 'alert.write' | 'alert.approve' | 'dispatch.steer';
  readonly notice: string;
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
    path: 'recall',
    access: 'dispatch.steer',
    notice: 'Recalled. Nothing was sent; it is a draft again.',
    act: async (tx, { id, form }) => await recallAlert(tx, { alertId: id, reason: reasonOf(form) }),
  },
  {
    path: 'send-now',
    access: 'dispatch.steer',
    notice: 'Texts are leaving now.',
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
  // What still waits for approval is taken back, not steered.
  const version = await findLiveVersion(tx, id);
  const submission = version && (await findSubmission(tx, version.id));
  if (submission === undefined) return absent;
  return await how(tx, { dispatchId: submission.dispatchId, reason: reasonOf(form) });
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
      handle: async ({ actor, params }) => await showAlert(context, actor, { id: params.id }),
    }),
    ...verbs.map(({ path, access, notice, showsLedger, act }) =>
      page({
        method: 'POST',
        path: `/alerts/:id/${path}`,
        access,
        params: idParams,
        async handle({ actor, params: { id }, form, now }) {
          const done = await database.attempt(actor, (tx) => act(tx, { id, form, now }, context));
          if (done.ok) {
            const ledger = showsLedger ? await ledgerNotice(context, actor, id) : '';
            return redirect(`/alerts/${id}`, { notice: `${notice}${ledger}` });
          }
          if (path === 'return')
            return await showAlert(context, actor, { id, refused: done, form });
          if (done.kind === 'invalid')
            return await showAlert(context, actor, { id, refused: done });
          return refusedPage(done);
        },
      }),
    ),
  ];
}

/** What became of the messages up to now; read after the steering was committed. */
async function ledgerNotice(
  { database }: AlertRoutesContext,
  actor: Actor,
  alertId: string,
): Promise<string> {
  return await database.withActor(actor, async (tx) => {
    const version = await findLiveVersion(tx, alertId);
    const submission = version && (await findSubmission(tx, version.id));
    if (submission === undefined) return '';
    const { messages, organisations } = await readLedger(tx, submission.dispatchId);
    return ` Organisations: ${ledgerSentence(organisations)}. Messages: ${ledgerSentence(messages)}.`;
  });
}

/** After a refusal: why, and the form that was refused where words were typed into it. */
type Showing = { readonly id: string; readonly refused?: Refused; readonly form?: Form };

/** One address for the whole life of an alert: check, approval, or the board once it is live. */
async function showAlert(
  context: AlertRoutesContext,
  actor: Actor,
  { id, refused, form }: Showing,
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
    const fragments = frozen.reduce((sum, round) => sum + round.fragments, 0);
    return view(
      'alerts/approval.njk',
      {
        ...shared,
        frozen,
        plan: planOf(frozen),
        counts,
        bodyHtml: renderMarkdown(version.body),
        shaped,
        mayApprove: may(actor, 'alert.approve'),
        recallMs: severity?.recallWindowMs ?? 0,
        costAtMost: formatMoney(priceOfTexts(fragments, model.textPrice)),
      },
      status,
    );
  }
  const draft = { wording: version, audience: version.audience as AudienceQuestion };
  const preview = await previewOf(context, actor, draft, version.alertNumber);
  const bodyHtml = renderMarkdown(version.body);
  return view('alerts/check.njk', { ...shared, preview, problems: [], bodyHtml }, status);
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
