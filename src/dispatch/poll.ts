/**
 * Sites that nothing can call: the engine asks the provider for statuses and received texts, and
 * brings them into the same inboxes as callbacks do.
 */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import type { Gateway } from './gateways/gateway.ts';
import { keepNewReply, type InboxSeals } from './inbox.ts';
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
 * Of 250 each. More in one turn outlive the lease where a page takes a second, and another worker
 * would read them too; what is behind them is read at the next beat.
 */
const STATUS_PAGES = 10;
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
 * Some pages of statuses; says where to go on, null where it came to the end. A page without news
 * is no end: while a large dispatch leaves, the newest page has nothing final yet.
 */
async function pollStatuses(
  gateway: Gateway,
  { olderThan }: ToPoll,
  options: PollOptions,
): Promise<string | null> {
  const from = (options.now ?? Date.now)() - WINDOW_MS;
  const ask = (before?: string) => gateway.list!(before);
  const at = { idOf: (one: Listed) => one.providerId, olderThan, most: STATUS_PAGES };
  let read = 0;
  for await (const page of pagesOf(ask, at, options)) {
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
    if (last.createdAt.getTime() < from) return null;
    if (read === STATUS_PAGES) return last.providerId;
  }
  return null;
}

async function pollTexts(gateway: Gateway, { since }: ToPoll, options: PollOptions): Promise<void> {
  const ask = (olderThan?: string) => gateway.listTexts!(olderThan);
  const at = { idOf: (text: ReplyCallback) => text.id, olderThan: null, most: TEXT_PAGES };
  for await (const page of pagesOf(ask, at, options)) {
    const wanted = page.filter(({ dateReceived }) => dateReceived! >= since);
    let isNews = false;
    await options.database.withActor(system(`poll:${gateway.id}`), async (tx) => {
      // The oldest first: what was said first is dealt with first.
      for (const reply of wanted.toReversed())
        isNews = (await keepNewReply(tx, gateway.id, reply, options.seals)) || isNews;
    });
    // Behind a page without news there is none: texts are listed in the order they came.
    if (!isNews) return;
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
