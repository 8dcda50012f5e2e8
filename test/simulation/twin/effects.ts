/**
 * How often each statement did anything on random histories: changed a row or answered something.
 * Where neither side does anything both agree, and nothing was compared.
 */
import type { Twin } from './index.ts';

export type Effect = { readonly asked: number; readonly took: number };
/** By the name of the statement. */
export type Effects = Readonly<Record<string, Effect>>;

/** They lock, or tell others: nothing of that is seen from within one transaction. */
const UNSEEN = new Set<keyof Twin>([
  ...(['lockDispatch', 'lockLaterRounds', 'lockParts'] as const),
  ...(['notifyAnswers', 'notifyAudit', 'notifyDispatch', 'notifyGateways', 'notifyHalt'] as const),
]);

/** Whether an answer says more than that there was nothing. */
export function isSomething(answer: unknown): boolean {
  if (Array.isArray(answer)) return answer.length > 0;
  if (answer instanceof Date) return true;
  if (typeof answer === 'object' && answer !== null)
    return Object.values(answer).some((value) => isSomething(value));
  return Boolean(answer);
}

export function addEffects(one: Effects, other: Effects): Effects {
  const sum = { ...one };
  for (const [name, { asked, took }] of Object.entries(other)) {
    const before = sum[name] ?? { asked: 0, took: 0 };
    sum[name] = { asked: before.asked + asked, took: before.took + took };
  }
  return sum;
}

/** By how often they took effect, the least first; `names`: every statement there is. */
export function rankEffects(names: readonly string[], effects: Effects): [string, Effect][] {
  return names
    .filter((name) => !UNSEEN.has(name as keyof Twin))
    .map((name): [string, Effect] => [name, effects[name] ?? { asked: 0, took: 0 }])
    .toSorted(([, a], [, b]) => a.took - b.took);
}
