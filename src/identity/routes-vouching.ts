/** A sponsor vouches for somebody, and another person lets them in. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import { may, system, type Actor } from '#kernel/actor.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
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
import { roleLabels } from './model.ts';
import { parseVouching, VOUCHING_FIELDS } from './parse.ts';
import { confirmVouched, listVouchedFor, rolesToVouchFor, vouchFor } from './vouching.ts';

const ids = z.object({ id: z.uuid() });

/** Which codes there are is in public registers; whom a sponsor may read of them matters nothing. */
const register = system('vouching');

export function vouchingRoutes(context: IdentityContext): Route[] {
  const { database, model, origin } = context;
  const show = async (actor: Actor, now: Date, typed: Form = {}, why?: Refused): Promise<Reply> => {
    const { roles, mine } = await database.withActor(actor, async (tx) => ({
      roles: await rolesToVouchFor(tx, model),
      mine: (await vouchedFor(tx, context, now)).filter(({ isMine }) => isMine),
    }));
    return view(
      'identity/vouch.njk',
      {
        form: formModel(VOUCHING_FIELDS, typed, why && errorsAt('', why)),
        formId: formIdOf(why?.kind === 'conflict' ? {} : typed),
        roles: roles.map((key) => ({ key, label: roleLabels(model, [key])[0] ?? key })),
        mine,
      },
      why ? { status: refusalStatus(why.kind).status } : {},
    );
  };
  return [
    page({
      method: 'GET',
      path: '/colleagues/vouch',
      access: 'directory.own',
      handle: async ({ actor, now }) => await show(actor, now),
    }),
    page({
      method: 'POST',
      path: '/colleagues/vouch',
      access: 'directory.own',
      fresh: true,
      handle: async ({ actor, form, now }) => {
        const parsed = parseVouching(form);
        if (!parsed.ok) return await show(actor, now, form, parsed);
        const { code, ...said } = parsed.value;
        const found = await database.withActor(register, async (tx) =>
          context.organisations?.findByCode(tx, code),
        );
        if (found === undefined) return await show(actor, now, form, noSuchCode);
        const wish = { id: formIdOf(form), organisationId: found.id, ...said };
        const made = await database.attempt(actor, (tx) => vouchFor(tx, wish, { model, now }));
        if (!made.ok) return await show(actor, now, form, made);
        const notice = 'Vouched for. Somebody who lets people in there now decides.';
        return redirect('/colleagues/vouch', { notice });
      },
    }),
    page({
      method: 'POST',
      path: '/colleagues/invitations/:id/confirm',
      access: ['directory.own', 'person.manage'],
      fresh: true,
      params: ids,
      handle: async ({ actor, params, now }) => {
        const done = await database.attempt(actor, (tx) =>
          confirmVouched(tx, params.id, { model, now }),
        );
        if (!done.ok) return refusedPage(done);
        const { name, token, expiresAt } = done.value;
        const back = placeOf(actor);
        return view('identity/invitation-made.njk', {
          name,
          expiresAt,
          href: `${origin}/invitation/${token}`,
          back,
        });
      },
    }),
  ];
}

/** Where whoever decides on invitations sees them. */
export function placeOf(actor: Actor): { readonly href: string; readonly text: string } {
  return may(actor, 'person.manage')
    ? { href: '/people', text: 'People' }
    : { href: '/colleagues', text: 'Colleagues' };
}

/** What waits for a second person, as pages say it. */
export async function vouchedFor(tx: Tx, context: IdentityContext, now: Date) {
  const { model, database, organisations } = context;
  const waiting = await listVouchedFor(tx, { model, now });
  if (waiting.length === 0) return [];
  const all = waiting.map(({ organisationId }) => organisationId);
  const names = await database.withActor(register, async (own) =>
    organisations?.listNames(own, [...new Set(all)]),
  );
  return waiting.map((one) => ({
    ...one,
    organisation: names?.find(({ id }) => id === one.organisationId)?.name ?? '',
    label: roleLabels(model, [one.role])[0] ?? one.role,
  }));
}

const unknownCode = 'No organisation has this code';
const noSuchCode = refused('invalid', unknownCode, { code: unknownCode });
