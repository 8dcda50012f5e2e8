/** What happens under a severity, in sentences: for the page, the command line and a new officer. */
import { formatMoney } from '#kernel/money.ts';
import { quietWords, ranksOf } from './diff-severity.ts';
import { spokenDuration } from './durations.ts';
import { axisNames } from './judging.ts';
import type { OperatingModel, Severity } from './model.ts';

const PACE = ['', 'before everything else', 'after live alerts', 'when nothing more urgent waits'];

/** One sentence each, in the order in which it happens. */
export function explainSeverity(model: OperatingModel, severity: Severity): string[] {
  const { label, rounds } = severity;
  return [
    ...proposedWhen(model, severity),
    ...approvalOf(model, severity),
    `It leaves by ${severity.channels.join(' and ')}, ${PACE[severity.lane]!}.`,
    ...recallOf(severity),
    ...rounds.map((round, i) =>
      i === 0
        ? `At once: ${ranksOf(round)} of every organisation.`
        : `After ${spokenDuration(round.afterMs)}, where nobody answered: ${ranksOf(round)}.`,
    ),
    ...regionOf(model, severity),
    ...quietOf(severity),
    ...unchasedOf(model),
    listedOf(severity),
    ...severity.reminders.map(
      (reminder) =>
        `After ${spokenDuration(reminder.afterMs)}, where still nobody answered, a reminder: ${ranksOf(reminder)}.`,
    ),
    `An answer is due within ${spokenDuration(severity.acknowledgeWithinMs)}.`,
    `The centre owes the next update within ${spokenDuration(severity.nextUpdateWithinMs)}.`,
    `A message whose fate nobody knows is decided by an officer after ${spokenDuration(severity.decideUncertainAfterMs)}.`,
    `What has not left after ${spokenDuration(severity.sendExpiresAfterMs)} is not sent any more.`,
    ...costOf(severity),
    ...markedOf(model, label, severity),
  ];
}

function proposedWhen({ severityMatrix: matrix }: OperatingModel, { id }: Severity): string[] {
  return matrix.rules
    .filter(({ severity }) => severity === id)
    .map((rule) => {
      const when = axisNames.flatMap((axis) =>
        rule[axis] === undefined
          ? []
          : [
              `${matrix[axis].label.toLowerCase()} is ‘${rule[axis].map((one) => matrix[axis].answers[one]).join('’ or ‘')}’`,
            ],
      );
      const where = when.length === 0 ? 'in every other case' : `where ${when.join(' and ')}`;
      return `Proposed ${where}: ${rule.because}`;
    });
}

function approvalOf({ promises, roles }: OperatingModel, { id }: Severity): string[] {
  const { severities, steps, withinMs } = promises.approval;
  if (!severities.includes(id))
    return ['A second person has to approve it; nobody is woken for that.'];
  const woken = steps.map(({ wake, afterMs }) => {
    const who = wake.map((role) => roles[role]!.label.toLowerCase()).join(' and ');
    const since = spokenDuration(withinMs + afterMs);
    return `${afterMs === -withinMs ? '' : 'after '}${since} ${who}`;
  });
  const due = `within ${spokenDuration(withinMs)} of its submission`;
  return [`A second person has to approve it, ${due}. Woken: ${woken.join(', ')}.`];
}

function recallOf({ recallWindowMs }: Severity): string[] {
  if (recallWindowMs === 0) return ['It leaves with the release and cannot be recalled whole.'];
  return [`For ${spokenDuration(recallWindowMs)} after the release it can be recalled whole.`];
}

function regionOf({ roles }: OperatingModel, { tellRegion }: Severity): string[] {
  if (tellRegion === undefined) return [];
  const who = tellRegion.wake.map((id) => roles[id]!.label.toLowerCase()).join(' and ');
  return [
    `After ${spokenDuration(tellRegion.afterMs)}, where organisations of a region are silent: its ${who}, by text.`,
  ];
}

function listedOf({ callListAfterMs }: Severity): string {
  if (callListAfterMs === undefined)
    return 'Then the chain ends: whoever is silent stands on the call list.';
  return `Then the chain ends. Whoever is silent after ${spokenDuration(callListAfterMs)} stands on the call list; whom nothing reaches at once.`;
}

function quietOf({ quietHours }: Severity): string[] {
  if (quietHours === undefined) return [];
  return [
    `${capital(quietWords(quietHours))} no round opens: it waits for the end, and those after it keep their distance. An officer may send the first at once; corrections and withdrawals never wait.`,
  ];
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function unchasedOf({ readerKinds }: OperatingModel): string[] {
  const unchased = Object.values(readerKinds).filter(({ chased }) => !chased);
  if (unchased.length === 0) return [];
  const who = unchased.map(({ label }) => `‘${label}’`).join(' and ');
  return [`Whoever reads as ${who} is told with the first round and never chased.`];
}

function costOf({ spendCapPence: cap }: Severity): string[] {
  if (cap === undefined) return [];
  return [
    `Texts that may cost more than ${formatMoney(cap)} are said so before anything is sent; that stops nobody.`,
  ];
}

function markedOf(model: OperatingModel, label: string, { id, channels }: Severity): string[] {
  if (!channels.includes('text')) return [];
  const ceiling = model.markingCeilings.text;
  const line = model.clearLineFor.includes(id)
    ? `, and ${label} needs one line that anybody may read`
    : '';
  return [`Marked above TLP:${ceiling}, the words stay out of texts${line}.`];
}
