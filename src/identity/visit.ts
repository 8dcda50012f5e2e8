/** How a visit becomes a session: from where and with what, and the cookie that it is kept by. */
import { redirect, type SessionChange, type WebRequest } from '#web/index.ts';
import { sessionsOf } from './adapters.ts';
import type { IdentityContext } from './context.ts';
import { deviceName, placeOf } from './model.ts';
import type { SignIn } from './sign-in.ts';

export function howOf({ now, headers, ip, actor, session }: WebRequest): SignIn {
  const before =
    session !== undefined && actor.kind === 'person'
      ? { id: session.id, personId: actor.id }
      : undefined;
  return { now, device: deviceName(headers['user-agent']), place: placeOf(ip), before };
}

/** A new token at every sign-in, so that one planted before is worth nothing. */
export function beginSession({ model }: IdentityContext, start: string, to: string) {
  const maxAgeSeconds = Math.floor(model.signingIn.sessionEndsMs / 1000);
  return redirect(to, { session: { start, maxAgeSeconds } });
}

/** The same where the way in is no passkey: what the person is here for may need one, so it is asked first. */
export async function beginLockedSession(
  context: IdentityContext,
  token: string,
  to: string,
  now: Date,
) {
  const session = await sessionsOf(context.database, context.model).findSession(token, now);
  const isLocked = (session?.locked?.size ?? 0) > 0;
  return beginSession(context, token, isLocked ? `/passkey?to=${encodeURIComponent(to)}` : to);
}

/** The new token of a session that was proved just now, for as long as that session lasts. */
export function turned(start: string, { session, now }: Pick<WebRequest, 'session' | 'now'>) {
  const leftMs = (session?.expiresAt.getTime() ?? 0) - now.getTime();
  return { start, maxAgeSeconds: Math.max(0, Math.floor(leftMs / 1000)) } satisfies SessionChange;
}
