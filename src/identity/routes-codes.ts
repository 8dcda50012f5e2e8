/** Signing in without a passkey: a code by mail, and the number of an app; and setting that up. */
import { z } from 'zod';
import { system } from '#kernel/actor.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { newId } from '#kernel/ids.ts';
import { networkOf } from '#kernel/ip-network.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
  formModel,
  notFound,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  sameSitePath,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import {
  askForCode,
  beginApp,
  CODE_LIFE_MS,
  confirmApp,
  findPendingSecret,
  lackingForApp,
  removeApp,
  signInWithCode,
  tooMany,
} from './codes.ts';
import type { IdentityContext } from './context.ts';
import { oneOf } from './parse.ts';
import { qrCode } from './qr-code.ts';
import { whoIs } from './routes-passkeys.ts';
import { selectApp } from './store-code.ts';
import { selectPerson } from './store.ts';
import { otpauthAddress } from './totp.ts';
import { beginSession, howOf } from './visit.ts';

/** Many people sit behind one address of their organisation's network. */
const POSTS_PER_MINUTE_MAX = 60;

const asker = system('sign-in');
const ids = z.object({ id: z.uuid() });
const returnTo = z.object({ to: z.string().optional().catch(undefined) });

export function codeRoutes(context: IdentityContext): Route[] {
  return [...askRoutes(context), ...typeRoutes(context), ...appRoutes(context)];
}

const minutes = CODE_LIFE_MS / 60_000;

/** Limits are told as such. */
function statusOf(why: Refused | undefined): { status?: number } {
  if (why === undefined) return {};
  return { status: why === tooMany ? 429 : refusalStatus(why.kind).status };
}

function askRoutes(context: IdentityContext): Route[] {
  const { database, model, indexNetwork } = context;
  const show = (to: string, typed: Form = {}, why?: Refused): Reply => {
    const form = formModel(['email'], typed, why && errorsAt('email', why));
    return view('identity/code-ask.njk', { form, to, minutes }, statusOf(why));
  };
  return [
    page({
      method: 'GET',
      path: '/sign-in/code',
      access: 'public',
      query: returnTo,
      handle: async ({ query }) => show(sameSitePath(query.to)),
    }),
    page({
      method: 'POST',
      path: '/sign-in/code',
      access: 'public',
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      handle: async ({ form, ip, now }) => {
        const to = sameSitePath(form['to']);
        const email = parseEmailAddress(oneOf(form, 'email'));
        if (!email.ok) return show(to, form, noAddress);
        const id = newId(now.getTime());
        const networkIndex = indexNetwork(networkOf(ip));
        const code = { id, email: email.value, networkIndex };
        const asked = await askForCode(database, code, { model, now });
        if (!asked.ok) return show(to, form, asked);
        return redirect(`/sign-in/code/${id}?to=${encodeURIComponent(to)}`);
      },
    }),
  ];
}

function typeRoutes(context: IdentityContext): Route[] {
  const { database, model, codes: seals } = context;
  const show = (id: string, to: string, why?: Refused): Reply => {
    const form = formModel(['code', 'number'], {}, why && errorsAt('code', why));
    return view('identity/code.njk', { form, id, to, minutes }, statusOf(why));
  };
  return [
    page({
      method: 'GET',
      path: '/sign-in/code/:id',
      access: 'public',
      params: ids,
      query: returnTo,
      handle: async ({ params, query }) => show(params.id, sameSitePath(query.to)),
    }),
    page({
      method: 'POST',
      path: '/sign-in/code/:id',
      access: 'public',
      params: ids,
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      handle: async (request) => {
        const { params, form } = request;
        const to = sameSitePath(form['to']);
        const typed = { id: params.id, ...digitsOf(form) };
        // Not `attempt`: a wrong try stays counted.
        const begun = await database.withActor(asker, (tx) =>
          signInWithCode(tx, typed, { model, seals, how: howOf(request) }),
        );
        return begun.ok ? beginSession(context, begun.value, to) : show(params.id, to, begun);
      },
    }),
  ];
}

/** As people type and paste them: with blanks, in two groups. */
function digitsOf(form: Form) {
  const digits = (field: string) => oneOf(form, field).replaceAll(/[\s-]/g, '').slice(0, 20);
  return { code: digits('code'), number: digits('number') };
}

function appRoutes(context: IdentityContext): Route[] {
  const { database, model, indexNetwork, codes: seals } = context;
  return [
    page({
      method: 'GET',
      path: '/account/app',
      access: 'signed-in',
      handle: async (request) => {
        const { who } = whoIs(request);
        const at = { model, now: request.now };
        const { lacking, app } = await database.withActor(asker, async (tx) => ({
          lacking: await lackingForApp(tx, who, at),
          app: await selectApp(tx, who.personId),
        }));
        if (lacking) return refusedPage(lacking);
        return view('identity/app.njk', { since: app?.madeAt ?? null, minutes });
      },
    }),
    page({
      method: 'POST',
      path: '/account/app',
      access: 'signed-in',
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      handle: async (request) => {
        const { ip, now } = request;
        const who = { ...whoIs(request).who, networkIndex: indexNetwork(networkOf(ip)) };
        const begun = await database.attempt(asker, (tx) =>
          beginApp(tx, who, { model, now, seals }),
        );
        return begun.ok ? redirect(`/account/app/${begun.value}`) : refusedPage(begun);
      },
    }),
    page({
      method: 'POST',
      path: '/account/app/remove',
      access: 'signed-in',
      handle: async (request) => {
        const { who } = whoIs(request);
        const by = { model, now: request.now };
        const done = await database.attempt(asker, (tx) => removeApp(tx, who, by));
        if (!done.ok) return refusedPage(done);
        return redirect('/account', {
          notice: 'Removed. Where its numbers were signed in is signed out.',
        });
      },
    }),
    ...appSetupRoutes(context),
  ];
}

function appSetupRoutes(context: IdentityContext): Route[] {
  const { database, model, codes: seals, installation } = context;
  const show = async (
    visit: Parameters<typeof whoIs>[0],
    id: string,
    why?: Refused,
  ): Promise<Reply> => {
    const { who } = whoIs(visit);
    const { secret, person } = await database.withActor(asker, async (tx) => ({
      secret: await findPendingSecret(tx, who, id, { seals, now: visit.now }),
      person: await selectPerson(tx, who.personId),
    }));
    if (secret === undefined) return why ? refusedPage(why) : notFound();
    const email = person?.email ?? '';
    const address = otpauthAddress(secret, `Tocsin, ${installation.name}`, email);
    const form = formModel(['code', 'number'], {}, why && errorsAt('code', why));
    const groups = secret.match(/.{4}/g)?.join(' ') ?? secret;
    const words = { id, form, email, minutes, address, groups, qr: qrCode(address) };
    return view('identity/app-new.njk', words, statusOf(why));
  };
  return [
    page({
      method: 'GET',
      path: '/account/app/:id',
      access: 'signed-in',
      params: ids,
      handle: async (request) => await show(request, request.params.id),
    }),
    page({
      method: 'POST',
      path: '/account/app/:id',
      access: 'signed-in',
      params: ids,
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      handle: async (request) => {
        const { params, form, now } = request;
        const { who } = whoIs(request);
        const typed = { id: params.id, ...digitsOf(form) };
        // Not `attempt`: a wrong try stays counted.
        const done = await database.withActor(asker, (tx) =>
          confirmApp(tx, who, typed, { model, now, seals }),
        );
        if (!done.ok) return await show(request, params.id, done);
        const notice = 'Set up. A code by mail and a number of the app sign you in from now on.';
        return redirect('/account', { notice });
      },
    }),
  ];
}

const noAddress = refused('invalid', 'Write an address like name@example.org', {
  email: 'Write an address like name@example.org',
});
