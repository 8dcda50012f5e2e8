/**
 * What is new, for everybody who looks. News of one board come as a burst of notifications; viewers
 * are told at most four times a second, and each state is read once for all of them.
 */
import type { Database } from '#db/database.ts';
import { listen, type Listener } from '#db/listen.ts';

/** Four times a second is more than an eye follows, and less than a query costs. */
const COALESCE_MS = 250;
/** Without news the clock still moves: “due in 14 min” has to become 13. */
const REFRESH_MS = 30_000;

type Topic = {
  version: number;
  bump: NodeJS.Timeout | undefined;
  viewers: number;
  readonly waiting: Set<() => void>;
  read:
    | { readonly version: number; readonly at: number; readonly state: Promise<unknown> }
    | undefined;
};

export class LiveViews {
  #topics = new Map<string, Topic>();
  #listener: Listener | undefined;

  start({ config }: Database): void {
    this.#listener = listen({
      config,
      channels: ['tocsin_dispatch', 'tocsin_response'],
      onNotify: (_channel, payload) => this.#changed(payload),
      onGap: () => this.#topics.forEach((topic) => this.#bump(topic)),
    });
  }

  async stop(): Promise<void> {
    await this.#listener?.stop();
    for (const topic of this.#topics.values()) clearTimeout(topic.bump);
  }

  /**
   * The state now, and again after each change of any of `keys` (ids that notifications carry; `*`
   * for all). Ends when `signal` aborts.
   */
  async *follow<T>(
    keys: readonly string[],
    read: () => Promise<T>,
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    const name = keys.join(' ');
    const topic = this.#topics.get(name) ?? newTopic();
    this.#topics.set(name, topic);
    topic.viewers += 1;
    // Who comes later has just read the page: what was read before must not overwrite it.
    if (topic.read !== undefined && performance.now() - topic.read.at > COALESCE_MS)
      topic.read = undefined;
    try {
      while (!signal.aborted) {
        const { version } = topic;
        if (topic.read?.version !== version)
          topic.read = { version, at: performance.now(), state: read() };
        yield (await topic.read.state) as T;
        await nextVersion(topic, version, signal);
      }
    } finally {
      topic.viewers -= 1;
      if (topic.viewers === 0) {
        clearTimeout(topic.bump);
        this.#topics.delete(name);
      }
    }
  }

  #changed(payload: string): void {
    for (const [name, topic] of this.#topics)
      if (name === '*' || name.split(' ').includes(payload)) this.#bump(topic);
  }

  #bump(topic: Topic): void {
    topic.bump ??= setTimeout(() => {
      topic.bump = undefined;
      topic.version += 1;
      for (const resolve of topic.waiting) resolve();
    }, COALESCE_MS);
  }
}

function newTopic(): Topic {
  return { version: 0, bump: undefined, viewers: 0, waiting: new Set(), read: undefined };
}

async function nextVersion(topic: Topic, seen: number, signal: AbortSignal): Promise<void> {
  if (topic.version !== seen || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  // The clock alone is a reason to read again: then the state is read anew for the first who asks.
  const refresh = setTimeout(() => {
    if (topic.version === seen) topic.version += 1;
    for (const other of topic.waiting) other();
  }, REFRESH_MS);
  topic.waiting.add(resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(refresh);
  topic.waiting.delete(resolve);
}
