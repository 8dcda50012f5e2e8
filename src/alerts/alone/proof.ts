/** What the worker asks of a text that one person let go, beside their signature (ADR 0024). */
import type { Tx } from '#db/database.ts';
import { countProvenAlone } from '#dispatch/index.ts';
import { renderingFor, type AlertContext } from '#alerts/rendering.ts';
import { countOtherWords } from '#alerts/store-proof.ts';
import type { SubmissionRow } from '#alerts/store-submission.ts';
import type { VersionRow } from '#alerts/store.ts';
import { renderRounds } from '#alerts/texts.ts';
import { isSavedByAnother } from './alone.ts';
import { whyNotAlone } from './model.ts';
import { findAlone } from './store-alone.ts';

/** Why it needed a second person, by the rules in force; undefined where one was enough. */
export async function whyNotProvenAlone(
  tx: Tx,
  context: AlertContext,
  gone: { readonly version: VersionRow; readonly submission: SubmissionRow; readonly by: string },
): Promise<string | undefined> {
  const { version, submission, by } = gone;
  const { holding } = context.model;
  const isOfAnother = await isSavedByAnother(tx, version, { by, name: holding.audience });
  const rendering = renderingFor(version, context);
  const why = whyNotAlone(version, context.model, { isOfAnother });
  if (why !== undefined || rendering === undefined || holding.alone === undefined)
    return `one person let it go, who may not. ${why ?? 'The rules do not have it.'}`;
  if ((await findAlone(tx, version.alertId))?.by !== by)
    return 'one person let it go, and nobody is asked to look at it.';
  // Those that went already; this one is not among them yet.
  if ((await countProvenAlone(tx, holding.alone.withinMs)) >= holding.alone.most)
    return 'as many went with one person as the rules allow.';
  const { id: submissionId, dispatchId } = submission;
  const templates = renderRounds(version, rendering);
  return (await countOtherWords(tx, { dispatchId, submissionId, templates })) > 0
    ? 'one person let it go, and its words are not the saved ones.'
    : undefined;
}
