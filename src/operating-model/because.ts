/**
 * Why something happens: the rule in one sentence, and where it stands in the version of the model
 * that is obeyed. Pure. The facts that it was applied to are told by whoever knows them.
 */
import { permissions, type Permission } from '#kernel/actor.ts';
import type { QuietHours } from '#kernel/quiet-hours.ts';
import { spokenDuration } from './durations.ts';
import { quietWords } from './diff-severity.ts';
import { EXERCISE_LANE, exerciseHours } from './exercises.ts';
import { axisNames, type AxisName } from './judging.ts';
import { ladderOf, type Rung } from './ladder.ts';
import { ruleFor, type Answers } from './matrix.ts';
import type { Ladder, OperatingModel, Severity } from './model.ts';
import { ANY_HOUR, becauseOf, type Because } from './reason.ts';

/** What opens waits for the hours; what is due or ends is counted through them. */
function hoursOf(model: OperatingModel, severity: Severity, { kind, rule }: Rung): string {
  const { quietHours } = severity;
  if (quietHours === undefined) return 'no quiet hours';
  const isExercise = severity.lane === EXERCISE_LANE;
  const waits = kind === 'told' || rule.endsWith('.rounds');
  if (waits) return openingHours(model, severity, quietHours);
  return isExercise
    ? 'hours without exercises count in'
    : `quiet hours ${quietWords(quietHours)} count in`;
}

/** When something that waits for the hours of the day may leave. */
export function openingHours(
  model: OperatingModel,
  { lane }: Severity,
  quietHours: QuietHours,
): string {
  if (lane === EXERCISE_LANE) return `exercises go ${exerciseHours(model.exercises)} only`;
  return `not in quiet hours, ${quietWords(quietHours)}`;
}

/** `at once`, `after 30 min`, `in quiet hours`, `before it is sent`. */
export function whenOf({ atMs, kind }: Pick<Rung, 'atMs' | 'kind'>): string {
  if (kind === 'held') return 'in quiet hours';
  if (kind === 'before') return 'before it is sent';
  return atMs === 0 ? 'at once' : `after ${spokenDuration(atMs)}`;
}

/** Keys of a severity that say when something is due or ends. */
export type TimeKey =
  | 'acknowledge_within'
  | 'next_update_within'
  | 'send_expires_after'
  | 'decide_uncertain_after'
  | 'recall_window'
  | 'quiet_hours'
  | 'tell_region'
  | 'spend_cap'
  | 'rounds'
  | 'call_list_after';

/** Why something is due or ends when it does; undefined where the severity knows no such time. */
export function becauseTime(
  model: OperatingModel,
  severity: Severity,
  key: TimeKey,
): Because | undefined {
  if (key === 'quiet_hours' && severity.lane === EXERCISE_LANE) return becauseExercise(model);
  return becauseStep(model, severity, `severities.${severity.id}.${key}`);
}

/** Why who is silent stands on the call list when they do. */
export function becauseCallList(model: OperatingModel, severity: Severity): Because | undefined {
  const isSaid = severity.callListAfterMs !== undefined;
  return becauseTime(model, severity, isSaid ? 'call_list_after' : 'rounds');
}

/**
 * Why somebody of this rank is told in this round; undefined where the severity has no such round.
 * Whoever is never chased is told with the first, whatever the rank.
 */
export function becauseMessage(
  model: OperatingModel,
  severity: Severity,
  { round, rank }: { readonly round: number; readonly rank: number },
): Because | undefined {
  const planned = severity.rounds[round - 1];
  if (round === 1 && planned !== undefined && !planned.ranks.includes(rank)) {
    const labels = Object.values(model.readerKinds).filter(({ chased }) => !chased);
    const who = labels.map(({ label }) => `‘${label}’`).join(' or ');
    const says = `Whoever reads as ${who} is told with the first round, whatever the rank, and never again`;
    const [first] = ladderOf(severity).filter(({ kind }) => kind === 'told');
    return becauseOf(model, 'reader_kinds', { says, hours: hoursOf(model, severity, first!) });
  }
  return becauseRound(model, severity, round);
}

/** Why a round, or a reminder after the last of them, opens; counted from 1 as in a dispatch. */
export function becauseRound(
  model: OperatingModel,
  severity: Severity,
  round: number,
): Because | undefined {
  const { id, rounds } = severity;
  const place =
    round > rounds.length ? `reminders[${round - 1 - rounds.length}]` : `rounds[${round - 1}]`;
  return becauseStep(model, severity, `severities.${id}.${place}`);
}

function becauseStep(model: OperatingModel, severity: Severity, rule: string): Because | undefined {
  const rung = ladderOf(severity).find((one) => one.rule === rule);
  if (rung === undefined) return undefined;
  return becauseOf(model, rule, {
    says: `${severity.label}, ${whenOf(rung)}: ${rung.says}`,
    hours: ['held', 'before'].includes(rung.kind) ? undefined : hoursOf(model, severity, rung),
  });
}

/** Why a second person decides, and when that is due, where it is due. */
export function becauseApproval(model: OperatingModel, severityId: string): Because {
  const { severities, withinMs } = model.promises.approval;
  const label = model.severities.find(({ id }) => id === severityId)?.label ?? severityId;
  const says = severities.includes(severityId)
    ? `${label}: a second person decides within ${spokenDuration(withinMs)} of the submission, and is woken until then`
    : `${label}: a second person decides, is woken by nothing, and it is due at no time`;
  return becauseOf(model, 'promises.approval', { says, hours: ANY_HOUR });
}

/** Why one person alone could let a saved text go. */
export function becauseAlone(model: OperatingModel): Because {
  const { alone } = model.holding;
  const says =
    alone === undefined
      ? 'Nothing goes with one person'
      : `A saved text goes with one person, ${alone.most} times in ${spokenDuration(alone.withinMs)} at most, to all who must answer`;
  return becauseOf(model, 'holding.alone', { says, hours: ANY_HOUR });
}

/** Why somebody else looks at what one person let go. */
export function becauseReview(model: OperatingModel): Because {
  const within = spokenDuration(model.promises.review.withinMs);
  const says = `What one person let go is looked at by somebody else within ${within}, who is woken until then`;
  return becauseOf(model, 'promises.review', { says, hours: ANY_HOUR });
}

/** Why it could be taken back by one person: who may. */
export function becauseRight(model: OperatingModel, permission: Permission): Because {
  const who = Object.values(model.roles).filter(({ may }) => may.includes(permission));
  const says = `${permissions[permission]}: ${who.map(({ label }) => label).join(', ')}`;
  return becauseOf(model, 'roles', { says });
}

/** Why those that are affected tell others, each clock of the file. */
export function becauseClocks(model: OperatingModel): readonly Because[] {
  return model.reportingClocks.map(({ id, label, withinMs, countedFrom, where }) =>
    becauseOf(model, `reporting_clocks.${id}`, {
      says: `${label}: within ${spokenDuration(withinMs)} from ${countedFrom}, to ${where}`,
      hours: ANY_HOUR,
    }),
  );
}

/** Why an exercise is marked, and goes when and to whom it does. */
export function becauseExercise(model: OperatingModel): Because {
  const { exercises } = model;
  const { mark, pagesRegions, pagesCentre } = exercises;
  const woken = [
    ...(pagesRegions ? ['the leads of regions'] : []),
    ...(pagesCentre ? ['the centre’s own people'] : []),
  ];
  const who =
    woken.length === 0
      ? 'nobody of the centre or of a region is woken'
      : `${woken.join(' and ')} are woken`;
  const says = `An exercise is marked ‘${mark}’, leaves ${exerciseHours(exercises)} only, after everything live, and ${who}`;
  return becauseOf(model, 'exercises', { says });
}

/** Why somebody is woken before our next update, and after. */
export function becauseNextUpdate(model: OperatingModel): Because {
  const says = `The centre owes the next update when the alert says: ${wokenFirst(model.promises.nextUpdate)}`;
  return becauseOf(model, 'promises.next_update', { says, hours: ANY_HOUR });
}

/** Why somebody is woken before our call to who asked for help, and after. */
export function becauseCallWoken(model: OperatingModel): Because {
  const says = `The centre owes a call to who asked for help: ${wokenFirst(model.promises.callBack)}`;
  return becauseOf(model, 'promises.call_back', { says, hours: ANY_HOUR });
}

function wokenFirst({ steps: [first] }: Ladder): string {
  if (first === undefined) return 'nobody is woken';
  return `woken first ${first.afterMs === 0 ? 'when it is due' : spokenDuration(first.afterMs)}`;
}

/** Why a text waits, or is not sent: its number got as many as networks bear. */
export function becauseNumberLimit(model: OperatingModel): Because {
  const { most, withinMs } = model.textsPerNumber;
  const says = `One number gets ${most} texts in ${spokenDuration(withinMs)} at most: more wait, or are not sent where that is too late`;
  return becauseOf(model, 'texts_per_number', { says, hours: ANY_HOUR });
}

/** Why a gateway sends to a handset or mailbox of ours. */
export function becauseProbe(model: OperatingModel): Because {
  const every = spokenDuration(model.sending.probeEveryMs);
  const says = `Each gateway with a handset or mailbox of ours shows every ${every} that it works`;
  return becauseOf(model, 'sending.probe_every', { says, hours: ANY_HOUR });
}

/** Why we ring whoever asked for help by then. */
export function becauseCallBack(model: OperatingModel): Because {
  const within = spokenDuration(model.desk.callBackWithinMs);
  const says = `Who asks for help is rung within ${within}, unless another time was agreed`;
  return becauseOf(model, 'desk.call_back_within', { says, hours: ANY_HOUR });
}

/** Why it has the severity that somebody chose where no answers were given. */
export function becauseChosen(model: OperatingModel): Because {
  const says = 'Three answers propose a severity; whoever writes an alert may choose one';
  return becauseOf(model, 'severity_matrix', { says });
}

/** Which rule of the matrix proposes a severity to these answers; undefined where none fits. */
export function becauseAnswers(model: OperatingModel, answers: Answers): Because | undefined {
  const { severityMatrix: matrix } = model;
  const at = ruleFor(matrix.rules, answers);
  const rule = matrix.rules[at];
  if (rule === undefined) return undefined;
  const words = axisNames.map((axis: AxisName) => matrix[axis].answers[answers[axis]] ?? '');
  const label = model.severities.find(({ id }) => id === rule.severity)?.label ?? rule.severity;
  return becauseOf(model, `severity_matrix.rules[${at}]`, {
    says: `${label} is proposed where it is: ${words.join('; ')}. ${rule.because.replace(/\.$/, '')}`,
  });
}
