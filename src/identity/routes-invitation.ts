/** What an invited colleague sees: what they are offered by whom, and the way in. */
import { z } from 'zod';
import { permissions, system } from '#kernel/actor.ts';
import {
  page,
  redirect,
  refusedPage,
  view,
  type Reply,
  type Route,
  type WebRequest,
} from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { acceptAsMyself, acceptAsNewcomer, findOffer } from './invitations.ts';
import { permissionsOf, roleLabels } from './model.ts';
import { issuerId } from './parse-issuer.ts';
import { sendThere } from './routes-visits.ts';
import { selectIssuers } from './store-issuer.ts';
import { beginSession, howOf } from './visit.ts';

const asker = system('sign-in');
const token = z.object({ token: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });

/** Strangers may try: nobody guesses 256 bits, but nobody shall keep us busy either. */
const PER_MINUTE_MAX = 60;

export function invitationRoutes(context: IdentityContext): Route[] {
  const { database, model } = context;
  const isMine = ({ session, actor }: Pick<WebRequest, 'session' | 'actor'>, id?: string) =>
    session !== undefined && actor.kind === 'person' && actor.id === id;
  return [
    page({
      method: 'GET',
      path: '/invitation/:token',
      access: 'public',
      params: token,
      perMinuteMax: PER_MINUTE_MAX,
      // Mail scanners fetch every link: looking at it must not use it up.
      handle: async (request) => await offerPage(context, request, isMine),
    }),
    page({
      method: 'POST',
      path: '/invitation/:token',
      access: 'public',
      params: token,
      perMinuteMax: PER_MINUTE_MAX,
      handle: async (request) => {
        const { params, session, actor, now } = request;
        const offer = await database.withActor(asker, (tx) =>
          findOffer(tx, params.token, { model, now }),
        );
        if (offer === undefined) return deadInvitation;
        if (isMine({ session, actor }, offer.accountId) && offer.accountId !== undefined) {
          const me = { model, now, personId: offer.accountId };
          const done = await database.attempt(asker, (tx) => acceptAsMyself(tx, params.token, me));
          if (!done.ok) return refusedPage(done);
          return redirect('/colleagues', { notice: 'Accepted. It holds from now on.' });
        }
        const how = howOf(request);
        const begun = await database.attempt(asker, (tx) =>
          acceptAsNewcomer(tx, params.token, { model, how }),
        );
        if (!begun.ok) return refusedPage(begun);
        return beginSession(context, begun.value, ACCEPTED);
      },
    }),
    page({
      method: 'POST',
      path: '/invitation/:token/with/:issuer',
      access: 'public',
      params: token.extend({ issuer: issuerId }),
      perMinuteMax: PER_MINUTE_MAX,
      handle: async (request) => {
        const { params, now } = request;
        const offer = await database.withActor(asker, (tx) =>
          findOffer(tx, params.token, { model, now }),
        );
        if (offer === undefined) return deadInvitation;
        const wish = { issuerId: params.issuer, purpose: 'accept', returnTo: ACCEPTED } as const;
        const sent = await sendThere(context, request, { ...wish, invitationToken: params.token });
        return sent.ok ? sent.value : refusedPage(sent);
      },
    }),
  ];
}

/** A passkey is the better way in from then on. */
const ACCEPTED = '/account/passkeys/new?to=/colleagues';

type Looking = WebRequest<{ token: string }>;

async function offerPage(
  { database, model, organisations }: IdentityContext,
  { params, session, actor, now }: Looking,
  isMine: (who: Pick<WebRequest, 'session' | 'actor'>, id?: string) => boolean,
): Promise<Reply> {
  const found = await database.withActor(asker, async (tx) => {
    const offer = await findOffer(tx, params.token, { model, now });
    if (offer === undefined) return undefined;
    const [organisation] = (await organisations?.listNames(tx, [offer.organisationId])) ?? [];
    const issuers = (await selectIssuers(tx)).filter(({ offAt, organisationId }) => {
      return offAt === null && [null, offer.organisationId].includes(organisationId);
    });
    return { offer, organisation: organisation?.name ?? '', issuers };
  });
  if (found === undefined) return deadInvitation;
  const { offer, organisation, issuers } = found;
  return view('identity/invitation.njk', {
    token: params.token,
    name: offer.name,
    invitedBy: offer.confirmedByName ?? offer.invitedByName,
    sponsor: offer.vouchedBecause === null ? undefined : offer.invitedByName,
    expiresAt: offer.expiresAt,
    organisation,
    issuers,
    role: roleLabels(model, [offer.role])[0],
    may: [...permissionsOf(model, [offer.role])].map((permission) => permissions[permission]),
    hasAccount: offer.account === 'theirs',
    isMine: isMine({ session, actor }, offer.accountId),
    signedIn: session?.name ?? '',
  });
}

/** Used, taken back, too old, or never made: all alike to whoever has it. */
const deadInvitation = view('identity/dead-invitation.njk', {}, { status: 409 });
