/** What people look at just now, and the notifications of the database that change it. */
import type { Database } from '#db/database.ts';
import { listen, type Listener } from '#db/listen.ts';
import { parseNotice } from './notice.ts';
import { Topic, type Watch } from './topic.ts';

/** A page is followed by its stream: what was read for the one is the first news of the other. */
const LINGER_MS = 5_000;

type Used = { readonly topic: Topic; users: number; forget: NodeJS.Timeout | undefined };

export class LiveViews {
  #used = new Map<string, Used>();
  #listener: Listener | undefined;

  start({ config }: Database): void {
    this.#listener = listen({
      config,
      channels: ['tocsin_dispatch', 'tocsin_response', 'tocsin_desk'],
      onNotify: (channel, payload) => {
        if (this.#used.size === 0) return;
        const notice = parseNotice(channel, payload);
        for (const { topic } of this.#used.values())
          if (topic.isAbout(notice.about)) topic.news(notice);
      },
      onGap: () => {
        for (const { topic } of this.#used.values()) topic.news();
      },
    });
  }

  async stop(): Promise<void> {
    await this.#listener?.stop();
    for (const used of this.#used.values()) close(used);
    this.#used.clear();
  }

  /** The state now, shared with whoever asks meanwhile. */
  async read<T>(watch: Watch<T>): Promise<T> {
    const used = this.#take(watch);
    try {
      return (await used.topic.read()) as T;
    } finally {
      this.#leave(watch.name, used);
    }
  }

  /** The state now, and again after each change. Ends when `signal` aborts. */
  async *follow<T>(watch: Watch<T>, signal: AbortSignal): AsyncGenerator<T> {
    const used = this.#take(watch);
    try {
      yield* used.topic.follow(signal) as AsyncGenerator<T>;
    } finally {
      this.#leave(watch.name, used);
    }
  }

  #take<T>(watch: Watch<T>): Used {
    const used = this.#used.get(watch.name) ?? {
      topic: new Topic(watch) as Topic,
      users: 0,
      forget: undefined,
    };
    this.#used.set(watch.name, used);
    clearTimeout(used.forget);
    used.users += 1;
    return used;
  }

  #leave(name: string, used: Used): void {
    used.users -= 1;
    if (used.users > 0) return;
    used.forget = setTimeout(() => {
      close(used);
      this.#used.delete(name);
    }, LINGER_MS).unref();
  }
}

function close({ topic, forget }: Used): void {
  topic.close();
  clearTimeout(forget);
}
