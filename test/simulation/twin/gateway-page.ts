/** Twins of `src/dispatch/store-gateway-page.ts`. */
import type { GatewayState } from '#dispatch/store-gateway-page.ts';
import { pausedUntil, tokensAt } from './bucket.ts';
import { changeGateway } from './gateway.ts';
import { compare, type Base, type GatewayRow, type TallyRow } from './rows.ts';

const HOUR_MS = 3_600_000;
const timeOf = (ms: number | null | undefined) => (typeof ms === 'number' ? new Date(ms) : null);

export function listGatewayStates(base: Base): GatewayState[] {
  return [...base.tables.gateway.values()]
    .filter((gateway) => gateway.removedAt === null)
    .toSorted((a, b) => compare(b.channel, a.channel) || compare(a.id, b.id))
    .map((gateway) => stateOf(base, gateway));
}

function stateOf(base: Base, gateway: GatewayRow): GatewayState {
  const bucket = base.tables.bucket.get(gateway.bucketId)!;
  const breaker = base.tables.breaker.get(gateway.id)!;
  const lately = base.tables.tally.filter(
    (row) => row.gatewayId === gateway.id && row.dispatchId !== null && row.at > base.now - HOUR_MS,
  );
  const sum = (of: (row: TallyRow) => number) => lately.reduce((all, row) => all + of(row), 0);
  const until = pausedUntil(bucket, base.now);
  return {
    id: gateway.id,
    kind: gateway.kind,
    channel: gateway.channel,
    weight: gateway.weight,
    enabled: gateway.enabled,
    canBeAsked: gateway.canBeAsked,
    deduplicates: gateway.deduplicates,
    takesReplies: gateway.takesReplies,
    limitsValidity: gateway.limitsValidity,
    receipts: gateway.receipts,
    breakerState: breaker.state,
    breakerReason: breaker.reason,
    breakerChangedAt: new Date(breaker.changedAt),
    breakerRetryAt: timeOf(breaker.retryAt),
    shift: breaker.shift,
    bucketId: bucket.id,
    ratePerSecond: bucket.ratePerSecond,
    burst: bucket.burst,
    tokens: tokensAt(bucket, base.now),
    pausedUntil: timeOf(until),
    pauseReason: until === undefined ? null : bucket.pauseReason,
    lastProvenAt: timeOf(gateway.lastProvenAt),
    lastFailureAt: timeOf(gateway.lastFailureAt),
    lastFailureCode: gateway.lastFailureCode,
    accepted: sum((row) => row.accepted),
    rejected: sum((row) => row.rejected),
    unknown: sum((row) => row.unknown),
  };
}

export function findGatewayState(
  base: Base,
  id: string,
): { enabled: boolean; weight: number } | undefined {
  const gateway = base.tables.gateway.get(id);
  if (gateway === undefined || gateway.removedAt !== null) return undefined;
  return { enabled: gateway.enabled, weight: gateway.weight };
}

export function markGatewayEnabled(base: Base, id: string, enabled: boolean): boolean {
  return changeGateway(
    base,
    id,
    (gateway) => gateway.removedAt === null && gateway.enabled !== enabled,
    () => ({ enabled }),
  );
}

export function setGatewayWeight(base: Base, id: string, weight: number): number | undefined {
  const before = base.tables.gateway.get(id)?.weight;
  const isSet = changeGateway(
    base,
    id,
    (gateway) => gateway.removedAt === null && gateway.weight !== weight,
    () => ({ weight }),
  );
  return isSet ? before : undefined;
}
