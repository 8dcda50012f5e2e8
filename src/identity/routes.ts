/**
 * Signing in and out. Passkeys: `routes-passkeys.ts`; one's own page: `routes-account.ts`; the
 * pages about other people: `routes-people.ts`.
 */
import { z } from 'zod';
import { system } from '#kernel/actor.ts';
import { isUuid } from '#kernel/ids.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import {
  json,
  notFound,
  page,
  redirect,
  refusedPage,
  sameSitePath,
  view,
  type Route,
} from '#web/index.ts';
import { siteOf, type IdentityContext } from './context.ts';
import { oneOf } from './parse.ts';
import { askToSignIn, signInWithPasskey, takeAnswer, withTicket } from './passkeys.ts';
import { accountRoutes } from './routes-account.ts';
import { changeRoutes } from './changes/routes.ts';
import { issuerChange } from './changes/issuer.ts';
import { keyChange } from './changes/key.ts';
import { codeRoutes } from './routes-codes.ts';
import { colleagueRoutes } from './routes-colleagues.ts';
import { invitationRoutes } from './routes-invitation.ts';
import { keyRoutes } from './routes-keys.ts';
import { passkeyRoutes } from './routes-passkeys.ts';
import { issuerLogoutRoute } from './routes-issuer-logout.ts';
import { issuerRoutes } from './routes-issuers.ts';
import { peopleRoutes } from './routes-people.ts';
import { visitRoutes } from './routes-visits.ts';
import { sha256 } from './secrets.ts';
import { spaceRoutes } from './spaces/routes.ts';
import { signInPage } from './sign-in-page.ts';
import { beginLockedSession, beginSession, howOf } from './visit.ts';
import { endSession, signIn, signInForDemonstration } from './sign-in.ts';
import { selectLinkPerson } from './store.ts';
import { parseUsed } from './webauthn.ts';

export function identityRoutes(context: IdentityContext): Route[] {
  return [
    ...signInRoutes(context),
    ...passkeySignInRoutes(context),
    ...linkRoutes(context),
    ...passkeyRoutes(context),
    ...accountRoutes(context),
    ...codeRoutes(context),
    ...peopleRoutes(context),
    ...spaceRoutes(context),
    ...colleagueRoutes(context),
    ...invitationRoutes(context),
    ...visitRoutes(context),
    issuerLogoutRoute(context),
    ...issuerRoutes(context),
    ...keyRoutes(context),
    ...changeRoutes({
      ...context,
      kinds: [keyChange, issuerChange(context), ...(context.changeKinds ?? [])],
    }),
  ];
}

const asker = system('sign-in');
const returnTo = z.object({ to: z.string().optional().catch(undefined) });
const token = z.object({ token: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });

function signInRoutes(context: IdentityContext): Route[] {
  const { database } = context;
  const isDemonstration = context.installation.kind === 'demonstration';
  return [
    page({
      method: 'GET',
      path: '/sign-in',
      access: 'public',
      query: returnTo,
      handle: async ({ query, session }) =>
        await signInPage(context, { to: sameSitePath(query.to), signedIn: session?.name ?? '' }),
    }),
    page({
      method: 'POST',
      path: '/sign-in/demonstration',
      access: 'public',
      handle: async (request) => {
        const personId = oneOf(request.form, 'person');
        if (!isDemonstration || !isUuid(personId)) return notFound();
        const begun = await database.withActor(asker, (tx) =>
          signInForDemonstration(tx, personId, howOf(request)),
        );
        if (!begun.ok) return refusedPage(begun);
        return beginSession(context, begun.value, sameSitePath(request.form['to']));
      },
    }),
    page({
      method: 'POST',
      path: '/sign-out',
      // Public: whose session has ended already still wants to be signed out.
      access: 'public',
      handle: async ({ session, actor, now }) => {
        if (session !== undefined && actor.kind === 'person') {
          const own = { id: session.id, personId: actor.id };
          await database.withActor(actor, (tx) => endSession(tx, own, now));
        }
        return redirect('/sign-in', { notice: 'You are signed out.', session: 'end' });
      },
    }),
  ];
}

/** Strangers may ask: so many from one network, where a whole trust may be behind one address. */
const ASKED_PER_MINUTE = 300;

function passkeySignInRoutes(context: IdentityContext): Route[] {
  const { database } = context;
  const site = siteOf(context);
  return [
    page({
      method: 'POST',
      path: '/sign-in/passkey/options',
      access: 'public',
      perMinuteMax: ASKED_PER_MINUTE,
      handle: async ({ now }) =>
        json(200, await database.withActor(asker, (tx) => askToSignIn(tx, { site, now }))),
    }),
    page({
      method: 'POST',
      path: '/sign-in/passkey',
      access: 'public',
      perMinuteMax: ASKED_PER_MINUTE,
      handle: async (request) => {
        const { form, now, session } = request;
        const to = sameSitePath(form['to']);
        const failed = (why: Refused) =>
          signInPage(context, { to, signedIn: session?.name ?? '' }, why);
        const passkey = oneOf(form, 'passkey');
        if (passkey === '') return await failed(needsScript);
        const answered = parseUsed(passkey);
        const asked = {
          purpose: 'sign_in',
          asker: withTicket(oneOf(form, 'ticket')),
          now,
        } as const;
        const taken = await takeAnswer(database, answered, asked);
        if (!taken.ok) return await failed(taken);
        const begun = await database.withActor(asker, (tx) =>
          signInWithPasskey(tx, answered!, site, howOf(request)),
        );
        return begun.ok ? beginSession(context, begun.value, to) : await failed(begun);
      },
    }),
  ];
}

const needsScript = refused(
  'invalid',
  'A passkey needs JavaScript. Turn it on for this site, then load the page again.',
);

function linkRoutes(context: IdentityContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/sign-in/link/:token',
      access: 'public',
      params: token,
      // Mail scanners fetch every link: looking at it must not use it up.
      handle: async ({ params, now }) => {
        const person = await database.withActor(asker, (tx) =>
          selectLinkPerson(tx, sha256(params.token), now),
        );
        if (person === undefined) return deadLink;
        return view('identity/sign-in-link.njk', { ...person, token: params.token });
      },
    }),
    page({
      method: 'POST',
      path: '/sign-in/link/:token',
      access: 'public',
      params: token,
      handle: async (request) => {
        const begun = await database.withActor(asker, (tx) =>
          signIn(tx, request.params.token, howOf(request)),
        );
        if (!begun.ok) return deadLink;
        return await beginLockedSession(context, begun.value, '/', request.now);
      },
    }),
  ];
}

/** Used already, or too old, or never made: all alike to whoever has it. */
const deadLink = view('identity/dead-link.njk', {}, { status: 409 });
