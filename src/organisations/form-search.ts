/** The search of the directory as it stands in the address. Pure. */
import { z } from 'zod';
import { cursorOf, formModel, oneLine, type FormModel } from '#web/index.ts';
import { asAtOf, type AsAt } from './as-at.ts';
import { everybody, type AudienceQuestion, type DirectoryRules } from './model.ts';
import type { OrganisationSearch } from './store.ts';
import type { Place } from './store-places.ts';

const TEXT_MAX = 100;

/** Anything strange is no filter: an address may be old, or typed by hand. */
export const word = z
  .string()
  .catch('')
  .transform((text) =>
    text
      .replaceAll(/\p{Cc}/gu, ' ')
      .trim()
      .slice(0, TEXT_MAX),
  );

/** By name and code, as `listOrganisations` orders. */
export const searchCursor = cursorOf(z.tuple([oneLine(300), oneLine(20)]));

export function searchKey(row: { readonly name: string; readonly code: string }) {
  return [row.name, row.code];
}

export const searchQuery = z.object({
  q: word,
  type: word,
  region: word,
  must: word,
  'as-at': word,
  after: searchCursor.optional().catch(undefined),
});

export type SearchQuery = z.output<typeof searchQuery>;

export type DirectorySearch = {
  readonly search: Omit<OrganisationSearch, 'limit'>;
  readonly form: FormModel;
  /** Undefined: today. */
  readonly asAt: AsAt | undefined;
  /** The address without its cursor, ending in ? or &. */
  readonly href: string;
  readonly isFiltered: boolean;
};

export function readSearch(
  query: SearchQuery,
  rules: DirectoryRules,
  { regions, now }: { readonly regions: readonly Place[]; readonly now: Date },
): DirectorySearch {
  const asAt = asAtOf(query['as-at'], now);
  const chosen = {
    q: query.q,
    type: Object.hasOwn(rules.organisationTypes, query.type) ? query.type : '',
    region: regions.some(({ code }) => code === query.region) ? query.region : '',
    must: query.must === 'yes' ? 'yes' : '',
    'as-at': asAt?.day ?? '',
  };
  const question: AudienceQuestion = {
    ...everybody,
    types: chosen.type === '' ? [] : [chosen.type],
    regions: chosen.region === '' ? [] : [chosen.region],
    mustAnswerOnly: chosen.must === 'yes',
  };
  const narrows = chosen.type !== '' || chosen.region !== '' || chosen.must !== '';
  const filled = Object.entries(chosen).filter(([, value]) => value !== '');
  const address = new URLSearchParams(filled).toString();
  return {
    search: {
      ...(chosen.q !== '' && { text: chosen.q }),
      ...(narrows && { question }),
      asAt,
      ...(query.after && { after: query.after }),
    },
    asAt,
    form: formModel(Object.keys(chosen), chosen),
    href: `/organisations?${address}${address === '' ? '' : '&'}`,
    isFiltered: filled.some(([name]) => name !== 'as-at'),
  };
}
