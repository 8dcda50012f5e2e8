/** What the pages of alerts share. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
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
