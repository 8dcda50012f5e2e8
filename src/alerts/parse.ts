/** The composer's form and the API's body become a wording, or field errors in plain words. */
import { ok, refused, type FieldErrors, type Outcome } from '#kernel/outcome.ts';
import { markings, within, type Marking } from '#kernel/marking.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import type { Wording } from './model.ts';
import { recipientBlanks, textFor, type Rendering } from './texts.ts';

/** What was typed, field by field, as it was typed. */
export type TypedWording = Readonly<Record<keyof typeof fieldLengths, string>> & {
  readonly severity: string;
  readonly marking: string;
  /** `yes`, or nothing. */
  readonly asksAgain: string;
  /** `2026-11-23` and `04:00`, by the centre's clock. */
  readonly nextUpdateDate: string;
  readonly nextUpdateTime: string;
};

/** Longest input by field, in characters. */
export const fieldLengths = {
  title: 120,
  what: 120,
  doNow: 160,
  ifActed: 160,
  clearLine: 160,
  notKnown: 500,
  body: 20_000,
  ownText: 600,
} as const;

const labels: Readonly<Record<keyof typeof fieldLengths, string>> = {
  title: 'The title',
  what: 'What is happening',
  doNow: 'What to do now',
  ifActed: 'What to do for whoever acted already',
  clearLine: 'The line that anybody may read',
  notKnown: 'What is not known',
  body: 'The body',
  ownText: 'The text',
};

/** Control characters except tab and line ends, and marks that turn the direction of reading. */
const CONTROL = /(?![\t\n\r])[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;

/** What the freeze fills in for each recipient: only the author's own text may hold these. */
const RECIPIENT_BLANK = /\{(?:organisation|code|since)\}/;

const LINK = /https?:|www\.|\b[a-z0-9-]+\.[a-z]{2,}\//i;

/**
 * A draft may be incomplete, but nothing in it may be wrong. `instantOf` reads a date and a time by
 * the centre's clock; undefined where there is no such time.
 */
export function parseWording(
  typed: TypedWording,
  model: OperatingModel,
  instantOf: (date: string, time: string) => Date | undefined,
): Outcome<Omit<Wording, 'content' | 'readerWords'>> {
  const errors: Record<string, string> = {};
  for (const field of Object.keys(fieldLengths) as (keyof typeof fieldLengths)[]) {
    const check = ONE_LINE.has(field) ? checkLine : checkWords;
    const why = check(typed[field], field, labels[field]);
    if (why !== undefined) errors[field] = why;
  }
  if (!model.severities.some(({ id }) => id === typed.severity))
    errors['severity'] = 'Choose a severity';
  if (!markings.includes(typed.marking as Marking)) errors['marking'] = 'Choose a marking';
  const nextUpdateAt = parseNextUpdate(typed, errors, instantOf);
  if (Object.keys(errors).length > 0) return failed(errors);
  return ok({
    title: typed.title.trim(),
    severity: typed.severity,
    marking: typed.marking as Marking,
    what: typed.what.trim(),
    doNow: typed.doNow.trim(),
    ifActed: typed.ifActed.trim(),
    clearLine: typed.clearLine.trim(),
    notKnown: typed.notKnown.trim(),
    nextUpdateAt,
    body: typed.body.replaceAll('\r\n', '\n').trim(),
    ownText: typed.ownText.trim() === '' ? null : typed.ownText.replaceAll('\r\n', '\n').trim(),
    asksAgain: typed.asksAgain === 'yes',
  });
}

const ONE_LINE: ReadonlySet<string> = new Set(['title', 'what', 'doNow', 'ifActed', 'clearLine']);

function checkWords(
  text: string,
  field: keyof typeof fieldLengths,
  label: string,
): string | undefined {
  const most = fieldLengths[field];
  if (text.length > most) return `${label} has ${text.length} characters; at most ${most}`;
  if (CONTROL.test(text)) return `${label} has an invisible control character; type it again`;
  if (field !== 'ownText' && RECIPIENT_BLANK.test(text))
    return `${label} may not hold {organisation}, {code} or {since}`;
  return undefined;
}

/** What is wrong with the one line of this field; undefined where nothing is. */
export function checkLine(
  text: string,
  field: keyof typeof fieldLengths,
  label: string,
): string | undefined {
  const isOneLine = !/[\r\n]/.test(text.trim());
  return checkWords(text, field, label) ?? (isOneLine ? undefined : `${label} must be one line`);
}

function parseNextUpdate(
  typed: TypedWording,
  errors: Record<string, string>,
  instantOf: (date: string, time: string) => Date | undefined,
): Date | null {
  const date = typed.nextUpdateDate.trim();
  const time = typed.nextUpdateTime.trim();
  if (date === '' && time === '') return null;
  const instant = instantOf(date, time);
  if (instant === undefined)
    errors['nextUpdateAt'] = 'Enter the date and the time of the next update, such as 04:00';
  return instant ?? null;
}

/**
 * What is wrong with the author's own text; undefined where nothing is. It must name the
 * organisation and its code, and be a text that the provider takes.
 */
export function checkOwnText(wording: Wording, rendering: Rendering): string | undefined {
  const { ownText } = wording;
  if (ownText === null) return undefined;
  if (!within(wording.marking, rendering.model.markingCeilings.text))
    return `A text may not carry what is marked ${wording.marking}; leave this empty, and the usual words for marked alerts are sent`;
  for (const blank of [recipientBlanks.organisation, recipientBlanks.code])
    if (!ownText.includes(blank)) return `The text must contain ${blank}`;
  const left = ownText
    .replaceAll(recipientBlanks.organisation, '')
    .replaceAll(recipientBlanks.code, '');
  if (/[{}]/.test(left)) return 'Only the blanks {organisation} and {code} can be used here';
  return undefined;
}

/**
 * At these severities a text that says nothing to do wakes people for nothing; undefined where the
 * wording has its line, or its own words may travel.
 */
export function checkClearLine(wording: Wording, model: OperatingModel): string | undefined {
  if (!model.clearLineFor.includes(wording.severity) || wording.clearLine !== '') return undefined;
  if (within(wording.marking, model.markingCeilings.text)) return undefined;
  return 'Say what to do now in one line that anybody may read: the text may not carry the rest';
}

/** Blanks of a saved text that nobody filled, by field: they would leave as they stand. */
export function unfilledBlanks(wording: Wording): Record<string, string> {
  const fields = ['title', 'what', 'doNow', 'ifActed', 'clearLine'] as const;
  return Object.fromEntries(
    fields.flatMap((field) => {
      const why = unfilledIn(wording[field]);
      return why === undefined ? [] : [[field, why]];
    }),
  );
}

/** The blanks that are left in this line; undefined where none are. */
export function unfilledIn(line: string): string | undefined {
  const blanks = line.match(/\{[^{}]*\}/g);
  return blanks === null ? undefined : `Fill in ${blanks.join(' and ')}`;
}

/**
 * Why this text cannot leave; undefined where it can. A link in a text that nobody asked for is
 * what an attacker would send, and the provider has to take it with the longest name it may meet.
 */
export function checkText(template: string, longestName: string): string | undefined {
  if (LINK.test(template))
    return 'No link in a text that nobody asked for: it is what an attacker would send. The answer brings the link';
  const text = textFor(template, { organisation: longestName, code: '0000' });
  if (!text.tooLong) return undefined;
  return `The text would have ${text.characters} characters; the provider takes 918. Shorten “what” or “do now”`;
}

function failed(fields: FieldErrors) {
  return refused('invalid', 'There is a problem with what was entered', fields);
}
