/** Statements about gateways and their buckets. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type GatewaySeed = {
  readonly id: string;
  readonly kind: 'notify' | 'smtp';
  readonly channel: 'text' | 'mail';
  readonly bucket: { readonly id: string; readonly ratePerSecond: number; readonly burst: number };
  readonly canBeAsked: boolean;
  readonly takesReplies: boolean;
  readonly settingsSealed: Buffer;
  readonly callbackTokenHash: Buffer | null;
};

/**
 * Writes the gateway that the environment describes. A token that changed is added before the old
 * one is dropped: the two newest stay valid, so that the provider can be told in peace.
 */
export async function upsertGateway(tx: Tx, seed: GatewaySeed): Promise<void> {
  const { bucket } = seed;
  await tx.run(sql`
    insert into dispatch.bucket (id, rate_per_second, burst, tokens)
    values (${bucket.id}, ${bucket.ratePerSecond}, ${bucket.burst}, ${bucket.burst})
    on conflict (id) do update set rate_per_second = excluded.rate_per_second,
      burst = excluded.burst, tokens = least(dispatch.bucket.tokens, excluded.burst)`);
  const hashes = seed.callbackTokenHash === null ? [] : [seed.callbackTokenHash];
  await tx.run(sql`
    insert into dispatch.gateway (id, kind, channel, bucket_id, can_be_asked, takes_replies,
      settings_sealed, callback_token_hashes)
    values (${seed.id}, ${seed.kind}, ${seed.channel}, ${bucket.id}, ${seed.canBeAsked},
      ${seed.takesReplies}, ${seed.settingsSealed}, ${hashes})
    on conflict (id) do update set kind = excluded.kind, channel = excluded.channel,
      bucket_id = excluded.bucket_id, can_be_asked = excluded.can_be_asked,
      takes_replies = excluded.takes_replies, settings_sealed = excluded.settings_sealed,
      callback_token_hashes = case
        when excluded.callback_token_hashes <@ dispatch.gateway.callback_token_hashes
          then dispatch.gateway.callback_token_hashes
        else (excluded.callback_token_hashes || dispatch.gateway.callback_token_hashes)[1:2] end`);
}

export type GatewayRow = { id: string; kind: 'notify' | 'smtp'; settingsSealed: Buffer };

export async function listGateways(tx: Tx): Promise<GatewayRow[]> {
  return await tx.rows<GatewayRow>(sql`
    select id, kind, settings_sealed from dispatch.gateway order by id`);
}

export async function markGatewayProven(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`update dispatch.gateway set last_proven_at = now() where id = ${id}`);
}

export async function markGatewayFailed(tx: Tx, id: string, code: string): Promise<void> {
  await tx.run(sql`
    update dispatch.gateway set last_failure_at = now(), last_failure_code = ${code}
    where id = ${id}`);
}
