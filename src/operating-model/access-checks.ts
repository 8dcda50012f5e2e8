/** Roles and signing in: what each role is given for, who has to be there, what takes a passkey. */
import { regionalPermissions, scopes } from '#kernel/actor.ts';
import { formatDuration } from './durations.ts';
import type { ModelFile } from './file-schema.ts';
import { error, warning, type Remark } from './findings.ts';
import { repeated } from './repeated.ts';

export function checkRoles(roles: ModelFile['roles']): Remark[] {
  const remarks: Remark[] = [];
  for (const [id, role] of Object.entries(roles)) {
    for (const twice of repeated(role.may)) {
      remarks.push(error(['roles', id, 'may'], `‘${twice}’ stands there twice`));
    }
    const scoped = role.may.find((permission) => scopes[permission] !== undefined);
    if (scoped && role.may.some((permission) => scopes[permission] !== scopes[scoped])) {
      const why = `${scoped} is given for ${scopes[scoped]}s: make it a role of its own`;
      remarks.push(error(['roles', id, 'may'], why));
    }
    const unbound = role.may.filter((permission) => !regionalPermissions.has(permission));
    if (role.given_for === 'region' && unbound.length > 0) {
      const why = `${unbound.join(', ')} cannot be bound to a region: make it a role of the centre`;
      remarks.push(error(['roles', id, 'may'], why));
    }
  }
  const holders = (permission: string) =>
    Object.keys(roles).filter((id) => roles[id]!.may.some((held) => held === permission));
  for (const [permission, why] of [
    ['alert.write', 'nobody could write an alert'],
    ['alert.approve', 'no alert could ever leave'],
    ['person.manage', 'nobody could invite people'],
    ['model.write', 'nobody could ever change these rules'],
    ['model.approve', 'no change of these rules could come into force'],
  ] as const) {
    if (holders(permission).length === 0) {
      remarks.push(error(['roles'], `no role has ${permission}: ${why}`));
    }
  }
  const [writers, approvers] = [holders('alert.write'), holders('alert.approve')];
  if (new Set([...writers, ...approvers]).size === 1 && writers.length + approvers.length === 2) {
    remarks.push(
      warning(
        ['roles'],
        `only ‘${writers[0]}’ writes and approves: it takes two people in that role to send`,
      ),
    );
  }
  return remarks;
}

/** A link that somebody made is not enough to send, rule, be anybody, disclose, or read reasons. */
const PASSKEY_ALWAYS = [
  'alert.approve',
  'model.approve',
  'person.manage',
  'space.lead',
  'audit.read',
] as const;

export function checkSigningIn(rules: ModelFile['signing_in']): Remark[] {
  const missing = PASSKEY_ALWAYS.filter((permission) => !rules.passkey_for.includes(permission));
  const remarks = missing.map((permission) => {
    const why = `${permission} is missing: a sign-in link would be enough for it`;
    return error(['signing_in', 'passkey_for'], why);
  });
  const most = formatDuration(rules.session_ends);
  for (const key of ['passkey_again_after', 'first_passkey_within', 'session_ends_idle'] as const)
    if (rules[key] > rules.session_ends)
      remarks.push(error(['signing_in', key], `at most ${most}: the session is over by then`));
  return remarks;
}
