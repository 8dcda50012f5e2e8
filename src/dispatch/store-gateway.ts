/** Statements about gateways and their buckets. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Capabilities, GatewayKind, ReceiptKind } from './gateways/capabilities.ts';
import type { Template } from './model.ts';

export type GatewaySeed = Capabilities & {
  readonly id: string;
  readonly kind: GatewayKind;
  readonly channel: 'text' | 'mail';
  readonly bucket: { readonly id: string; readonly ratePerSecond: number; readonly burst: number };
  readonly settingsSealed: Buffer;
  readonly callbackTokenHash: Buffer | null;
  /** Whether the engine asks it by itself for what callbacks would bring; never unless told. */
  readonly polls?: 'never' | 'without_token' | 'always';
};

/**
 * Writes the gateway that the environment or an operator describes. A token that changed is added
 * before the old one is dropped: the two newest stay valid, so that the provider can be told in
 * peace. Engines open it at once.
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
    insert into dispatch.gateway (id, kind, channel, bucket_id, can_be_asked, ask_lag, keeps_for,
      deduplicates, takes_replies, limits_validity, receipts, settings_sealed,
      callback_token_hashes, polls)
    values (${seed.id}, ${seed.kind}, ${seed.channel}, ${bucket.id}, ${seed.canBeAsked},
      ${seed.askLagMs ?? null} * interval '1 ms', ${seed.keepsMs ?? null} * interval '1 ms',
      ${seed.deduplicates ?? false}, ${seed.takesReplies}, ${seed.limitsValidity ?? false},
      ${seed.receipts ?? 'none'}, ${seed.settingsSealed}, ${hashes},
      ${seed.polls ?? 'never'})
    on conflict (id) do update set kind = excluded.kind, channel = excluded.channel,
      bucket_id = excluded.bucket_id, can_be_asked = excluded.can_be_asked,
      ask_lag = excluded.ask_lag, keeps_for = excluded.keeps_for,
      deduplicates = excluded.deduplicates, takes_replies = excluded.takes_replies,
      limits_validity = excluded.limits_validity, receipts = excluded.receipts,
      settings_sealed = excluded.settings_sealed, polls = excluded.polls, removed_at = null,
      enabled = dispatch.gateway.enabled or dispatch.gateway.removed_at is not null,
      callback_token_hashes = case
        when excluded.callback_token_hashes <@ dispatch.gateway.callback_token_hashes
          then dispatch.gateway.callback_token_hashes
        else (excluded.callback_token_hashes || dispatch.gateway.callback_token_hashes)[1:2] end`);
}

export type GatewayRow = {
  id: string;
  kind: GatewayKind;
  channel: 'text' | 'mail';
  settingsSealed: Buffer;
  callbackTokenHashes: Buffer[];
};

/** Those to be opened, with their sealed settings. */
export async function listGateways(tx: Tx): Promise<GatewayRow[]> {
  return await tx.rows<GatewayRow>(sql`
    select id, kind, channel, settings_sealed, callback_token_hashes from dispatch.gateway
    where removed_at is null order by id`);
}

export type GatewayCard = {
  id: string;
  kind: GatewayKind;
  channel: 'text' | 'mail';
  bucketId: string;
  ratePerSecond: number;
  burst: number;
  canBeAsked: boolean;
  deduplicates: boolean;
  takesReplies: boolean;
  limitsValidity: boolean;
  receipts: ReceiptKind;
  tokens: number;
  templateVersion: number | null;
  templateReadAt: Date | null;
  lastProvenAt: Date | null;
  removedAt: Date | null;
};

/** What an operator sees of each gateway, removed ones last; nothing of it is secret. */
export async function listGatewayCards(tx: Tx): Promise<GatewayCard[]> {
  return await tx.rows<GatewayCard>(sql`
    select gateway.id, gateway.kind, gateway.channel, gateway.bucket_id, bucket.rate_per_second,
      bucket.burst, gateway.can_be_asked, gateway.deduplicates, gateway.takes_replies,
      gateway.limits_validity, gateway.receipts,
      cardinality(gateway.callback_token_hashes) as tokens, gateway.template_version,
      gateway.template_read_at, gateway.last_proven_at, gateway.removed_at
    from dispatch.gateway gateway join dispatch.bucket bucket on bucket.id = gateway.bucket_id
    order by gateway.removed_at nulls first, gateway.id`);
}

/**
 * Takes a gateway away: it is opened no more, and no token opens its doors. False where it is not
 * there, or where a message still depends on it: claimed through it, or unknown at it.
 */
export async function markGatewayRemoved(tx: Tx, id: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.gateway gateway set removed_at = now(), enabled = false,
        callback_token_hashes = '{}'
      where gateway.id = ${id} and gateway.removed_at is null
        and not exists (select from dispatch.message message
          where message.gateway_id = gateway.id and message.state in ('claimed', 'unknown'))`)) ===
    1
  );
}

/** Adds a token beside the one in use; false where two are valid already, or nothing is there. */
export async function addCallbackToken(tx: Tx, id: string, hash: Buffer): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.gateway set callback_token_hashes = ${[hash]} || callback_token_hashes
      where id = ${id} and removed_at is null and cardinality(callback_token_hashes) < 2`)) === 1
  );
}

/** Keeps the newest so many tokens; false where there were no more, or nothing is there. */
export async function keepCallbackTokens(tx: Tx, id: string, most: number): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.gateway set callback_token_hashes = callback_token_hashes[1:${most}::int]
      where id = ${id} and cardinality(callback_token_hashes) > ${most}::int`)) === 1
  );
}

/** Engines open and close gateways as the rows now say. */
export async function notifyGateways(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_notify('tocsin_gateways', '')`);
}

/** Remembers the provider's template; true where it is another one, or another version. */
export async function pinTemplate(tx: Tx, id: string, template: Template): Promise<boolean> {
  const { body, version } = template;
  return (
    (await tx.run(sql`
      update dispatch.gateway set template_id = ${template.id}, template_version = ${version},
        template_body = ${body}, template_read_at = now()
      where id = ${id} and (template_id, template_version, template_body)
        is distinct from (${template.id}::text, ${version}::int, ${body}::text)`)) === 1
  );
}

/** The template was read and is what it was. */
export async function markTemplateRead(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`update dispatch.gateway set template_read_at = now() where id = ${id}`);
}

export async function markGatewayProven(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`update dispatch.gateway set last_proven_at = now() where id = ${id}`);
}

export async function markGatewayFailed(tx: Tx, id: string, code: string): Promise<void> {
  await tx.run(sql`
    update dispatch.gateway set last_failure_at = now(), last_failure_code = ${code}
    where id = ${id}`);
}
