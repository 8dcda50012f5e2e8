/** What waits to leave by a gateway, in the order in which the engine claims. Pure. */
import { bucketAtRelease, takeTokens, type Bucket, type Capacity } from '#alerts/index.ts';
import type { Channel } from '#operating-model/index.ts';
import type { Planned } from './model.ts';
import { Queue } from './queue.ts';

/** What is ready to leave by a channel; breadth first, as the engine claims. */
export type Ready = {
  readonly message: Planned;
  readonly dueMs: number;
  /** From then on it is not sent any more. */
  readonly expiresAtMs: number;
  readonly order: number;
};

/** What is ready, and the bucket of the provider that takes it. */
export class Line {
  /** Ready and due, by rank. */
  readonly waiting = new Queue<Ready>(
    (a, b) =>
      CHANNEL_ORDER[a.message.channel] - CHANNEL_ORDER[b.message.channel] < 0 ||
      (a.message.channel === b.message.channel &&
        (a.message.rank - b.message.rank || a.dueMs - b.dueMs || a.order - b.order) < 0),
  );
  /** Put off until later. */
  readonly later = new Queue<Ready>((a, b) => a.dueMs - b.dueMs < 0);
  readonly capacity: Capacity;
  bucket: Bucket;
  /** When it is looked at next; infinite: not before something new is ready. */
  wakesAtMs = Infinity;

  constructor(capacity: Capacity, releasedAtMs: number) {
    this.capacity = capacity;
    // What waits before us leaves first.
    const { tokens, atMs } = takeTokens(bucketAtRelease(capacity), capacity, {
      count: capacity.ahead,
      fromMs: 0,
    });
    this.bucket = { tokens, atMs: atMs + releasedAtMs };
  }
}

/** Where texts and mails draw on one bucket, mail waits for the texts. */
const CHANNEL_ORDER: Readonly<Record<Channel, number>> = { text: 0, mail: 1 };

/** Empties it. */
export function drained(queue: Queue<Ready>): Ready[] {
  const all: Ready[] = [];
  for (let one = queue.take(); one; one = queue.take()) all.push(one);
  return all;
}

/** What is ready waits until then, with as much time as it had left. */
export function restUntil(
  ready: Ready,
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
): Ready {
  const { dueMs, expiresAtMs } = ready;
  if (dueMs >= untilMs) return ready;
  const restMs = untilMs - Math.max(dueMs, nowMs);
  return { ...ready, dueMs: untilMs, expiresAtMs: expiresAtMs + restMs };
}
