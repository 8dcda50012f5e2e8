/**
 * What one person may let go with nobody there to approve it (P5): a holding alert in a saved text
 * of the rules, which two people adopted, its blanks filled, to all who must answer.
 */
import { findPersonalData } from '#audit/index.ts';
import type { HoldingText, OperatingModel } from '#operating-model/index.ts';
import { everybody, type AudienceQuestion } from '#organisations/index.ts';
import { canonicalContent, noContent } from '#alerts/content/model.ts';
import type { VersionRow } from '#alerts/store.ts';

/** Longest filling of a blank, in characters. */
const FILLING_MAX = 40;

/** Why it needs a second person; undefined where one may do. */
export function whyNotAlone(
  version: VersionRow,
  model: Pick<OperatingModel, 'holding'>,
  audience: { readonly isOfAnother: boolean },
): string | undefined {
  const { holding } = model;
  if (holding.alone === undefined) return 'The rules let nothing go with one person.';
  if (version.number !== 1) return 'Only a first alert may go with one person.';
  if (version.severity !== holding.severity.id || version.marking !== holding.marking)
    return 'Only a holding alert may go with one person, as the rules have it.';
  if (!holding.texts.some((text) => isFilledFrom(text, version)))
    return 'Its words were changed. Only a saved text may go with one person.';
  if (!isToAll(version.audience as AudienceQuestion) && !audience.isOfAnother)
    return 'Its audience is not all who must answer, and nobody else saved it.';
  return undefined;
}

/** The saved text, word for word but for its blanks, and nothing beside it. */
function isFilledFrom(text: HoldingText, version: VersionRow): boolean {
  return (
    version.title === text.title &&
    isFilled(text.what, version.what) &&
    isFilled(text.doNow, version.doNow) &&
    isFilled(text.notKnown, version.notKnown) &&
    version.clearLine === '' &&
    version.body === '' &&
    version.ownText === null &&
    Object.keys(version.readerWords).length === 0 &&
    isSame(canonicalContent(version.content), canonicalContent(noContent))
  );
}

/** A blank takes a few words on one line: no page to go to, no address, no number to ring. */
function isFilled(saved: string, typed: string): boolean {
  const parts = saved.split(/\{[^{}]*\}/);
  const pattern = parts.map((part) => RegExp.escape(part)).join(`([^\\n{}]{1,${FILLING_MAX}})`);
  const found = new RegExp(`^${pattern}$`, 'u').exec(typed);
  return found !== null && found.slice(1).every((filling) => !leadsSomewhere(filling));
}

/** Letters and digits of other widths are read as the plain ones. */
function leadsSomewhere(filling: string): boolean {
  const plain = filling.normalize('NFKC');
  return LINK.test(plain) || findPersonalData(plain) !== undefined;
}

const LINK = /:\/\/|www\.|\w\.\w{2,}|@/iu;

function isToAll(question: AudienceQuestion): boolean {
  return asksNoMoreThan(question, { ...everybody, mustAnswerOnly: true });
}

/** The one saved audience of a question that asks nothing else, with its version. */
export function onlyAudienceOf(question: AudienceQuestion) {
  const [only, ...more] = question.audiences;
  if (only === undefined || more.length > 0) return undefined;
  const { how, id, version } = only;
  return asksNoMoreThan({ ...question, audiences: [] }, everybody) && how === 'and'
    ? { id, version }
    : undefined;
}

/** Key by key: the database keeps them in an order of its own. */
function asksNoMoreThan(question: AudienceQuestion, other: AudienceQuestion): boolean {
  const keys = [...new Set([...Object.keys(question), ...Object.keys(other)])];
  return keys.every((key) =>
    isSame(question[key as keyof AudienceQuestion], other[key as keyof AudienceQuestion]),
  );
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
