/** Colleagues of one's own organisations: who is here, whom one lets in, and who is to go. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import type { Actor } from '#kernel/actor.ts';
import { isUuid } from '#kernel/ids.ts';
import { refused, type Outcome, type Refused } from '#kernel/outcome.ts';
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
import type { IdentityContext } from './context.ts';
import {
  endColleague,
  inviteColleague,
  organisationsOf,
  revokeInvitation,
  rolesToOffer,
  type InvitationWish,
} from './invitations.ts';
import { isSelf, roleLabels } from './model.ts';
import { oneOf, parseColleague, termWords } from './parse.ts';
import { placeOf, vouchedFor, vouchingRoutes } from './routes-vouching.ts';
import { selectColleagues, selectOpenInvitations, selectRolesFor } from './store-invitation.ts';

const ids = z.object({ id: z.uuid() });

export function colleagueRoutes(context: IdentityContext): Route[] {
  return [
    listRoute(context),
    ...inviteRoutes(context),
    ...vouchingRoutes(context),
    ...endRoutes(context),
  ];
}

type Named = { readonly id: string; readonly name: string };

async function ownOrganisations(
  tx: Tx,
  { organisations }: IdentityContext,
  actor: Actor,
): Promise<readonly Named[]> {
  return (await organisations?.listNames(tx, organisationsOf(actor))) ?? [];
}

function listRoute(context: IdentityContext): Route {
  const { database, model } = context;
  return page({
    method: 'GET',
    path: '/colleagues',
    access: 'directory.own',
    handle: async ({ actor, now }) =>
      await database.withActor(actor, async (tx) => {
        const own = await ownOrganisations(tx, context, actor);
        const ids = own.map(({ id }) => id);
        const nameOf = (id: string) => own.find((one) => one.id === id)?.name ?? '';
        const label = (role: string) => roleLabels(model, [role])[0] ?? role;
        const offered = new Map<string, readonly string[]>();
        for (const id of ids) offered.set(id, await offeredBy(tx, context, actor, id));
        const colleagues = await selectColleagues(tx, ids);
        const open = await selectOpenInvitations(tx, ids, now);
        return view('identity/colleagues.njk', {
          waiting: await vouchedFor(tx, context, now),
          isSeveral: own.length > 1,
          colleagues: colleagues.map((one) => ({
            ...one,
            organisation: nameOf(one.organisationId),
            label: label(one.role),
            term: termWords(one, now),
            isSelf: isSelf(actor, one.id),
            mayEnd: offered.get(one.organisationId)?.includes(one.role) ?? false,
          })),
          open: open.map((one) => ({
            ...one,
            organisation: nameOf(one.organisationId),
            label: label(one.role),
          })),
        });
      }),
  });
}

/** The roles that the actor may give for this organisation. */
async function offeredBy(tx: Tx, { model }: IdentityContext, actor: Actor, organisationId: string) {
  if (actor.kind !== 'person') return [];
  return rolesToOffer(model, await selectRolesFor(tx, actor.id, organisationId));
}

const FIELDS = ['name', 'email', 'organisation', 'role'] as const;

function inviteRoutes(context: IdentityContext): Route[] {
  const { database, model, origin } = context;
  const show = async (actor: Actor, typed: Form = {}, why?: Refused): Promise<Reply> => {
    const { own, roles } = await database.withActor(actor, async (tx) => {
      const own = await ownOrganisations(tx, context, actor);
      const all = await Promise.all(own.map(({ id }) => offeredBy(tx, context, actor, id)));
      return { own, roles: [...new Set(all.flat())] };
    });
    return view(
      'identity/colleague-invite.njk',
      {
        form: formModel(FIELDS, typed, why && errorsAt('', why)),
        formId: formIdOf(why?.kind === 'conflict' ? {} : typed),
        organisations: own,
        roles: roles.map((key) => ({ key, label: roleLabels(model, [key])[0] ?? key })),
      },
      why ? { status: refusalStatus(why.kind).status } : {},
    );
  };
  return [
    page({
      method: 'GET',
      path: '/colleagues/invite',
      access: 'directory.own',
      handle: async ({ actor }) => await show(actor),
    }),
    page({
      method: 'POST',
      path: '/colleagues/invite',
      access: 'directory.own',
      fresh: true,
      handle: async ({ actor, form, now }) => {
        const parsed = parseColleague(form);
        if (!parsed.ok) return await show(actor, form, parsed);
        const { organisation: organisationId, ...said } = parsed.value;
        const wish: InvitationWish = { id: formIdOf(form), organisationId, ...said };
        const made = await database.attempt(actor, (tx) =>
          inviteColleague(tx, wish, { model, now }),
        );
        if (!made.ok) return await show(actor, form, made);
        return view('identity/invitation-made.njk', {
          name: said.name,
          href: `${origin}/invitation/${made.value.token}`,
          expiresAt: made.value.expiresAt,
          back: { href: '/colleagues', text: 'Colleagues' },
        });
      },
    }),
  ];
}

function endRoutes({ database, model }: IdentityContext): Route[] {
  const told = (done: Outcome<void>, notice: string, to = '/colleagues'): Reply =>
    done.ok ? redirect(to, { notice }) : refusedPage(done);
  return [
    // Both without another proof: whoever shuts somebody out is in a hurry.
    page({
      method: 'POST',
      path: '/colleagues/invitations/:id/revoke',
      access: ['directory.own', 'person.manage'],
      params: ids,
      handle: async ({ actor, params, now }) =>
        told(
          await database.attempt(actor, (tx) => revokeInvitation(tx, params.id, now)),
          'Taken back. No link of it opens anything.',
          placeOf(actor).href,
        ),
    }),
    page({
      method: 'POST',
      path: '/colleagues/:id/end',
      access: 'directory.own',
      params: ids,
      handle: async ({ actor, params, form, now }) => {
        const organisationId = oneOf(form, 'organisation');
        const held = { personId: params.id, role: oneOf(form, 'role'), organisationId };
        if (!isUuid(organisationId)) return refusedPage(noOrganisation);
        const done = await database.attempt(actor, (tx) => endColleague(tx, held, { model, now }));
        return told(done, 'Ended, from their next click on.');
      },
    }),
  ];
}

const noOrganisation = refused('not_found', 'There is no such organisation of yours.');
