/** What messages of a severity find at the gateways now: what may leave, and what waits before. */
import type { Tx } from '#db/database.ts';
import type { OperatingModel, Severity } from '#operating-model/index.ts';
import type { Capacity } from './forecast.ts';
import { countAhead, listBuckets, type BucketNow } from './store-dry-run.ts';
import type { Channel } from './texts.ts';

/** Lanes below these keep off the share of each bucket that is for what is urgent. */
const ROUTINE_LANE = 3;

/** What texts of this severity find now; undefined where no gateway takes any. */
export async function capacityFor(
  tx: Tx,
  { lane }: Severity,
  { sending }: OperatingModel,
): Promise<Capacity | undefined> {
  return await capacityOf(tx, 'text', { lane, urgentReserveShare: sending.urgentReserveShare });
}

async function capacityOf(
  tx: Tx,
  channel: Channel,
  { lane, urgentReserveShare }: { readonly lane: number; readonly urgentReserveShare: number },
): Promise<Capacity | undefined> {
  const buckets = await listBuckets(tx, channel);
  if (buckets.length === 0) return undefined;
  const reserve = lane >= ROUTINE_LANE ? urgentReserveShare : 0;
  return addedUp(buckets, { reserve, ahead: await countAhead(tx, { channel, lane }) });
}

/** What messages of a severity find now by each channel; undefined where no gateway takes them. */
export type Lines = {
  readonly text: Capacity | undefined;
  readonly mail: Capacity | undefined;
  /** Both draw on the same buckets: mail waits for texts. */
  readonly isShared: boolean;
};

export async function linesFor(
  tx: Tx,
  { lane }: Severity,
  { sending: { urgentReserveShare } }: OperatingModel,
): Promise<Lines> {
  const rules = { lane, urgentReserveShare };
  const ids = (buckets: readonly BucketNow[]) => buckets.map(({ bucketId }) => bucketId).toSorted();
  const texts = ids(await listBuckets(tx, 'text'));
  const mails = ids(await listBuckets(tx, 'mail'));
  return {
    text: await capacityOf(tx, 'text', rules),
    mail: await capacityOf(tx, 'mail', rules),
    isShared: mails.length > 0 && texts.join() === mails.join(),
  };
}

/** Those that are paused count only where all of them are: the others take the texts meanwhile. */
function addedUp(
  buckets: readonly BucketNow[],
  { reserve, ahead }: { reserve: number; ahead: number },
): Capacity {
  const open = buckets.filter(({ pausedForMs }) => pausedForMs <= 0);
  const used = open.length > 0 ? open : buckets;
  const sum = (of: (bucket: BucketNow) => number) => used.reduce((all, one) => all + of(one), 0);
  // As `dispatch.reserve_of` has it: one token is for everybody.
  const kept = ({ burst }: BucketNow) => Math.min(burst * reserve, burst - 1);
  return {
    ratePerSecond: sum((one) => one.ratePerSecond),
    burst: sum((one) => one.burst - kept(one)),
    tokens: sum((one) => one.tokens - kept(one)),
    pausedForMs: Math.max(0, Math.min(...used.map(({ pausedForMs }) => pausedForMs))),
    ahead,
  };
}
