/**
 * Making, using and removing passkeys. Each use is two posts: the first says what to sign, the
 * second brings what the device signed; `passkey.js` does both for the form that it stands in.
 */
import { z } from 'zod';
import { readsUpTo } from '#kernel/actor.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import {
  json,
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
import { askToApprove, signApproval } from './approval-signature.ts';
import { siteOf, type IdentityContext } from './context.ts';
import { deviceName } from './model.ts';
import { oneOf, parsePasskeyName } from './parse.ts';
import {
  askToMake,
  askToProve,
  inSession,
  lackingProof,
  makePasskey,
  proveAgain,
  removePasskey,
  takeAnswer,
  type InSession,
} from './passkeys.ts';
import type { Purpose } from './store-challenge.ts';
import { countPasskeys } from './store-passkey.ts';
import { turned } from './visit.ts';
import { parseMade, parseUsed } from './webauthn.ts';

const uuid = z.object({ id: z.uuid() });
const returnTo = z.object({ to: z.string().optional().catch(undefined) });

export function passkeyRoutes(context: IdentityContext): Route[] {
  return [
    ...proofRoutes(context),
    ...makingRoutes(context),
    removalRoute(context),
    ...approvalRoutes(context),
  ];
}

/** For routes that only persons reach: whose request it is; `asked` is what a challenge of theirs was bound to. */
export function whoIs({ actor, session, now }: Pick<WebRequest, 'actor' | 'session' | 'now'>) {
  if (actor.kind !== 'person' || session === undefined) throw new Error('not a person');
  const who: InSession = { personId: actor.id, sessionId: session.id };
  const asked = (purpose: Purpose) => ({ purpose, asker: inSession(who), now });
  return { who, asked };
}

/** For the script: the value, or the sentence that says why not. */
function told(outcome: Outcome<object | void>): Reply {
  if (outcome.ok) return json(200, outcome.value ?? {});
  return json(refusalStatus(outcome.kind).status, { message: outcome.message });
}

/** The page that asks for a passkey, for whoever needs one now, and what it posts. */
function proofRoutes(context: IdentityContext): Route[] {
  const { database, model } = context;
  const site = siteOf(context);
  const prove = async (request: WebRequest): Promise<Outcome<string>> => {
    const { actor, form, now } = request;
    const { who, asked } = whoIs(request);
    if (oneOf(form, 'passkey') === '') return needsScript;
    const answered = parseUsed(oneOf(form, 'passkey'));
    const taken = await takeAnswer(database, answered, asked('prove'));
    if (!taken.ok) return taken;
    return await database.withActor(actor, (tx) => proveAgain(tx, who, answered!, { site, now }));
  };
  return [
    page({
      method: 'GET',
      path: '/passkey',
      access: 'signed-in',
      query: returnTo,
      handle: async (request) => {
        const { actor, session, query } = request;
        const to = sameSitePath(query.to);
        const { who } = whoIs(request);
        const known = await database.withActor(actor, (tx) => countPasskeys(tx, who.personId));
        if (known === 0) return redirect(`/account/passkeys/new?to=${encodeURIComponent(to)}`);
        const readsLess = readsUpTo(actor) !== model.markingCeilings.signedIn;
        const isLocked = readsLess || (session?.locked?.size ?? 0) > 0;
        const againAfterMs = model.signingIn.passkeyAgainAfterMs;
        return view('identity/prove.njk', { to, isLocked, againAfterMs });
      },
    }),
    page({
      method: 'POST',
      path: '/passkey/options',
      access: 'signed-in',
      handle: async (request) => {
        const { actor, now } = request;
        const { who } = whoIs(request);
        return told(await database.withActor(actor, (tx) => askToProve(tx, who, { site, now })));
      },
    }),
    page({
      method: 'POST',
      path: '/passkey/proof',
      access: 'signed-in',
      handle: async (request) => {
        const proved = await prove(request);
        if (!proved.ok) return told(proved);
        return json(200, {}, { session: turned(proved.value, request) });
      },
    }),
    page({
      method: 'POST',
      path: '/passkey',
      access: 'signed-in',
      handle: async (request) => {
        const proved = await prove(request);
        if (!proved.ok) return refusedPage(proved);
        const session = turned(proved.value, request);
        return redirect(sameSitePath(request.form['to']), { session });
      },
    }),
  ];
}

function makingRoutes(context: IdentityContext): Route[] {
  const { database, model } = context;
  const site = siteOf(context);
  return [
    page({
      method: 'GET',
      path: '/account/passkeys/new',
      access: 'signed-in',
      query: returnTo,
      handle: async (request) => {
        const { actor, session, query, headers, now } = request;
        const to = sameSitePath(query.to, '/account');
        const { who } = whoIs(request);
        const { isFirst, lacking } = await database.withActor(actor, async (tx) => {
          const known = await countPasskeys(tx, who.personId);
          const at = { model, now };
          return { isFirst: known === 0, lacking: await lackingProof(tx, who, at, known) };
        });
        if (lacking && isFirst) return refusedPage(lacking);
        if (lacking) return redirect(`/passkey?to=${encodeURIComponent(request.path)}`);
        const isLocked = (session?.locked?.size ?? 0) > 0;
        const name = deviceName(headers['user-agent']);
        return view('identity/passkey-new.njk', { to, name, isLocked, isFirst });
      },
    }),
    page({
      method: 'POST',
      path: '/account/passkeys/options',
      access: 'signed-in',
      handle: async (request) => {
        const { actor, now } = request;
        const { who } = whoIs(request);
        const at = { site, model, now };
        return told(await database.withActor(actor, (tx) => askToMake(tx, who, at)));
      },
    }),
    page({
      method: 'POST',
      path: '/account/passkeys',
      access: 'signed-in',
      handle: async (request) => {
        const { actor, form, now } = request;
        const { who, asked } = whoIs(request);
        if (oneOf(form, 'passkey') === '') return refusedPage(needsScript);
        const answered = parseMade(oneOf(form, 'passkey'));
        const taken = await takeAnswer(database, answered, asked('make'));
        if (!taken.ok) return refusedPage(taken);
        const made = { name: nameIn(form, request), answered: answered! };
        const kept = await database.attempt(actor, (tx) =>
          makePasskey(tx, who, made, { site, model, now }),
        );
        if (!kept.ok) return refusedPage(kept);
        const notice = 'Your passkey is made. You sign in with it from now on.';
        const session = turned(kept.value, request);
        return redirect(sameSitePath(form['to'], '/account'), { notice, session });
      },
    }),
  ];
}

/** As typed; the name of the device where that is no name. The device has made it already. */
function nameIn(form: Form, { headers }: WebRequest): string {
  return parsePasskeyName(form) ?? deviceName(headers['user-agent']);
}

function removalRoute({ database, model }: IdentityContext): Route {
  return page({
    method: 'POST',
    path: '/account/passkeys/:id/remove',
    access: 'signed-in',
    params: uuid,
    handle: async (request) => {
      const { actor, params, now } = request;
      const { who } = whoIs(request);
      const removed = await database.attempt(actor, (tx) =>
        removePasskey(tx, who, params.id, { model, now }),
      );
      if (!removed.ok) return refusedPage(removed);
      return redirect('/account', { notice: 'Removed. Where it was signed in is signed out.' });
    },
  });
}

/** What an approver signs. Who may approve what, `approve` decides when the form itself comes. */
function approvalRoutes(context: IdentityContext): Route[] {
  const { database, model } = context;
  const site = siteOf(context);
  return [
    page({
      method: 'POST',
      path: '/approvals/:id/options',
      access: 'signed-in',
      params: uuid,
      handle: async (request) => {
        const { actor, params, form, now } = request;
        const { who } = whoIs(request);
        const shown = { approvalId: params.id, hash: oneOf(form, 'hash') };
        return told(
          await database.withActor(actor, (tx) => askToApprove(tx, who, shown, { site, now })),
        );
      },
    }),
    page({
      method: 'POST',
      path: '/approvals/:id/signature',
      access: 'signed-in',
      params: uuid,
      handle: async (request) => {
        const { actor, params, form, now } = request;
        const { who, asked } = whoIs(request);
        const answered = parseUsed(oneOf(form, 'passkey'));
        const taken = await takeAnswer(database, answered, asked('approve'));
        if (!taken.ok) return told(taken);
        if (taken.value.approvalId !== params.id) return told(notThis);
        const signed = { answered: answered!, taken: taken.value };
        return told(
          await database.withActor(actor, (tx) =>
            signApproval(tx, who, signed, { site, model, now }),
          ),
        );
      },
    }),
  ];
}

const needsScript = refused(
  'invalid',
  'A passkey needs JavaScript. Turn it on for this site, then load the page again.',
);

const notThis = refused('conflict', 'That was signed for something else. Load the page again.');
