/** The person at a terminal: sees how far it is, and may press Ctrl-C. */

export type Terminal = {
  /** False where standard error goes to a file or a program. */
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  /** Calls back once at Ctrl-C; returns how to stop listening. */
  readonly onInterrupt: (listener: () => void) => () => void;
};

export const standardTerminal: Terminal = {
  isTerminal: process.stderr.isTTY,
  write: (text) => process.stderr.write(text),
  onInterrupt(listener) {
    process.once('SIGINT', listener);
    return () => process.off('SIGINT', listener);
  },
};

/** Less of the work says too little of the rest. */
const SHARE_MIN = 0.03;
const CLEAR_LINE = '\r\u001B[2K';

export type Progress = { readonly phase: string; readonly share: number };

/** One line that is drawn over; nothing where nobody would see it. */
export function progressLine(
  { isTerminal, write }: Terminal,
  now: () => number = () => performance.now(),
): { draw(progress: Progress): void; clear(): void } {
  const startedAt = now();
  if (!isTerminal) return { draw() {}, clear() {} };
  return {
    draw({ phase, share }) {
      const seconds = ((now() - startedAt) * (1 - share)) / share / 1000;
      const left = share < SHARE_MIN ? '' : `, about ${Math.max(1, Math.round(seconds))} s left`;
      write(`${CLEAR_LINE}${phase}: ${Math.floor(share * 100)} %${left}`);
    },
    clear: () => write(CLEAR_LINE),
  };
}
