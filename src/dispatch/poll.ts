/**
 * Sites that nothing can call: the engine asks the provider for statuses and received texts, and
 * brings them into the same inboxes as callbacks do.
 */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import type { Gateway } from './gateways/gateway.ts';
import { keepReplies, type InboxSeals } from './inbox.ts';
import type { Listed } from './listing.ts';
import { parseReference } from './model.ts';
import type { ReplyCallback } from './parse.ts';
import { insertReceipts } from './store-inbox.ts';
import { claimPoll, finishPoll, type Polled, type ToPoll } from './store-poll.ts';

/** At most ten seconds behind while something is live: this, a beat and a request. */
const LIVE_MS = 4_000;
const IDLE_MS = 60_000;
const LIVE_FOR_MS = 86_400_000;
/** A worker that dies while it asks holds the others up for no longer. */
const LEASE_MS = 30_000;
/** Later statuses are found by the look-ups of accepted messages (2, 5, 10 minutes …). */
const WINDOW_MS = 600_000;
/**
 * Most receipts come within a minute of their text, so each turn begins with the newest pages, of
 * 250 texts each: at Notify's pace twelve are a minute. Then it goes on from where the last turn
 * stopped: 120 pages, which is all of the window, are seen within fifteen turns. More in one turn
 * outlive the lease where a page takes a second, and another worker would read them too.
 */
const FRESH_MS = 60_000;
const FRESH_PAGES = 12;
const OLDER_PAGES = 8;
/** 10,000 texts at once. */
const TEXT_PAGES = 40;

export type PollOptions = {
  readonly database: Database;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly seals: InboxSeals;
  readonly log: Log;
  /** Who asks: the lease is theirs. */
  readonly owner: string;
  readonly now?: () => number;
  readonly isStopping?: () => boolean;
};

/** What there is to ask. Each in a loop of its own: a list that hangs holds up no other. */
export function listPolled(gateways: ReadonlyMap<string, Gateway>): Polled[] {
  return [...gateways.values()].flatMap((gateway): Polled[] => [
    ...(gateway.list === undefined ? [] : [{ gatewayId: gateway.id, what: 'statuses' } as const]),
    ...(gateway.listTexts === undefined ? [] : [{ gatewayId: gateway.id, what: 'texts' } as const]),
  ]);
}

/** Asks, where it is due to be asked. */
export async function poll(polled: Polled, options: PollOptions): Promise<void> {
  const { database, gateways, log, owner } = options;
  const due = await database.withActor(system('dispatch'), (tx) =>
    claimPoll(tx, {
      ...polled,
      owner,
      leaseMs: LEASE_MS,
      liveMs: LIVE_MS,
      idleMs: IDLE_MS,
      liveForMs: LIVE_FOR_MS,
    }),
  );
  if (due === undefined) return;
  const gateway = gateways.get(polled.gatewayId)!;
  let olderThan: string | null = null;
  try {
    if (polled.what === 'texts') await pollTexts(gateway, due, options);
    else olderThan = await pollStatuses(gateway, due, options);
  } catch (error) {
    log.error('dispatch.poll_failed', { gateway: gateway.id, error });
  }
  await database.withActor(system('dispatch'), (tx) =>
    finishPoll(tx, { ...polled, owner, olderThan }),
  );
}

/**
 * The newest pages of statuses, then some older ones; says where to go on, null where it came to
 * the end.
 */
async function pollStatuses(
  gateway: Gateway,
  { olderThan }: ToPoll,
  options: PollOptions,
): Promise<string | null> {
  const now = (options.now ?? Date.now)();
  const fromMs = now - WINDOW_MS;
  const isAll = (last: Listed | undefined) =>
    last === undefined || last.createdAt.getTime() < fromMs;
  const newest = { olderThan: null, most: FRESH_PAGES, fromMs: now - FRESH_MS };
  const fresh = await readStatuses(gateway, newest, options);
  if (isAll(fresh)) return null;
  const older = { olderThan: olderThan ?? fresh!.providerId, most: OLDER_PAGES, fromMs };
  const last = await readStatuses(gateway, older, options);
  return isAll(last) ? null : last!.providerId;
}

/**
 * So many pages of statuses at most, until one that goes back past a time. Returns the last text
 * on them; undefined where nothing is behind it, or cannot be told. A page without news is no end:
 * while a large dispatch leaves, the newest page has nothing final yet.
 */
async function readStatuses(
  gateway: Gateway,
  from: { readonly olderThan: string | null; readonly most: number; readonly fromMs: number },
  options: PollOptions,
): Promise<Listed | undefined> {
  const ask = (before?: string) => gateway.list!(before);
  let read = 0;
  for await (const page of pagesOf(ask, { ...from, idOf: (one) => one.providerId }, options)) {
    const final = page.flatMap(({ providerId, status, reference }) => {
      const meaning = gateway.meaningOf(status);
      const isFinal = meaning === 'delivered' || meaning === 'undelivered';
      const isOurs = reference !== null && parseReference(reference) !== undefined;
      return isFinal && isOurs ? [{ providerId, status, reference }] : [];
    });
    if (final.length > 0)
      await options.database.withActor(system(`poll:${gateway.id}`), (tx) =>
        insertReceipts(tx, gateway.id, final),
      );
    read += 1;
    const last = page.at(-1)!;
    if (read === from.most || last.createdAt.getTime() < from.fromMs) return last;
  }
  return undefined;
}

async function pollTexts(gateway: Gateway, { since }: ToPoll, options: PollOptions): Promise<void> {
  const ask = (olderThan?: string) => gateway.listTexts!(olderThan);
  const at = { idOf: (text: ReplyCallback) => text.id, olderThan: null, most: TEXT_PAGES };
  for await (const page of pagesOf(ask, at, options)) {
    const wanted = page.filter(({ dateReceived }) => dateReceived! >= since);
    // The oldest first: what was said first is dealt with first.
    const news = await options.database.withActor(system(`poll:${gateway.id}`), (tx) =>
      keepReplies(tx, gateway.id, wanted.toReversed(), options.seals),
    );
    // Behind a page without news there is none: texts are listed in the order they came.
    if (news === 0) return;
  }
}

/** So many pages at most, newest first, until an empty one, or one that cannot be told. */
async function* pagesOf<T>(
  ask: (olderThan?: string) => Promise<readonly T[] | undefined>,
  at: {
    readonly idOf: (item: T) => string;
    readonly olderThan: string | null;
    readonly most: number;
  },
  { isStopping }: PollOptions,
): AsyncGenerator<readonly T[]> {
  let olderThan = at.olderThan ?? undefined;
  for (let i = 0; i < at.most; i++) {
    if (isStopping?.() === true) return;
    const page = await ask(olderThan);
    if (page === undefined || page.length === 0) return;
    yield page;
    olderThan = at.idOf(page.at(-1)!);
  }
}
