/** For what a role is given: the centre, one organisation, one region, or one space. */
import { scopes, type ScopedTo } from '#kernel/actor.ts';
import type { OperatingModel } from '#operating-model/index.ts';

/** At most one of them is said; none: the centre. */
export type Scope = {
  readonly organisationId: string | null;
  readonly regionCode: string | null;
  readonly spaceId: string | null;
};

export type ScopeKind = 'centre' | 'region' | ScopedTo;

export const ofCentre: Scope = { organisationId: null, regionCode: null, spaceId: null };

export function ofOrganisation(organisationId: string): Scope {
  return { ...ofCentre, organisationId };
}

export function ofRegion(regionCode: string): Scope {
  return { ...ofCentre, regionCode };
}

export function ofSpace(spaceId: string): Scope {
  return { ...ofCentre, spaceId };
}

export function kindOf({ organisationId, regionCode, spaceId }: Scope): ScopeKind {
  if (organisationId !== null) return 'organisation';
  if (spaceId !== null) return 'space';
  return regionCode === null ? 'centre' : 'region';
}

/** For what the model gives this role. */
export function scopeOf({ roles }: Pick<OperatingModel, 'roles'>, role: string): ScopeKind {
  const { may = [], givenFor } = roles[role] ?? {};
  const to = may.map((permission) => scopes[permission]).find((one) => one !== undefined);
  return to ?? givenFor ?? 'centre';
}
