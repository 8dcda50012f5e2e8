/** The composer's form: what a draft looks like in fields, and fields as a draft. */
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { axisNames, proposeSeverity, type OperatingModel } from '#operating-model/index.ts';
import {
  parseQuestionForm,
  questionAsFields,
  questionFields,
  type AskedQuestion,
} from '#organisations/index.ts';
import { clockTime, many, type Form } from '#web/index.ts';
import { dateOf, instantOf } from './clock-fields.ts';
import { contentAsFields, contentFields, parseContent } from './content/form.ts';
import type { Draft } from './draft.ts';
import type { Wording } from './model.ts';
import { nextUpdateWithin } from './next-update.ts';
import { parseWording, type TypedWording } from './parse.ts';
import { parseReaderWords, readerFields, readerWordsAsFields } from './readers/form.ts';

export const wordingFields = [
  'title',
  'severity',
  'marking',
  'what',
  'doNow',
  'ifActed',
  'clearLine',
  'notKnown',
  'nextUpdateDate',
  'nextUpdateTime',
  'body',
  'ownText',
  'asksAgain',
] as const;

export function composerFields(model: OperatingModel): string[] {
  return [
    ...wordingFields,
    'nextUpdateAt',
    ...contentFields,
    'safeAsAt',
    'remediateBy',
    'steps',
    'assessment',
    ...Object.keys(readerFields(model)),
    ...questionFields,
    'audienceName',
  ];
}

/** The draft that was typed, or the errors of all its parts together. */
export function parseDraft(form: Form, model: OperatingModel): Outcome<Draft> {
  const typed = Object.fromEntries(
    wordingFields.map((field) => [field, many(form[field])[0] ?? '']),
  ) as unknown as TypedWording;
  const wording = parseWording(typed, model, instantOf);
  const content = parseContent(form, model);
  const readers = parseReaderWords(form, model);
  const audience = parseQuestionForm(form, model);
  if (wording.ok && content.ok && readers.ok && audience.ok)
    return ok({
      wording: { ...wording.value, content: content.value, readerWords: readers.value },
      audience: audience.value,
    });
  return refused('invalid', 'There is a problem with what was entered', {
    ...(wording.ok ? {} : wording.fields),
    ...(content.ok ? {} : content.fields),
    ...(readers.ok ? {} : readers.fields),
    ...(audience.ok ? {} : audience.fields),
  });
}

/** A stored draft in fields, as the form shows it. */
export function fieldsOf(wording: Wording, audience: AskedQuestion): Form {
  const { content, readerWords, ...words } = wording;
  const at = words.nextUpdateAt;
  return {
    ...words,
    ...contentAsFields(content),
    ...readerWordsAsFields(readerWords),
    nextUpdateAt: '',
    nextUpdateDate: at === null ? '' : dateOf(at),
    nextUpdateTime: at === null ? '' : clockTime(at),
    ownText: wording.ownText ?? '',
    asksAgain: wording.asksAgain ? 'yes' : '',
    ...questionAsFields(audience),
  };
}

/** Why this draft may not be saved now; what was saved with a time that has passed is only shown. */
export function checkNextUpdate({ wording }: Draft, now: Date): Refused | undefined {
  if (wording.nextUpdateAt === null || wording.nextUpdateAt > now) return undefined;
  return refused('invalid', 'There is a problem with what was entered', {
    nextUpdateAt: 'The next update must be in the future',
  });
}

/**
 * The fields with the severity that their answers propose; undefined where somebody asks for
 * something else, or an answer is missing.
 */
export function withProposal(form: Form, model: OperatingModel): Form | undefined {
  if (many(form['next'])[0] !== 'propose') return undefined;
  const [impact = '', spread = '', confidence = ''] = axisNames.map((axis) => many(form[axis])[0]);
  const proposal = proposeSeverity(model, { impact, spread, confidence });
  return proposal && { ...form, severity: proposal.severity.id };
}

/** A new alert's fields: the second severity, and the next update when the model promises it. */
export function blankFields(model: OperatingModel, now: Date): Form {
  const severity = model.severities[1] ?? model.severities[0]!;
  return {
    severity: severity.id,
    marking: 'CLEAR',
    ...nextUpdateWithin(severity.nextUpdateWithinMs, now),
    mustAnswerOnly: 'yes',
  };
}
