/** One thing that people look at: read for all of them at once, and anew when there is news of it. */
import type { Notice } from './notice.ts';

/** News comes in bursts; four times a second is more than an eye follows. */
const GATHER_MS = 250;
/**
 * After a reading, news waits for so many times as long as it took: a board takes no more than a
 * seventh of one core from the messages that it counts, however many organisations there are.
 */
const REST_TIMES = 6;
const REST_MOST_MS = 10_000;
/**
 * What goes on from the last state costs what a thousand streams take to write, so it comes about
 * twice a second: all is on every screen within a second.
 */
const ADVANCE_REST_MS = 500;
/**
 * All is read anew so often, whatever came: without news the clock still moves (“due in 14 min”
 * has to become 13), and nothing that nobody told of stays away for longer.
 */
const REFRESH_MS = 30_000;

/** Something that can be looked at: how it is read, and whose notifications change it. */
export type Watch<T> = {
  readonly name: string;
  /** `isFollowed`: somebody stays, so what `advance` needs is worth its reading. */
  readonly read: (isFollowed: boolean) => Promise<T>;
  /** Ids that notifications carry; `*` for all. */
  readonly keys: (state: T) => readonly string[];
  /**
   * The next state by what these notices say, some of which the last one may have in it already;
   * undefined where all has to be read. Where absent it always has.
   */
  readonly advance?: (state: T, notices: readonly Notice[]) => Promise<T | undefined>;
};

type Follower = { wake: () => void };

export class Topic<T = unknown> {
  readonly #watch: Watch<T>;
  /** Raised by news: a state is of the version in which its reading began. */
  #version = 0;
  #running: { readonly version: number; readonly state: Promise<T> } | undefined;
  #next: Promise<T> | undefined;
  #latest: { readonly version: number; readonly state: T } | undefined;
  /** What came since the last whole reading began, and no state has in it yet. */
  #heard: Notice[] = [];
  /** Something came since then that only a whole reading shows. */
  #isStale = false;
  #restsUntilMs = 0;
  #advancesAtMs = 0;
  #gathering: { readonly timer: NodeJS.Timeout; readonly endsAtMs: number } | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #followers = 0;
  readonly #waiting = new Set<Follower>();

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
    this.#followers += 1;
    const follower = { wake: () => {} };
    const wake = () => follower.wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const version = this.#version;
        if (this.#latest?.version !== version)
          await (this.#running?.version === version ? this.#running.state : this.read());
        const { version: shown, state } = this.#latest!;
        yield state;
        if (this.#version === shown && !signal.aborted) await this.#newsFor(follower);
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#followers -= 1;
    }
  }

  /** Whether a notification about this may have changed it. */
  isAbout(about: string): boolean {
    if (this.#latest === undefined) return true;
    const keys = this.#watch.keys(this.#latest.state);
    return keys.includes('*') || keys.includes(about);
  }

  /** Tells whoever follows, once the burst is over and the last reading was long enough ago. */
  news(notice: Notice = { about: '' }): void {
    if (notice.news === undefined || this.#watch.advance === undefined) this.#isStale = true;
    else this.#heard.push(notice);
    this.#gather();
  }

  close(): void {
    clearTimeout(this.#gathering?.timer);
    clearTimeout(this.#refresh);
  }

  #gather(): void {
    const now = performance.now();
    const rests = this.#heard.length > 0 ? this.#advancesAtMs : this.#restsUntilMs;
    const endsAtMs = Math.max(now + GATHER_MS, rests);
    if (this.#gathering !== undefined && this.#gathering.endsAtMs <= endsAtMs) return;
    clearTimeout(this.#gathering?.timer);
    this.#gathering = { timer: setTimeout(() => this.#tell(), endsAtMs - now), endsAtMs };
  }

  #tell(): void {
    this.#gathering = undefined;
    const isRested = performance.now() >= this.#restsUntilMs;
    const advances =
      this.#heard.length > 0 && this.#latest !== undefined && !(this.#isStale && isRested);
    if (this.isReading || (!advances && !isRested)) return this.#gather();
    if (!advances || this.#waiting.size === 0) return this.#raise();
    this.#advance(this.#latest!.state);
    if (this.#isStale) this.#gather();
  }

  #begin(): Promise<T> {
    this.#next = undefined;
    this.#heard = [];
    this.#isStale = false;
    clearTimeout(this.#refresh);
    this.#refresh = undefined;
    const beganAtMs = performance.now();
    return this.#run(async () => {
      try {
        return await this.#watch.read(this.#followers > 0);
      } finally {
        const now = performance.now();
        this.#restsUntilMs = now + Math.min(REST_MOST_MS, REST_TIMES * (now - beganAtMs));
      }
    });
  }

  /** Everybody gets what follows from the last state and what was heard since. */
  #advance(state: T): void {
    const heard = this.#heard;
    this.#heard = [];
    this.#version += 1;
    this.#advancesAtMs = performance.now() + ADVANCE_REST_MS;
    const next = this.#run(async () => {
      const advanced = await this.#watch.advance?.(state, heard);
      return advanced ?? (await this.#watch.read(true));
    });
    // Whoever follows gets the error; where nobody does any more, nobody misses it.
    next.catch(() => {});
    this.#wake();
  }

  #run(work: () => Promise<T>): Promise<T> {
    const version = this.#version;
    const run = async () => {
      try {
        const state = await work();
        this.#latest = { version, state };
        return state;
      } catch (error) {
        // What was heard of the last state is gone: nothing goes on from it.
        this.#latest = undefined;
        throw error;
      } finally {
        this.#running = undefined;
      }
    };
    const state = run();
    this.#running = { version, state };
    return state;
  }

  #raise(): void {
    this.#version += 1;
    clearTimeout(this.#refresh);
    this.#refresh = undefined;
    this.#wake();
  }

  #wake(): void {
    for (const { wake } of this.#waiting) wake();
  }

  async #newsFor(follower: Follower): Promise<void> {
    this.#refresh ??= setTimeout(() => this.#raise(), REFRESH_MS);
    this.#waiting.add(follower);
    await new Promise<void>((resolve) => {
      follower.wake = resolve;
    });
    this.#waiting.delete(follower);
  }
}
