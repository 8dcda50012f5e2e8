/** The door of issuers: somebody signed out there (OpenID Connect Back-Channel Logout 1.0). */
import { z } from 'zod';
import { system } from '#kernel/actor.ts';
import { callback, json, text, type Route } from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { logOutByIssuer } from './issuer-logouts.ts';
import { logoutPath } from './issuer-model.ts';
import { NOT_SIGNED_THERE } from './logout-token.ts';
import { issuerId } from './parse-issuer.ts';
import { markIssuerFailed, selectIssuer } from './store-issuer.ts';

/** One server tells the end of a shift of a whole trust: some in a second, and it asks once. */
const TOLD_PER_MINUTE = 600;

/** A signed token, by its shape: for anything else nobody is asked anything. */
const logout = z.object({
  params: z.object({ issuer: issuerId }),
  form: z.object({
    logout_token: z
      .string()
      .max(16_384)
      .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  }),
});

/**
 * Whatever is wrong, the answer is this one, in the form of the standard (section 2.8). Why is for
 * whoever set the issuer up, where it was the issuer and not somebody else who called.
 */
const notTaken = json(400, {
  error: 'invalid_request',
  error_description: 'The logout token was not accepted.',
});

export function issuerLogoutRoute({ database, issuers: seals }: IdentityContext): Route {
  return callback({
    method: 'POST',
    path: logoutPath(':issuer'),
    bodyBytesMax: 64 * 1024,
    perMinuteMax: TOLD_PER_MINUTE,
    async handle(request) {
      const { now } = request;
      const parsed = logout.safeParse(request);
      if (!parsed.success) return notTaken;
      const { issuer: id } = parsed.data.params;
      const caller = system(`issuer:${id}`);
      const issuer = await database.withActor(caller, (tx) => selectIssuer(tx, id));
      if (issuer === undefined || issuer.offAt !== null) return notTaken;
      const settings = seals.openSettings(id, issuer.settingsSealed);
      const token = parsed.data.form.logout_token;
      const told = await seals.client.readLogout(issuer, settings, token);
      if (!told.ok) {
        const { failure } = told;
        // Nobody else may write what was wrong with it last.
        if (failure !== NOT_SIGNED_THERE)
          await database.withActor(caller, (tx) => markIssuerFailed(tx, id, { at: now, failure }));
        return notTaken;
      }
      const done = await database.attempt(caller, (tx) => logOutByIssuer(tx, id, told.value, now));
      return done.ok ? text(200, '') : notTaken;
    },
  });
}
