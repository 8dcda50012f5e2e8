/** What rendering needs beside the words: the rules, the number, the address of the page. */
import { severityFor, type OperatingModel } from '#operating-model/index.ts';
import type { KevSaid } from './kev/model.ts';
import type { Rendering } from './texts.ts';

/** What the verbs need from outside. */
export type AlertContext = {
  readonly model: OperatingModel;
  readonly origin: string;
  readonly formatTime: (at: Date) => string;
  readonly clockOf: (at: Date) => string;
};

/** As long as a short name in a text can be: twenty characters, and the count of others. */
export const LONGEST_NAME = `${'W'.repeat(20)} +99`;

/** What of an alert decides how it is rendered. */
export type Rendered = {
  readonly severity: string;
  readonly alertNumber: number;
  readonly exercise: boolean;
  /** Whether it is live, while an exercise is out. */
  readonly besideExercise: boolean;
  /** What the catalogue says of its CVEs. */
  readonly kev: KevSaid | null;
};

/** Undefined where the model does not know the severity any more. */
export function renderingFor(alert: Rendered, context: AlertContext): Rendering | undefined {
  const severity = severityFor(context.model, alert);
  if (severity === undefined) return undefined;
  const { model, origin, formatTime } = context;
  const { alertNumber, kev } = alert;
  return { model, severity, mark: markOf(alert, model), alertNumber, kev, origin, formatTime };
}

/** Nobody writes it: what it stands before is an exercise, or has to be told from one (P11). */
export function markOf(
  { exercise, besideExercise }: Pick<Rendered, 'exercise' | 'besideExercise'>,
  { exercises }: OperatingModel,
): string {
  if (exercise) return `${exercises.mark} `;
  return besideExercise ? `${exercises.realMark} ` : '';
}

/** Reader kinds that are told with the first round and never again. */
export function unchasedReaders({ readerKinds }: AlertContext['model']): string[] {
  return Object.keys(readerKinds).filter((kind) => !readerKinds[kind]!.chased);
}
