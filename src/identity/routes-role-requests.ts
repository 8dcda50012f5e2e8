/** Roles that one person asked for: another agrees, or either takes it back. */
import { z } from 'zod';
import { page, redirect, refusedPage, type Route } from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { oneOf } from './parse.ts';
import { agreeToRole, refuseRole } from './roles.ts';

const ids = z.object({ id: z.uuid(), requestId: z.uuid() });

const verbs = [
  { path: 'agree', act: agreeToRole, notice: 'Agreed: the role is given.' },
  { path: 'refuse', act: refuseRole, notice: 'Taken back. The role is not given.' },
] as const;

export function roleRequestRoutes({ database, model }: IdentityContext): Route[] {
  return verbs.map(({ path, act, notice }) =>
    page({
      method: 'POST',
      path: `/people/:id/role-requests/:requestId/${path}`,
      access: 'person.manage',
      fresh: true,
      params: ids,
      handle: async ({ actor, params, form, now }) => {
        const request = { id: params.requestId, personId: params.id, hash: oneOf(form, 'hash') };
        const done = await database.attempt(actor, (tx) => act(tx, request, { model, now }));
        return done.ok ? redirect(`/people/${params.id}`, { notice }) : refusedPage(done);
      },
    }),
  );
}
