/** The search of the audit as it stands in the address. Pure. */
import { z } from 'zod';
import { isUuid } from '#kernel/ids.ts';
import { formModel, type FormModel } from '#web/index.ts';
import { findPersonalData, type EntrySearch } from './model.ts';

const TEXT_MAX = 100;
const PEOPLE_MAX = 50;

/** Anything strange is no filter: an address may be old, or typed by hand. */
const word = z
  .string()
  .catch('')
  .transform((text) =>
    text
      .replaceAll(/\p{Cc}/gu, ' ')
      .trim()
      .slice(0, TEXT_MAX),
  );

export const searchQuery = z.object({
  who: word,
  action: word,
  kind: word,
  id: word,
  from: word,
  until: word,
  after: word,
});

export type SearchQuery = z.output<typeof searchQuery>;

const FIELDS = ['who', 'action', 'kind', 'id', 'from', 'until'] as const;

/** Whom entries may name: people, and keys of programs. */
export type Named = { readonly id: string; readonly name: string };

export type AuditSearch = {
  readonly search: EntrySearch;
  readonly form: FormModel;
  /** The filters as a query, without a page; '' where there are none. */
  readonly address: string;
  readonly isRefused: boolean;
};

export function readSearch(
  query: SearchQuery,
  known: { readonly named: readonly Named[]; readonly kinds: readonly string[] },
): AuditSearch {
  const errors: Record<string, string> = {};
  const actorIds = query.who === '' ? undefined : findActors(query.who, known.named, errors);
  if (findPersonalData(query.id) !== undefined)
    errors['id'] = 'Write an id here, not a number or an address.';
  const from = readMoment(query.from, '00:00');
  const until = readMoment(query.until, '23:59');
  if (from === undefined) errors['from'] = MOMENT_FORM;
  if (until === undefined) errors['until'] = MOMENT_FORM;
  if (from && until && from > until) errors['until'] = 'This is before the beginning.';
  const action = /^[a-z_]+\.[a-z_]+$/.test(query.action) ? query.action : '';
  const kind = /^[a-z_]+$/.test(query.kind) ? query.kind : '';
  const kinds = kind === '' && query.id !== '' ? known.kinds : [kind];
  const typed = { ...query, action, kind, from: from ?? query.from, until: until ?? query.until };
  const chosen = FIELDS.map((field) => [field, typed[field]] as const);
  const filled = chosen.filter(([, value]) => value !== '');
  return {
    search: {
      ...(actorIds && { actorIds }),
      ...(action !== '' && { action }),
      ...((kind !== '' || query.id !== '') && { subjectKinds: kinds }),
      ...(query.id !== '' && { subjectId: query.id }),
      ...(from && { from }),
      ...(until && { until }),
    },
    form: formModel(FIELDS, Object.fromEntries(chosen), errors),
    address: new URLSearchParams(filled.map(([field, value]) => [field, value])).toString(),
    isRefused: Object.keys(errors).length > 0,
  };
}

/** By name or part of one, by id, or a part of the product by its own name. */
function findActors(
  who: string,
  named: readonly Named[],
  errors: Record<string, string>,
): readonly string[] {
  const wanted = who.toLowerCase();
  const found = named.filter(({ id, name }) => id === who || name.toLowerCase().includes(wanted));
  if (found.length > PEOPLE_MAX) errors['who'] = 'That is in many names. Write more of it.';
  if (found.length > 0) return found.map(({ id }) => id);
  if (isUuid(who) || /^[a-z][a-z-]*$/.test(who)) return [who];
  errors['who'] = 'Nobody here has that name.';
  return [];
}

const MOMENT_FORM = 'Write a day and time like 2026-11-23T04:00, or the day alone.';

/** A minute; of a day alone this one. '' for none, undefined for what is no moment. */
function readMoment(text: string, minute: string): string | undefined {
  if (text === '') return '';
  const [, day, time = minute] = /^([1-9]\d{3}-\d\d-\d\d)(?:T(\d\d:\d\d))?$/.exec(text) ?? [];
  const at = new Date(`${day}T${time}:00Z`);
  const isReal = !Number.isNaN(at.getTime()) && at.toISOString().startsWith(`${day}T${time}`);
  return isReal ? `${day}T${time}` : undefined;
}
