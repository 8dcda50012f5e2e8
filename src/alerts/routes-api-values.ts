/** Bodies of the API become drafts, and rows become what the API gives. */
import type { z } from 'zod';
import { ok, refused, type FieldErrors, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import {
  parseAudienceQuestion,
  questionFields,
  questionShown,
  type AudienceQuestion,
} from '#organisations/index.ts';
import { noContent } from './content/model.ts';
import { checkContent } from './content/parse.ts';
import type { Draft } from './draft.ts';
import { parseWording } from './parse.ts';
import type { FrozenRound, Preview, TextsToReaders, TextToAll } from './preview.ts';
import { checkReaderWords } from './readers/form.ts';
import type { OwnWords } from './readers/model.ts';
import type { newDraft } from './routes-api-shapes.ts';
import type { SubmissionRow } from './store-submission.ts';
import type { VersionRow } from './store.ts';

type Body = z.output<ReturnType<typeof newDraft>> & {
  readonly ifActed?: string;
  readonly asksAgain?: boolean;
};

/** The body as a draft, by the parsers of the composer. */
export function parseBody(body: Omit<Body, 'exercise'>, model: OperatingModel): Outcome<Draft> {
  const {
    audience: asked,
    nextUpdateAt,
    ownText,
    ifActed = '',
    asksAgain,
    content,
    readerWords: own,
    ...words
  } = body;
  const typed = {
    ...words,
    ifActed,
    asksAgain: asksAgain === true ? 'yes' : '',
    ownText: ownText ?? '',
    // A program gives an instant: no clock of the centre is needed to read it.
    nextUpdateDate: nextUpdateAt ?? '',
    nextUpdateTime: '',
  };
  const wording = parseWording(typed, model, (text) => new Date(text));
  const audience = parseAudienceQuestion(asked, model);
  const wrong = checkContent(content, model);
  const given = Object.entries(own).filter((entry): entry is [string, OwnWords] => !!entry[1]);
  const readers = checkReaderWords(Object.fromEntries(given), model);
  if (wording.ok && audience.ok && readers.ok && Object.keys(wrong).length === 0)
    return ok({
      wording: { ...wording.value, content, readerWords: readers.value },
      audience: audience.value,
    });
  return refused('invalid', 'The draft was not understood.', {
    ...(wording.ok ? {} : wording.fields),
    ...(readers.ok ? {} : readers.fields),
    ...inside('content', wrong),
    ...(audience.ok ? {} : inside('audience', audience.fields)),
  });
}

/** A refusal of a verb, which names parts of audience and content bare: in a body they are inside. */
export function withPaths(why: Refused): Refused {
  const isOfAudience = (field: string) => questionFields.some((one) => one === field);
  const fields = Object.entries(why.fields).map(([field, text]) => {
    if (isOfAudience(field)) return [`audience.${field}`, text];
    return Object.hasOwn(noContent, field) ? [`content.${field}`, text] : [field, text];
  });
  return { ...why, fields: Object.fromEntries(fields) as FieldErrors };
}

function inside(name: string, fields: FieldErrors): FieldErrors {
  return Object.fromEntries(
    Object.entries(fields).map(([field, text]) => [`${name}.${field}`, text]),
  );
}

export function detailOf(version: VersionRow, submission: SubmissionRow | undefined) {
  const { id: _, besideExercise: __, alertId, alertNumber, number, ...rest } = version;
  return {
    ...rest,
    audience: questionShown(rest.audience as AudienceQuestion),
    id: alertId,
    number: alertNumber,
    version: number,
    submission: submission === undefined ? null : submissionOf(submission),
  };
}

export function submissionOf(row: SubmissionRow) {
  return {
    state: row.state,
    dispatchId: row.dispatchId,
    correctionDispatchId: row.correctionDispatchId,
    contentHash: row.contentHash,
    submittedByName: row.submittedByName,
    submittedAt: row.submittedAt,
    decidedAt: row.decidedAt,
    decidedByName: row.decidedByName,
    returnReason: row.returnReason,
  };
}

/** `counted`: what its texts cost at most, as counted of what is saved; undefined where it cannot be. */
export function previewOf(
  { texts, following, readers, mail, problem: why, ...rest }: Preview,
  counted: string | undefined,
) {
  return {
    ...rest,
    costAtMost: counted ?? null,
    ...textsGiven({ texts, following }),
    readers: readers.map((one) => ({
      reader: one.reader,
      label: one.label,
      ...textsGiven(one),
    })),
    mail: mail ?? null,
    problem: why ?? null,
  };
}

export function frozenRoundOf(round: FrozenRound) {
  const { wording: _, ...given } = round;
  return given;
}

function textsGiven({ texts, following }: TextsToReaders) {
  return {
    texts: texts.map(flat),
    following: following === undefined ? null : flat(following),
  };
}

function flat<T extends TextToAll>({ text: { text, characters, fragments }, ...rest }: T) {
  return { ...rest, text, characters, fragments };
}
