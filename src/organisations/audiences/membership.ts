/**
 * Why an organisation is of an audience, or is not. Pure: the same decision as
 * `matchesOrganisation` (store-audience.ts), told in words.
 */
import { partsOf, spellingKey, type AudiencePart, type AudienceQuestion } from '../model.ts';

/** What is known of an organisation on a day, as far as a question may ask. */
export type OrganisationFacts = {
  readonly code: string;
  readonly type: string;
  readonly regionCode: string | null;
  readonly systemCode: string | null;
  readonly mustAnswer: boolean;
  /** False before it opens and after its last day. */
  readonly exists: boolean;
  readonly openedOn: string | null;
  readonly closedOn: string | null;
  /** Codes of those whose place it took, by mergers and splits. */
  readonly follows: readonly string[];
  /** Codes of all that it stands below, at any depth, and of those whose place they took. */
  readonly above: readonly string[];
  /** Every spelling, folded, of what it uses and how it is tagged. */
  readonly suppliers: readonly string[];
  readonly products: readonly string[];
  readonly tags: readonly string[];
};

/** What codes and keys are called. */
export type AudienceNames = {
  readonly typeLabel: (type: string) => string;
  readonly regionName: (code: string) => string;
  readonly systemName: (code: string) => string;
  /** `1 April 2027` of `2027-04-01`. */
  readonly dayName: (day: string) => string;
};

export function isMember(question: AudienceQuestion, facts: OrganisationFacts): boolean {
  return facts.exists && isMeant(question, facts);
}

function isMeant(question: AudienceQuestion, facts: OrganisationFacts): boolean {
  const isIn =
    isAsked(question, facts) ||
    isNamed(question, facts) ||
    isOfSome(partsOf(question, 'or'), facts);
  return isIn && !isLeftOut(question, facts);
}

function isAsked(question: AudienceQuestion, facts: OrganisationFacts): boolean {
  return !question.namedOnly && narrowings(question).every(({ fits }) => fits(facts));
}

/** Whoever is named means its successors too; not so with those named out. */
function isNamed({ include }: AudienceQuestion, { code, follows }: OrganisationFacts): boolean {
  return include.includes(code) || follows.some((before) => include.includes(before));
}

function isLeftOut(question: AudienceQuestion, facts: OrganisationFacts): boolean {
  return question.exclude.includes(facts.code) || isOfSome(partsOf(question, 'not'), facts);
}

function isOfSome(parts: readonly AudiencePart[], facts: OrganisationFacts): boolean {
  return parts.some((part) => isMeant(part.question, facts));
}

type Narrowing = {
  readonly fits: (facts: OrganisationFacts) => boolean;
  /** Such as `type NHS trust`. */
  readonly inWords: (facts: OrganisationFacts, names: AudienceNames) => string;
  /** Why it does not fit any more; `before` is what it was when the audience was saved. */
  readonly outWords: (
    facts: OrganisationFacts,
    names: AudienceNames,
    before: Before | undefined,
  ) => string;
};

/** What an organisation was when an audience was saved. */
export type Before = Pick<OrganisationFacts, 'type' | 'regionCode' | 'systemCode' | 'mustAnswer'>;

const ALWAYS: Narrowing = { fits: () => true, inWords: () => '', outWords: () => '' };

function narrowings(question: AudienceQuestion): Narrowing[] {
  const { types, regions, systems, parents, suppliers, products, tags } = question;
  const all = [
    types.length === 0 ? ALWAYS : ofType(types),
    regions.length === 0 ? ALWAYS : ofPlace('region', regions),
    systems.length === 0 ? ALWAYS : ofPlace('system', systems),
    parents.length === 0 ? ALWAYS : belowOne(parents),
    question.mustAnswerOnly ? MUST_ANSWER : ALWAYS,
    suppliers.length === 0 ? ALWAYS : named('suppliers', suppliers, ['uses', 'does not use']),
    products.length === 0 ? ALWAYS : named('products', products, ['uses', 'does not use']),
    tags.length === 0 ? ALWAYS : named('tags', tags, ['tag', 'has not the tag']),
    ...partsOf(question, 'and').map(withinAudience),
  ];
  return all.filter((one) => one !== ALWAYS);
}

function ofType(types: readonly string[]): Narrowing {
  return {
    fits: ({ type }) => types.includes(type),
    inWords: ({ type }, { typeLabel }) => `type ${typeLabel(type)}`,
    outWords: ({ type }, { typeLabel }, before) =>
      wasAndIs('type', typeLabel(type), before && typeLabel(before.type)),
  };
}

function ofPlace(kind: 'region' | 'system', codes: readonly string[]): Narrowing {
  const key = kind === 'region' ? 'regionCode' : 'systemCode';
  const nameOf = (code: string | null, names: AudienceNames) => {
    if (code === null) return 'none';
    return kind === 'region' ? names.regionName(code) : names.systemName(code);
  };
  return {
    fits: (facts) => facts[key] !== null && codes.includes(facts[key]),
    inWords: (facts, names) => `${kind} ${nameOf(facts[key], names)}`,
    outWords: (facts, names, before) =>
      wasAndIs(kind, nameOf(facts[key], names), before && nameOf(before[key], names)),
  };
}

function belowOne(codes: readonly string[]): Narrowing {
  const found = ({ above }: OrganisationFacts) => codes.filter((code) => above.includes(code));
  return {
    fits: (facts) => found(facts).length > 0,
    inWords: (facts) => `below ${listed(found(facts), 'and')}`,
    outWords: () => `not below ${listed(codes, 'or')}`,
  };
}

const MUST_ANSWER: Narrowing = {
  fits: ({ mustAnswer }) => mustAnswer,
  inWords: () => 'must answer',
  outWords: (_facts, _names, before) =>
    before?.mustAnswer === true ? 'need not answer any more' : 'need not answer',
};

function named(
  field: 'suppliers' | 'products' | 'tags',
  asked: readonly string[],
  [verb, negated]: readonly [string, string],
): Narrowing {
  const found = (facts: OrganisationFacts) =>
    asked.filter((name) => facts[field].includes(spellingKey(name)));
  return {
    fits: (facts) => found(facts).length > 0,
    inWords: (facts) => `${verb} ${listed(found(facts), 'and')}`,
    outWords: () => `${negated} ${listed(asked, 'or')}`,
  };
}

function withinAudience({ name, question }: AudiencePart): Narrowing {
  return {
    fits: (facts) => isMeant(question, facts),
    inWords: () => `in audience ${name}`,
    outWords: (facts, names, before) => {
      const [why] = whyOut(question, { ...facts, exists: true }, names, before);
      return `not in audience ${name}${why === undefined ? '' : ` (${why})`}`;
    },
  };
}

function wasAndIs(what: string, now: string, before: string | undefined): string {
  if (before === undefined || before === now) return `${what} ${now}`;
  return what === 'type'
    ? `is now ${now}, was ${before}`
    : `moved to ${what} ${now} from ${before}`;
}

/** Why it is in, each way once: "type NHS trust, region London", "named", "through audience …". */
export function whyIn(
  question: AudienceQuestion,
  facts: OrganisationFacts,
  names: AudienceNames,
): string[] {
  const asked = isAsked(question, facts) ? [askedWords(question, facts, names)] : [];
  const named = isNamed(question, facts) ? [namedWords(question, facts)] : [];
  const through = partsOf(question, 'or')
    .filter((part) => isMeant(part.question, facts))
    .map((part) => {
      const why = whyIn(part.question, facts, names).join('; ');
      return `through audience ${part.name} (${why})`;
    });
  return [...asked, ...named, ...through];
}

function namedWords({ include }: AudienceQuestion, { code, follows }: OrganisationFacts): string {
  if (include.includes(code)) return 'named';
  return `took the place of ${listed(
    follows.filter((before) => include.includes(before)),
    'and',
  )}, which is named`;
}

function askedWords(
  question: AudienceQuestion,
  facts: OrganisationFacts,
  names: AudienceNames,
): string {
  const words = narrowings(question).map(({ inWords }) => inWords(facts, names));
  return words.length === 0 ? 'everybody is asked' : words.join(', ');
}

/** Why it is not in; empty where it is. */
export function whyOut(
  question: AudienceQuestion,
  facts: OrganisationFacts,
  names: AudienceNames,
  before?: Before,
): string[] {
  if (isMember(question, facts)) return [];
  if (!facts.exists) return [existenceWords(facts, names)];
  if (question.exclude.includes(facts.code)) return ['named as left out'];
  const leaving = partsOf(question, 'not').filter((part) => isMeant(part.question, facts));
  if (leaving.length > 0) return leaving.map(({ name }) => `left out with audience ${name}`);
  if (question.namedOnly) return ['not named'];
  return narrowings(question)
    .filter(({ fits }) => !fits(facts))
    .map(({ outWords }) => outWords(facts, names, before));
}

/** It was open on the day that is looked at, or closes by it. */
function existenceWords({ openedOn, closedOn }: OrganisationFacts, names: AudienceNames): string {
  return closedOn === null
    ? `opens on ${names.dayName(openedOn ?? '')}`
    : `last day ${names.dayName(closedOn)}`;
}

function listed(words: readonly string[], last: 'and' | 'or'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}
