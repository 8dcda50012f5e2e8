/** How one wording becomes the mails that leave. Pure. */
import { tlp, within } from '#kernel/marking.ts';
import type { OperatingModel, Severity } from '#operating-model/index.ts';
import { sectionAsText, sectionsToReaders } from './content/model.ts';
import type { KevSaid } from './kev/model.ts';
import type { Wording } from './model.ts';

export type Rendering = {
  readonly model: OperatingModel;
  readonly severity: Severity;
  /** Stands before all that leaves, with a space: of an exercise, or beside one; else empty. */
  readonly mark: string;
  readonly alertNumber: number;
  /** What the catalogue says of its CVEs; null where it says nothing. */
  readonly kev: KevSaid | null;
  /** Where the page is, such as `https://cyber.example`. */
  readonly origin: string;
  /** A time as readers see it. */
  readonly formatTime: (at: Date) => string;
};

/** Subject and body of the mail of a round; the blanks of its recipient are still in it. */
export function mailOf(wording: Wording, rendering: Rendering) {
  return { subject: mailSubject(wording, rendering), body: mailBody(wording, rendering) };
}

/** The same to whoever was told and has not answered. */
export function reminderMail(wording: Wording, rendering: Rendering) {
  const { subject, body } = mailOf(wording, rendering);
  return {
    subject: `REMINDER: ${subject}`,
    body: `WE HAVE NO ANSWER FROM YOU YET\n\n${body}`,
  };
}

export function mailSubject(wording: Wording, rendering: Rendering): string {
  const { model, severity, alertNumber } = rendering;
  const label = `[${tlp(wording.marking)}] ${model.sender} ${alertNumber} ${severity.label.toUpperCase()}`;
  return within(wording.marking, model.markingCeilings.mail) ? `${label}: ${wording.title}` : label;
}

/** Marking before the content and after it (FIRST, TLP 2.0, on e-mail). */
export function mailBody(wording: Wording, rendering: Rendering): string {
  const { model, alertNumber, kev, origin, formatTime } = rendering;
  const address = `${origin}/${alertNumber}`;
  const answer = [
    `{organisation}: your code for this alert is {code}.`,
    `Answer at ${address} with this mail address and the code, or ring ${model.helpLine}.`,
  ];
  if (!within(wording.marking, model.markingCeilings.mail))
    return [
      tlp(wording.marking),
      `${model.sender} has an alert for you that may not travel by mail. Read it at ${address}.`,
      wording.clearLine === '' ? '' : `DO NOW (this line is TLP:CLEAR)\n${wording.clearLine}`,
      ...answer,
    ]
      .filter((part) => part !== '')
      .join('\n\n');
  const next =
    wording.nextUpdateAt === null ? '' : `Next update: ${formatTime(wording.nextUpdateAt)}`;
  return [
    tlp(wording.marking),
    `WHAT IS HAPPENING\n${wording.what}`,
    `DO NOW\n${wording.doNow}`,
    wording.ifActed === '' ? '' : `IF YOU ACTED ALREADY\n${wording.ifActed}`,
    wording.notKnown === '' ? '' : `NOT YET KNOWN\n${wording.notKnown}`,
    next,
    ...sectionsToReaders({ ...wording, kev }, { model, formatTime }).map((one) =>
      sectionAsText(one, origin),
    ),
    wording.body,
    answer.join('\n'),
    tlp(wording.marking),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
