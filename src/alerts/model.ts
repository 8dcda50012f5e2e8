/**
 * An alert and its versions: what may change when, and how one wording becomes the texts and mails
 * that leave. Pure: the operating model is an argument, so the same functions serve the preview,
 * the submission and a simulation.
 */
import { tlp, within, type Marking } from '#kernel/marking.ts';
import { smsText, type SmsText } from '#kernel/sms-text.ts';
import { fillBlanks, type OperatingModel, type Severity } from '#operating-model/index.ts';

/** What each state of a version means, in one sentence. */
export const versionStates = {
  draft: 'being written; nobody outside sees it',
  submitted: 'frozen, waits for a second person',
  released: 'sent, or being sent',
  superseded: 'a later version corrects it',
  closed: 'over: no more answers are chased',
  abandoned: 'given up before it was sent',
} as const;

export type VersionState = keyof typeof versionStates;

/** Every legal move of a version. Returning and editing both lead back to draft (P5). */
export const versionMoves = {
  draft: ['submitted', 'abandoned'],
  submitted: ['draft', 'released'],
  // Back to draft: recalled before anything left.
  released: ['draft', 'superseded', 'closed'],
  superseded: [],
  closed: [],
  abandoned: [],
} as const satisfies Record<VersionState, readonly VersionState[]>;

/** The words of one version, as the author left them. */
export type Wording = {
  readonly title: string;
  readonly severity: string;
  readonly marking: Marking;
  /** What is happening, in one short sentence: it goes into the text. */
  readonly what: string;
  /** What to do now, in one short sentence: it goes into the text. */
  readonly doNow: string;
  readonly notKnown: string;
  readonly nextUpdateAt: Date | null;
  /** Markdown; shown on the page and sent in the mail. */
  readonly body: string;
  /** The author's own text; null for the usual wording. */
  readonly ownText: string | null;
};

export type Channel = 'text' | 'mail';

/** One round by one channel: its template still has the blanks of each recipient. */
export type RoundTemplate = {
  readonly round: number;
  readonly channel: Channel;
  readonly ranks: readonly number[];
  readonly opensAfterMs: number;
  readonly subject: string | null;
  /** Blanks left: `{organisation}`, `{code}`, and `{since}` in later rounds. */
  readonly body: string;
};

/** The blanks that are filled for each recipient, and at release. */
export const recipientBlanks = { organisation: '{organisation}', code: '{code}', since: '{since}' };

export type Rendering = {
  readonly model: OperatingModel;
  readonly severity: Severity;
  readonly alertNumber: number;
  /** Where the page is, such as `https://cyber.example`. */
  readonly origin: string;
  /** A time as readers see it. */
  readonly formatTime: (at: Date) => string;
};

/** Every text and mail of every round, in the order in which the rounds open. */
export function renderRounds(wording: Wording, rendering: Rendering): RoundTemplate[] {
  const { severity } = rendering;
  return severity.rounds.flatMap(({ ranks, afterMs }, i) =>
    severity.channels.map((channel) => ({
      round: i + 1,
      channel,
      ranks,
      opensAfterMs: afterMs,
      subject: channel === 'mail' ? mailSubject(wording, rendering) : null,
      body:
        channel === 'mail'
          ? mailBody(wording, rendering)
          : i === 0
            ? firstText(wording, rendering)
            : laterText(wording, rendering),
    })),
  );
}

/** The text of round 1. Above the ceiling for texts the wording stays at home (P8). */
export function firstText(wording: Wording, rendering: Rendering): string {
  const { model } = rendering;
  if (!within(wording.marking, model.markingCeilings.text))
    return fillBlanks(model.texts.firstMarked, blanks(wording, rendering));
  return wording.ownText ?? fillBlanks(model.texts.first, blanks(wording, rendering));
}

/** What those get who had the version before: a text and a mail, at once. */
export function renderCorrection(
  wording: Wording,
  rendering: Rendering,
  correctedAt: Date,
): CorrectionTemplate {
  const { model, formatTime } = rendering;
  const open = within(wording.marking, model.markingCeilings.text);
  const saved = open ? model.texts.correction : model.texts.correctionMarked;
  return {
    text: (open ? wording.ownText : null) ?? fillBlanks(saved, blanks(wording, rendering)),
    subject: `CORRECTED: ${mailSubject(wording, rendering)}`,
    mail: `THIS CORRECTS WHAT WE SENT ON ${formatTime(correctedAt)}\n\n${mailBody(wording, rendering)}`,
  };
}

/** Blanks left: `{organisation}` and `{code}`. */
export type CorrectionTemplate = {
  readonly text: string;
  readonly subject: string;
  readonly mail: string;
};

/** The text for the next in line, once the first did not answer. */
export function laterText(wording: Wording, rendering: Rendering): string {
  const { model } = rendering;
  const open = within(wording.marking, model.markingCeilings.text);
  const template = open ? model.texts.nextInLine : model.texts.nextInLineMarked;
  return fillBlanks(template, blanks(wording, rendering));
}

function blanks(wording: Wording, rendering: Rendering): Record<string, string> {
  const { model, severity, alertNumber } = rendering;
  return {
    ...recipientBlanks,
    sender: model.sender,
    alert: String(alertNumber),
    severity: severity.label.toUpperCase(),
    what: sentence(wording.what),
    do_now: sentence(wording.doNow),
    marking: wording.marking,
    help_line: model.helpLine,
  };
}

/** Ends with a full stop, so that the next words do not run into it. */
function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' || /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

function mailSubject(wording: Wording, rendering: Rendering): string {
  const { model, severity, alertNumber } = rendering;
  const label = `[${tlp(wording.marking)}] ${model.sender} ${alertNumber} ${severity.label.toUpperCase()}`;
  return within(wording.marking, model.markingCeilings.mail) ? `${label}: ${wording.title}` : label;
}

/** Marking before the content and after it (FIRST, TLP 2.0, on e-mail). */
function mailBody(wording: Wording, rendering: Rendering): string {
  const { model, alertNumber, origin, formatTime } = rendering;
  const address = `${origin}/${alertNumber}`;
  const answer = [
    `{organisation}: your code for this alert is {code}.`,
    `Answer at ${address} with this mail address and the code, or ring ${model.helpLine}.`,
  ];
  if (!within(wording.marking, model.markingCeilings.mail))
    return [
      tlp(wording.marking),
      `${model.sender} has an alert for you that may not travel by mail. Read it at ${address}.`,
      ...answer,
    ].join('\n\n');
  const next =
    wording.nextUpdateAt === null ? '' : `Next update: ${formatTime(wording.nextUpdateAt)}`;
  return [
    tlp(wording.marking),
    `WHAT IS HAPPENING\n${wording.what}`,
    `DO NOW\n${wording.doNow}`,
    wording.notKnown === '' ? '' : `NOT YET KNOWN\n${wording.notKnown}`,
    next,
    wording.body,
    answer.join('\n'),
    tlp(wording.marking),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** One text as a recipient will see it. */
export function textFor(
  template: string,
  recipient: { organisation: string; code: string; since?: string },
): SmsText {
  return smsText(
    template
      .replaceAll(recipientBlanks.organisation, recipient.organisation)
      .replaceAll(recipientBlanks.code, recipient.code)
      .replaceAll(recipientBlanks.since, recipient.since ?? '00:00'),
  );
}

/** The dispatches of a submission: a correction has two. */
export function dispatchesOf(
  submission: { dispatchId: string; correctionDispatchId: string | null } | undefined,
): string[] {
  if (submission === undefined) return [];
  const { dispatchId, correctionDispatchId } = submission;
  return correctionDispatchId === null ? [dispatchId] : [correctionDispatchId, dispatchId];
}

/** Why a version cannot be submitted yet, by field; empty where it can. */
export function missingForSubmission(wording: Wording, now: Date): Record<string, string> {
  const missing: Record<string, string> = {};
  if (wording.title.trim() === '') missing['title'] = 'Enter a title';
  if (wording.what.trim() === '') missing['what'] = 'Say what is happening, in one sentence';
  if (wording.doNow.trim() === '') missing['doNow'] = 'Say what to do now, in one sentence';
  if (wording.nextUpdateAt === null)
    missing['nextUpdateAt'] = 'Enter when the next update will come';
  else if (wording.nextUpdateAt <= now)
    missing['nextUpdateAt'] = 'The next update must be in the future';
  return missing;
}

/** What a hash of the version covers beside its messages: the page that readers will open. */
export function canonicalWording(wording: Wording): string {
  return JSON.stringify([
    wording.title,
    wording.severity,
    wording.marking,
    wording.what,
    wording.doNow,
    wording.notKnown,
    wording.nextUpdateAt?.toISOString() ?? null,
    wording.body,
    wording.ownText,
  ]);
}
