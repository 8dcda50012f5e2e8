/** A year of alerts against the directory as it is now. */
import type { Tx } from '#db/database.ts';
import { linesFor, type Lines } from '#alerts/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { readDirectory, type Imagined } from './rehearse.ts';
import { simulateYear, usualYear, type Year } from './year.ts';

export { usualYear, type Year } from './year.ts';

/** The usual year, from the moment of the release on; `onMonth` hears how far it has come. */
export async function rehearseYear(
  tx: Tx,
  imagined: Imagined,
  {
    model,
    onMonth,
  }: {
    readonly model: OperatingModel;
    readonly onMonth?: (done: number, of: number) => void;
  },
): Promise<Year> {
  const directory = await readDirectory(tx, imagined.question);
  const linesOf = new Map<string, Lines>();
  for (const severity of model.severities)
    // Nothing of today waits before the alerts of another day.
    linesOf.set(severity.id, rested(await linesFor(tx, severity, model)));
  const { releasedAtMs: beginsAtMs, seed } = imagined;
  // Exercises are none of the alerts of a year.
  const words = { ...imagined, exercise: false, besideExercise: false };
  return simulateYear(directory, words, {
    model,
    linesOf,
    plan: { ...usualYear, beginsAtMs, seed },
    ...(onMonth && { onMonth }),
  });
}

function rested({ text, mail, isShared }: Lines): Lines {
  const full = (line: Lines['text']) =>
    line && { ...line, tokens: line.burst, pausedForMs: 0, ahead: 0 };
  return { text: full(text), mail: full(mail), isShared };
}
