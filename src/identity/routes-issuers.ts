/** Issuers as the centre sees them: what they may say, whether they work, and the switch. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { proposeChange } from './changes/changes.ts';
import { issuerChange } from './changes/issuer.ts';
import type { IdentityContext } from './context.ts';
import { switchOffIssuer } from './issuers.ts';
import { logoutPath } from './issuer-model.ts';
import { oneOf } from './parse.ts';
import { issuerId } from './parse-issuer.ts';
import { selectIssuers } from './store-issuer.ts';

export function issuerRoutes(context: IdentityContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/issuers',
      access: 'person.manage',
      handle: async ({ actor }) => await showIssuers(context, actor),
    }),
    offRoute(context),
    onRoute(context),
  ];
}

/** `failed`: for which of them a reason was missing. */
async function showIssuers(
  { database, organisations, origin }: IdentityContext,
  actor: Actor,
  failed?: { readonly issuer: string; readonly form: Form; readonly why: Refused },
): Promise<Reply> {
  const issuers = await database.withActor(actor, async (tx) => {
    const all = await selectIssuers(tx);
    const ids = all.flatMap(({ organisationId }) => organisationId ?? []);
    const named = (await organisations?.listNames(tx, ids)) ?? [];
    const names = new Map(named.map(({ id, name }) => [id, name]));
    return all.map(({ organisationId, ...one }) => ({
      ...one,
      logoutAddress: origin + logoutPath(one.id),
      organisation: organisationId && (names.get(organisationId) ?? 'not known'),
      form: formModel(
        ['reason'],
        ...(failed?.issuer === one.id ? [failed.form, errorsAt('reason', failed.why)] : []),
      ),
      formId: formIdOf(failed?.issuer === one.id ? failed.form : {}),
    }));
  });
  if (failed === undefined) return view('identity/issuers.njk', { issuers });
  const { issuer, why } = failed;
  // Each issuer has a field of its own: the list of what is wrong leads to that one.
  const summary = Object.values(errorsAt('reason', why)).map((text) => ({
    text,
    href: `#reason-${issuer}`,
  }));
  const { status } = refusalStatus(why.kind);
  return view('identity/issuers.njk', { issuers, form: { summary } }, { status });
}

/** Without another proof: whoever switches one off is in a hurry. */
function offRoute({ database }: IdentityContext): Route {
  return page({
    method: 'POST',
    path: '/issuers/:issuer/off',
    access: 'person.manage',
    params,
    handle: async ({ actor, params: { issuer }, now }) => {
      const done = await database.attempt(actor, (tx) => switchOffIssuer(tx, issuer, now));
      if (!done.ok) return refusedPage(done);
      return redirect('/issuers', { notice: 'Off. Whoever came by it is signed out.' });
    },
  });
}

/** Proposes it: another person has to agree. */
function onRoute(context: IdentityContext): Route {
  const { database } = context;
  const kind = issuerChange(context);
  return page({
    method: 'POST',
    path: '/issuers/:issuer/on',
    access: 'person.manage',
    fresh: true,
    params,
    handle: async ({ actor, params: { issuer }, form, now }) => {
      const proposal = { id: formIdOf(form), payload: { id: issuer }, now };
      const reason = oneOf(form, 'reason');
      const done = await database.attempt(actor, (tx) =>
        proposeChange(tx, kind, { ...proposal, reason }),
      );
      if (done.ok) return redirect(`/changes/${done.value}`, { notice: PROPOSED });
      if (done.kind !== 'invalid') return refusedPage(done);
      return await showIssuers(context, actor, { issuer, form, why: done });
    },
  });
}

const PROPOSED = 'Proposed. A second person has to approve it; nothing has changed yet.';

const params = z.object({ issuer: issuerId });
