/** What the API takes and gives of alerts: the schemas check, and are the documentation. */
import { z } from 'zod';
import { markings } from '#kernel/marking.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { audienceQuestion, savedQuestion } from '#organisations/index.ts';
import { cursorOf, instant, listOf, meaningsOf, pageQuery, uuid } from '#web/index.ts';
import { noContent } from './content/model.ts';
import { contentGiven, contentShape, sectionsGiven } from './content/routes-api-shapes.ts';
import { kevGiven } from './kev/routes-api-shapes.ts';
import { versionKinds, versionStates } from './model.ts';
import { fieldLengths } from './parse.ts';
import { readerGiven, readerWordsGiven, readerWordsShape } from './readers/routes-api-shapes.ts';
import { REASON_MAX } from './withdraw.ts';

const state = meaningsOf(versionStates);
const kind = meaningsOf(versionKinds);
const exercise = z.boolean().describe('Rehearsed, not meant; it never changes');
const number = z
  .int()
  .describe('What readers see on texts and pages')
  .meta({ examples: [4901] });
const revision = z.int().describe('Raised by every save');
const severity = z
  .string()
  .describe('A severity of the operating model under which it was written')
  .meta({ examples: ['high'] });

export const listQuery = z.strictObject({
  state: state.optional().describe('Only these; all but `abandoned` unless told'),
  // By number, as `listAlerts` orders.
  ...pageQuery(cursorOf(z.tuple([z.int32()]))),
});

const alertSummary = z.strictObject({
  id: uuid,
  number,
  exercise,
  state,
  revision,
  title: z.string(),
  severity,
  marking: z.enum(markings),
  updatedAt: instant,
  releasedAt: instant.nullable(),
  closedAt: instant.nullable(),
});

export const alertList = listOf(alertSummary);

function wordingOf(model: OperatingModel) {
  const text = (field: keyof typeof fieldLengths) => z.string().max(fieldLengths[field]);
  return {
    title: text('title').meta({ examples: ['Ransomware through Citrix gateways'] }),
    severity: z
      .enum(model.severities.map((one) => one.id) as [string, ...string[]])
      .describe('Decides channels, rounds and deadlines (operating model)'),
    marking: z.enum(markings).describe('Traffic Light Protocol 2.0'),
    what: text('what')
      .describe('What is happening, one line; it goes into the text')
      .meta({ examples: ['ransomware via Citrix'] }),
    doNow: text('doNow')
      .describe('What to do now, one line; it goes into the text')
      .meta({ examples: ['Isolate Citrix gateways now. Email safe.'] }),
    clearLine: text('clearLine').describe(
      'What to do now, one line marked CLEAR: for texts that may not carry the rest',
    ),
    notKnown: text('notKnown'),
    nextUpdateAt: z.iso
      .datetime({ offset: true })
      .nullable()
      .describe('When the next update is promised; needed to submit')
      .meta({ examples: ['2026-11-23T04:00:00Z'] }),
    body: text('body').describe('Markdown: the page, and the mail'),
    content: contentShape(model).describe('What is known of the threat, and what to do about it'),
    ownText: text('ownText')
      .nullable()
      .describe('Instead of the usual text; must hold {organisation} and {code}'),
    readerWords: readerWordsShape(model),
  };
}

/** A new draft may be incomplete: what is left out is empty. */
export function newDraft(model: OperatingModel) {
  const { severity: which, marking, ...words } = wordingOf(model);
  return z.strictObject({
    severity: which,
    marking,
    title: words.title.default(''),
    what: words.what.default(''),
    doNow: words.doNow.default(''),
    clearLine: words.clearLine.default(''),
    notKnown: words.notKnown.default(''),
    nextUpdateAt: words.nextUpdateAt.default(null),
    body: words.body.default(''),
    content: words.content.default(noContent),
    ownText: words.ownText.default(null),
    readerWords: words.readerWords.default({}),
    audience: audienceQuestion(model),
    exercise: exercise.default(false),
  });
}

const seenRevision = z
  .int32()
  .min(1)
  .describe('The revision you read: refused with 409 where somebody saved since');

/** A saved draft is replaced as a whole: leaving a field out would silently empty it. */
export function savedDraft(model: OperatingModel) {
  return z.strictObject({
    revision: seenRevision,
    ...wordingOf(model),
    ifActed: z
      .string()
      .max(fieldLengths.ifActed)
      .default('')
      .describe('Of a correction, which needs it: what to do for whoever acted already, one line'),
    asksAgain: z
      .boolean()
      .default(false)
      .describe('Of an update: whether who answered has to answer again; others always ask'),
    audience: audienceQuestion(model),
  });
}

export const submitBody = z.strictObject({ revision: seenRevision });

/**
 * What an act answers: no words of the alert. Answers of POSTs are kept for a day to be repeated
 * (`Idempotency-Key`), outside of what the alert's marking protects.
 */
export const alertState = z.strictObject({ id: uuid, number, state, revision });

export const submitted = alertState.extend({
  dispatchId: uuid,
  correctionDispatchId: uuid
    .nullable()
    .describe('To those who had the version before; null of a first version'),
  messages: z.int().describe('Texts and mails of all rounds, held until a person approves'),
  contentHash: z.string().describe('SHA-256 of everything that would be sent'),
  approvalPage: z.url().describe('Where a second person reads and approves it; no key can'),
});

const submission = z.strictObject({
  state: z.enum(['waiting', 'returned', 'withdrawn', 'released', 'recalled']),
  dispatchId: uuid,
  correctionDispatchId: uuid
    .nullable()
    .describe('To those who had the version before; null of a first version'),
  contentHash: z.string(),
  submittedByName: z.string(),
  submittedAt: instant,
  decidedAt: instant.nullable(),
  decidedByName: z.string().nullable(),
  returnReason: z.string().nullable().describe('Why it came back, where it did'),
});

export const alertDetail = z.strictObject({
  id: uuid,
  number,
  exercise,
  version: z.int().describe('Counts the wordings of one alert'),
  kind,
  state,
  revision,
  title: z.string(),
  severity,
  marking: z.enum(markings),
  what: z.string(),
  doNow: z.string(),
  ifActed: z.string(),
  clearLine: z.string(),
  notKnown: z.string(),
  nextUpdateAt: instant.nullable(),
  body: z.string(),
  content: contentGiven,
  kev: kevGiven,
  ownText: z.string().nullable(),
  readerWords: readerWordsGiven,
  asksAgain: z.boolean(),
  audience: savedQuestion,
  modelVersion: z.string().describe('SHA-256 of the operating model it began under'),
  updatedAt: instant,
  releasedAt: instant.nullable(),
  closedAt: instant.nullable(),
  submission: submission.nullable().describe('The newest; null where it was never submitted'),
});

const saidAtTheEnd = z
  .strictObject({ text: z.string(), subject: z.string(), mail: z.string() })
  .describe('As approved along with the alert; blanks in braces are filled for each reader');

export const ending = z.strictObject({
  withdrawal: saidAtTheEnd,
  closing: saidAtTheEnd,
  mayHaveIt: z.int().describe('Messages of the alert that left, or may have'),
});

export const withdrawalBody = z.strictObject({
  reason: z
    .string()
    .trim()
    .max(REASON_MAX)
    .min(1)
    .describe('Why, for the audit')
    .meta({ examples: ['The source took it back'] }),
});

const channel = z.enum(['text', 'mail']);

const textToAll = z.strictObject({
  text: z.string().describe('As a reader gets it, with an example name and code'),
  characters: z.int(),
  fragments: z.int().describe('Billed parts'),
  longestFragments: z.int().describe('With the longest name that may stand in it'),
});

const textsToReaders = z.strictObject({
  following: textToAll
    .nullable()
    .describe('What those get who had the version before; null of a first version'),
  texts: z.array(
    textToAll.extend({
      round: z.int(),
      afterMs: z.int().describe('After the release'),
      ranks: z.array(z.int()),
      reminds: z
        .boolean()
        .describe('To those of an earlier round who have not answered, once more'),
    }),
  ),
});

export const preview = textsToReaders.extend({
  readers: z
    .array(textsToReaders.extend({ reader: z.string(), label: z.string() }))
    .describe('The same to readers of the kinds that have words of their own'),
  mail: z.strictObject({ subject: z.string(), body: z.string() }).nullable(),
  sections: sectionsGiven,
  kev: kevGiven,
  audience: z.strictObject({
    organisations: z.int(),
    mustAnswer: z.int(),
    contacts: z.int(),
    contactPoints: z.strictObject({ text: z.int(), mail: z.int() }),
    withoutAnyText: z.int().describe('Organisations that no text would reach'),
    withoutAny: z.int().describe('Organisations that nothing would reach'),
  }),
  heldAudiences: z
    .array(
      z.strictObject({
        id: uuid,
        name: z.string(),
        version: z.int().describe('The version that the alert holds'),
        versionToday: z.int(),
        isRetired: z.boolean(),
        came: z.int().describe('Since the version of today was saved'),
        went: z.int(),
      }),
    )
    .describe('The saved audiences that it names, as they are today'),
  willGo: z
    .strictObject({ days: z.int(), organisations: z.int() })
    .describe('How many will not be in it so many days from now'),
  costAtMost: z.string().nullable().describe('With VAT, if nobody answers; null: uncountable'),
  withheld: z
    .strictObject({ text: z.boolean(), mail: z.boolean() })
    .describe('Where the marking keeps the words at home'),
  problem: z.string().nullable().describe('Why it could not be sent as it stands'),
});

const frozenRound = z.strictObject({
  round: z.int(),
  channel,
  reader: readerGiven,
  opensAfterMs: z.int().describe('After the release'),
  reminds: z.boolean().describe('To those of an earlier round who have not answered, once more'),
  messages: z.int(),
  fragments: z.int().describe('Billed parts of all its texts; 0 for mails'),
  subject: z.string().nullable(),
  sample: z.string().describe('One of the messages, as it will leave'),
  longest: z.string().describe('The longest of the texts; of mails the one above'),
});

export const frozen = submission.extend({
  counts: z.strictObject({
    organisations: z.int(),
    mustAnswer: z.int(),
    unreachable: z.int().describe('Must answer, and no message is planned for it'),
    withoutAny: z.int().describe('No message is planned for it, must it answer or not'),
    withoutAnyText: z.int().describe('No text is planned for it, where texts are planned'),
    cutShort: z.int().describe('Must answer, and is told in some rounds only'),
  }),
  rounds: z.array(frozenRound).describe('Counted from the very messages that are held'),
  correction: z
    .array(frozenRound)
    .describe('To those who had the version before, at most; empty of a first version'),
});
