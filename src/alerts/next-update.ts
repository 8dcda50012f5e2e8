/** When the next update comes, by the promise of a severity. */
import { severityById, spokenDuration, type OperatingModel } from '#operating-model/index.ts';
import { clockTime, many, type Form } from '#web/index.ts';
import { dateOf, instantOf } from './clock-fields.ts';

export type NextUpdate = { readonly nextUpdateDate: string; readonly nextUpdateTime: string };

/** The latest round time at which the model's promise is kept. */
export function nextUpdateWithin(withinMs: number, now: Date): NextUpdate {
  const step = Math.min(15 * 60_000, withinMs);
  const next = new Date(Math.floor((now.getTime() + withinMs) / step) * step);
  return { nextUpdateDate: dateOf(next), nextUpdateTime: clockTime(next) };
}

const valueOf = (form: Form, field: string) => many(form[field])[0] ?? '';

/**
 * What a form remembers of how it was drawn, in its field `drawn`: severity, day and time, and
 * whether these are what that severity proposes.
 */
export function drawnOf(form: Form, model: OperatingModel, now: Date): string {
  const severity = severityById(model, valueOf(form, 'severity'));
  const proposed = severity && nextUpdateWithin(severity.nextUpdateWithinMs, now);
  const [date, time] = [valueOf(form, 'nextUpdateDate'), valueOf(form, 'nextUpdateTime')];
  const follows = proposed?.nextUpdateDate === date && proposed.nextUpdateTime === time;
  return [severity?.id ?? '', date, time, ...(follows ? ['follows'] : [])].join(' ');
}

/**
 * The form with the time that a newly chosen severity proposes, where nobody touched the one that
 * was drawn: it goes with the severity as long as it was proposed, and never breaks the promise of
 * the new one. The script does the same at once; this is for whoever has none.
 */
export function withNextUpdate(form: Form, model: OperatingModel, now: Date): Form {
  const [drawn, date, time, follows] = valueOf(form, 'drawn').split(' ');
  const severity = severityById(model, valueOf(form, 'severity'));
  const isTouched =
    valueOf(form, 'nextUpdateDate') !== date || valueOf(form, 'nextUpdateTime') !== time;
  if (severity === undefined || severity.id === drawn || isTouched) return form;
  const at = instantOf(date ?? '', time ?? '');
  const withinMs = severity.nextUpdateWithinMs;
  const isLate = at !== undefined && at.getTime() > now.getTime() + withinMs;
  return follows || isLate ? { ...form, ...nextUpdateWithin(withinMs, now) } : form;
}

/** What to say where `withNextUpdate` moved it; undefined where it did not. */
export function movedNotice(typed: Form, moved: Form, model: OperatingModel): string | undefined {
  const severity = severityById(model, valueOf(moved, 'severity'));
  if (typed === moved || severity === undefined) return undefined;
  const { label, nextUpdateWithinMs } = severity;
  const within = spokenDuration(nextUpdateWithinMs);
  return `The next update is now at ${valueOf(moved, 'nextUpdateTime')}: ${label} promises it within ${within}.`;
}
