/** What an approver has to know before pressing the button, as one value for one screen. */
import { may, type Actor } from '#kernel/actor.ts';
import { formatMoney, priceOfTexts } from '#kernel/money.ts';
import type { Tx } from '#db/database.ts';
import { listWoken } from '#identity/index.ts';
import {
  becauseAnswers,
  becauseApproval,
  becauseRound,
  becauseTime,
  roundTimes,
  rulesOf,
  severityFor,
  type OperatingModel,
  type Severity,
} from '#operating-model/index.ts';
import type { AudienceQuestion } from '#organisations/index.ts';
import { assessmentOf } from './assessment.ts';
import { listHeldAudiences } from './audience.ts';
import { capacityFor } from './capacity.ts';
import { sectionsOf } from './content/model.ts';
import { overCap } from './over-cap.ts';
import { changesOf } from './changes.ts';
import { forecastRounds, type Capacity } from './forecast.ts';
import { renderMarkdown } from './markdown.ts';
import type { AlertRoutesContext } from './pages.ts';
import { EXAMPLE, readFrozenOf, type FrozenRound } from './preview.ts';
import { readerSections } from './readers/model.ts';
import { countRecipients, samplePairs } from './store-frozen.ts';
import { readReturned } from './returned.ts';
import type { SubmissionRow } from './store-submission.ts';
import { listShapers } from './store-editor.ts';
import { findLiveVersion, type VersionRow } from './store.ts';
import { textFor } from './texts.ts';
import { listHands } from './submit.ts';

/** All that is frozen for a version that waits, and what it changes. */
export async function readApproval(
  tx: Tx,
  inForce: AlertRoutesContext,
  { version, submission, now }: { version: VersionRow; submission: SubmissionRow; now: Date },
) {
  // What was frozen was frozen under these rules, whatever came into force since.
  const model = await rulesOf(tx, version.modelVersion, inForce.model);
  const context = { ...inForce, model };
  const severity = severityFor(model, version);
  const { frozen, following } = await readFrozenOf(tx, context, { version, submission });
  const readers = readersFirst([...following, ...frozen], model);
  const before = version.number > 1 ? await findLiveVersion(tx, version.alertId) : undefined;
  const fragments =
    [...frozen, ...following].reduce((sum, { fragments: n }) => sum + n, 0) -
    (await fragmentsSpared(tx, submission));
  return {
    editors: await listShapers(tx, version.id),
    /** Who may not approve it: who wrote, submitted, or saved an audience of it. */
    hands: [...(await listHands(tx, version)), submission.submittedBy],
    /** Sent back before: whoever decides now sees what was asked for. */
    returned: await readReturned(tx, { version, submission }, context),
    /** What most readers will see; undefined where it goes by mail alone. */
    text: [...following, ...frozen].find(isFirstText)?.longest,
    /** What readers with words of their own will see first, and how many at once. */
    readers,
    otherWords: readers.reduce((sum, { atOnce }) => sum + atOnce, 0),
    wordings: wordingsOf(frozen),
    laterWordings: wordingsOf(following),
    plan: planOf(frozen).map((step) => ({
      ...step,
      because: severity && becauseRound(model, severity, step.round),
    })),
    because: becauseApproval(model, version.severity),
    becauseSeverity:
      version.content.assessment === null
        ? undefined
        : becauseAnswers(model, version.content.assessment),
    /** Of a later version: what goes to those who had the one before. */
    atOnce: planOf(following)[0],
    counts: await countRecipients(tx, submission),
    woken: await listWoken(tx, 'approval', submission.id),
    dueAt: dueAtOf(submission, severity, model),
    held: await listHeldAudiences(tx, version.audience as AudienceQuestion),
    changes: before === undefined ? [] : changesOf(before, version, context),
    follows: before?.number,
    leavesWithin:
      severity &&
      leavesWithin(await capacityFor(tx, severity, model), [...following, ...frozen], {
        severity,
        nowMs: now.getTime(),
      }),
    quiet: severity && quietOf(model, severity, { now, kind: version.kind }),
    recallMs: following.length > 0 ? 0 : (severity?.recallWindowMs ?? 0),
    costAtMost: formatMoney(priceOfTexts(fragments, model.textPrice)),
    overCap: overCap(model, severity, fragments),
    assessment: assessmentOf(version, model),
    sections: sectionsOf(version, context),
    readerSections: readerSections(version.readerWords, model),
    bodyHtml: renderMarkdown(version.body),
    exampleTime: EXAMPLE.since,
  };
}

/** Of a later version a number gets the first text or that of the version: the shorter is spared. */
async function fragmentsSpared(
  tx: Tx,
  { dispatchId, correctionDispatchId: laterId }: SubmissionRow,
): Promise<number> {
  if (laterId === null) return 0;
  const pairs = await samplePairs(tx, { dispatchId, laterId });
  const fragments = (body: string) => textFor(body, EXAMPLE).fragments;
  return pairs.reduce(
    (sum, { messages, first, following }) =>
      sum + messages * Math.min(fragments(first), fragments(following)),
    0,
  );
}

/** When the centre promises to decide; undefined at severities that wake nobody. */
function dueAtOf(
  { submittedAt }: SubmissionRow,
  severity: Severity | undefined,
  { promises: { approval } }: OperatingModel,
): Date | undefined {
  if (severity === undefined || !approval.severities.includes(severity.id)) return undefined;
  return new Date(submittedAt.getTime() + approval.withinMs);
}

const isFirstText = ({ channel, round }: FrozenRound) => channel === 'text' && round === 1;

/** The texts of each kind in its own words: the first of them, how many leave at once, and in all. */
function readersFirst(rounds: readonly FrozenRound[], { readerKinds }: OperatingModel) {
  const sum = (some: readonly FrozenRound[]) => some.reduce((all, one) => all + one.messages, 0);
  return Object.entries(readerKinds).flatMap(([id, { label }]) => {
    const own = rounds.filter(({ reader }) => reader === id);
    const [first] = own;
    if (first === undefined) return [];
    return [{ label, texts: sum(own), atOnce: sum(own.filter(isFirstText)), text: first.longest }];
  });
}

/** Until when the first round is held if it is approved now, and by which rule. */
function quietOf(
  model: OperatingModel,
  severity: Severity,
  { now, kind }: { readonly now: Date; readonly kind: VersionRow['kind'] },
) {
  if (severity.quietHours === undefined) return undefined;
  const [at = 0] = roundTimes(severity, now.getTime());
  const isHeld = kind !== 'correction' && at > now.getTime() + severity.recallWindowMs;
  return {
    until: isHeld ? new Date(at) : undefined,
    because: becauseTime(model, severity, 'quiet_hours'),
  };
}

/** How many texts leave first, whether any can, and until the last of them has left, in ms. */
function leavesWithin(
  capacity: Capacity | undefined,
  rounds: readonly FrozenRound[],
  { severity, nowMs }: { readonly severity: Severity; readonly nowMs: number },
): { readonly texts: number; readonly canLeave: boolean; readonly ms: number } {
  const texts = rounds.filter(isFirstText).reduce((sum, { messages }) => sum + messages, 0);
  const load = { opensAfterMs: roundTimes(severity, nowMs)[0]! - nowMs, texts };
  const [ms = 0] = capacity === undefined ? [] : forecastRounds(capacity, [load]);
  return { texts, canLeave: capacity !== undefined, ms };
}

/** Whether this person shaped it, and may decide over it. */
export function standingOf(actor: Actor, { hands }: { readonly hands: readonly string[] }) {
  return {
    shaped: actor.kind === 'person' && hands.includes(actor.id),
    mayApprove: may(actor, 'alert.approve'),
  };
}

/** Each wording once, with the rounds in which it goes: nobody reads the same mail four times. */
export function wordingsOf(frozen: readonly FrozenRound[]) {
  const groups = new Map<string, FrozenRound[]>();
  for (const one of frozen) {
    const key = [one.channel, one.reader, one.wording].join('\n');
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return Array.from(groups.values(), (rounds) => {
    const { channel, reader, subject } = rounds[0]!;
    const longest = rounds.toSorted((a, b) => b.longest.length - a.longest.length)[0]!.longest;
    return { channel, reader, subject, longest, rounds: inWords(rounds) };
  });
}

/** `round 1`, `rounds 1 and 2; reminder, round 3`. */
function inWords(rounds: readonly FrozenRound[]): string {
  const numbered = (reminds: boolean, [one, many]: readonly [string, string]) => {
    const numbers = rounds.filter((round) => round.reminds === reminds).map(({ round }) => round);
    if (numbers.length === 0) return [];
    return [`${numbers.length === 1 ? one : many} ${listed.format(numbers.map(String))}`];
  };
  const told = numbered(false, ['round', 'rounds']);
  return [...told, ...numbered(true, ['reminder, round', 'reminders, rounds'])].join('; ');
}

const listed = new Intl.ListFormat('en-GB', { type: 'conjunction' });

/** Texts and mails of one round in one line, as an approver reads them. */
function planOf(frozen: readonly FrozenRound[]) {
  const rounds = [...new Set(frozen.map(({ round }) => round))];
  return rounds.map((round) => {
    const own = frozen.filter((one) => one.round === round);
    const messages = (by: FrozenRound['channel']) =>
      own.reduce((sum, one) => sum + (one.channel === by ? one.messages : 0), 0);
    return {
      round,
      opensAfterMs: own[0]!.opensAfterMs,
      reminds: own[0]!.reminds,
      texts: messages('text'),
      mails: messages('mail'),
    };
  });
}
