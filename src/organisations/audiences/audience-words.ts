/** A question in words, and how two of them differ. Pure. */
import {
  partsOf,
  type AudiencePart,
  type AudienceQuestion,
  type DirectoryRules,
} from '../model.ts';
import type { AudienceNames } from './membership.ts';

export type Phrase = { readonly what: string; readonly says: string };

export type WordNames = Pick<AudienceNames, 'regionName' | 'systemName'> &
  Pick<DirectoryRules, 'organisationTypes' | 'contactRoles'>;

type Line = {
  readonly what: string;
  readonly of: (question: AudienceQuestion, names: WordNames) => readonly string[];
};

/** In the order in which people say it. */
const lines: readonly Line[] = [
  {
    what: 'Type',
    of: ({ types }, { organisationTypes }) =>
      types.map((type) => organisationTypes[type]?.label ?? type),
  },
  { what: 'Region', of: ({ regions }, { regionName }) => regions.map(regionName) },
  { what: 'System', of: ({ systems }, { systemName }) => systems.map(systemName) },
  { what: 'Below', of: ({ parents }) => parents },
  { what: 'Uses something of', of: ({ suppliers }) => suppliers },
  { what: 'Uses', of: ({ products }) => products },
  { what: 'Tag', of: ({ tags }) => tags },
  { what: 'Must answer', of: ({ mustAnswerOnly }) => (mustAnswerOnly ? ['yes'] : []) },
  { what: 'Only in audience', of: (question) => partNames(partsOf(question, 'and')) },
  { what: 'Nobody but who is named', of: ({ namedOnly }) => (namedOnly ? ['yes'] : []) },
  { what: 'Also', of: ({ include }) => include },
  { what: 'Also all of audience', of: (question) => partNames(partsOf(question, 'or')) },
  { what: 'But not', of: ({ exclude }) => exclude },
  { what: 'But nobody of audience', of: (question) => partNames(partsOf(question, 'not')) },
  {
    what: 'Contacts with role',
    of: ({ roles }, { contactRoles }) => roles.map((role) => contactRoles[role]?.label ?? role),
  },
  { what: 'Contacts of rank', of: ({ ranks }) => ranks.map(String) },
];

function partNames(parts: readonly AudiencePart[]): string[] {
  return parts.map(({ name, version }) => `${name} (version ${version})`);
}

/** Longer lists of codes are counted: hundreds in a row are read by nobody. */
const LISTED_MAX = 30;

/** What a question asks, line by line; one line for the question that asks for everybody. */
export function questionInWords(question: AudienceQuestion, names: WordNames): Phrase[] {
  const said = lines.flatMap(({ what, of }) => {
    const values = of(question, names);
    return values.length === 0 ? [] : [{ what, says: listed(values) }];
  });
  return said.length === 0 ? [{ what: 'Everybody', says: 'every organisation' }] : said;
}

/** How a later question differs, line by line: what came and what went. Empty where it does not. */
export function differenceInWords(
  before: AudienceQuestion,
  after: AudienceQuestion,
  names: WordNames,
): Phrase[] {
  return lines.flatMap(({ what, of }) => {
    const [old, fresh] = [of(before, names), of(after, names)];
    const came = fresh.filter((value) => !old.includes(value));
    const went = old.filter((value) => !fresh.includes(value));
    const says = [
      ...(came.length > 0 ? [`added ${listed(came)}`] : []),
      ...(went.length > 0 ? [`taken away ${listed(went)}`] : []),
    ];
    return says.length === 0 ? [] : [{ what, says: says.join('; ') }];
  });
}

function listed(values: readonly string[]): string {
  const more = values.length - LISTED_MAX;
  const shown = values.slice(0, LISTED_MAX).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}
