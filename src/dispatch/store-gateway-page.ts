/** Statements of the page of gateways, and of whoever switches and weighs them. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { BreakerReason, BreakerState } from './breaker.ts';
import type { GatewayKind, ReceiptKind } from './gateways/capabilities.ts';

export type GatewayState = {
  id: string;
  kind: GatewayKind;
  channel: 'text' | 'mail';
  weight: number;
  enabled: boolean;
  canBeAsked: boolean;
  deduplicates: boolean;
  takesReplies: boolean;
  limitsValidity: boolean;
  receipts: ReceiptKind;
  breakerState: BreakerState;
  breakerReason: BreakerReason | null;
  breakerChangedAt: Date;
  breakerRetryAt: Date | null;
  /** Points of a hundred of its people that go to others for now. */
  shift: number;
  bucketId: string;
  ratePerSecond: number;
  burst: number;
  tokens: number;
  pausedUntil: Date | null;
  pauseReason: string | null;
  lastProvenAt: Date | null;
  lastFailureAt: Date | null;
  lastFailureCode: string | null;
  /** Of the last hour. */
  accepted: number;
  rejected: number;
  unknown: number;
};

/** Every gateway that was not removed, texts first; nothing of it is secret. */
export async function listGatewayStates(tx: Tx): Promise<GatewayState[]> {
  return await tx.rows<GatewayState>(sql`
    select gateway.id, gateway.kind, gateway.channel, gateway.weight, gateway.enabled,
      gateway.can_be_asked, gateway.deduplicates, gateway.takes_replies, gateway.limits_validity,
      gateway.receipts, gateway.breaker_state, gateway.breaker_reason, gateway.breaker_changed_at,
      gateway.breaker_retry_at, gateway.shift, gateway.bucket_id, gateway.rate_per_second,
      gateway.burst, gateway.tokens, gateway.paused_until, gateway.pause_reason,
      gateway.last_proven_at, gateway.last_failure_at, gateway.last_failure_code,
      coalesce(hour.accepted, 0) as accepted, coalesce(hour.rejected, 0) as rejected,
      coalesce(hour.unknown, 0) as unknown
    from dispatch.v_gateway gateway
    left join dispatch.v_gateway_hour hour on hour.gateway_id = gateway.id
    where gateway.removed_at is null order by gateway.channel desc, gateway.id`);
}

/** The one switch and the one number that a person may turn. */
export async function findGatewayState(
  tx: Tx,
  id: string,
): Promise<{ enabled: boolean; weight: number } | undefined> {
  return await tx.maybe(sql`
    select enabled, weight from dispatch.gateway where id = ${id} and removed_at is null`);
}

/** False where it is so already, or not there. */
export async function markGatewayEnabled(tx: Tx, id: string, enabled: boolean): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.gateway set enabled = ${enabled}
      where id = ${id} and removed_at is null and enabled <> ${enabled}`)) === 1
  );
}

/** The weight it had; undefined where it has this one already, or is not there. */
export async function setGatewayWeight(
  tx: Tx,
  id: string,
  weight: number,
): Promise<number | undefined> {
  const row = await tx.maybe<{ before: number }>(sql`
    update dispatch.gateway gateway set weight = ${weight}
    from (select id, weight from dispatch.gateway where id = ${id} for update) earlier
    where gateway.id = earlier.id and gateway.removed_at is null and earlier.weight <> ${weight}
    returning earlier.weight as before`);
  return row?.before;
}
