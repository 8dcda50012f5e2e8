/** A year of alerts against the directory as it is now, under one set of rules or two. */
import { setImmediate } from 'node:timers/promises';
import type { Tx } from '#db/database.ts';
import { linesFor, type Lines } from '#alerts/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { readDirectory, type Imagined } from './rehearse.ts';
import type { Directory } from './scene.ts';
import { simulateYear, usualYear, type Progress, type Year } from './year.ts';

export { usualYear, type Progress, type Year } from './year.ts';

/** All that a year needs of the database, read at once: it is played without one. */
export type YearScene = {
  readonly imagined: Imagined;
  readonly directory: Directory;
  readonly sides: readonly {
    readonly model: OperatingModel;
    readonly linesOf: ReadonlyMap<string, Lines>;
  }[];
};

export async function readYear(
  tx: Tx,
  imagined: Imagined,
  models: readonly OperatingModel[],
): Promise<YearScene> {
  const directory = await readDirectory(tx, imagined.question);
  const sides = [];
  for (const model of models) {
    const linesOf = new Map<string, Lines>();
    for (const severity of model.severities)
      // Nothing of today waits before the alerts of another day.
      linesOf.set(severity.id, rested(await linesFor(tx, severity, model)));
    sides.push({ model, linesOf });
  }
  return { imagined, directory, sides };
}

/**
 * The usual year, from the moment of the release on, under each set of rules after the other. Says
 * how far it has come after each alert, and lets others work meanwhile: a year over 10,000
 * organisations takes seconds of this process.
 */
export async function* playYears({
  imagined,
  directory,
  sides,
}: YearScene): AsyncGenerator<Progress, Year[]> {
  const { releasedAtMs: beginsAtMs, seed, spendCapPence } = imagined;
  const plan = { ...usualYear, beginsAtMs, seed, spendCapPence };
  // Exercises are none of the alerts of a year.
  const words = { ...imagined, exercise: false, besideExercise: false };
  const years: Year[] = [];
  for (const [i, { model, linesOf }] of sides.entries()) {
    const year = simulateYear(directory, words, { model, linesOf, plan });
    for (let step = year.next(); ; step = year.next()) {
      if (step.done === true) {
        years.push(step.value);
        break;
      }
      const { done, of } = step.value;
      yield { done: i * of + done, of: sides.length * of };
      await setImmediate();
    }
  }
  return years;
}

/** The same to its end; `onProgress` hears how far it has come. */
export async function rehearseYears(
  scene: YearScene,
  onProgress?: (progress: Progress) => void,
): Promise<Year[]> {
  const playing = playYears(scene);
  for (;;) {
    const { done, value } = await playing.next();
    if (done === true) return value;
    onProgress?.(value);
  }
}

function rested({ text, mail, isShared }: Lines): Lines {
  const full = (line: Lines['text']) =>
    line && { ...line, tokens: line.burst, pausedForMs: 0, ahead: 0 };
  return { text: full(text), mail: full(mail), isShared };
}
