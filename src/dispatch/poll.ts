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
import { parseReference, type ReceiptMeaning } from './model.ts';
import type { ReplyCallback } from './parse.ts';
import { insertReceipts, type NewReceipt } from './store-inbox.ts';
import { claimPoll, finishPoll, type Polled, type ToPoll } from './store-poll.ts';

/** How often, and for how long one worker has the turn. */
export const pollPace = {
  /** At most ten seconds behind while something is live: this, a beat and a request. */
  liveMs: 4_000,
  idleMs: 60_000,
  liveForMs: 86_400_000,
  /** A worker that dies while it asks holds the others up for no longer. */
  leaseMs: 30_000,
} as const;

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
    claimPoll(tx, { ...polled, ...pollPace, owner }),
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

/** Reads the pages as they are wanted, and keeps what is final on them; says where to go on. */
async function pollStatuses(
  gateway: Gateway,
  { olderThan }: ToPoll,
  { database, isStopping, now = Date.now }: PollOptions,
): Promise<string | null> {
  const meaningOf = (status: string) => gateway.meaningOf(status);
  const turn = planStatuses({ olderThan, nowMs: now(), meaningOf });
  let step = turn.next();
  while (step.done !== true) {
    if (step.value.kind === 'keep') {
      const { receipts } = step.value;
      await database.withActor(system(`poll:${gateway.id}`), (tx) =>
        insertReceipts(tx, gateway.id, receipts),
      );
      step = turn.next();
    } else {
      const isOver = isStopping?.() === true;
      step = turn.next(isOver ? undefined : await gateway.list!(step.value.olderThan));
    }
  }
  return step.value;
}

async function pollTexts(
  gateway: Gateway,
  { since }: ToPoll,
  { database, isStopping, seals }: PollOptions,
): Promise<void> {
  const turn = planTexts(since);
  let step = turn.next({});
  while (step.done !== true) {
    if (step.value.kind === 'keep') {
      const { texts } = step.value;
      const news = await database.withActor(system(`poll:${gateway.id}`), (tx) =>
        keepReplies(tx, gateway.id, texts, seals),
      );
      step = turn.next({ news });
    } else {
      const isOver = isStopping?.() === true;
      step = turn.next({
        page: isOver ? undefined : await gateway.listTexts!(step.value.olderThan),
      });
    }
  }
}

/** What a turn comes to next: a page to ask for, or what is final on one. */
export type StatusesStep =
  | { readonly kind: 'ask'; readonly olderThan: string | undefined }
  | { readonly kind: 'keep'; readonly receipts: readonly NewReceipt[] };

export type StatusesTurn = {
  /** Where the last turn stopped. */
  readonly olderThan: string | null;
  readonly nowMs: number;
  readonly meaningOf: (status: string) => ReceiptMeaning | undefined;
};

type Statuses<Result> = Generator<StatusesStep, Result, readonly Listed[] | undefined>;

/**
 * The newest pages of statuses, then some older ones. Takes each page that was asked for, newest
 * first, undefined where it cannot be told; says where to go on, null where it came to the end.
 */
export function* planStatuses(turn: StatusesTurn): Statuses<string | null> {
  const { nowMs, olderThan } = turn;
  const fromMs = nowMs - WINDOW_MS;
  const isAll = (last: Listed | undefined) =>
    last === undefined || last.createdAt.getTime() < fromMs;
  const newest = { olderThan: undefined, most: FRESH_PAGES, fromMs: nowMs - FRESH_MS };
  const fresh = yield* planSome(turn, newest);
  if (isAll(fresh)) return null;
  const older = { olderThan: olderThan ?? fresh!.providerId, most: OLDER_PAGES, fromMs };
  const last = yield* planSome(turn, older);
  return isAll(last) ? null : last!.providerId;
}

/**
 * So many pages of statuses at most, until one that goes back past a time. Returns the last text
 * on them; undefined where nothing is behind it, or cannot be told. A page without news is no end:
 * while a large dispatch leaves, the newest page has nothing final yet.
 */
function* planSome(
  { meaningOf }: StatusesTurn,
  from: { readonly olderThan: string | undefined; readonly most: number; readonly fromMs: number },
): Statuses<Listed | undefined> {
  let { olderThan } = from;
  for (let read = 1; ; read++) {
    const page = yield { kind: 'ask', olderThan };
    if (page === undefined || page.length === 0) return undefined;
    const receipts = page.flatMap(({ providerId, status, reference }) => {
      const meaning = meaningOf(status);
      const isFinal = meaning === 'delivered' || meaning === 'undelivered';
      const isOurs = reference !== null && parseReference(reference) !== undefined;
      return isFinal && isOurs ? [{ providerId, status, reference }] : [];
    });
    if (receipts.length > 0) yield { kind: 'keep', receipts };
    const last = page.at(-1)!;
    if (read === from.most || last.createdAt.getTime() < from.fromMs) return last;
    olderThan = last.providerId;
  }
}

/** What a turn comes to next: a page to ask for, or texts to keep. */
export type TextsStep =
  | { readonly kind: 'ask'; readonly olderThan: string | undefined }
  | { readonly kind: 'keep'; readonly texts: readonly ReplyCallback[] };

/** The page that was asked for, where it can be told; how many of what was kept are new. */
export type TextsTold = {
  readonly page?: readonly ReplyCallback[] | undefined;
  readonly news?: number;
};

/** Pages of received texts, newest first, until one without news; none from before `since`. */
export function* planTexts(since: Date): Generator<TextsStep, void, TextsTold> {
  let olderThan: string | undefined;
  for (let read = 0; read < TEXT_PAGES; read++) {
    const { page = [] } = yield { kind: 'ask', olderThan };
    if (page.length === 0) return;
    const wanted = page.filter(({ dateReceived }) => dateReceived! >= since);
    // The oldest first: what was said first is dealt with first.
    const { news = 0 } = yield { kind: 'keep', texts: wanted.toReversed() };
    // Behind a page without news there is none: texts are listed in the order they came.
    if (news === 0) return;
    olderThan = page.at(-1)!.id;
  }
}
