/**
 * How one wording becomes the texts and mails that leave. Pure: the operating model is an argument,
 * so the same functions serve the preview, the submission and a simulation.
 */
import { within } from '#kernel/marking.ts';
import { smsText, type SmsText } from '#kernel/sms-text.ts';
import { fillBlanks, followingText as savedFollowing, stepsOf } from '#operating-model/index.ts';
import { mailBody, mailOf, mailSubject, reminderMail, type Rendering } from './mails.ts';
import type { VersionKind, Wording } from './model.ts';
import { ownReaders } from './readers/model.ts';

export type { Rendering } from './mails.ts';

export type Channel = 'text' | 'mail';

/** One round by one channel: its template still has the blanks of each recipient. */
export type RoundTemplate = {
  readonly round: number;
  readonly channel: Channel;
  readonly ranks: readonly number[];
  readonly opensAfterMs: number;
  readonly subject: string | null;
  /** To those of an earlier round, once more. */
  readonly reminds: boolean;
  /** Blanks left: `{organisation}`, `{code}`, and `{since}` in later rounds. */
  readonly body: string;
  /** By reader kind, instead of `body`: texts to those who have words of their own. */
  readonly own: OwnTexts;
};

export type OwnTexts = Readonly<Record<string, string>>;

/** The blanks that are filled for each recipient, and at release. */
export const recipientBlanks = { organisation: '{organisation}', code: '{code}', since: '{since}' };

/** Every text and mail of every round, in the order in which the rounds open. */
export function renderRounds(wording: Wording, rendering: Rendering): RoundTemplate[] {
  const { severity, mark } = rendering;
  return stepsOf(severity).flatMap(({ ranks, afterMs, reminds }, i) => {
    const round = { round: i + 1, ranks, opensAfterMs: afterMs, reminds };
    const textOf = reminds ? reminderText : i === 0 ? firstText : laterText;
    return severity.channels.map((channel) =>
      channel === 'mail'
        ? {
            ...round,
            channel,
            ...markedMail(
              reminds ? reminderMail(wording, rendering) : mailOf(wording, rendering),
              rendering,
            ),
            own: {},
          }
        : {
            ...round,
            channel,
            subject: null,
            body: mark + textOf(wording, rendering),
            own: ownTexts(wording, rendering, textOf),
          },
    );
  });
}

/** The mark stands before the subject and before the first word, whatever they are. */
function markedMail(
  { subject, body }: { readonly subject: string; readonly body: string },
  { mark }: Rendering,
): { readonly subject: string; readonly body: string } {
  return mark === '' ? { subject, body } : { subject: mark + subject, body: mark + body };
}

/** Reader kinds that get texts in words of their own, in the order of the operating model. */
export function readersOf(rounds: readonly RoundTemplate[]): string[] {
  return [...new Set(rounds.flatMap(({ own }) => Object.keys(own)))];
}

type TextOf = (wording: Wording, rendering: Rendering) => string;

/** By reader kind: the text in its own words. Above the ceiling for texts there are none (P8). */
function ownTexts(wording: Wording, rendering: Rendering, textOf: TextOf): OwnTexts {
  const { model } = rendering;
  if (!within(wording.marking, model.markingCeilings.text)) return {};
  return Object.fromEntries(
    ownReaders(wording.readerWords, model).map(({ id }) => [
      id,
      rendering.mark + textOf(wordsFor(wording, id), rendering),
    ]),
  );
}

/** The words as readers of this kind get them; a text that the author wrote is for the others. */
function wordsFor(wording: Wording, reader: string): Wording {
  const own = wording.readerWords[reader]!;
  return {
    ...wording,
    ownText: null,
    what: own.what || wording.what,
    doNow: own.doNow || wording.doNow,
    ifActed: wording.ifActed === '' ? '' : own.ifActed || wording.ifActed,
  };
}

/** The text of round 1. Above the ceiling for texts the wording stays at home (P8). */
function firstText(wording: Wording, rendering: Rendering): string {
  const { model } = rendering;
  if (!within(wording.marking, model.markingCeilings.text))
    return fillBlanks(model.texts.firstMarked, blanks(wording, rendering));
  return wording.ownText ?? fillBlanks(model.texts.first, blanks(wording, rendering));
}

/** A version that follows another one, as those are told who had the one before. */
export type Following = {
  readonly kind: 'update' | 'correction';
  /** When the version before was released. */
  readonly followsAt: Date;
};

/** What those get who had the version before: a text and a mail, at once. */
export function renderFollowing(
  wording: Wording,
  rendering: Rendering,
  { kind, followsAt }: Following,
): FollowingTemplate & { readonly own: OwnTexts } {
  const { subject, opening } = mailHeads[kind];
  const again =
    kind === 'update' && wording.asksAgain ? 'Please answer again, also if you did before.' : '';
  return {
    ...followingTexts(wording, rendering, kind),
    subject: `${rendering.mark}${subject}: ${mailSubject(wording, rendering)}`,
    mail: [
      `${rendering.mark}${opening} ${rendering.formatTime(followsAt)}`,
      again,
      mailBody(wording, rendering),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  };
}

const mailHeads = {
  update: { subject: 'UPDATE', opening: 'THIS ADDS TO WHAT WE SENT ON' },
  correction: { subject: 'CORRECTED', opening: 'THIS CORRECTS WHAT WE SENT ON' },
} as const;

/** The text to those who had the version before, and to those of them with words of their own. */
export function followingTexts(
  wording: Wording,
  rendering: Rendering,
  kind: Following['kind'],
): { readonly text: string; readonly own: OwnTexts } {
  const textOf: TextOf = (words, by) => followingText(words, by, kind);
  return {
    text: rendering.mark + textOf(wording, rendering),
    own: ownTexts(wording, rendering, textOf),
  };
}

/** The author's own text, where there is one. */
function followingText(wording: Wording, rendering: Rendering, kind: Following['kind']): string {
  const { model } = rendering;
  const { marking, asksAgain, ownText } = wording;
  if (ownText !== null && within(marking, model.markingCeilings.text)) return ownText;
  const { text } = savedFollowing(model, { kind, marking, asksAgain });
  return fillBlanks(text, blanks(wording, rendering));
}

/** What is approved along with a version, for the day on which it ends. No words of the alert. */
export type Along = { readonly withdrawal: FollowingTemplate; readonly closing: FollowingTemplate };

/** What whoever may have had it gets, should it be withdrawn, and once it is over. */
export function renderAlong(wording: Wording, rendering: Rendering): Along {
  const { model, alertNumber, origin, mark } = rendering;
  const ending = (subject: string, saved: string): FollowingTemplate => {
    const text = mark + fillBlanks(saved, blanks(wording, rendering));
    return {
      text,
      subject: `${mark}${subject}: ${model.sender} ${alertNumber}`,
      mail: `${text}\n\n${origin}/${alertNumber}`,
    };
  };
  return {
    withdrawal: ending('WITHDRAWN', model.texts.withdrawal),
    closing: ending('CLOSED', model.texts.closing),
  };
}

/** A later version as those get it who had nothing: nothing is corrected for them. */
export function asFirst(wording: Wording): Wording {
  return { ...wording, ownText: null, ifActed: '' };
}

/** A text with the blanks of its recipients; `reader` where it is in a kind's own words. */
export type TextOfVersion = { readonly reader: string | null; readonly text: string };

/** Every text that leaves of this version. */
export function textsOf(
  kind: VersionKind,
  wording: Wording,
  rendering: Rendering,
): TextOfVersion[] {
  const words = kind === 'first' ? wording : asFirst(wording);
  const isReminded = rendering.severity.reminders.length > 0;
  const own = [firstText, laterText, ...(isReminded ? [reminderText] : [])];
  const first = own.map((textOf) => ({
    text: rendering.mark + textOf(words, rendering),
    own: ownTexts(words, rendering, textOf),
  }));
  const isFollowing = kind === 'update' || kind === 'correction';
  const all = isFollowing ? [followingTexts(wording, rendering, kind), ...first] : first;
  return all.flatMap(({ text, own }) => [
    { reader: null, text },
    ...Object.entries(own).map(([reader, one]) => ({ reader, text: one })),
  ]);
}

/** Blanks left: `{organisation}` and `{code}`. */
export type FollowingTemplate = {
  readonly text: string;
  readonly subject: string;
  readonly mail: string;
};

/** The text for the next in line, once the first did not answer. */
function laterText(wording: Wording, rendering: Rendering): string {
  const { model } = rendering;
  const open = within(wording.marking, model.markingCeilings.text);
  const template = open ? model.texts.nextInLine : model.texts.nextInLineMarked;
  return fillBlanks(template, blanks(wording, rendering));
}

/** To whoever was told, where their organisation still has not answered. */
function reminderText(wording: Wording, rendering: Rendering): string {
  const { model } = rendering;
  const open = within(wording.marking, model.markingCeilings.text);
  const template = open ? model.texts.reminder : model.texts.reminderMarked;
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
    if_acted: sentence(wording.ifActed),
    clear_line: wording.clearLine === '' ? '' : `${sentence(wording.clearLine)} `,
    marking: wording.marking,
    help_line: model.helpLine,
  };
}

/** Ends with a full stop, so that the next words do not run into it. */
function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' || /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
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
