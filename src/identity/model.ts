/** People, roles and sessions: types and decisions. */
import { keyPermissions, type Actor, type Permission } from '#kernel/actor.ts';
import { networkOf } from '#kernel/ip-network.ts';
import type { Marking } from '#kernel/marking.ts';
import type { OperatingModel, SigningIn } from '#operating-model/index.ts';
import { kindOf, scopeOf, type Scope } from './scope.ts';

/** The part of the operating model that identity needs; the whole model fits. */
export type RoleModel = {
  readonly signingIn: SigningIn;
  readonly markingCeilings: Pick<OperatingModel['markingCeilings'], 'signedIn' | 'withoutPasskey'>;
  readonly roles: Readonly<
    Record<
      string,
      {
        readonly label: string;
        readonly may: readonly Permission[];
        readonly givenFor?: 'region';
      }
    >
  >;
};

/** What the rules say of a mail about an account, beside those of signing in. */
export type MailRules = RoleModel & {
  readonly version: string;
  readonly sender: string;
  readonly helpLine: string;
};

/** A request for approval that nobody answered is void after this. */
export const APPROVAL_LIFE_MS = 24 * 3_600_000;

/** What somebody with these roles may do. Roles that the model does not have allow nothing. */
export function permissionsOf(model: RoleModel, roles: readonly string[]): ReadonlySet<Permission> {
  return new Set(roles.flatMap((role) => model.roles[role]?.may ?? []));
}

/** A role that somebody holds, and for what. */
export type Held = Scope & { readonly role: string };

/**
 * What somebody with these may do, and which of it in some regions only. A role allows nothing
 * where it was given for something else than the model gives it for now: one that the rules made a
 * role of the centre meanwhile was agreed to for one organisation, say.
 */
export function permissionsIn(
  model: RoleModel,
  held: readonly Held[],
): { permissions: ReadonlySet<Permission>; regional: ReadonlyMap<Permission, readonly string[]> } {
  const asGiven = heldAsGiven(model, held);
  const everywhere = permissionsOf(
    model,
    asGiven.filter(({ regionCode }) => regionCode === null).map(({ role }) => role),
  );
  const regional = new Map<Permission, string[]>();
  for (const { role, regionCode } of asGiven)
    for (const permission of regionCode === null ? [] : permissionsOf(model, [role]))
      if (!everywhere.has(permission))
        regional.set(permission, [...(regional.get(permission) ?? []), regionCode!]);
  return { permissions: new Set([...everywhere, ...regional.keys()]), regional };
}

function heldAsGiven(model: RoleModel, held: readonly Held[]): readonly Held[] {
  return held.filter((one) => scopeOf(model, one.role) === kindOf(one));
}

/** What is known of a session besides whose it is. */
export type Proof = {
  /** In a demonstration nobody proves anything: no real phone can ring (P11). */
  readonly isLive: boolean;
  /** When the person last used a passkey in it; null: never. */
  readonly passkeyAt: Date | null;
};

export type Rights = {
  readonly permissions: ReadonlySet<Permission>;
  /** Those of `permissions` that hold in some regions only. */
  readonly regional: ReadonlyMap<Permission, readonly string[]>;
  /** Held as well, once the person uses a passkey. */
  readonly locked: ReadonlySet<Permission>;
  /** False where what is dangerous asks for the passkey again. */
  readonly isFresh: boolean;
};

/** The strictest marking whose words a session with this proof may be shown (ADR 0041). */
export function readsUpToIn(
  { markingCeilings: ceilings }: Pick<RoleModel, 'markingCeilings'>,
  { isLive, passkeyAt }: Proof,
): Marking {
  return isLive && passkeyAt === null ? ceilings.withoutPasskey : ceilings.signedIn;
}

/** What somebody with these roles may do in a session with this proof. */
function rightsIn(
  model: RoleModel,
  held: readonly Held[],
  { isLive, passkeyAt }: Proof,
  now: Date,
): Rights {
  const all = permissionsIn(model, held);
  const guarded = isLive ? guardedOf(model, all.permissions) : new Set<Permission>();
  if (guarded.size === 0) return { ...all, locked: guarded, isFresh: true };
  if (passkeyAt !== null)
    return { ...all, locked: new Set(), isFresh: isFreshAt(model, passkeyAt, now) };
  return {
    permissions: all.permissions.difference(guarded),
    regional: new Map([...all.regional].filter(([permission]) => !guarded.has(permission))),
    locked: guarded,
    isFresh: false,
  };
}

/** True of roles that allow something only with a passkey, in a live installation. */
export function needsPasskey(model: RoleModel, roles: readonly string[]): boolean {
  return guardedOf(model, permissionsOf(model, roles)).size > 0;
}

/** Those that the model gives only with a passkey. */
function guardedOf(model: RoleModel, held: ReadonlySet<Permission>): ReadonlySet<Permission> {
  return new Set(model.signingIn.passkeyFor.filter((permission) => held.has(permission)));
}

type RightsThrough = Rights & {
  readonly organisationIds: readonly string[];
  readonly spaceIds: readonly string[];
  /** True where only the issuer of an organisation says who it is. */
  readonly isBound: boolean;
};

/**
 * The same in a session that began at the issuer of an organisation: what the person holds anywhere
 * else is locked until they use a passkey. That organisation says who its people are, not who ours
 * are, and it may be what was broken into.
 */
export function rightsThrough(
  model: RoleModel,
  held: readonly Held[],
  proof: Proof & { readonly onlyFor: string | null },
  now: Date,
): RightsThrough {
  const { onlyFor, passkeyAt } = proof;
  const isBound = onlyFor !== null && passkeyAt === null;
  const asGiven = heldAsGiven(model, held);
  const counting = isBound ? asGiven.filter((one) => one.organisationId === onlyFor) : asGiven;
  const rights = rightsIn(model, counting, proof, now);
  const organisationIds = counting.flatMap(({ organisationId }) => organisationId ?? []);
  const spaceIds = counting.flatMap(({ spaceId }) => spaceId ?? []);
  const through = { ...rights, organisationIds, spaceIds, isBound };
  if (!isBound) return through;
  const rest = permissionsIn(model, held).permissions.difference(rights.permissions);
  return { ...through, locked: rights.locked.union(rest) };
}

export function isFreshAt({ signingIn }: RoleModel, passkeyAt: Date | null, now: Date): boolean {
  return passkeyAt !== null && isWithin(passkeyAt, signingIn.passkeyAgainAfterMs, now);
}

/** True so long after; where a clock was set back nobody can say how long ago it was. */
function isWithin(at: Date, withinMs: number, now: Date): boolean {
  const ageMs = now.getTime() - at.getTime();
  return ageMs < withinMs && ageMs > -CLOCKS_DIFFER_MS;
}

/** Between two machines that serve pages. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * True of a session that a link, or a code with the number of an app, began a moment ago: it may
 * make the first passkey of its person.
 */
export function mayMakeFirst(
  { signingIn }: RoleModel,
  session: { readonly begunBy: string; readonly createdAt: Date },
  now: Date,
): boolean {
  const isProven = session.begunBy === 'link' || session.begunBy === 'code';
  return isProven && isWithin(session.createdAt, signingIn.firstPasskeyWithinMs, now);
}

/** The roles with this permission, for questions in SQL. */
export function rolesWith(model: RoleModel, permission: Permission): string[] {
  return Object.entries(model.roles)
    .filter(([, role]) => role.may.includes(permission))
    .map(([key]) => key);
}

/** The names of roles as the operating model has them; one it lost is shown by its key. */
export function roleLabels(model: RoleModel, roles: readonly string[]): string[] {
  return roles.map((role) => model.roles[role]?.label ?? role);
}

/** True of the name of a permission that a program can use. */
export function isForKeys(text: string): text is Permission {
  return keyPermissions.has(text as Permission);
}

/** True where `actor` is this person: nobody gives, ends or locks anything of their own rights. */
export function isSelf(actor: Actor, personId: string): boolean {
  return actor.kind === 'person' && actor.id === personId;
}

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux|X11/, 'Linux'],
];

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg(e|A|iOS)?\//, 'Edge'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];

/** `Firefox on Android`: enough for people to know their own sessions, too little to trace them. */
export function deviceName(userAgent: string | undefined): string {
  const agent = userAgent ?? '';
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1] ?? 'Unknown browser';
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
  return system === undefined ? browser : `${browser} on ${system}`;
}

/**
 * Roughly from where: `192.0.x.x`, `2001:db8:x`. Enough to see that a session is from another
 * network, too little to find anybody by; whole addresses are not kept.
 */
export function placeOf(ip: string): string {
  const network = networkOf(ip);
  const [first, second] = network.split(/[.:]/);
  if (/^127\.|^0:0:0:0:/.test(network)) return 'this machine';
  return network.includes(':') ? `${first}:${second}:x` : `${first}.${second}.x.x`;
}
