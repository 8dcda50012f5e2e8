/** What the pages of alerts share. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import type { FieldErrors, Refused } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import type { Draft } from './draft.ts';
import { previewAlert } from './preview.ts';
import type { AlertContext } from './rendering.ts';

export type AlertRoutesContext = AlertContext & { readonly database: Database };

export const idParams = z.object({ id: z.uuid() });

export async function previewOf(
  context: AlertRoutesContext,
  actor: Actor,
  draft: Draft,
  alertNumber: number,
) {
  return await context.database.withActor(actor, (tx) =>
    previewAlert(tx, context, { ...draft, alertNumber }),
  );
}

/** The errors of the fields, or of the whole where no field is to blame. */
export function errorsOf(refused: Refused): FieldErrors {
  return Object.keys(refused.fields).length > 0 ? refused.fields : { '': refused.message };
}
