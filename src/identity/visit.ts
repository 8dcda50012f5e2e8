/** How a visit becomes a session: from where and with what, and the cookie that it is kept by. */
import { redirect, type WebRequest } from '#web/index.ts';
import type { IdentityContext } from './context.ts';
import { deviceName, placeOf } from './model.ts';
import type { SignIn } from './sign-in.ts';

export function howOf({ now, headers, ip }: WebRequest): SignIn {
  return { now, device: deviceName(headers['user-agent']), place: placeOf(ip) };
}

/** A new token at every sign-in, so that one planted before is worth nothing. */
export function beginSession({ model }: IdentityContext, start: string, to: string) {
  const maxAgeSeconds = Math.floor(model.signingIn.sessionEndsMs / 1000);
  return redirect(to, { session: { start, maxAgeSeconds } });
}
