/** When the next update comes, by the promise of a severity. */
import { clockTime } from '#web/index.ts';
import { dateOf } from './clock-fields.ts';

export type NextUpdate = { readonly nextUpdateDate: string; readonly nextUpdateTime: string };

/** The latest round time at which the model's promise is kept. */
export function nextUpdateWithin(withinMs: number, now: Date): NextUpdate {
  const step = Math.min(15 * 60_000, withinMs);
  const next = new Date(Math.floor((now.getTime() + withinMs) / step) * step);
  return { nextUpdateDate: dateOf(next), nextUpdateTime: clockTime(next) };
}
