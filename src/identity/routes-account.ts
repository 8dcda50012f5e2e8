/** One's own page: who one is, the number to be woken on, passkeys, and where one is signed in. */
import { z } from 'zod';
import type { Tx } from '#db/database.ts';
import { nameOf, system } from '#kernel/actor.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import { maskPhoneNumber, parsePhoneNumber, type PhoneNumber } from '#kernel/phone-number.ts';
import {
  formModel,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
  type WebRequest,
} from '#web/index.ts';
import { setPhone } from './actions.ts';
import type { IdentityContext } from './context.ts';
import { needsPasskey, roleLabels } from './model.ts';
import { oneOf } from './parse.ts';
import { endOtherSessions, endSession } from './sign-in.ts';
import { whoIs } from './routes-passkeys.ts';
import { selectIssuers, selectLinksOf, selectOrganisationsOf } from './store-issuer.ts';
import { selectPasskeys } from './store-passkey.ts';
import { selectSessions } from './store-session.ts';
import { selectSpaces } from './spaces/store.ts';
import { selectPerson } from './store.ts';

export function accountRoutes(context: IdentityContext): Route[] {
  return [...ownRoutes(context), ...ownSessionRoutes(context)];
}

function ownRoutes(context: IdentityContext): Route[] {
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
        const id = whoIs(request).who.personId;
        const parsed = parseMobile(oneOf(form, 'phone'));
        if (!parsed.ok) return await accountPage(context, request, form, parsed.message);
        const { e164 } = parsed.value;
        const phone = { ...context.sealPhone(id, e164), mask: maskPhoneNumber({ e164 }) };
        const kept = await database.attempt(actor, (tx) => setPhone(tx, id, phone));
        if (!kept.ok) return refusedPage(kept);
        return redirect('/account', { notice: 'You are woken on this number from now on.' });
      },
    }),
    page({
      method: 'POST',
      path: '/account/phone/remove',
      access: 'signed-in',
      handle: async (request) => {
        const { actor } = request;
        const id = whoIs(request).who.personId;
        const removed = await database.attempt(actor, (tx) => setPhone(tx, id, null));
        if (!removed.ok) return refusedPage(removed);
        return redirect('/account', { notice: 'Removed. Nobody wakes you by text any more.' });
      },
    }),
  ];
}

function ownSessionRoutes({ database }: IdentityContext): Route[] {
  return [
    page({
      method: 'POST',
      path: '/account/sessions/end-others',
      access: 'signed-in',
      handle: async (request) => {
        const { actor, now } = request;
        const { sessionId: id, personId } = whoIs(request).who;
        const kept = { id, personId };
        const ended = await database.withActor(actor, (tx) => endOtherSessions(tx, kept, now));
        const notice = ended === 0 ? 'There was no other session.' : 'All others are ended.';
        return redirect('/account', { notice });
      },
    }),
    page({
      method: 'POST',
      path: '/account/sessions/:id/end',
      access: 'signed-in',
      params: z.object({ id: z.uuid() }),
      handle: async (request) => {
        const { actor, session, params, now } = request;
        const own = { id: params.id, personId: whoIs(request).who.personId };
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
  request: Pick<WebRequest, 'actor' | 'session' | 'now'>,
  typed: Form = {},
  wrong?: string,
): Promise<Reply> {
  const { database, model } = context;
  const { signingIn } = model;
  const { actor, session, now } = request;
  const { personId } = whoIs(request).who;
  const { sessions, me, passkeys, spaces } = await database.withActor(actor, async (tx) => ({
    sessions: await selectSessions(tx, personId, now, signingIn),
    me: await selectPerson(tx, personId),
    passkeys: await selectPasskeys(tx, personId),
    spaces: await selectSpaces(tx, 'own'),
  }));
  const federated = await database.withActor(asker, (tx) => issuersOf(tx, personId));
  const roles = me?.roles ?? [];
  return view(
    'identity/account.njk',
    {
      person: { name: nameOf(actor), email: me?.email ?? '', phoneMask: me?.phoneMask },
      roles: roleLabels(model, roles),
      passkeys,
      spaces: spaces.length,
      ...federated,
      proof: passkeys.length > 0 ? PROOF : null,
      needsPasskey: needsPasskey(model, roles),
      sessions: sessions.map((one) => ({ ...one, isThis: one.id === session?.id })),
      idleMs: signingIn.sessionEndsIdleMs,
      atMostMs: signingIn.sessionEndsMs,
      form: formModel(['phone'], typed, wrong === undefined ? {} : { phone: wrong }),
    },
    wrong === undefined ? {} : { status: refusalStatus('invalid').status },
  );
}

const asker = system('sign-in');

/** Before a link is made or removed, by whoever has a passkey. */
const PROOF = { options: '/passkey/options', proof: '/passkey/proof' };

/** Where the person is linked, and where they could be. */
async function issuersOf(tx: Tx, personId: string) {
  const all = new Map((await selectIssuers(tx)).map((issuer) => [issuer.id, issuer]));
  const mine = await selectLinksOf(tx, personId);
  const organisations = await selectOrganisationsOf(tx, personId);
  const isFor = (id: string | null) => id === null || organisations.includes(id);
  return {
    issuerLinks: mine.map((link) => {
      const issuer = all.get(link.issuerId);
      return { ...link, label: issuer?.label, isOff: issuer?.offAt !== null };
    }),
    issuers: [...all.values()]
      .filter(({ offAt, organisationId }) => offAt === null && isFor(organisationId))
      .filter(({ id }) => !mine.some(({ issuerId }) => issuerId === id))
      .map(({ id, label }) => ({ id, label })),
  };
}

function parseMobile(typed: string): Outcome<PhoneNumber> {
  const parsed = parsePhoneNumber(typed);
  if (!parsed.ok || parsed.value.kind !== 'landline') return parsed;
  return refused('invalid', 'Enter a mobile number: it has to take texts');
}
