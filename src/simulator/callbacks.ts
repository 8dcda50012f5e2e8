import { Agent, request } from 'undici';
import type { Schedule } from './schedule.ts';
import type { CallbackUrls } from './settings.ts';

export type CallbackKind = keyof CallbackUrls;

/**
 * How a callback ended: taken; refused for good; given up after the last try; or nobody to tell.
 */
export type CallbackOutcome = 'delivered' | 'dropped' | 'lost' | 'unset';

export type CallbackEnd = { readonly outcome: CallbackOutcome; readonly attempts: number };

type Job = {
  readonly url: string;
  readonly payload: () => object;
  readonly done: (end: CallbackEnd) => void;
  attempts: number;
};

type Options = {
  readonly urls: CallbackUrls;
  readonly token: string;
  readonly retryMs: number;
  readonly timeoutMs: number;
};

/** One try and five more, as the live service. */
const MAX_ATTEMPTS = 6;
/** Requests under way at once; the live service has four workers of four. */
const CONCURRENCY = 32;

/** Delivers receipts and texts to the service, with the live service's rules for trying again. */
export class CallbackSender {
  readonly #schedule: Schedule;
  readonly #agent = new Agent({ connections: CONCURRENCY, pipelining: 1 });
  #options: Options;
  #queue: Job[] = [];
  #head = 0;
  #active = 0;
  #waitingToRetry = 0;
  #isClosed = false;

  constructor(options: Options, schedule: Schedule) {
    this.#options = options;
    this.#schedule = schedule;
  }

  /** Changes where and how callbacks go; retries already waiting keep their address. */
  configure(options: Partial<Options>): void {
    this.#options = { ...this.#options, ...options };
  }

  get options(): Options {
    return this.#options;
  }

  hasUrl(kind: CallbackKind): boolean {
    return this.#options.urls[kind] !== undefined;
  }

  /** Not yet sent, or under way; a callback that waits for its next try is not counted. */
  get pending(): number {
    return this.#queue.length - this.#head + this.#active;
  }

  get waitingToRetry(): number {
    return this.#waitingToRetry;
  }

  /** Queues a callback; `payload` is called when it is sent, so that a long queue stays small. */
  send(kind: CallbackKind, payload: () => object): Promise<CallbackEnd> {
    const url = this.#options.urls[kind];
    if (url === undefined) return Promise.resolve({ outcome: 'unset', attempts: 0 });
    return new Promise((done) => {
      this.#queue.push({ url, payload, done, attempts: 0 });
      this.#pump();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#queue = [];
    this.#head = 0;
    await this.#agent.destroy();
  }

  #pump(): void {
    while (this.#active < CONCURRENCY && this.#head < this.#queue.length) {
      const job = this.#queue[this.#head]!;
      this.#head += 1;
      if (this.#head > 1_000 && this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      this.#active += 1;
      void this.#attempt(job);
    }
  }

  async #attempt(job: Job): Promise<void> {
    job.attempts += 1;
    const status = await this.#post(job);
    this.#active -= 1;
    if (this.#isClosed) return;
    if (status !== null && status < 400) {
      job.done({ outcome: 'delivered', attempts: job.attempts });
    } else if (status !== null && status < 500 && status !== 429) {
      job.done({ outcome: 'dropped', attempts: job.attempts });
    } else if (job.attempts >= MAX_ATTEMPTS) {
      job.done({ outcome: 'lost', attempts: job.attempts });
    } else {
      this.#retryLater(job);
    }
    this.#pump();
  }

  #retryLater(job: Job): void {
    this.#waitingToRetry += 1;
    this.#schedule.after(this.#options.retryMs, () => {
      this.#waitingToRetry -= 1;
      this.#queue.push(job);
      this.#pump();
    });
  }

  /** The answer's status, or null when there was none in time. */
  async #post(job: Job): Promise<number | null> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), this.#options.timeoutMs);
    try {
      const response = await request(job.url, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: abort.signal,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${this.#options.token}`,
        },
        body: JSON.stringify(job.payload()),
      });
      await response.body.dump();
      return response.statusCode;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}
