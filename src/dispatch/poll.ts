/**
 * Sites that nothing can call: the engine asks the provider for statuses and received texts, and
 * brings them into the same inboxes as callbacks do.
 */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import type { Gateway } from './gateways/gateway.ts';
import { keepNewReply, type InboxSeals } from './inbox.ts';
import { parseReference } from './model.ts';
import { insertReceipts } from './store-inbox.ts';
import { claimPolls, finishPoll, type ToPoll } from './store-poll.ts';

/** At most ten seconds behind while something is live: this, a beat and a request. */
const LIVE_MS = 4_000;
const IDLE_MS = 60_000;
const LIVE_FOR_MS = 86_400_000;
/** A worker that dies while it asks holds the others up for no longer. */
const LEASE_MS = 30_000;
/** Later statuses are found by the look-ups of accepted messages (2, 5, 10 minutes …). */
const WINDOW_MS = 600_000;
/** Of 250 each: 10,000 messages. What is beyond is left to the look-ups too. */
const PAGES_MAX = 40;

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

/** Asks what is due to be asked. */
export async function poll(options: PollOptions): Promise<void> {
  const { database, gateways, owner } = options;
  const askable = [...gateways.values()].filter((gateway) => gateway.list !== undefined);
  const gatewayIds = askable.map(({ id }) => id);
  if (gatewayIds.length === 0) return;
  const due = await database.withActor(system('dispatch'), (tx) =>
    claimPolls(tx, {
      gatewayIds,
      owner,
      leaseMs: LEASE_MS,
      liveMs: LIVE_MS,
      idleMs: IDLE_MS,
      liveForMs: LIVE_FOR_MS,
    }),
  );
  await Promise.all(due.map((wanted) => pollOne(wanted, options)));
}

async function pollOne(wanted: ToPoll, options: PollOptions): Promise<void> {
  const { database, gateways, log, owner } = options;
  const { gatewayId, what } = wanted;
  const gateway = gateways.get(gatewayId)!;
  try {
    await (what === 'texts' ? pollTexts : pollStatuses)(gateway, wanted, options);
  } catch (error) {
    log.error('dispatch.poll_failed', { gateway: gatewayId, error });
  }
  await database.withActor(system('dispatch'), (tx) => finishPoll(tx, { gatewayId, what, owner }));
}

async function pollStatuses(
  gateway: Gateway,
  _wanted: ToPoll,
  options: PollOptions,
): Promise<void> {
  const from = (options.now ?? Date.now)() - WINDOW_MS;
  for await (const page of pagesOf((olderThan) => gateway.list!(olderThan), idOfListed, options)) {
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
    if (page.at(-1)!.createdAt.getTime() < from) return;
  }
}

async function pollTexts(gateway: Gateway, { since }: ToPoll, options: PollOptions): Promise<void> {
  const ask = (olderThan?: string) => gateway.listTexts!(olderThan);
  for await (const page of pagesOf(ask, ({ id }) => id, options)) {
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

const idOfListed = ({ providerId }: { readonly providerId: string }) => providerId;

/** Page after page, newest first, until an empty one, or one that cannot be told. */
async function* pagesOf<T>(
  ask: (olderThan?: string) => Promise<readonly T[] | undefined>,
  idOf: (item: T) => string,
  { isStopping }: PollOptions,
): AsyncGenerator<readonly T[]> {
  let olderThan: string | undefined;
  for (let i = 0; i < PAGES_MAX; i++) {
    if (isStopping?.() === true) return;
    const page = await ask(olderThan);
    if (page === undefined || page.length === 0) return;
    yield page;
    olderThan = idOf(page.at(-1)!);
  }
}
