/** For what a role is given: the centre, one organisation, one region, or one space. */
import { scopes, type ScopedTo } from '#kernel/actor.ts';
import type { OperatingModel } from '#operating-model/index.ts';

/** At most one of them is said; none: the centre. */
export type Scope = {
  readonly organisationId: string | null;
  readonly regionCode: string | null;
  readonly spaceId: string | null;
};

/** What is smaller than the centre. */
export type Place = 'region' | ScopedTo;

export const PLACES: readonly Place[] = ['organisation', 'region', 'space'];

export type ScopeKind = 'centre' | Place;

/** In words, after: this role is for. */
export const IS_FOR: Readonly<Record<ScopeKind, string>> = {
  centre: 'the whole centre',
  organisation: 'one organisation',
  region: 'one region',
  space: 'one space',
};

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

export function kindOf(scope: Scope): ScopeKind {
  return placesIn(scope)[0] ?? 'centre';
}

/** What is said of it: more than one is no scope, and only somebody who gives a role says so. */
export function placesIn({ organisationId, regionCode, spaceId }: Scope): Place[] {
  const said = { organisation: organisationId, region: regionCode, space: spaceId };
  return PLACES.filter((place) => said[place] !== null);
}

/** For what the model gives this role. */
export function scopeOf({ roles }: Pick<OperatingModel, 'roles'>, role: string): ScopeKind {
  const { may = [], givenFor } = roles[role] ?? {};
  const to = may.map((permission) => scopes[permission]).find((one) => one !== undefined);
  return to ?? givenFor ?? 'centre';
}
