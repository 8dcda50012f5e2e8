/** One address for the whole life of an alert: check, approval, or the board once it is out. */
import { may, type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { rulesOf, severityById } from '#operating-model/index.ts';
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
import { standingAlone } from './alone/alone.ts';
import { readApproval, standingOf } from './approval.ts';
import { renderMarkdown } from './markdown.ts';
import { costOfDraft } from './counted-rounds.ts';
import { previewOf, type AlertRoutesContext } from './pages.ts';
import { sectionsOfVersion } from './sections.ts';
import { findSubmission } from './store-submission.ts';
import { findVersion } from './store.ts';
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
  const found = await database.withActor(actor, (tx) => readShown(tx, context, { id, now }));
  if (found === undefined) return notFound();
  const { version, submission, approval, alone, severityLabel } = found;
  if (refused !== undefined && refused.kind !== 'invalid' && approval === undefined)
    return refusedPage(refused, [
      { label: 'What has to change', text: many(form?.['reason'])[0] ?? '' },
    ]);
  if (version.state === 'released' || version.state === 'closed')
    return redirect(`/alerts/${id}/board`);
  const errors = refused && errorsAt(form === undefined ? '' : 'reason', refused);
  const shared = {
    version,
    submission,
    model,
    severityLabel,
    mayWrite: may(actor, 'alert.write'),
    form: formModel(['reason'], form, errors),
  };
  const status = refused === undefined ? {} : { status: refusalStatus(refused.kind).status };
  if (approval !== undefined && submission !== undefined) {
    const standing = standingOf(actor, approval);
    return view('alerts/approval.njk', { ...shared, approval, standing, alone }, status);
  }
  const draft = { wording: version, audience: version.audience as AudienceQuestion };
  const { alertNumber, kind, exercise } = version;
  const preview = await previewOf(context, actor, { draft, kind, alertNumber, exercise, now });
  const costAtMost = await database.withActor(actor, (tx) => costOfDraft(tx, context, version));
  const bodyHtml = renderMarkdown(version.body);
  const missing = version.state === 'draft' && checkForSubmission(version, context, now);
  const toMend = missing ? mendable(id, missing) : [];
  const summary = refused === undefined ? [] : mendable(id, refused);
  // Of a draft, what the catalogue says today: it is frozen with the submission.
  const kev = preview?.kev ?? null;
  const sections = sectionsOfVersion({ ...version, kev }, context);
  const check = {
    ...shared,
    sections,
    form: { ...shared.form, summary },
    toMend,
    preview,
    costAtMost,
    bodyHtml,
  };
  return view('alerts/check.njk', { ...check, problems: [] }, status);
}

/** The newest version, and while it waits all that its approver has to know. */
async function readShown(
  tx: Tx,
  context: AlertRoutesContext,
  { id, now }: { readonly id: string; readonly now: Date },
) {
  const version = await findVersion(tx, id);
  if (version === undefined) return undefined;
  const submission = await findSubmission(tx, version.id);
  const isWaiting = version.state === 'submitted' && submission !== undefined;
  const approval = isWaiting
    ? await readApproval(tx, context, { version, submission, now })
    : undefined;
  // A draft is written under the rules of now; what is frozen has those it was frozen under.
  const rules =
    version.state === 'draft'
      ? context.model
      : await rulesOf(tx, version.modelVersion, context.model);
  const severityLabel = severityById(rules, version.severity)?.label ?? version.severity;
  // Offered to whoever cannot be the second person, where a first one may do.
  const alone =
    isWaiting && may(tx.actor, 'alert.write') && may(tx.actor, 'alert.approve')
      ? await standingAlone(tx, context, version)
      : undefined;
  return { version, submission, approval, alone, severityLabel };
}

/** What a refusal complains of, each line leading to its field in the composer. */
function mendable(id: string, why: Refused) {
  return Object.entries(errorsAt('', why)).map(([name, text]) =>
    name === '' ? { text } : { text, href: `/alerts/${id}/edit#${name}` },
  );
}
