/** Server-Sent Events (HTML standard, section 9.2) over a plain stream. */
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { EventGzip, plainEvents } from './event-gzip.ts';
import type { StreamEvent } from './replies.ts';

/** Proxies drop silent connections after about a minute; so does a phone's network. */
export const BEAT_MS = 15_000;
/** Then the browser connects anew: what a proxy or a pool has lost does not stay so for long. */
const LIFE_MS = 10 * 60_000;
const RETRY = Buffer.from('retry: 3000\n\n');
const BEAT = Buffer.from(frame('beat', '.'));

export type StreamOptions = {
  readonly source: (signal: AbortSignal) => AsyncIterable<StreamEvent>;
  /** The bytes of an event; the same for everybody who follows the same thing. */
  readonly draw: (event: StreamEvent) => Uint8Array;
  readonly closing: AbortSignal;
  readonly gzip?: boolean;
  /** Whether the visitor may still see this: asked at each beat, and before news after a pause. */
  readonly isWelcome: () => Promise<boolean>;
  readonly beatMs?: number;
  readonly onError: (error: unknown) => void;
};

/**
 * The stream of one visitor. Ends when the visitor leaves or may not see it any more, when the
 * server closes, or when `LIFE_MS` is up.
 */
export function openStream(options: StreamOptions): Readable {
  const out = new PassThrough();
  const coding = options.gzip === true ? new EventGzip() : plainEvents;
  // One signal, not `AbortSignal.any`: that asks all it is made of each time it is looked at.
  const gone = new AbortController();
  const { signal } = gone;
  const leave = () => gone.abort();
  out.once('close', leave);
  options.closing.addEventListener('abort', leave, { once: true });
  const life = setTimeout(leave, LIFE_MS).unref();
  const beatMs = options.beatMs ?? BEAT_MS;
  const fail = (error: unknown) => {
    if (!signal.aborted) options.onError(error);
  };
  let askedAtMs = performance.now();
  const mayGoOn = async () => {
    const welcome = await options.isWelcome();
    askedAtMs = performance.now();
    if (!welcome) gone.abort();
    return welcome && !signal.aborted;
  };
  const isFresh = () => performance.now() - askedAtMs < beatMs;
  // An event, not a comment: the page must see the silence of a dead connection (events.js).
  const tick = async () => {
    if (await mayGoOn()) out.write(coding.part(BEAT));
  };
  const beat = setInterval(() => {
    void tick().catch((error: unknown) => {
      // Not knowing is not a yes: the browser comes back and asks at the door.
      fail(error);
      gone.abort();
    });
  }, beatMs);
  const end = () => {
    clearInterval(beat);
    clearTimeout(life);
    options.closing.removeEventListener('abort', leave);
    out.end(coding.end());
  };
  signal.addEventListener('abort', end, { once: true });
  if (options.closing.aborted) leave();
  out.write(coding.head);
  out.write(coding.part(RETRY));
  const isOpen = async () => !signal.aborted && (isFresh() || (await mayGoOn()));
  const draw = (event: StreamEvent) => coding.part(options.draw(event));
  void pump(out, { source: options.source, draw, signal, isOpen })
    .catch(fail)
    .finally(() => gone.abort());
  return out;
}

type Pump = Pick<StreamOptions, 'source' | 'draw'> & {
  readonly signal: AbortSignal;
  readonly isOpen: () => Promise<boolean>;
};

async function pump(out: PassThrough, { source, draw, signal, isOpen }: Pump): Promise<void> {
  for await (const event of source(signal)) {
    if (!(await isOpen())) return;
    const room = out.write(draw(event));
    // A slow reader slows its own source; what it missed is in the next whole state.
    if (!room) await once(out, 'drain', { signal });
  }
}

export function frame(name: string, html: string): string {
  const lines = html.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: ${name}\n${lines.join('')}\n`;
}
