/** Refusals that several verbs of identity share. */
import { refused, type Refused } from '#kernel/outcome.ts';
import { IS_FOR, placesIn, type Place, type Scope, type ScopeKind } from './scope.ts';

export const noSuchPerson = refused('not_found', 'There is no such person.');

export const notOneself = refused(
  'forbidden',
  'Nobody changes their own rights here. Ask somebody else who may manage people.',
);

export function unknownRole(role: string): Refused {
  const message = `The operating model has no role “${role}”`;
  return refused('invalid', message, { roles: message });
}

const NAME_IT: Readonly<Record<Place, string>> = {
  organisation: 'Enter the code of an organisation of the directory',
  region: 'Choose a region',
  space: 'Choose a space that is open',
};

const NONE: Readonly<Record<Place, string>> = {
  organisation: 'Enter no organisation',
  region: 'Choose no region',
  space: 'Choose no space',
};

/** For none of these: they are not known, or no role is given for them any more. */
export function unknownPlaces(places: readonly Place[]): Refused {
  const fields = Object.fromEntries(places.map((place) => [place, NAME_IT[place]]));
  return refused('invalid', 'Put right what is marked below.', fields);
}

/** Undefined where what a role is given for is said, and nothing beside. */
export function wrongPlaces(said: Scope, kind: ScopeKind): Refused | undefined {
  const places = placesIn(said);
  const beside = places.filter((place) => place !== kind);
  if (beside.length > 0) {
    const why = `this role is for ${IS_FOR[kind]}`;
    const fields = Object.fromEntries(beside.map((place) => [place, `${NONE[place]}: ${why}`]));
    return refused('invalid', 'Put right what is marked below.', fields);
  }
  return kind === 'centre' || places.length > 0 ? undefined : unknownPlaces([kind]);
}
