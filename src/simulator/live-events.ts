import type { ServerResponse } from 'node:http';

/** Between two events to a page: a burst of a thousand texts is one redraw. */
const QUIET_MS = 250;

const BACKLOG_LIMIT_BYTES = 256 * 1024;

/** Tells open pages, by server-sent events, which handsets or mails changed. */
export class LiveEvents {
  readonly #pages = new Set<ServerResponse>();
  #changed = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  /** `topic` is a number, or `mail`. Costs nothing while no page is open. */
  announce(topic: string): void {
    if (this.#pages.size === 0) return;
    this.#changed.add(topic);
    this.#timer ??= setTimeout(() => this.#send(), QUIET_MS);
  }

  /** Keeps the answer open as a stream of events. */
  open(response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
    this.#pages.add(response);
    response.on('close', () => this.#pages.delete(response));
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const page of this.#pages) page.end();
    this.#pages.clear();
  }

  #send(): void {
    this.#timer = null;
    // A page shows sixty handsets; the names of more would be noise.
    const data = JSON.stringify([...this.#changed].slice(0, 500));
    this.#changed = new Set();
    for (const page of this.#pages) {
      // A page that reads no more would otherwise pile events up here for ever.
      if (page.writableLength > BACKLOG_LIMIT_BYTES) page.destroy();
      else page.write(`event: changed\ndata: ${data}\n\n`);
    }
  }
}
