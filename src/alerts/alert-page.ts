/** One address for the whole life of an alert: check, approval, or the board once it is out. */
import { may, type Actor } from '#kernel/actor.ts';
import { formatMoney, priceOfTexts } from '#kernel/money.ts';
import type { Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { severityById } from '#operating-model/index.ts';
import type { AudienceQuestion } from '#organisations/index.ts';
import {
  errorsAt,
  formModel,
  many,
  notFound,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
} from '#web/index.ts';
import { listHeldAudiences } from './audience.ts';
import { renderMarkdown } from './markdown.ts';
import { previewOf, type AlertRoutesContext } from './pages.ts';
import { EXAMPLE, readFrozen, type FrozenRound } from './preview.ts';
import { countRecipients } from './store-freeze.ts';
import { findSubmission, findVersion, listEditors } from './store.ts';
import { checkForSubmission } from './submit.ts';

/** After a refusal: why, and the form that was refused where words were typed into it. */
type Showing = {
  readonly id: string;
  readonly now: Date;
  readonly refused?: Refused;
  readonly form?: Form;
};

export async function showAlert(
  context: AlertRoutesContext,
  actor: Actor,
  { id, now, refused, form }: Showing,
): Promise<Reply> {
  const { database, model } = context;
  const found = await database.withActor(actor, (tx) => readShown(tx, id));
  if (found === undefined) return notFound();
  const { version, submission, editors, frozen, correction, counts, held } = found;
  if (refused !== undefined && refused.kind !== 'invalid' && frozen === undefined)
    return refusedPage(refused, [
      { label: 'What has to change', text: many(form?.['reason'])[0] ?? '' },
    ]);
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
    // Of a later version everybody gets one of the two: both together is more than it will be.
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
  const { alertNumber, kind } = version;
  const preview = await previewOf(context, actor, { draft, kind, alertNumber, now });
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
