/** Server-Sent Events (HTML standard, section 9.2) over a plain stream. */
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { StreamEvent } from './replies.ts';

/** Proxies drop silent connections after about a minute; so does a phone's network. */
const BEAT_MS = 15_000;
/** Then the browser connects anew and its session is looked at again. */
const LIFE_MS = 10 * 60_000;

export type StreamOptions = {
  readonly source: (signal: AbortSignal) => AsyncIterable<StreamEvent>;
  readonly html: (event: StreamEvent) => string;
  readonly closing: AbortSignal;
  readonly onError: (error: unknown) => void;
};

/** The stream of one visitor. Ends when the visitor leaves, the server closes or `LIFE_MS` is up. */
export function openStream(options: StreamOptions): Readable {
  const out = new PassThrough();
  const gone = new AbortController();
  out.once('close', () => gone.abort());
  const life = AbortSignal.timeout(LIFE_MS);
  const signal = AbortSignal.any([gone.signal, options.closing, life]);
  // An event, not a comment: the page must see the silence of a dead connection (events.js).
  const beat = setInterval(() => out.write(frame('beat', '.')), BEAT_MS);
  const end = () => {
    clearInterval(beat);
    out.end();
  };
  signal.addEventListener('abort', end, { once: true });
  out.write('retry: 3000\n\n');
  void pump(out, signal, options)
    .catch((error: unknown) => {
      if (!signal.aborted) options.onError(error);
    })
    .finally(end);
  return out;
}

async function pump(out: PassThrough, signal: AbortSignal, options: StreamOptions): Promise<void> {
  for await (const event of options.source(signal)) {
    if (signal.aborted) return;
    const room = out.write(frame(event.name, options.html(event)));
    // A slow reader slows its own source; what it missed is in the next whole state.
    if (!room) await once(out, 'drain', { signal });
  }
}

export function frame(name: string, html: string): string {
  const lines = html.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: ${name}\n${lines.join('')}\n`;
}
