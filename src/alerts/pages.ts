/** What the pages of alerts share. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { severityById, type OperatingModel } from '#operating-model/index.ts';
import { assessmentOf } from './assessment.ts';
import type { Draft } from './draft.ts';
import type { VersionKind, Wording } from './model.ts';
import { EXAMPLE, previewAlert } from './preview.ts';
import type { AlertContext } from './rendering.ts';
import { findNextNumber } from './store.ts';

export type AlertRoutesContext = AlertContext & { readonly database: Database };

export const idParams = z.object({ id: z.uuid() });

/** What the draft would be; without a number, as one that is not saved yet, with its likely one. */
export async function previewOf(
  { database, ...context }: AlertRoutesContext,
  actor: Actor,
  {
    draft,
    kind,
    alertNumber,
    exercise,
    now,
  }: {
    readonly draft: Draft;
    readonly kind: VersionKind;
    readonly alertNumber: number | undefined;
    readonly exercise: boolean;
    readonly now: Date;
  },
) {
  return await database.withActor(actor, async (tx) => {
    const likely = alertNumber ?? (await findNextNumber(tx));
    const previewed = { ...draft, kind, exercise, alertNumber: likely };
    const preview = await previewAlert(tx, context, previewed);
    return (
      preview && {
        ...preview,
        assessment: assessmentOf(draft.wording, context.model),
        exampleTime: EXAMPLE.since,
        likelyNumber: alertNumber === undefined ? likely : undefined,
        lateUpdate: lateUpdate(draft.wording, context.model, now),
      }
    );
  });
}

/** The severity's promise, in ms and words, where this next update would break it. */
function lateUpdate({ severity: id, nextUpdateAt }: Wording, model: OperatingModel, now: Date) {
  const severity = severityById(model, id);
  if (severity === undefined || nextUpdateAt === null) return undefined;
  const { label, nextUpdateWithinMs: withinMs } = severity;
  const isLate = nextUpdateAt.getTime() - now.getTime() > withinMs;
  return isLate ? { label, withinMs } : undefined;
}
