/** By which ways messages go: each gateway of each channel, when last proven, how far it is. Pure. */
import type { ChannelTally, PathTally } from './model.ts';
import type { GatewayRow } from './store.ts';

export type GatewayView = {
  readonly gateway: GatewayRow;
  /** What it took or is to take of this alert; undefined where that is nothing. */
  readonly messages: PathTally | undefined;
};

/** One channel: its messages, whoever sends them, and every gateway that could. */
export type PathView = ChannelTally & {
  readonly gateways: readonly GatewayView[];
  /** When the last message of the open round leaves; undefined where none waits, or none can. */
  readonly lastLeavesAt: Date | undefined;
};

const sums = [
  'planned',
  'waiting',
  'underWay',
  'accepted',
  'delivered',
  'failed',
  'unknown',
  'cancelled',
] as const;

/** The messages of each channel, by whatever gateway. */
export function byChannel(rows: readonly PathTally[]): ChannelTally[] {
  const channels = Map.groupBy(rows, ({ channel }) => channel);
  return Array.from(channels, ([channel, parts]) => {
    const total = sums.map((name) => [name, parts.reduce((sum, part) => sum + part[name], 0)]);
    return { channel, ...Object.fromEntries(total) } as ChannelTally;
  });
}

export function pathsOf(
  rows: readonly PathTally[],
  gateways: readonly GatewayRow[],
  now: Date,
): PathView[] {
  return byChannel(rows).map((path) => {
    const own = rows.filter(({ channel }) => channel === path.channel);
    const able = gateways.filter(({ channel }) => channel === path.channel);
    const inMs = lastOfChannelInMs(own, able);
    return {
      ...path,
      gateways: able.map((gateway) => ({
        gateway,
        messages: own.find(({ gatewayId }) => gatewayId === gateway.id),
      })),
      lastLeavesAt: inMs === undefined ? undefined : new Date(now.getTime() + inMs),
    };
  });
}

type Bucket = Pick<GatewayRow, 'tokens' | 'ratePerSecond'>;

/**
 * When the last waiting message will leave, in ms from now: what the bucket holds goes at once,
 * the rest at its rate (design: breadth first, one bucket for each service).
 */
export function lastLeavesInMs({ waiting, tokens, ratePerSecond }: Bucket & { waiting: number }) {
  return (Math.max(0, waiting - Math.max(0, tokens)) / ratePerSecond) * 1000;
}

/** The slowest of its buckets; what has no gateway yet is shared by all of them. */
function lastOfChannelInMs(
  rows: readonly PathTally[],
  gateways: readonly GatewayRow[],
): number | undefined {
  const buckets = new Map(
    gateways.filter(({ enabled }) => enabled).map((gateway) => [gateway.bucketId, gateway]),
  );
  const bucketOf = new Map(gateways.map(({ id, bucketId }) => [id, bucketId]));
  const waitingIn = (bucketId: string | undefined) =>
    rows
      .filter(({ gatewayId }) => bucketOf.get(gatewayId ?? '') === bucketId)
      .reduce((sum, { waiting }) => sum + waiting, 0);
  const homeless = waitingIn(undefined) / Math.max(1, buckets.size);
  const ends = Array.from(buckets, ([id, bucket]) => ({ ...bucket, waiting: waitingIn(id) }))
    .map((bucket) => ({ ...bucket, waiting: bucket.waiting + homeless }))
    .filter(({ waiting }) => waiting > 0)
    .map(lastLeavesInMs);
  return ends.length === 0 ? undefined : Math.max(...ends);
}
