/** The filters of the lists of what is to be mended, as they stand in the address. Pure. */
import { z } from 'zod';
import { formModel, type FormModel } from '#web/index.ts';
import { asAtOf, type AsAt } from '../as-at.ts';
import type { DirectoryRules } from '../model.ts';
import type { Place } from '../store-places.ts';

/** Anything strange is no filter: an address may be old, or typed by hand. */
export const word = z.string().max(100).catch('');

export const mendFields = {
  organisation: word,
  region: word,
  system: word,
  type: word,
  kind: word,
  who: word,
  'as-at': word,
};

export type MendQuery = Readonly<Record<keyof typeof mendFields, string>>;

export type Places = { readonly regions: readonly Place[]; readonly systems: readonly Place[] };

export type Narrowing<Kind extends string> = {
  readonly search: {
    /** A code, or part of a name. */
    readonly organisation?: string;
    readonly region?: string;
    readonly system?: string;
    readonly type?: string;
    readonly kind?: Kind;
    readonly mustAnswerOnly: boolean;
    /** Undefined: today. */
    readonly asAt: AsAt | undefined;
  };
  readonly form: FormModel;
  /** What stands behind the question mark of the address, without the cursor; ends in & if any. */
  readonly query: string;
  readonly isFiltered: boolean;
};

/** What a query narrows to; codes and kinds that do not exist narrow nothing. */
export function readMendQuery<Kind extends string>(
  query: MendQuery,
  kinds: Readonly<Record<Kind, string>>,
  rules: DirectoryRules,
  { places: { regions, systems }, now }: { readonly places: Places; readonly now: Date },
): Narrowing<Kind> {
  const isCode = (places: readonly Place[], wanted: string) =>
    places.some(({ code }) => code === wanted);
  const asAt = asAtOf(query['as-at'], now);
  const chosen = {
    organisation: query.organisation.replaceAll(/\p{Cc}/gu, ' ').trim(),
    region: isCode(regions, query.region) ? query.region : '',
    system: isCode(systems, query.system) ? query.system : '',
    type: Object.hasOwn(rules.organisationTypes, query.type) ? query.type : '',
    kind: Object.hasOwn(kinds, query.kind) ? query.kind : '',
    who: query.who === 'all' ? 'all' : '',
    'as-at': asAt?.day ?? '',
  };
  const filled = Object.entries(chosen).filter(([, value]) => value !== '');
  const address = new URLSearchParams(filled).toString();
  return {
    search: {
      ...(chosen.organisation !== '' && { organisation: chosen.organisation }),
      ...(chosen.region !== '' && { region: chosen.region }),
      ...(chosen.system !== '' && { system: chosen.system }),
      ...(chosen.type !== '' && { type: chosen.type }),
      ...(chosen.kind !== '' && { kind: chosen.kind as Kind }),
      // Whoever names one wants to see it.
      mustAnswerOnly: chosen.who !== 'all' && chosen.organisation === '',
      asAt,
    },
    form: formModel(Object.keys(chosen), chosen),
    query: address === '' ? '' : `${address}&`,
    isFiltered: filled.some(([name]) => name !== 'as-at'),
  };
}
