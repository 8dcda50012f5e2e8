/** What it means for an alert that is out to obey other rules from now on. Pure. */
import { differences, oneSeverity } from './diff-severity.ts';
import { severityById, type OperatingModel, type Severity } from './model.ts';
import { stepsOf } from './steps.ts';

export type Moving = {
  /** What changes for it, in words; none where the rules of its severity are the same. */
  readonly changes: readonly string[];
  /** What would tell somebody else, or otherwise: an update does that, with a second person. */
  readonly widens: readonly string[];
  /** By how much each round comes later, reminders after them; below 0: earlier. */
  readonly delaysMs: readonly number[];
};

/** Undefined where the new rules have no severity of that name. */
export function movingOf(
  before: OperatingModel,
  after: OperatingModel,
  severityId: string,
): Moving | undefined {
  const [old, now] = [severityById(before, severityId), severityById(after, severityId)];
  if (old === undefined || now === undefined) return undefined;
  const channels = differences(old.channels, now.channels);
  const isOtherChain = whomOf(old) !== whomOf(now);
  return {
    changes: oneSeverity(old, now),
    widens: [
      ...channels.fresh.map((one) => `it would also go by ${one}`),
      ...channels.gone.map((one) => `it would no longer go by ${one}`),
      ...(isOtherChain ? ['its rounds and reminders would tell other ranks'] : []),
    ],
    delaysMs: isOtherChain
      ? []
      : stepsOf(now).map(({ afterMs }, i) => afterMs - stepsOf(old)[i]!.afterMs),
  };
}

/** Whom each round and each reminder tells. */
function whomOf(severity: Severity): string {
  return stepsOf(severity)
    .map(({ ranks, reminds }) => `${reminds ? 'again ' : ''}${ranks.join()}`)
    .join(';');
}
