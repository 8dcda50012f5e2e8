/**
 * Why an alert does what it does: each round, deadline and escalation with the rule in the version
 * it obeys, and the facts that the rule was applied to. One value for the page, the API and the
 * command line.
 */
import { afterQuiet } from '#kernel/quiet-hours.ts';
import type { Tx } from '#db/database.ts';
import {
  becauseAnswers,
  becauseApproval,
  becauseCallBack,
  becauseMessage,
  becauseNextUpdate,
  becauseNumberLimit,
  becauseRound,
  becauseTime,
  proposeSeverity,
  regionTime,
  rulesOverTime,
  spokenDuration,
  type Because,
  type ObeyedRules,
  type OperatingModel,
  type RulesOverTime,
  type Severity,
} from '#operating-model/index.ts';
import { dateTime } from '#web/index.ts';
import {
  countWaitingFor,
  findDecided,
  listRoundFacts,
  listRulesMoves,
  type Decided,
  type RoundFacts,
} from './store-because.ts';
import { listRegionsTold, type RegionTold } from './store-promises.ts';
import type { MessageRow } from './store-messages.ts';
import { dispatchesOf, type LiveAlert } from './store.ts';

/** One thing that happened, or is to happen. */
export type Explained = {
  readonly what: string;
  /** When it happened, or will; null where nobody knows, or it is no moment. */
  readonly at: Date | null;
  /** Undefined: no rule of the model decides it; the facts say what does. */
  readonly because: Because | undefined;
  /** Sentences without their full stop. */
  readonly facts: readonly string[];
};

/** The rules that an alert obeys, and obeyed before it was moved to others. */
export async function rulesOfAlert(
  tx: Tx,
  alert: Pick<LiveAlert, 'modelVersion' | 'severity' | 'exercise' | 'versionId'>,
  inForce: OperatingModel,
): Promise<RulesOverTime> {
  const moves = await listRulesMoves(tx, alert.versionId);
  return await rulesOverTime(tx, { ...alert, moves }, inForce);
}

/** Everything about one alert that is out, in the order in which it happens. */
export async function explainAlert(
  tx: Tx,
  alert: LiveAlert,
  inForce: OperatingModel,
): Promise<Explained[]> {
  const all = await rulesOfAlert(tx, alert, inForce);
  const { model, severity } = all;
  if (severity === undefined) return [];
  const rules = { model, severity };
  const facts = await listRoundFacts(tx, dispatchesOf(alert));
  const waiting = await countWaitingFor(tx, alert.alertId);
  const ordered = [
    ...explainRounds(alert, all, facts),
    ...explainTimes(alert, rules),
    ...explainQuiet(alert, rules),
    ...explainRegions(alert, rules, await listRegionsTold(tx, alert.alertId)),
    {
      what: 'Who is silent stands on the call list',
      at: chainEnd(alert, facts),
      because: becauseTime(model, severity, 'rounds'),
      facts: [`${waiting.toRing} to ring now`],
    },
  ].toSorted((a, b) => (a.at?.getTime() ?? Infinity) - (b.at?.getTime() ?? Infinity));
  const decided = await findDecided(tx, alert.versionId);
  const first = all.at(decided.decidedAt);
  return [
    explainSeverityOf(alert, { model: first.model, severity: first.severity ?? severity }),
    explainApproval(alert, first, decided),
    ...ordered,
    {
      what: 'Our calls to who asked for help',
      at: waiting.nextCallAt,
      // What somebody is promised is promised under the rules of the day on which they ask.
      because: becauseCallBack(inForce),
      facts: [`${waiting.calls} waiting`],
    },
  ];
}

type Rules = { readonly model: OperatingModel; readonly severity: Severity };

type Assessment = Parameters<typeof becauseAnswers>[1] & { readonly reason: string };

function explainSeverityOf(alert: LiveAlert, { model, severity }: Rules): Explained {
  const { assessment } = alert.content as { assessment: Assessment | null };
  const because = assessment === null ? undefined : becauseAnswers(model, assessment);
  const isProposed =
    assessment !== null && proposeSeverity(model, assessment)?.severity.id === severity.id;
  const facts =
    because === undefined
      ? ['chosen without the matrix']
      : isProposed
        ? ['these answers were given']
        : [`chosen instead: ${assessment!.reason}`];
  return { what: `It is ${severity.label}`, at: null, because, facts };
}

function explainApproval(alert: LiveAlert, { model }: ObeyedRules, decided: Decided): Explained {
  const because = becauseApproval(model, alert.severity);
  return {
    what: 'A second person approved it',
    at: decided.decidedAt,
    because,
    facts: [
      `submitted by ${decided.submittedByName} ${dateTime(decided.submittedAt)}`,
      ...(decided.decidedByName === null ? [] : [`approved by ${decided.decidedByName}`]),
    ],
  };
}

const follows: Partial<Record<LiveAlert['kind'], string>> = {
  update: 'The update, to everybody who had a version before',
  correction: 'The correction, to everybody who had a version before',
};

function explainRounds(
  alert: LiveAlert,
  rules: RulesOverTime,
  rounds: readonly RoundFacts[],
): Explained[] {
  return rounds
    .filter(({ messages }) => messages > 0)
    .map((one) => {
      const isFollowing = one.dispatchId === alert.correctionDispatchId;
      const { model, severity } = rules.at(one.openedAt);
      return {
        what: isFollowing
          ? (follows[alert.kind] ?? 'To everybody who had a version before')
          : `${one.reminds ? 'Reminder, round' : 'Round'} ${one.round}`,
        at: one.openedAt ?? one.opensAt,
        because: isFollowing ? undefined : severity && becauseRound(model, severity, one.round),
        facts: factsOfRound(alert, severity, one),
      };
    });
}

/** It opens, or opened, just when quiet hours end. */
function isHeld(severity: Severity | undefined, { opensAt }: RoundFacts): boolean {
  const quietHours = severity?.quietHours;
  if (quietHours === undefined || opensAt === null) return false;
  return afterQuiet(opensAt.getTime() - 1, quietHours) === opensAt.getTime();
}

function factsOfRound(alert: LiveAlert, severity: Severity | undefined, one: RoundFacts): string[] {
  const stood =
    one.openedAt !== null
      ? `opened ${dateTime(one.openedAt)}`
      : alert.dispatchState === 'sending' && one.opensAt !== null
        ? `opens ${dateTime(one.opensAt)}`
        : 'never opened';
  const hours = alert.exercise ? 'the hours of exercises' : 'quiet hours';
  const held = isHeld(severity, one) ? [`${hours} held it`] : [];
  const sent = `${one.messages} ${one.messages === 1 ? 'message' : 'messages'}`;
  return [
    `released ${dateTime(alert.releasedAt)}`,
    ...held,
    stood,
    one.notNeeded === 0 ? sent : `${sent}, ${one.notNeeded} of them not needed any more`,
  ];
}

function explainRegions(
  alert: LiveAlert,
  { model, severity }: Rules,
  told: readonly RegionTold[],
): Explained[] {
  const at = regionTime(severity, alert.askedAt.getTime());
  if (at === undefined) return [];
  const names = told.map(({ name }) => name).join(', ');
  return [
    {
      what: 'Regions are told of their silent organisations',
      at: told[0]?.at ?? new Date(at),
      because: becauseTime(model, severity, 'tell_region'),
      facts: [told.length === 0 ? 'nobody was texted yet' : `texted ${names}`],
    },
  ];
}

function explainQuiet({ exercise }: LiveAlert, { model, severity }: Rules): Explained[] {
  const what = exercise ? 'Hours of exercises' : 'Quiet hours';
  const waits = exercise ? 'what falls outside of them waits' : 'what falls into them waits';
  const because = becauseTime(model, severity, 'quiet_hours');
  return because === undefined ? [] : [{ what, at: null, because, facts: [waits] }];
}

function explainTimes(alert: LiveAlert, { model, severity }: Rules): Explained[] {
  const from = `released ${dateTime(alert.releasedAt)}`;
  const after = (since: Date, ms: number) => new Date(since.getTime() + ms);
  const { askedAt, releasedAt, nextUpdateAt } = alert;
  const asked =
    askedAt.getTime() === releasedAt.getTime() ? from : `last asked ${dateTime(askedAt)}`;
  return [
    {
      what: 'Their answer is due',
      at: after(askedAt, severity.acknowledgeWithinMs),
      because: becauseTime(model, severity, 'acknowledge_within'),
      facts: [asked],
    },
    {
      what: 'Our next update is due',
      at: nextUpdateAt,
      because: becauseNextUpdate(model),
      facts: [
        `its author promised it, ${alert.ownedByName} has it`,
        `${severity.label} asks for one within ${spokenDuration(severity.nextUpdateWithinMs)}`,
      ],
    },
    {
      what: 'What has not left is not sent any more',
      at: after(releasedAt, severity.sendExpiresAfterMs),
      because: becauseTime(model, severity, 'send_expires_after'),
      facts: [from],
    },
  ];
}

/** The last round of the chain that tells somebody; null while none has a time. */
function chainEnd(alert: LiveAlert, rounds: readonly RoundFacts[]): Date | null {
  const own = rounds.filter((one) => one.dispatchId === alert.dispatchId && !one.reminds);
  const last = own.findLast(({ messages }) => messages > 0);
  return last?.openedAt ?? last?.opensAt ?? null;
}

type ExplainedRow = Pick<
  MessageRow,
  'dispatchId' | 'round' | 'rank' | 'openedAt' | 'opensAt' | 'state' | 'failureCode'
>;

/** Why one message is sent; the rule is absent where it follows what its reader had before. */
export function explainMessage(
  alert: LiveAlert,
  rules: RulesOverTime,
  message: ExplainedRow,
): Pick<Explained, 'because' | 'facts'> {
  const { dispatchId, round, rank, openedAt, opensAt, state, failureCode } = message;
  const { model, severity } = rules.at(openedAt);
  if (failureCode === 'number_limit') {
    const became = state === 'suppressed' ? 'it would have come too late' : 'it waited its turn';
    return { because: becauseNumberLimit(model), facts: [`rank ${rank}`, became] };
  }
  if (failureCode === 'cut_off')
    return { because: undefined, facts: [`rank ${rank}`, 'its network is cut off: held back'] };
  if (dispatchId === alert.correctionDispatchId)
    return { because: undefined, facts: ['whoever had a version before is told of this one'] };
  const opening =
    openedAt !== null
      ? [`its round opened ${dateTime(openedAt)}`]
      : opensAt !== null && alert.dispatchState === 'sending'
        ? [`its round opens ${dateTime(opensAt)}`]
        : [];
  return {
    because: severity && becauseMessage(model, severity, { round, rank }),
    facts: [`rank ${rank}`, ...opening, ...(state === 'cancelled' ? [CALLED_OFF] : [])],
  };
}

const CALLED_OFF = 'not sent: they had answered, or it was called off';
