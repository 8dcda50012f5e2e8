/** `src/dispatch/poll.ts` as steps: what no callback brings is asked for. */
import { pollPace } from '#dispatch/poll.ts';
import type { ReplyCallback } from '#dispatch/parse.ts';
import type { Polled, ToPoll } from '#dispatch/store-poll.ts';
import type { NewReply } from '#dispatch/store-inbox.ts';
import { PAGE_MOST_MS, askPage, type Place } from './lookups.ts';
import type { SimulatedGateway } from './parts.ts';
import type { Base } from './twin/rows.ts';
import {
  ConnectionLost,
  request,
  transact,
  type SILENCE,
  type Steps,
  type TOO_LATE,
} from './world.ts';

/** Asks, where it is due. */
export function* poll(place: Place, what: Polled['what']): Steps<void> {
  const { twin } = place.parts;
  const { id: gatewayId } = place.gateway;
  const polled = { gatewayId, what, owner: place.host.name } as const;
  const due = yield* transact(`takes the turn to poll ${what}`, (base) =>
    twin.claimPoll(base, { ...polled, ...pollPace }),
  );
  if (due === undefined) return;
  let olderThan: string | null = null;
  try {
    if (what === 'texts') yield* readTexts(place, due);
    else olderThan = yield* readStatuses(place, due);
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
  }
  yield* transact(`has polled ${what}`, (base) => twin.finishPoll(base, { ...polled, olderThan }));
}

function* readStatuses(place: Place, { olderThan }: ToPoll): Steps<string | null> {
  const { parts, host, gateway, isStopping } = place;
  const { twin, decisions } = parts;
  const { meaningOf } = decisions;
  const turn = decisions.planStatuses({ olderThan, nowMs: host.clocks.wallMs(), meaningOf });
  let step = turn.next();
  while (step.done !== true) {
    if (step.value.kind === 'keep') {
      const { receipts } = step.value;
      yield* transact(`keeps ${receipts.length} statuses of ${gateway.id}`, (base) =>
        twin.insertReceipts(base, gateway.id, receipts),
      );
      step = turn.next();
    } else
      step = turn.next(isStopping() ? undefined : yield* askPage(gateway, step.value.olderThan));
  }
  return step.value;
}

/** Which text was answered is all that a reply says here. */
function sealedFor(base: Base, texts: readonly ReplyCallback[]): NewReply[] {
  return texts.map(({ id: providerId, sourceNumber, message, dateReceived }) => ({
    id: base.newId(),
    providerId,
    addressIndex: Buffer.from(sourceNumber),
    addressSealed: Buffer.from(sourceNumber),
    contentSealed: Buffer.from(message),
    sentAt: dateReceived,
  }));
}

function* askTexts(
  { id, provider }: SimulatedGateway,
  olderThan: string | undefined,
): Steps<readonly ReplyCallback[] | undefined> {
  const page = yield* request<
    readonly ReplyCallback[] | 'refused' | typeof TOO_LATE | typeof SILENCE
  >({
    label: `reads a page of texts of ${id}`,
    mayStart: () => true,
    mostMs: PAGE_MOST_MS,
    receive: (give) => provider.textsPage(olderThan, give),
  });
  return typeof page === 'string' ? undefined : page;
}

/** What cannot be sealed is kept by a later turn. */
function* readTexts({ parts, gateway, isStopping }: Place, { since }: ToPoll): Steps<void> {
  const { twin, decisions, world } = parts;
  const turn = decisions.planTexts(since);
  let step = turn.next({});
  while (step.done !== true) {
    if (step.value.kind === 'keep') {
      const { texts } = step.value;
      if (world.areKeysAway) return;
      const news = yield* transact(`keeps texts of ${gateway.id}`, (base) => {
        const kept = twin.insertReplies(base, gateway.id, sealedFor(base, texts));
        if (kept > 0) parts.onReplies();
        return kept;
      });
      step = turn.next({ news });
    } else {
      const page = isStopping() ? undefined : yield* askTexts(gateway, step.value.olderThan);
      step = turn.next({ page });
    }
  }
}
