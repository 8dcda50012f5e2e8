/** The switch by page: who is cut off now, what it would do, and letting an organisation back. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { countPeopleOf, proposeChange } from '#identity/index.ts';
import {
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { DirectoryContext } from '../context.ts';
import { listDomains } from '../contacts/store-domains.ts';
import { CODE_SESSION_MS } from '../own/own-session.ts';
import { findOrganisationRecord } from '../store.ts';
import { findLetBackAsked, letBackChange } from './change-let-back.ts';
import { cutOff, REASON_MAX, type WasCutOff } from './cut-off.ts';
import { findCutOff, listCutOff, listDomainUse, readConsequences } from './store-cut-off.ts';

const idParams = z.object({ id: z.uuid() });
const BY = 'organisation.cut_off';

export function cutOffRoutes(context: DirectoryContext): Route[] {
  return [listRoute(context), ...oneRoutes(context)];
}

function listRoute({ database }: DirectoryContext): Route {
  return page({
    method: 'GET',
    path: '/organisations/cut-off',
    access: 'directory.read',
    handle: async ({ actor }) =>
      await database.withActor(actor, async (tx) =>
        view('organisations/cut-off-list.njk', {
          organisations: await listCutOff(tx),
          mayCutOff: may(actor, BY),
        }),
      ),
  });
}

function oneRoutes(context: DirectoryContext): Route[] {
  const { database } = context;
  const show = async (actor: Actor, id: string, now: Date, failed?: Failed) =>
    await database.withActor(actor, (tx) => cutOffPage(tx, id, { now, failed }));
  return [
    page({
      method: 'GET',
      path: '/organisations/:id/cut-off',
      access: BY,
      fresh: true,
      params: idParams,
      handle: async ({ actor, params, now }) => await show(actor, params.id, now),
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/cut-off',
      access: BY,
      fresh: true,
      params: idParams,
      async handle({ actor, params: { id: organisationId }, form, now }) {
        const cutting = {
          organisationId,
          reason: many(form['reason'])[0] ?? '',
          domains: domainsIn(form),
        };
        const done = await database.attempt(actor, (tx) => cutOff(tx, cutting, now));
        if (done.ok)
          return redirect(`/organisations/${organisationId}`, { notice: said(done.value) });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await show(actor, organisationId, now, { form, refused: done });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/let-back',
      access: BY,
      fresh: true,
      params: idParams,
      async handle({ actor, params: { id: organisationId }, form, now }) {
        const reason = many(form['reason'])[0] ?? '';
        const asked = { id: formIdOf(form), payload: { organisationId }, reason, now };
        const done = await database.attempt(actor, (tx) => proposeChange(tx, letBackChange, asked));
        if (done.ok) return redirect(`/changes/${done.value}`, { notice: PROPOSED });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await show(actor, organisationId, now, { form, refused: done });
      },
    }),
  ];
}

/** Ticked ones, and those that were typed beside them. */
function domainsIn(form: Form): string[] {
  const typed = (many(form['more'])[0] ?? '').split(/[\s,;]+/);
  const named = [...many(form['domain']), ...typed].map((one) =>
    one.trim().replace(/^@/, '').toLowerCase(),
  );
  return [...new Set(named.filter((one) => one !== ''))];
}

function said({ people, codeSessions, issuers, addresses, suppressed }: WasCutOff): string {
  const accounts = people === 1 ? '1 account is' : `${people} accounts are`;
  const stopped = addresses === 1 ? '1 address' : `${addresses} addresses`;
  const messages = suppressed === 1 ? '1 message' : `${suppressed} messages`;
  const off = issuers === 0 ? '' : ` ${issuers} of its own sign-ins off,`;
  return `Cut off: ${accounts} signed out,${off} ${codeSessions} sessions by a code ended, mail to ${stopped} stopped, ${messages} held back.`;
}

const PROPOSED = 'Proposed. A second person has to approve it; it is still cut off.';

type Failed = { readonly form: Form; readonly refused: Refused };

async function cutOffPage(
  tx: Tx,
  id: string,
  { now, failed }: { readonly now: Date; readonly failed: Failed | undefined },
): Promise<Reply> {
  const organisation = await findOrganisationRecord(tx, id);
  if (organisation === undefined) return notFound();
  const cut = await findCutOff(tx, id);
  const known = await listDomains(tx, id);
  const own = known.filter(({ isOwn }) => isOwn).map(({ domain }) => domain);
  const ticked = new Set(failed === undefined ? own : domainsIn(failed.form));
  const uses = await listDomainUse(
    tx,
    id,
    known.map(({ domain }) => domain),
  );
  const openedAfter = new Date(now.getTime() - CODE_SESSION_MS);
  return view(
    'organisations/cut-off.njk',
    {
      organisation,
      cut: cut ?? null,
      asked: cut === undefined ? undefined : await findLetBackAsked(tx, id, now),
      formId: formIdOf(failed?.form ?? {}),
      people: await countPeopleOf(tx, id),
      ...(await readConsequences(tx, id, { domains: [...ticked], openedAfter })),
      domains: uses.map((use) => ({ ...use, isTicked: ticked.has(use.domain) })),
      reasonMax: REASON_MAX,
      mayManage: may(tx.actor, 'person.manage'),
      form: formModel(['reason', 'more'], failed?.form, failed?.refused.fields),
    },
    failed === undefined ? {} : { status: refusalStatus(failed.refused.kind).status },
  );
}
