/** How a file of ODS writes its dates: one way in the whole file, whichever it is. Pure. */
import { refused, type Refused } from '#kernel/outcome.ts';

/** By example, as sentences name them. */
const forms = {
  '20130401': /^\d{8}$/,
  '2013-04-01': /^\d{4}-\d{2}-\d{2}$/,
  '01/04/2013': /^\d{2}\/\d{2}\/\d{4}$/,
} as const;

export type DateForm = keyof typeof forms;

/** Undefined: no date, or written in a way that is not read. */
export function dateForm(text: string): DateForm | undefined {
  return (Object.keys(forms) as DateForm[]).find((form) => forms[form].test(text));
}

const SLASHED: DateForm = '01/04/2013';

/** Takes the dates of a file one after the other. */
export class DateForms {
  /** The line of the first one of each. */
  readonly #lines = new Map<DateForm, number>();
  #isDayFirst = false;
  #monthFirstLine: number | undefined;

  note(line: number, text: string): void {
    const form = dateForm(text);
    if (form === undefined) return;
    if (!this.#lines.has(form)) this.#lines.set(form, line);
    if (form !== SLASHED) return;
    if (text.slice(0, 2) > '12') this.#isDayFirst = true;
    if (text.slice(3, 5) > '12') this.#monthFirstLine ??= line;
  }

  /** Why nobody could say what the dates mean. */
  trouble(): Refused | undefined {
    const [one, other] = [...this.#lines];
    if (one !== undefined && other !== undefined)
      return unclear(
        `Line ${one[1]} writes a date as ${one[0]}, line ${other[1]} as ${other[0]}: a file has one way.`,
      );
    if (this.#monthFirstLine !== undefined)
      return unclear(
        `Line ${this.#monthFirstLine} has the month before the day: ${SLASHED} is read as 1 April.`,
      );
    if (one?.[0] === SLASHED && !this.#isDayFirst)
      return unclear(
        `Every date of the file could be read two ways: ${SLASHED} is 1 April or 4 January.`,
      );
    return undefined;
  }
}

function unclear(why: string): Refused {
  return refused('invalid', `${why} Write all dates as 20130401 or 2013-04-01.`);
}
