import { within, type Marking } from './marking.ts';

/**
 * Who does it. An actor is an argument of every verb and of every transaction, never ambient:
 * row-level security, the audit entry and the decision functions all read the same value.
 */
export type Actor =
  /** A part of the product acting by itself: a worker, an import at the command line. */
  | {
      readonly kind: 'system';
      readonly name: string;
      /** Where it reads for somebody, as far as that one may; absent: everything. */
      readonly readsUpTo?: Marking;
    }
  /** Somebody signed in. Permissions come from the operating model at each request. */
  | {
      readonly kind: 'person';
      readonly id: string;
      readonly name: string;
      readonly permissions: ReadonlySet<Permission>;
      /** Those whose contacts the person keeps (`directory.own`); absent: none. */
      readonly organisationIds?: readonly string[];
      /** Those whose readers the person keeps (`space.lead`), and reads in; absent: none. */
      readonly spaceIds?: readonly string[];
      /** Permissions that hold for some regions only, by their codes; absent: none is bound. */
      readonly regional?: ReadonlyMap<Permission, readonly string[]>;
      /** The strictest marking whose words the session may be shown; absent: no passkey is proved. */
      readonly readsUpTo?: Marking;
      /**
       * True where only an organisation's issuer says that it is this person: nothing is read by
       * their name then.
       */
      readonly isOfIssuer?: boolean;
    }
  /** A program with a bearer key of `bin/tocsin api-key create`. */
  | {
      readonly kind: 'key';
      readonly id: string;
      readonly name: string;
      readonly permissions: ReadonlySet<Permission>;
      /** As of a person: a program proves no passkey. */
      readonly readsUpTo?: Marking;
    }
  /** A contact who answered by text, by code or by phone: acts for these organisations only. */
  | {
      readonly kind: 'contact';
      readonly id: string;
      readonly organisationIds: readonly string[];
    }
  /** A visitor without a name. Sees what is public. */
  | { readonly kind: 'nobody' };

/** What a role of the operating model may allow. One sentence each; no other strings exist. */
export const permissions = {
  'alert.read': 'Read every alert, its board and its answers',
  'alert.write': 'Write alerts and submit them for approval',
  'alert.approve': 'Approve what somebody else submitted, and release it',
  'dispatch.steer': 'Pause, resume and cancel a running dispatch',
  'response.record': 'Record answers by phone and work the help queue',
  'directory.read': 'Read organisations and contacts',
  'directory.write': 'Import organisations and contacts',
  'directory.own': 'Keep the contacts of one’s own organisations',
  'organisation.cut_off': 'Cut an organisation off, and let it back',
  'person.manage': 'Invite people, give roles and open spaces',
  'space.lead': 'Say who reads in the spaces that one leads',
  'model.read': 'Read the operating model',
  'model.write': 'Propose another operating model',
  'model.approve': 'Approve an operating model that somebody else proposed',
  'audit.read': 'Read the audit',
  'audit.keep': 'Exchange the key of the audit, accept a restore of it, erase details',
  'system.read': 'Read gateways, health and figures',
  'gateway.steer': 'Switch gateways on and off, and share people among them',
} as const;

export type Permission = keyof typeof permissions;

export const nobody: Actor = { kind: 'nobody' };

export function system(name: string): Actor {
  return { kind: 'system', name };
}

/** A part of the product that reads for somebody, and shows them no more than they may see. */
export function systemFor(name: string, reader: Actor): Actor {
  return { kind: 'system', name, readsUpTo: readsUpTo(reader) };
}

/** True where the actor itself holds the permission; the system holds all, contacts none. */
export function may(actor: Actor, permission: Permission): boolean {
  if (actor.kind === 'system') return true;
  return (actor.kind === 'person' || actor.kind === 'key') && actor.permissions.has(permission);
}

/**
 * What a program may be given: what some route of the API asks for. The rest is for people alone,
 * such as approving, and a key that had it would only look as if it could (a guard compares).
 */
export const keyPermissions: ReadonlySet<Permission> = new Set([
  'alert.read',
  'alert.write',
  'dispatch.steer',
  'response.record',
  'directory.read',
  'directory.write',
  'organisation.cut_off',
  'system.read',
  'gateway.steer',
]);

/** What is given for one organisation or one space each, and never for the centre. */
export const scopes: { readonly [permission in Permission]?: ScopedTo } = {
  'directory.own': 'organisation',
  'space.lead': 'space',
};

export type ScopedTo = 'organisation' | 'space';

/** Whoever has only these works for no centre. */
const scopedPermissions = new Set(Object.keys(scopes)) as ReadonlySet<Permission>;

/** What a role that is given for regions may allow: what can be bound to an organisation. */
export const regionalPermissions: ReadonlySet<Permission> = new Set([
  'alert.read',
  'response.record',
  'directory.read',
  'model.read',
]);

/** The regions that this permission of the actor is bound to, by code; undefined: to none. */
export function regionsOf(actor: Actor, permission: Permission): readonly string[] | undefined {
  return actor.kind === 'person' ? actor.regional?.get(permission) : undefined;
}

/** True where the actor may do it for an organisation of this region; null: of no region. */
export function mayIn(actor: Actor, permission: Permission, regionCode: string | null): boolean {
  const regions = regionsOf(actor, permission);
  if (!may(actor, permission)) return false;
  return regions === undefined || (regionCode !== null && regions.includes(regionCode));
}

/** True where the actor keeps the contacts of this organisation as its own. */
export function isOwn(actor: Actor, organisationId: string): boolean {
  return (
    actor.kind === 'person' &&
    actor.permissions.has('directory.own') &&
    (actor.organisationIds ?? []).includes(organisationId)
  );
}

/** True where the actor says who reads in this space. */
export function leadsSpace(actor: Actor, spaceId: string): boolean {
  return (
    actor.kind === 'person' &&
    actor.permissions.has('space.lead') &&
    (actor.spaceIds ?? []).includes(spaceId)
  );
}

/**
 * How far the actor reads: the whole centre, what is for its organisations or for it by name, or
 * what is public. Whoever holds any permission works for the centre, but for those that are given
 * for organisations and spaces; which of its pages they may open, routes decide.
 */
export function reachOf(actor: Actor): 'centre' | 'organisation' | 'nobody' {
  if (actor.kind === 'system') return 'centre';
  if (actor.kind === 'contact') return 'organisation';
  if (!('permissions' in actor) || actor.permissions.size === 0) return 'nobody';
  return actor.permissions.isSubsetOf(scopedPermissions) ? 'organisation' : 'centre';
}

/**
 * The strictest marking whose words the actor may be shown. Where nothing is said it is AMBER, for
 * what is stricter takes a person who proved a passkey (ADR 0041).
 */
export function readsUpTo(actor: Actor): Marking {
  if ('readsUpTo' in actor && actor.readsUpTo !== undefined) return actor.readsUpTo;
  return actor.kind === 'system' ? 'RED' : 'AMBER';
}

/** True where the actor may be shown words of this marking, of what it may read at all. */
export function readsWords(actor: Actor, marking: Marking): boolean {
  return within(marking, readsUpTo(actor));
}

/** The id written to audit entries and `…_by` columns. */
export function actorId(actor: Actor): string {
  switch (actor.kind) {
    case 'system':
      return actor.name;
    case 'nobody':
      return 'nobody';
    default:
      return actor.id;
  }
}

/** The name that screens show beside what was done. */
export function nameOf(actor: Actor): string {
  return actor.kind === 'person' || actor.kind === 'key' ? actor.name : actorId(actor);
}
