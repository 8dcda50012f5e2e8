/** Signing in and out, and one's own sessions. The pages about other people: `routes-people.ts`. */
import { z } from 'zod';
import { system } from '#kernel/actor.ts';
import { isUuid } from '#kernel/ids.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import { maskPhoneNumber, parsePhoneNumber, type PhoneNumber } from '#kernel/phone-number.ts';
import {
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
  type WebRequest,
} from '#web/index.ts';
import { endSession, setPhone, signIn, signInForDemonstration } from './actions.ts';
import type { IdentityContext } from './context.ts';
import { deviceName, permissionsOf, roleLabels, SESSION_LIMITS } from './model.ts';
import { oneOf } from './parse.ts';
import { peopleRoutes } from './routes-people.ts';
import { sha256 } from './secrets.ts';
import { selectLinkPerson, selectPeople, selectPerson } from './store.ts';
import { selectSessions } from './store-session.ts';

export function identityRoutes(context: IdentityContext): Route[] {
  return [
    ...signInRoutes(context),
    ...linkRoutes(context),
    ...accountRoutes(context),
    ...peopleRoutes(context),
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
      handle: async ({ query, session }) => {
        const people = isDemonstration ? await demonstrationPeople(context) : [];
        const to = sameSitePath(query.to);
        const signedIn = session?.name ?? '';
        return view('identity/sign-in.njk', { people, to, signedIn, isDemonstration });
      },
    }),
    page({
      method: 'POST',
      path: '/sign-in/demonstration',
      access: 'public',
      handle: async ({ form, headers, now }) => {
        const personId = oneOf(form, 'person');
        if (!isDemonstration || !isUuid(personId)) return notFound();
        const how = { now, device: deviceName(headers['user-agent']) };
        const begun = await database.withActor(asker, (tx) =>
          signInForDemonstration(tx, personId, how),
        );
        if (!begun.ok) return refusedPage(begun);
        return beginSession(context, begun.value, sameSitePath(form['to']));
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
        return view('identity/sign-in-link.njk', { name: person.name, token: params.token });
      },
    }),
    page({
      method: 'POST',
      path: '/sign-in/link/:token',
      access: 'public',
      params: token,
      handle: async ({ params, headers, now }) => {
        const how = { now, device: deviceName(headers['user-agent']) };
        const begun = await database.withActor(asker, (tx) => signIn(tx, params.token, how));
        return begun.ok ? beginSession(context, begun.value, '/') : deadLink;
      },
    }),
  ];
}

/** A new token at every sign-in, so that one planted before is worth nothing. */
function beginSession({ limits = SESSION_LIMITS }: IdentityContext, start: string, to: string) {
  return redirect(to, { session: { start, maxAgeSeconds: Math.floor(limits.absoluteMs / 1000) } });
}

/** Used already, or too old, or never made: all alike to whoever has it. */
const deadLink = view('identity/dead-link.njk', {}, { status: 409 });

/** Whoever may do something, with what: so that a newcomer sees whom to be for which task. */
async function demonstrationPeople({ database, model }: IdentityContext) {
  const people = await database.withActor(asker, (tx) => selectPeople(tx));
  return people
    .filter(({ active, roles }) => active && permissionsOf(model, roles).size > 0)
    .map(({ id, name, roles }) => ({ id, name, roles: roleLabels(model, roles).join(', ') }));
}

function accountRoutes(context: IdentityContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/account',
      access: 'signed-in',
      handle: async (request) => await accountPage(context, request),
    }),
    page({
      method: 'POST',
      path: '/account/phone',
      access: 'signed-in',
      handle: async (request) => {
        const { actor, form } = request;
        const { id } = personOf({ actor });
        const parsed = parseMobile(oneOf(form, 'phone'));
        if (!parsed.ok) return await accountPage(context, request, form, parsed.message);
        const { e164 } = parsed.value;
        const phone = { sealed: context.sealPhone(id, e164), mask: maskPhoneNumber({ e164 }) };
        const kept = await database.attempt(actor, (tx) => setPhone(tx, id, phone));
        if (!kept.ok) return refusedPage(kept);
        return redirect('/account', { notice: 'You are woken on this number from now on.' });
      },
    }),
    page({
      method: 'POST',
      path: '/account/phone/remove',
      access: 'signed-in',
      handle: async ({ actor }) => {
        const { id } = personOf({ actor });
        const removed = await database.attempt(actor, (tx) => setPhone(tx, id, null));
        if (!removed.ok) return refusedPage(removed);
        return redirect('/account', { notice: 'Removed. Nobody wakes you by text any more.' });
      },
    }),
    page({
      method: 'POST',
      path: '/account/sessions/:id/end',
      access: 'signed-in',
      params: z.object({ id: z.uuid() }),
      handle: async ({ actor, session, params, now }) => {
        const own = { id: params.id, personId: personOf({ actor }).id };
        const ended = await database.withActor(actor, (tx) => endSession(tx, own, now));
        if (!ended.ok) return refusedPage(ended);
        if (params.id === session?.id) return redirect('/sign-in', { session: 'end' });
        return redirect('/account', { notice: 'That session is ended.' });
      },
    }),
  ];
}

/** The page of oneself; with what was typed, where it was no number. */
async function accountPage(
  context: IdentityContext,
  { actor, session, now }: Pick<WebRequest, 'actor' | 'session' | 'now'>,
  typed: Form = {},
  wrong?: string,
): Promise<Reply> {
  const { database, model, limits = SESSION_LIMITS } = context;
  const person = personOf({ actor });
  const { sessions, me } = await database.withActor(actor, async (tx) => ({
    sessions: await selectSessions(tx, person.id, now, limits),
    me: await selectPerson(tx, person.id),
  }));
  return view(
    'identity/account.njk',
    {
      person: { name: person.name, email: me?.email ?? '', phoneMask: me?.phoneMask },
      roles: roleLabels(model, me?.roles ?? []),
      sessions: sessions.map((one) => ({ ...one, isThis: one.id === session?.id })),
      form: formModel(['phone'], typed, wrong === undefined ? {} : { phone: wrong }),
    },
    wrong === undefined ? {} : { status: refusalStatus('invalid').status },
  );
}

function parseMobile(typed: string): Outcome<PhoneNumber> {
  const parsed = parsePhoneNumber(typed);
  if (!parsed.ok || parsed.value.kind !== 'landline') return parsed;
  return refused('invalid', 'Enter a mobile number: it has to take texts');
}

/** For routes that only persons reach. */
function personOf({ actor }: Pick<WebRequest, 'actor'>) {
  if (actor.kind !== 'person') throw new Error('not a person');
  return actor;
}
