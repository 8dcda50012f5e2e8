/**
 * Why an alert does what it does: each round, deadline and escalation with the rule in the version
 * it obeys, and the facts that the rule was applied to. One value for the page, the API and the
 * command line.
 */
import { afterQuiet } from '#kernel/quiet-hours.ts';
import type { Tx } from '#db/database.ts';
import {
  becauseCallBack,
  becauseClocks,
  becauseFollowing,
  becauseNextUpdate,
  becauseRound,
  becauseCallList,
  becauseTime,
  expiryTimes,
  regionTime,
  rulesOverTime,
  spokenDuration,
  type ObeyedRules,
  type OperatingModel,
  type RulesOverTime,
  type Severity,
} from '#operating-model/index.ts';
import { dateTime } from '#web/index.ts';
import { explainRelease, explainSeverityOf, explainWoken } from './because-decisions.ts';
import { dispatchedWords } from './because-messages.ts';
import type { Explained } from './model.ts';
import {
  countWaitingFor,
  findAlone,
  findDecided,
  listDispatched,
  listRoundFacts,
  listRulesMoves,
  listWokenFor,
  type DispatchedRow,
  type RoundFacts,
} from './store-because.ts';
import { listRegionsTold, type RegionTold } from './store-promises.ts';
import type { LiveAlert } from './store.ts';

/** The rules that an alert obeys, and obeyed before it was moved to others. */
export async function rulesOfAlert(
  tx: Tx,
  alert: Pick<LiveAlert, 'modelVersion' | 'severity' | 'exercise' | 'versionId'>,
  inForce: OperatingModel,
): Promise<AlertRules> {
  const moves = await listRulesMoves(tx, alert.versionId);
  const rules = await rulesOverTime(tx, { ...alert, moves }, inForce);
  return { ...rules, dispatched: await listDispatched(tx, alert.versionId) };
}

export type AlertRules = RulesOverTime & { readonly dispatched: readonly DispatchedRow[] };

/** Everything about one alert that is out, in the order in which it happens. */
export async function explainAlert(
  tx: Tx,
  alert: LiveAlert,
  inForce: OperatingModel,
): Promise<Explained[]> {
  const { alertId, versionId } = alert;
  const all = await rulesOfAlert(tx, alert, inForce);
  const { model, severity, dispatched } = all;
  if (severity === undefined) return [];
  const rules = { model, severity };
  const ids = dispatched.map(({ dispatchId }) => dispatchId);
  const facts = await listRoundFacts(tx, ids);
  const waiting = await countWaitingFor(tx, alertId);
  const decided = await findDecided(tx, versionId);
  const first = all.at(decided.decidedAt);
  const alone = await findAlone(tx, alertId);
  const callList = {
    what: 'Who is silent stands on the call list',
    at: callListTime(alert, facts),
    because: becauseCallList(model, severity),
    facts: [`${waiting.toRing} to ring now`],
  };
  const ordered = [
    ...explainRounds(alert, all, facts),
    ...explainTimes(alert, { ...rules, atRelease: all.at(alert.releasedAt) }),
    ...explainQuiet(alert, rules),
    ...(alert.kind === 'withdrawal'
      ? []
      : [...explainRegions(alert, rules, await listRegionsTold(tx, alertId)), callList]),
    ...explainWoken(alert, first.model, await listWokenFor(tx, alertId)),
  ].toSorted((a, b) => (a.at?.getTime() ?? Infinity) - (b.at?.getTime() ?? Infinity));
  return [
    explainSeverityOf(alert, { model: first.model, severity: first.severity ?? severity }),
    ...explainRelease(alert, first.model, { decided, alone }),
    ...ordered,
    {
      what: 'Our calls to who asked for help',
      at: waiting.nextCallAt,
      // What somebody is promised is promised under the rules of the day on which they ask.
      because: becauseCallBack(inForce),
      facts: [`${waiting.calls} waiting`],
    },
    ...becauseClocks(model).map((because) => ({
      what: 'Those that are affected tell others',
      at: null,
      because,
      facts: ['stands on the page of the alert'],
    })),
  ];
}

type Rules = { readonly model: OperatingModel; readonly severity: Severity };

function explainRounds(
  alert: LiveAlert,
  rules: AlertRules,
  rounds: readonly RoundFacts[],
): Explained[] {
  return rounds
    .filter(({ messages }) => messages > 0)
    .map((one) => {
      const sent = rules.dispatched.find(({ dispatchId }) => dispatchId === one.dispatchId)!;
      const { kind } = sent;
      const { model, severity } = rules.at(one.openedAt);
      const step = `${one.reminds ? 'Reminder, round' : 'Round'} ${one.round}`;
      const because =
        severity &&
        (kind === 'first'
          ? becauseRound(model, severity, one.round)
          : becauseFollowing(model, severity, { ...sent, kind }));
      return {
        what: kind === 'first' ? step : dispatchedWords[kind],
        at: one.openedAt ?? one.opensAt,
        because,
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

function explainTimes(
  alert: LiveAlert,
  { model, severity, atRelease }: Rules & { readonly atRelease: ObeyedRules },
): Explained[] {
  const from = `released ${dateTime(alert.releasedAt)}`;
  const after = (since: Date, ms: number) => new Date(since.getTime() + ms);
  const { askedAt, releasedAt, nextUpdateAt } = alert;
  const asked =
    askedAt.getTime() === releasedAt.getTime() ? from : `last asked ${dateTime(askedAt)}`;
  const answer = {
    what: 'Their answer is due',
    at: after(askedAt, severity.acknowledgeWithinMs),
    because: becauseTime(model, severity, 'acknowledge_within'),
    facts: [asked],
  };
  const update = {
    what: 'Our next update is due',
    at: nextUpdateAt,
    because: becauseNextUpdate(model),
    facts: [
      `its author promised it, ${alert.ownedByName} has it`,
      `${severity.label} asks for one within ${spokenDuration(severity.nextUpdateWithinMs)}`,
    ],
  };
  // What it was released with; moving it to other rules does not change it.
  const then = atRelease.severity ?? severity;
  return [
    ...(alert.kind === 'withdrawal' ? [] : [answer]),
    ...(nextUpdateAt === null ? [] : [update]),
    {
      what: 'An officer decides over messages whose fate nobody knows',
      at: null,
      because: becauseTime(model, severity, 'decide_uncertain_after'),
      facts: ['counted from the request of each'],
    },
    {
      what: 'What has not left is not sent any more',
      at: new Date(lastExpiry(then, releasedAt)),
      because: becauseTime(atRelease.model, then, 'send_expires_after'),
      facts: [from, ...(then.reminders.length > 0 ? ['reminders: from their own opening'] : [])],
    },
    ...explainRecall(alert, atRelease.model, then),
  ];
}

/** Of the chain; each reminder counts from its own opening. */
function lastExpiry(severity: Severity, releasedAt: Date): number {
  const chain = { ...severity, reminders: [] };
  return expiryTimes(chain, releasedAt.getTime()).at(-1)!;
}

function explainRecall(alert: LiveAlert, model: OperatingModel, severity: Severity): Explained[] {
  const because = becauseTime(model, severity, 'recall_window');
  if (because === undefined || alert.versionNumber > 1) return [];
  const at = new Date(alert.releasedAt.getTime() + severity.recallWindowMs);
  return [
    {
      what: 'Until then it can be recalled whole',
      at,
      because,
      facts: [`released ${dateTime(alert.releasedAt)}`],
    },
  ];
}

/** The later of the last round that tells somebody and the time to answer; null: none has a time. */
function callListTime(alert: LiveAlert, rounds: readonly RoundFacts[]): Date | null {
  const own = rounds.filter((one) => one.dispatchId === alert.dispatchId && !one.reminds);
  const last = own.findLast(({ messages }) => messages > 0);
  const ends = last?.openedAt ?? last?.opensAt ?? null;
  const { callListAt } = alert;
  return ends === null || callListAt === null || ends > callListAt ? ends : callListAt;
}
