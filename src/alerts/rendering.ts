/** What rendering needs beside the words: the rules, the number, the address of the page. */
import { severityById, type OperatingModel } from '#operating-model/index.ts';
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

/** Undefined where the model does not know the severity any more. */
export function renderingFor(
  version: { readonly severity: string; readonly alertNumber: number },
  context: AlertContext,
): Rendering | undefined {
  const severity = severityById(context.model, version.severity);
  if (severity === undefined) return undefined;
  const { model, origin, formatTime } = context;
  return { model, severity, alertNumber: version.alertNumber, origin, formatTime };
}

/** Reader kinds that are told with the first round and never again. */
export function unchasedReaders({ readerKinds }: AlertContext['model']): string[] {
  return Object.keys(readerKinds).filter((kind) => !readerKinds[kind]!.chased);
}
