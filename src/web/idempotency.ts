/**
 * `Idempotency-Key` on API posts: a client that lost the answer asks again and gets the first
 * answer, not a second act. Kept for 24 hours by key, actor and route.
 */
import { createHash } from 'node:crypto';
import { refused, type Refused } from '#kernel/outcome.ts';
import type { Actor } from '#kernel/actor.ts';

export type StoredAnswer = { readonly status: number; readonly body: string };

export type IdempotencyEntry = {
  readonly key: string;
  readonly actor: Actor;
  /** Method and path, such as `POST /api/v1/alerts`. */
  readonly route: string;
  /** SHA-256 of the body, hexadecimal. */
  readonly bodyHash: string;
  readonly now: Date;
};

export type IdempotencyState =
  | { readonly state: 'new' }
  | { readonly state: 'answered'; readonly answer: StoredAnswer }
  /** The first request is running, or broke off with an unknown outcome. */
  | { readonly state: 'unfinished' }
  | { readonly state: 'other-body' };

export type IdempotencyStore = {
  /** Claims the key, or says what became of the first request with it. */
  claim(entry: IdempotencyEntry): Promise<IdempotencyState>;
  keep(entry: IdempotencyEntry, answer: StoredAnswer): Promise<void>;
  /** Frees the key where the request was refused before it did anything. */
  release(entry: IdempotencyEntry): Promise<void>;
};

const KEY = /^[\x21-\x7e]{8,200}$/;

export function parseIdempotencyKey(header: string): string | undefined {
  const key = header.replace(/^"(.*)"$/, '$1');
  return KEY.test(key) ? key : undefined;
}

export function idempotencyEntry(
  key: string,
  request: { actor: Actor; method: string; path: string; rawBody: string; now: Date },
): IdempotencyEntry {
  return {
    key,
    actor: request.actor,
    route: `${request.method} ${request.path}`,
    bodyHash: createHash('sha256').update(request.rawBody).digest('hex'),
    now: request.now,
  };
}

export const badKey: Refused = refused('invalid', 'The request was not understood.', {
  'Idempotency-Key': 'Use 8 to 200 printable characters without spaces, such as a UUID.',
});

export const otherBody: Refused = refused(
  'invalid',
  'This Idempotency-Key was used with another body in the last 24 hours. Use a new key.',
  { 'Idempotency-Key': 'Already used with another body.' },
);

export const unfinished: Refused = refused(
  'conflict',
  'The first request with this Idempotency-Key is still running or broke off. ' +
    'Look whether it was done before you use a new key.',
);
