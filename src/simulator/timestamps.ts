/**
 * Times of rows are whole microseconds since 1970 in a number (safe until the year 2255), because
 * the API prints microseconds and pages by strict comparison of them.
 */
export function formatTimestamp(micros: number): string {
  const millis = Math.floor(micros / 1000);
  const rest = (micros % 1000).toString().padStart(3, '0');
  return `${new Date(millis).toISOString().slice(0, -1)}${rest}Z`;
}

/** The reverse; NaN for anything else. */
export function parseTimestamp(text: string): number {
  return Date.parse(`${text.slice(0, 23)}Z`) * 1000 + Number(text.slice(23, 26));
}

/** Gives every caller a later microsecond than any before, so that rows have one order. */
export class MicrosecondClock {
  readonly #now: () => number;
  #last = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  next(): number {
    this.#last = Math.max(Math.floor(this.#now() * 1000), this.#last + 1);
    return this.#last;
  }

  /** Never gives out a time at or before `micros` again (rows read back from the ledger). */
  advanceTo(micros: number): void {
    this.#last = Math.max(this.#last, micros);
  }
}
