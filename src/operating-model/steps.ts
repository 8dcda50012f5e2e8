/** What opens after a release, in its order. Pure. */
import type { Round, Severity } from './model.ts';

/** A round of a release: of the chain, or a reminder to those that the chain told already. */
export type Step = Round & { readonly reminds: boolean };

/** Everything that opens after a release, as `dispatch` numbers it from 1: reminders come last. */
export function stepsOf({ rounds, reminders }: Pick<Severity, 'rounds' | 'reminders'>): Step[] {
  return [
    ...rounds.map((round) => ({ ...round, reminds: false })),
    ...reminders.map((reminder) => ({ ...reminder, reminds: true })),
  ];
}
