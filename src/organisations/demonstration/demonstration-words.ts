/** The fictional sector in the names that other rules have for organisations and contacts. Pure. */
import type { DirectoryRules } from '../model.ts';

export type SectorRules = Pick<DirectoryRules, 'organisationTypes' | 'contactRoles'>;

/** As the generator has them, those that must answer first. */
const sectorTypes = ['board', 'trust', 'practice', 'care_provider', 'supplier'] as const;
const sectorRoles = ['ciso', 'on_call_it', 'cio', 'siro', 'practice_manager'] as const;

/** How a sector is told under other rules than those of health and care. */
export type SectorWords = {
  /** The type of the organisation at this place, from 0, and what stands behind its place-name. */
  memberAt(place: number): { readonly type: string; readonly kind: string };
  /** The type of those who need not answer. */
  readonly otherType: string;
  /** A row of the file of contacts with the role, and the name of a post, as the rules have it. */
  contact(row: readonly string[]): string[];
};

/** Undefined where the rules have all names of the sector: it is told as it is. */
export function wordsOf(rules: SectorRules | undefined): SectorWords | undefined {
  if (rules === undefined) return undefined;
  const { organisationTypes: types, contactRoles } = rules;
  const hasTypes = sectorTypes.every((type) => Object.hasOwn(types, type));
  const hasRoles = sectorRoles.every((role) => Object.hasOwn(contactRoles, role));
  if (hasTypes && hasRoles) return undefined;
  const all = Object.keys(types);
  const must = all.filter((type) => types[type]!.mustAnswer);
  const members = must.length > 0 ? must : all;
  const roles = Object.keys(contactRoles);
  const roleOf = (own: string) => {
    const place = (sectorRoles as readonly string[]).indexOf(own);
    return roles[Math.min(place, roles.length - 1)]!;
  };
  return {
    memberAt(place) {
      const type = members[place % members.length]!;
      return { type, kind: types[type]!.label };
    },
    otherType: all.find((type) => !types[type]!.mustAnswer) ?? members[0]!,
    contact([code = '', name = '', kind = '', role = '', ...rest]) {
      const own = roleOf(role);
      return [code, kind === 'post' ? contactRoles[own]!.label : name, kind, own, ...rest];
    },
  };
}
