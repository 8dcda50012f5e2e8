/** Wakes one waiting loop: a `wake` before the wait is not lost, many wakes count as one. */
export class Signal {
  #woken = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** Resolves at the next wake, or after `timeoutMs` at the latest. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#resolve = undefined;
    this.#woken = false;
  }
}

/** Does a thing at most once in `everyMs`. */
export class Sometimes {
  #everyMs: number;
  #last = -Infinity;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  async note(act: () => Promise<unknown>): Promise<void> {
    const now = performance.now();
    if (now - this.#last < this.#everyMs) return;
    this.#last = now;
    await act();
  }
}
