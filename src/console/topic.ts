/** One thing that people look at: read for all of them at once, and anew when there is news of it. */

/** News comes in bursts; four times a second is more than an eye follows. */
const GATHER_MS = 250;
/**
 * After a reading, news waits for so many times as long as it took: a board takes no more than a
 * seventh of one core from the messages that it counts, however many organisations there are. Read
 * in 100 ms, as 10,000 organisations are, news is on every screen within a second.
 */
const REST_TIMES = 6;
const REST_MOST_MS = 10_000;
/** Without news the clock still moves: “due in 14 min” has to become 13. */
const REFRESH_MS = 30_000;

/** Something that can be looked at: how it is read, and whose notifications change it. */
export type Watch<T> = {
  readonly name: string;
  readonly read: () => Promise<T>;
  /** Ids that notifications carry; `*` for all. */
  readonly keys: (state: T) => readonly string[];
};

export class Topic<T = unknown> {
  readonly #watch: Watch<T>;
  /** Raised by news: a state is of the version in which its reading began. */
  #version = 0;
  #running: { readonly version: number; readonly state: Promise<T> } | undefined;
  #next: Promise<T> | undefined;
  #latest: { readonly version: number; readonly state: T } | undefined;
  #restsUntilMs = 0;
  #gathering: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(watch: Watch<T>) {
    this.#watch = watch;
  }

  get isReading(): boolean {
    return this.#running !== undefined;
  }

  /**
   * The state by a reading that begins now or later: what somebody wrote before he asks is in it.
   * One reading at a time, and the next one is for all who asked meanwhile.
   */
  read(): Promise<T> {
    const running = this.#running;
    if (running === undefined) return this.#begin();
    this.#next ??= running.state.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** The state, and again after news. Ends when `signal` aborts; throws where it cannot be read. */
  async *follow(signal: AbortSignal): AsyncGenerator<T> {
    while (!signal.aborted) {
      const version = this.#version;
      if (this.#latest?.version !== version)
        await (this.#running?.version === version ? this.#running.state : this.read());
      const { version: shown, state } = this.#latest!;
      yield state;
      await this.#newsAfter(shown, signal);
    }
  }

  /** Whether a notification with this payload may have changed it. */
  isAbout(payload: string): boolean {
    if (this.#latest === undefined) return true;
    const keys = this.#watch.keys(this.#latest.state);
    return keys.includes('*') || keys.includes(payload);
  }

  /** Tells whoever follows, once the burst is over and the last reading was long enough ago. */
  news(): void {
    if (this.#gathering !== undefined) return;
    const restMs = this.#restsUntilMs - performance.now();
    this.#gathering = setTimeout(
      () => {
        this.#gathering = undefined;
        if (this.isReading || performance.now() < this.#restsUntilMs) this.news();
        else this.#raise();
      },
      Math.max(GATHER_MS, restMs),
    );
  }

  close(): void {
    clearTimeout(this.#gathering);
    clearTimeout(this.#refresh);
  }

  #begin(): Promise<T> {
    this.#next = undefined;
    const version = this.#version;
    const beganAtMs = performance.now();
    const read = async () => {
      try {
        const state = await this.#watch.read();
        this.#latest = { version, state };
        return state;
      } finally {
        this.#running = undefined;
        const now = performance.now();
        this.#restsUntilMs = now + Math.min(REST_MOST_MS, REST_TIMES * (now - beganAtMs));
      }
    };
    const state = read();
    this.#running = { version, state };
    return state;
  }

  #raise(): void {
    this.#version += 1;
    clearTimeout(this.#refresh);
    this.#refresh = undefined;
    for (const wake of this.#waiting) wake();
  }

  async #newsAfter(version: number, signal: AbortSignal): Promise<void> {
    if (this.#version !== version || signal.aborted) return;
    this.#refresh ??= setTimeout(() => this.#raise(), REFRESH_MS);
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake);
    await promise;
    signal.removeEventListener('abort', wake);
    this.#waiting.delete(wake);
  }
}
