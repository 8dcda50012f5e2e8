/** Why an alert has its severity, went with one or two persons, and woke people of the centre. */
import {
  becauseAlone,
  becauseAnswers,
  becauseApproval,
  becauseCallWoken,
  becauseChosen,
  becauseNextUpdate,
  becauseReview,
  becauseRight,
  proposeSeverity,
  type Because,
  type OperatingModel,
  type Severity,
} from '#operating-model/index.ts';
import { dateTime } from '#web/index.ts';
import type { Explained } from './model.ts';
import type { Alone, Decided, WokenFor } from './store-because.ts';
import type { LiveAlert } from './store.ts';

type Rules = { readonly model: OperatingModel; readonly severity: Severity };

type Assessment = Parameters<typeof becauseAnswers>[1] & { readonly reason: string };

export function explainSeverityOf(alert: LiveAlert, { model, severity }: Rules): Explained {
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
  const what = `It is ${severity.label}`;
  return { what, at: null, because: because ?? becauseChosen(model), facts };
}

/** Who let it go: two people, one alone, or one who takes it back in words that were approved. */
export function explainRelease(
  alert: LiveAlert,
  model: OperatingModel,
  { decided, alone }: { readonly decided: Decided; readonly alone: Alone | undefined },
): Explained[] {
  const { submittedByName, submittedAt, decidedAt, decidedByName } = decided;
  const at = decidedAt;
  const submitted = `submitted by ${submittedByName} ${dateTime(submittedAt)}`;
  const by = decidedByName ?? submittedByName;
  if (alert.kind === 'withdrawal') {
    const facts = [`withdrawn by ${by}`, 'its words were approved along with what it takes back'];
    const what = 'One person took it back';
    return [{ what, at, because: becauseRight(model, 'dispatch.steer'), facts }];
  }
  if (alone === undefined || alert.versionNumber > 1)
    return [
      {
        what: 'A second person approved it',
        at,
        because: becauseApproval(model, alert.severity),
        facts: [submitted, ...(decidedByName === null ? [] : [`approved by ${decidedByName}`])],
      },
    ];
  const seen =
    alone.reviewedAt === null
      ? 'nobody has yet'
      : `${alone.reviewedByName} did ${dateTime(alone.reviewedAt)}`;
  return [
    {
      what: 'One person let it go',
      at: alone.at,
      because: becauseAlone(model),
      facts: [submitted, `let go by ${alone.byName}`],
    },
    {
      what: 'Somebody else looks at it',
      at: alone.reviewDueAt,
      because: becauseReview(model),
      facts: [`sent alone ${dateTime(alone.at)}`, seen],
    },
  ];
}

const PROMISED: Readonly<Record<WokenFor['kind'], string>> = {
  approval: 'Woken to approve it',
  next_update: 'Woken for our next update',
  call_back: 'Woken to ring who asked for help',
  review: 'Woken to look at what one person sent',
  announcement: 'Told what an officer did',
};

/** Each text to people of the centre: for which promise, and by which step of its ladder. */
export function explainWoken(
  { severity }: Pick<LiveAlert, 'severity'>,
  model: OperatingModel,
  woken: readonly WokenFor[],
): Explained[] {
  const rules: Readonly<Record<WokenFor['kind'], Because>> = {
    approval: becauseApproval(model, severity),
    next_update: becauseNextUpdate(model),
    call_back: becauseCallWoken(model),
    review: becauseReview(model),
    announcement: becauseRight(model, 'alert.approve'),
  };
  return woken.map(({ kind, step, names, at }) => ({
    what: PROMISED[kind],
    at,
    because: rules[kind],
    facts: [...(kind === 'announcement' ? [] : [`step ${step}`]), `texted ${names.join(', ')}`],
  }));
}
