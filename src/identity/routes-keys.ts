/** Keys of programs: which there are, and how two persons make another one. */
import { z } from 'zod';
import { keyPermissions, mayIn, permissions, type Actor } from '#kernel/actor.ts';
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
import { proposeChange } from './changes/changes.ts';
import { keyChange } from './changes/key.ts';
import { selectChange } from './changes/store.ts';
import type { IdentityContext } from './context.ts';
import { revokeApiKey } from './keys.ts';
import { DAYS_MAX, KEY_FIELDS, parseKeyWish } from './parse-key.ts';
import { newApiKey, sha256 } from './secrets.ts';
import { selectApiKeys } from './store-key.ts';

export function keyRoutes(context: IdentityContext): Route[] {
  return [listRoute(context), formRoute(), proposeRoute(context), revokeRoute(context)];
}

function listRoute({ database }: IdentityContext): Route {
  return page({
    method: 'GET',
    path: '/keys',
    access: 'person.manage',
    handle: async ({ actor, now }) => {
      const keys = await database.withActor(actor, selectApiKeys);
      const isLiving = ({ revokedAt, expiresAt }: (typeof keys)[number]) =>
        revokedAt === null && (expiresAt === null || expiresAt > now);
      return view('identity/keys.njk', {
        keys: keys.map((key) => ({
          ...key,
          isLiving: isLiving(key),
          may: key.permissions.map((one) => permissions[one]),
        })),
      });
    },
  });
}

function formRoute(): Route {
  return page({
    method: 'GET',
    path: '/keys/new',
    access: 'person.manage',
    handle: async ({ actor }) => keyForm(actor, {}),
  });
}

/** Nobody gives a program more than they may do themselves, or what none can use. */
function keyForm(actor: Actor, typed: Form, why?: Refused): Reply {
  const form = formModel(KEY_FIELDS, typed, why && errorsAt('', why));
  return view(
    'identity/new-key.njk',
    {
      form:
        typed['days'] === undefined ? { ...form, values: { ...form.values, days: '90' } } : form,
      // After a conflict a new one, so that pressing again is a decision.
      formId: formIdOf(why?.kind === 'conflict' ? {} : typed),
      daysMax: DAYS_MAX,
      choices: [...keyPermissions]
        .filter((key) => mayIn(actor, key, null))
        .map((key) => ({ key, says: permissions[key] })),
    },
    why === undefined ? {} : { status: refusalStatus(why.kind).status },
  );
}

type Made = { readonly id: string; readonly secret: string };

function proposeRoute({ database }: IdentityContext): Route {
  return page({
    method: 'POST',
    path: '/keys/new',
    access: 'person.manage',
    fresh: true,
    handle: async ({ actor, form, now }) => {
      const wish = parseKeyWish(form, now);
      if (!wish.ok) return keyForm(actor, form, wish);
      const { reason, ...key } = wish.value;
      const id = formIdOf(form);
      const made = await database.attempt(actor, async (tx): Promise<Outcome<Made>> => {
        if ((await selectChange(tx, id)) !== undefined) return shownAlready;
        const { prefix, secret } = newApiKey();
        const secretSha256 = sha256(secret).toString('hex');
        const payload = { ...key, prefix, secretSha256 };
        const proposed = await proposeChange(tx, keyChange, { id, payload, reason, now });
        return proposed.ok ? { ok: true, value: { id, secret } } : proposed;
      });
      if (made.ok) return view('identity/key-made.njk', made.value);
      return keyForm(actor, form, made);
    },
  });
}

/** Without another proof: whoever revokes one is in a hurry. */
function revokeRoute({ database }: IdentityContext): Route {
  return page({
    method: 'POST',
    path: '/keys/:id/revoke',
    access: 'person.manage',
    params: z.object({ id: z.uuid() }),
    handle: async ({ actor, params, now }) => {
      const done = await database.attempt(actor, (tx) => revokeApiKey(tx, params.id, now));
      return done.ok ? redirect('/keys', { notice: 'Revoked.' }) : refusedPage(done);
    },
  });
}

const shownAlready = refused(
  'conflict',
  'This form has proposed a key already, and its secret was shown then. Press again to propose another one.',
);
