/** To an issuer and back: signing in, linking oneself, accepting an invitation. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import { system } from '#kernel/actor.ts';
import { refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import {
  errorsAt,
  formModel,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  sameSitePath,
  view,
  type Reply,
  type Route,
  type WebRequest,
} from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { boundBy, returnPath, type Proven } from './issuer-model.ts';
import {
  acceptByIssuer,
  beginVisit,
  comeBack,
  lackingForLink,
  linkMyself,
  noSuchIssuer,
  signInByIssuer,
  unlinkMyself,
  VISIT_LIFE_MS,
  type VisitWish,
} from './issuer-visits.ts';
import { addNumber } from './issuer-number.ts';
import { oneOf } from './parse.ts';
import { issuerId } from './parse-issuer.ts';
import { whoIs } from './routes-passkeys.ts';
import { newToken } from './secrets.ts';
import { signInPage } from './sign-in-page.ts';
import { markIssuerFailed, selectIssuer } from './store-issuer.ts';
import type { NewVisit } from './store-visit.ts';
import { beginLockedSession, beginSession, howOf } from './visit.ts';

const asker = system('sign-in');
const issuers = z.object({ issuer: issuerId });
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** Strangers may try, and each try is a question to somebody else's server. */
const SENT_PER_MINUTE = 60;

export function visitRoutes(context: IdentityContext): Route[] {
  return [
    sendRoute(context),
    returnRoute(context),
    ...numberRoutes(context),
    ...ownRoutes(context),
  ];
}

function sendRoute(context: IdentityContext): Route {
  return page({
    method: 'POST',
    path: '/sign-in/with/:issuer',
    access: 'public',
    params: issuers,
    perMinuteMax: SENT_PER_MINUTE,
    handle: async (request) => {
      const { params, session, form } = request;
      const to = sameSitePath(form['to']);
      const wish = { issuerId: params.issuer, purpose: 'sign_in', returnTo: to } as const;
      const sent = await sendThere(context, request, wish);
      if (sent.ok) return sent.value;
      return await signInPage(context, { to, signedIn: session?.name ?? '' }, sent);
    },
  });
}

/** The page that leads there, with the ticket that has to come back. */
export async function sendThere(
  context: IdentityContext,
  { ticket: shown, now }: Pick<WebRequest, 'ticket' | 'now'>,
  wish: Omit<VisitWish, 'ticket'>,
): Promise<Outcome<Reply>> {
  const { database, issuers: seals, origin } = context;
  const ticket = shown !== undefined && TOKEN.test(shown) ? shown : newToken();
  const begun = await database.attempt(asker, (tx) => beginVisit(tx, { ...wish, ticket }, now));
  if (!begun.ok) return begun;
  const issuer = await findThere(context, wish.issuerId);
  if (issuer === undefined) return noSuchIssuer;
  const returnTo = origin + returnPath(issuer.id);
  const settings = seals.openSettings(issuer.id, issuer.settingsSealed);
  const bound = { ...boundBy(begun.value, ticket), returnTo };
  const way = await seals.client.findWay(issuer, settings, bound);
  if (!way.ok) return await failed(context, issuer, way, now);
  const model = { label: issuer.label, href: way.value, host: new URL(way.value).host };
  const session = { start: ticket, maxAgeSeconds: VISIT_LIFE_MS / 1000, of: 'ticket' } as const;
  return { ok: true, value: view('identity/issuer-leave.njk', model, { session }) };
}

async function findThere({ database }: IdentityContext, id: string) {
  return await database.withActor(asker, (tx) => selectIssuer(tx, id));
}

/** Kept for whoever set the issuer up; the visitor is told what to do. */
async function failed(
  { database }: IdentityContext,
  { id, label }: { readonly id: string; readonly label: string },
  { failure, isDown }: { readonly failure: string; readonly isDown: boolean },
  at: Date,
): Promise<Refused> {
  // Somebody pressed “cancel” there.
  if (failure === 'refused_there') return refused('forbidden', `${label} did not sign you in.`);
  await database.withActor(asker, (tx) => markIssuerFailed(tx, id, { at, failure }));
  if (isDown)
    return refused('unavailable', `${label} does not answer. Come in another way, or try again.`);
  return refused('forbidden', `What ${label} said was not accepted. Come in another way.`);
}

function returnRoute(context: IdentityContext): Route {
  const { database } = context;
  return page({
    method: 'GET',
    path: '/sign-in/with/:issuer/return',
    access: 'public',
    params: issuers,
    query: z.object({ state: z.string().max(200).catch('') }).loose(),
    perMinuteMax: 2 * SENT_PER_MINUTE,
    // A GET that changes something, because issuers send browsers: by state and ticket, once.
    handle: async (request) => {
      const { params, query, session, now, ticket = '' } = request;
      const back = { issuerId: params.issuer, state: query.state, ticket };
      const taken = await database.attempt(asker, (tx) => comeBack(tx, back, now));
      const signedIn = session?.name ?? '';
      if (!taken.ok) return await signInPage(context, { to: '/', signedIn }, taken);
      const visit = taken.value;
      const proven = await bringBack(context, request, visit);
      const done = proven.ok ? await finish(context, request, visit, proven.value) : proven;
      if (done.ok) return done.value;
      if (visit.purpose !== 'sign_in') return refusedPage(done);
      return await signInPage(context, { to: visit.returnTo, signedIn }, done);
    },
  });
}

type Back = WebRequest<{ issuer: string }, { state: string }>;

async function bringBack(
  context: IdentityContext,
  { path, now, ticket = '' }: Back,
  visit: NewVisit,
): Promise<Outcome<Proven>> {
  const { issuers: seals, origin } = context;
  const issuer = await findThere(context, visit.issuerId);
  if (issuer === undefined || issuer.offAt !== null) return noSuchIssuer;
  const bound = { ...boundBy(visit.id, ticket), address: new URL(path, origin) };
  const settings = seals.openSettings(issuer.id, issuer.settingsSealed);
  const told = await seals.client.bringBack(issuer, settings, bound);
  return told.ok ? told : await failed(context, issuer, told, now);
}

/** What the visit was for, now that the issuer has said who it is. */
async function finish(
  context: IdentityContext,
  request: Back,
  visit: NewVisit,
  proven: Proven,
): Promise<Outcome<Reply>> {
  const { database, model } = context;
  const { session, actor, now } = request;
  const how = howOf(request);
  const attempt = <T>(act: (tx: Tx) => Promise<Outcome<T>>) => database.attempt(asker, act);
  const answer = (value: Reply) => ({ ok: true, value }) as const;
  switch (visit.purpose) {
    case 'sign_in': {
      const begun = await attempt((tx) => signInByIssuer(tx, visit, proven, { how }));
      if (!begun.ok) return begun;
      const to = encodeURIComponent(visit.returnTo);
      if (begun.value === null) return answer(redirect(`/sign-in/more/${visit.id}?to=${to}`));
      return answer(await beginLockedSession(context, begun.value, visit.returnTo, now));
    }
    case 'link': {
      if (session === undefined || actor.kind !== 'person') return signedOut;
      const who = { personId: actor.id, sessionId: session.id };
      const by = { model, now, who };
      const linked = await database.attempt(actor, (tx) => linkMyself(tx, visit, proven, by));
      return linked.ok ? answer(redirect('/account', { notice: 'Linked.' })) : linked;
    }
    case 'accept': {
      const begun = await attempt((tx) => acceptByIssuer(tx, visit, proven, { model, how }));
      return begun.ok ? answer(beginSession(context, begun.value, visit.returnTo)) : begun;
    }
    default:
      return visit.purpose satisfies never;
  }
}

const signedOut = refused('conflict', 'You were signed out meanwhile. Sign in, then link again.');

/** Where the issuer proved too little: a number of the app, or a passkey. */
function numberRoutes(context: IdentityContext): Route[] {
  const { database, model, codes: seals } = context;
  const ids = z.object({ id: z.uuid() });
  const show = (id: string, to: string, why?: Refused): Reply => {
    const form = formModel(['number'], {}, why && errorsAt('number', why));
    const status = why === undefined ? {} : { status: refusalStatus(why.kind).status };
    return view('identity/issuer-more.njk', { form, id, to }, status);
  };
  return [
    page({
      method: 'GET',
      path: '/sign-in/more/:id',
      access: 'public',
      params: ids,
      query: z.object({ to: z.string().optional().catch(undefined) }),
      handle: async ({ params, query }) => show(params.id, sameSitePath(query.to)),
    }),
    page({
      method: 'POST',
      path: '/sign-in/more/:id',
      access: 'public',
      params: ids,
      perMinuteMax: SENT_PER_MINUTE,
      handle: async (request) => {
        const { params, form, ticket = '' } = request;
        const number = oneOf(form, 'number').replaceAll(/\s/g, '');
        const typed = { id: params.id, ticket, number };
        const by = { model, seals, how: howOf(request) };
        // Not `attempt`: a wrong try stays counted.
        const begun = await database.withActor(asker, (tx) => addNumber(tx, typed, by));
        if (!begun.ok) return show(params.id, sameSitePath(form['to']), begun);
        return beginSession(context, begun.value.token, begun.value.returnTo);
      },
    }),
  ];
}

/** Linking oneself, and taking that away, on one's own page. */
function ownRoutes(context: IdentityContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'POST',
      path: '/account/issuers/:issuer/link',
      access: 'signed-in',
      params: issuers,
      perMinuteMax: SENT_PER_MINUTE,
      handle: async (request) => {
        const { actor, params, now } = request;
        const { who } = whoIs(request);
        const lacking = await database.withActor(actor, (tx) =>
          lackingForLink(tx, who, { model, now }),
        );
        if (lacking) return refusedPage(lacking);
        const wish = { issuerId: params.issuer, purpose: 'link', returnTo: '/account' } as const;
        const sent = await sendThere(context, request, { ...wish, sessionId: who.sessionId });
        return sent.ok ? sent.value : refusedPage(sent);
      },
    }),
    page({
      method: 'POST',
      path: '/account/issuer-links/:id/remove',
      access: 'signed-in',
      params: z.object({ id: z.uuid() }),
      handle: async (request) => {
        const { actor, params, now } = request;
        const { who } = whoIs(request);
        const done = await database.attempt(actor, (tx) =>
          unlinkMyself(tx, who, params.id, { model, now }),
        );
        return done.ok
          ? redirect('/account', {
              notice: 'Not linked any more. Where it was signed in is signed out.',
            })
          : refusedPage(done);
      },
    }),
  ];
}
