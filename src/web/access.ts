import { may, permissions, type Actor, type Permission } from '#kernel/actor.ts';
import type { Access, Route, Session } from './route.ts';

export type Admission = 'pass' | 'sign-in' | 'prove' | 'forbidden';

/**
 * Whether `actor` may use a route at all. `forbidden` is said only to somebody signed in whose
 * role lacks the permission: the page is known, no object behind it is revealed. `prove`: the role
 * is enough, the way in or its age is not.
 */
export function admission(
  { access, fresh }: Pick<Route, 'access' | 'fresh'>,
  actor: Actor,
  session: Session | undefined,
): Admission {
  const decision = admittedBy(access, actor, session?.locked);
  return decision === 'pass' && fresh && session?.isFresh === false ? 'prove' : decision;
}

function admittedBy(
  access: Access,
  actor: Actor,
  locked: ReadonlySet<Permission> | undefined,
): Admission {
  if (access === 'public' || access === 'nobody' || access === 'callback') return 'pass';
  if (access === 'signed-in') return actor.kind === 'person' ? 'pass' : 'sign-in';
  if (access === 'contact') return actor.kind === 'contact' ? 'pass' : 'sign-in';
  const permissions = typeof access === 'string' ? [access] : access;
  if (permissions.some((permission) => may(actor, permission))) return 'pass';
  if (permissions.some((permission) => locked?.has(permission))) return 'prove';
  return actor.kind === 'person' || actor.kind === 'key' ? 'forbidden' : 'sign-in';
}

/** What the role lacks, as a sentence. */
export function lackingPermission(access: Access): string {
  const first = typeof access === 'string' ? access : access[0];
  if (!(first in permissions)) return 'It is for people who are signed in.';
  const meaning = permissions[first as keyof typeof permissions];
  return `It needs the permission “${meaning}”; whoever manages people can give it.`;
}
