/**
 * LISTEN that heals itself. What was notified while the connection was away is lost, so `onGap` is
 * called on every (re)connect, the first included: read the state again then.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, escapeIdentifier, type ClientConfig } from 'pg';

export type ListenOptions = {
  /** A direct connection: LISTEN does not work through a pooler in transaction mode. */
  readonly config: ClientConfig;
  readonly channels: readonly string[];
  onNotify(channel: string, payload: string): void;
  onGap(): void;
  /** Told why a connection was lost or refused; it is tried again by itself. */
  readonly onError?: (error: Error) => void;
};

export type Listener = {
  /** Settles when the channels are listened to for the first time. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
};

const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 5000;
/** A connection cut on the way says nothing: ask from time to time. */
const BEAT_INTERVAL_MS = 15_000;
const BEAT_TIMEOUT_MS = 5000;

export function listen(options: ListenOptions): Listener {
  const stopping = new AbortController();
  const ready = Promise.withResolvers<void>();
  const done = keepListening(options, stopping.signal, ready.resolve);
  return {
    ready: ready.promise,
    async stop() {
      stopping.abort();
      await done;
      // Nobody may be left waiting for a server that never came.
      ready.resolve();
    },
  };
}

async function keepListening(
  options: ListenOptions,
  stopping: AbortSignal,
  onReady: () => void,
): Promise<void> {
  let pauseMs = PAUSE_FIRST_MS;
  while (!stopping.aborted) {
    try {
      await listenOnce(options, stopping, () => {
        pauseMs = PAUSE_FIRST_MS;
        onReady();
      });
    } catch (error) {
      options.onError?.(error as Error);
    }
    // Many processes lose the same server at the same time: not all in the same moment.
    const wait = pauseMs * (0.5 + Math.random());
    pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
    await delay(wait, undefined, { signal: stopping }).catch(() => {});
  }
}

/** Listens until the connection is lost (throws) or `stopping` (returns). */
async function listenOnce(
  options: ListenOptions,
  stopping: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const client = new Client({ connectionTimeoutMillis: 5000, ...options.config, keepAlive: true });
  let reason = new Error('the connection for LISTEN was closed');
  const lost = Promise.withResolvers<void>();
  client.on('error', (error) => {
    reason = error;
    lost.resolve();
  });
  client.on('end', () => lost.resolve());
  stopping.addEventListener('abort', () => lost.resolve(), { once: true });
  let beat: NodeJS.Timeout | undefined;
  try {
    await client.connect();
    client.on('notification', ({ channel, payload }) => options.onNotify(channel, payload ?? ''));
    for (const channel of options.channels)
      await client.query(`listen ${escapeIdentifier(channel)}`);
    if (stopping.aborted) return;
    onListening();
    options.onGap();
    beat = setInterval(() => {
      const question = { text: 'select 1', query_timeout: BEAT_TIMEOUT_MS };
      client.query(question).catch((error: Error) => {
        reason = error;
        lost.resolve();
      });
    }, BEAT_INTERVAL_MS);
    await lost.promise;
    if (!stopping.aborted) throw reason;
  } finally {
    clearInterval(beat);
    await closeWithin(client, 1000);
  }
}

/** A polite end waits for the server's answer, which a frozen one never gives. */
async function closeWithin(client: Client, timeoutMs: number): Promise<void> {
  const late = new AbortController();
  const timer = delay(timeoutMs, undefined, { signal: late.signal }).catch(() => {});
  await Promise.race([client.end().catch(() => {}), timer]);
  late.abort();
}
