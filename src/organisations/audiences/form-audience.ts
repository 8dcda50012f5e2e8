/** A question in the fields of a form, and an audience in the words of its pages. */
import { z } from 'zod';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { csvFile, dateOnly, many, parseForm, type Form } from '#web/index.ts';
import { differenceInWords, questionInWords, type WordNames } from './audience-words.ts';
import { nameForm } from '../suppliers/form-use.ts';
import { whyIn, type AudienceNames } from './membership.ts';
import type { AskedQuestion, DirectoryRules } from '../model.ts';
import { parseAudienceQuestion } from './parse-audience.ts';
import { listAudienceChoices, readNamesToAsk, readPlaceNames } from './store-choices.ts';
import type { MemberRow } from './store-members.ts';
import { listRegions, listSystems } from '../store-places.ts';
import type { AudienceVersionRow } from './store-saved.ts';

/** The fields of a question; `audiences` is where a complaint about the last three stands. */
export const questionFields = [
  'types',
  'regions',
  'systems',
  'parents',
  'roles',
  'ranks',
  'suppliers',
  'products',
  'tags',
  'mustAnswerOnly',
  'namedOnly',
  'include',
  'exclude',
  'within',
  'added',
  'without',
  'audiences',
] as const;

export const audienceFormFields = ['name', ...questionFields];

export const AUDIENCE_NAME_MAX = 80;

export type TypedAudience = { readonly name: string; readonly question: AskedQuestion };

/** The audience that was typed, or the errors of name and question together. */
export function parseAudienceForm(form: Form, rules: DirectoryRules): Outcome<TypedAudience> {
  const name = parseForm(nameForm(AUDIENCE_NAME_MAX), { name: form['name'] ?? '' });
  const question = parseQuestionForm(form, rules);
  if (name.ok && question.ok) return ok({ ...name.value, question: question.value });
  return refused('invalid', 'There is a problem with what was entered', {
    ...(name.ok ? {} : name.fields),
    ...(question.ok ? {} : question.fields),
  });
}

export function parseQuestionForm(
  form: Form,
  rules: Pick<DirectoryRules, 'organisationTypes' | 'contactRoles'>,
): Outcome<AskedQuestion> {
  const asked = Object.fromEntries(
    questionFields.flatMap((field) =>
      field === 'audiences' || form[field] === undefined ? [] : [[field, form[field]]],
    ),
  );
  return parseAudienceQuestion(asked, rules);
}

/** A question in fields, as a form shows it. Other audiences with their version: `id@3`. */
export function questionAsFields(question: AskedQuestion): Form {
  const parts = (how: string) =>
    question.audiences
      .filter((part) => part.how === how)
      .map(({ id, version }) => (version === undefined ? id : `${id}@${version}`));
  return {
    types: [...question.types],
    regions: [...question.regions],
    systems: [...question.systems],
    roles: [...question.roles],
    ranks: question.ranks.map(String),
    suppliers: [...question.suppliers],
    products: [...question.products],
    tags: [...question.tags],
    parents: question.parents.join(', '),
    mustAnswerOnly: question.mustAnswerOnly ? 'yes' : '',
    namedOnly: question.namedOnly ? 'yes' : '',
    include: question.include.join(', '),
    exclude: question.exclude.join(', '),
    within: parts('and'),
    added: parts('or'),
    without: parts('not'),
  };
}

/** What the fields of a question offer: `organisations/question-fields.njk`. */
export async function readChoices(tx: Tx, fields: Form) {
  const chosen = ['within', 'added', 'without'].flatMap((field) => [...many(fields[field])]);
  const held = chosen.flatMap((text) => {
    const [id = '', version] = text.split('@');
    const isHeld = z.uuid().safeParse(id).success && /^\d{1,9}$/.test(version ?? '');
    return isHeld ? [{ id, version: Number(version) }] : [];
  });
  const audiences = await listAudienceChoices(tx, held);
  return {
    regions: await listRegions(tx),
    systems: await listSystems(tx),
    ...(await readNamesToAsk(tx)),
    ranks: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    audiences: audiences.map(({ id, version, name, isOld, isRetired }) => ({
      value: `${id}@${version}`,
      text: `${name}${isOld ? `, version ${version}` : ''}${isRetired ? ' (retired)' : ''}`,
    })),
  };
}

/** What codes are called, for the words of a question and for reasons. */
export async function readNames(tx: Tx, rules: DirectoryRules): Promise<AudienceNames & WordNames> {
  const { regions, systems } = await readPlaceNames(tx);
  const { organisationTypes, contactRoles } = rules;
  return {
    organisationTypes,
    contactRoles,
    typeLabel: (type) => organisationTypes[type]?.label ?? type,
    regionName: (code) => regions[code] ?? code,
    systemName: (code) => systems[code] ?? code,
    dayName: (day) => dateOnly(new Date(`${day}T12:00:00Z`)),
  };
}

export type VersionShown = AudienceVersionRow & {
  /** What it asks that the one before did not, or the other way round; empty of the first. */
  readonly changes: readonly { readonly what: string; readonly says: string }[];
  readonly says: readonly { readonly what: string; readonly says: string }[];
};

/** Versions, newest first, each with what it changed. */
export function versionsShown(
  versions: readonly AudienceVersionRow[],
  names: WordNames,
): VersionShown[] {
  return versions.map((version, i) => {
    const before = versions[i + 1];
    const changes = before ? differenceInWords(before.question, version.question, names) : [];
    return { ...version, changes, says: questionInWords(version.question, names) };
  });
}

const csvColumns = ['code', 'organisation', 'type', 'region', 'must_answer', 'why'];

/** The organisations of an audience as a file, with the reason of each. */
export function membersCsv(
  rows: readonly MemberRow[],
  question: Parameters<typeof whyIn>[0],
  names: AudienceNames,
): string {
  const lines = rows.map((row) => [
    row.code,
    row.name,
    names.typeLabel(row.type),
    row.regionCode === null ? '' : names.regionName(row.regionCode),
    row.mustAnswer ? 'yes' : 'no',
    whyIn(question, row, names).join('; '),
  ]);
  return csvFile([csvColumns, ...lines]);
}
