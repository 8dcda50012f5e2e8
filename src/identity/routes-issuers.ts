/** Issuers as the centre sees them: what they may say, whether they work, and the switch. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import type { Outcome } from '#kernel/outcome.ts';
import { page, redirect, refusedPage, view, type Route } from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { switchOffIssuer, switchOnIssuer } from './issuers.ts';
import { issuerId } from './parse-issuer.ts';
import { selectIssuers } from './store-issuer.ts';

export function issuerRoutes(context: IdentityContext): Route[] {
  const { database, organisations } = context;
  return [
    page({
      method: 'GET',
      path: '/issuers',
      access: 'person.manage',
      handle: async ({ actor }) => {
        const issuers = await database.withActor(actor, async (tx) => {
          const all = await selectIssuers(tx);
          const ids = all.flatMap(({ organisationId }) => organisationId ?? []);
          const named = (await organisations?.listNames(tx, ids)) ?? [];
          const names = new Map(named.map(({ id, name }) => [id, name]));
          return all.map(({ organisationId, ...one }) => ({
            ...one,
            organisation: organisationId && (names.get(organisationId) ?? 'not known'),
          }));
        });
        return view('identity/issuers.njk', { issuers });
      },
    }),
    // Without another proof: whoever switches one off is in a hurry.
    switchRoute(context, 'off', switchOffIssuer),
    switchRoute(context, 'on', switchOnIssuer),
  ];
}

function switchRoute(
  { database }: IdentityContext,
  which: 'off' | 'on',
  turn: (tx: Tx, id: string, now: Date) => Promise<Outcome<unknown>>,
): Route {
  return page({
    method: 'POST',
    path: `/issuers/:issuer/${which}`,
    access: 'person.manage',
    fresh: which === 'on' || undefined,
    params: z.object({ issuer: issuerId }),
    handle: async ({ actor, params, now }) => {
      const done = await database.attempt(actor, (tx) => turn(tx, params.issuer, now));
      if (!done.ok) return refusedPage(done);
      const notice = which === 'off' ? 'Off. Whoever came by it is signed out.' : 'On again.';
      return redirect('/issuers', { notice });
    },
  });
}
