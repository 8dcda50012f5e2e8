/** Letting somebody in again who lost all passkeys: asked by one, agreed to by another. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import type { Outcome } from '#kernel/outcome.ts';
import { formIdOf, page, redirect, refusedPage, view, type Route } from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { oneOf } from './parse.ts';
import { askRecovery, confirmRecovery, refuseRecovery } from './recovery.ts';
import { selectPerson } from './store.ts';

const ids = z.object({ id: z.uuid(), linkId: z.uuid() });

type Which = { readonly personId: string; readonly linkId: string; readonly hash: string };

export function recoveryRoutes(context: IdentityContext): Route[] {
  const { database, model, origin } = context;
  const answer = (
    verb: 'confirm' | 'refuse',
    notice: string,
    act: (tx: Tx, which: Which, now: Date) => Promise<Outcome<void>>,
  ) =>
    page({
      method: 'POST',
      path: `/people/:id/recovery/:linkId/${verb}`,
      access: 'person.manage',
      fresh: true,
      params: ids,
      handle: async ({ actor, params, form, now }) => {
        const { id: personId, linkId } = params;
        const which = { personId, linkId, hash: oneOf(form, 'hash') };
        const done = await database.attempt(actor, (tx) => act(tx, which, now));
        return done.ok ? redirect(`/people/${params.id}`, { notice }) : refusedPage(done);
      },
    });
  return [
    page({
      method: 'POST',
      path: '/people/:id/recovery',
      access: 'person.manage',
      fresh: true,
      params: z.object({ id: z.uuid() }),
      handle: async ({ actor, params, form, now }) => {
        const wish = { personId: params.id, model, now, id: formIdOf(form) };
        const asked = await database.attempt(actor, (tx) => askRecovery(tx, wish));
        if (!asked.ok) return refusedPage(asked);
        const person = await database.withActor(actor, (tx) => selectPerson(tx, params.id));
        return view('identity/link.njk', {
          person: { id: params.id, name: person?.name ?? '' },
          href: `${origin}/sign-in/link/${asked.value.token}`,
          expiresAt: asked.value.expiresAt,
          waits: true,
        });
      },
    }),
    answer(
      'confirm',
      'Agreed. The old passkeys are ended, and the link opens now.',
      (tx, which, now) => confirmRecovery(tx, which, { model, now }),
    ),
    answer('refuse', 'Refused. The link will never open.', refuseRecovery),
  ];
}
