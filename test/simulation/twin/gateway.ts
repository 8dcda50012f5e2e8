/** Twins of `src/dispatch/store-gateway.ts`. */
import type { Template } from '#dispatch/model.ts';
import type { GatewayCard, GatewayRow, GatewaySeed } from '#dispatch/store-gateway.ts';
import { keyOf, type Base, type Channel, type GatewayRow as Row } from './rows.ts';
import { byId } from './send.ts';

const TOKENS_MAX = 2;
const timeOf = (ms: number | null) => (ms === null ? null : new Date(ms));

export function upsertGateway(base: Base, seed: GatewaySeed): void {
  const { bucket: shape } = seed;
  const bucket = base.tables.bucket.get(shape.id) ?? {
    tokens: shape.burst,
    refilledAt: base.now,
    reserveShare: 0.85,
    pausedAt: null,
    pausedUntil: null,
    pauseReason: null,
    slowShare: 10 / 11,
    slowFrom: null,
    slowUntil: null,
  };
  base.tables.bucket.set(shape.id, {
    ...bucket,
    ...shape,
    tokens: Math.min(bucket.tokens, shape.burst),
  });
  const before = base.tables.gateway.get(seed.id);
  const isNew = before === undefined;
  base.tables.gateway.set(seed.id, {
    ...(before ?? { ...newColumns, createdAt: base.now }),
    id: seed.id,
    kind: seed.kind,
    channel: seed.channel,
    bucketId: shape.id,
    canBeAsked: seed.canBeAsked,
    askLag: seed.askLagMs ?? null,
    keepsFor: seed.keepsMs ?? null,
    deduplicates: seed.deduplicates ?? false,
    takesReplies: seed.takesReplies,
    limitsValidity: seed.limitsValidity ?? false,
    receipts: seed.receipts ?? 'none',
    settingsSealed: seed.settingsSealed,
    polls: seed.polls ?? 'never',
    callbackTokenHashes: withNewest(before?.callbackTokenHashes ?? [], seed.callbackTokenHash),
    removedAt: null,
    enabled: isNew || before.enabled || before.removedAt !== null,
  });
  base.writes += 1;
  if (isNew) {
    addBreaker(base, seed.id);
    keepSendersSeen(base, seed.channel);
  }
}

/** The columns that only other statements write. */
const newColumns = {
  templateId: null,
  templateVersion: null,
  templateBody: null,
  templateReadAt: null,
  weight: 100,
  lastProvenAt: null,
  lastFailureAt: null,
  lastFailureCode: null,
};

/** Twin of the trigger add_breaker. */
export function addBreaker(base: Base, gatewayId: string): void {
  base.tables.breaker.set(gatewayId, {
    gatewayId,
    state: 'closed',
    rung: null,
    turn: 1,
    changedAt: base.now,
    reason: null,
    openings: 0,
    retryAt: null,
    rowsLeft: null,
    tries: 0,
    triedAt: null,
    probeAt: base.now,
    shift: 0,
    shiftedAt: base.now,
  });
}

/** Twin of the trigger remember_senders: whoever was written to keeps the sender they saw. */
function keepSendersSeen(base: Base, channel: Channel): void {
  const gateways = [...base.tables.gateway.values()].filter((g) => g.channel === channel);
  if (gateways.length < 2) return;
  const seen = [...base.tables.message.values()]
    .filter((m) => m.channel === channel && (m.gatewayId ?? m.homeGatewayId) !== null)
    .toSorted((a, b) => (b.acceptedAt ?? -Infinity) - (a.acceptedAt ?? -Infinity));
  for (const { contactPointId, gatewayId, homeGatewayId } of seen) {
    const key = keyOf(contactPointId, channel);
    if (base.tables.sender.has(key)) continue;
    base.tables.sender.set(key, {
      contactPointId,
      channel,
      gatewayId: (gatewayId ?? homeGatewayId)!,
    });
  }
}

function withNewest(hashes: readonly Buffer[], newest: Buffer | null): Buffer[] {
  if (newest === null || hashes.some((hash) => hash.equals(newest))) return [...hashes];
  return [newest, ...hashes].slice(0, TOKENS_MAX);
}

export function listGateways(base: Base): GatewayRow[] {
  return [...base.tables.gateway.values()]
    .filter((gateway) => gateway.removedAt === null)
    .map(({ id, kind, channel, settingsSealed, callbackTokenHashes }) => ({
      id,
      kind,
      channel,
      settingsSealed,
      callbackTokenHashes,
    }))
    .toSorted(byId);
}

export function listGatewayCards(base: Base): GatewayCard[] {
  return [...base.tables.gateway.values()]
    .toSorted((a, b) => (a.removedAt ?? -Infinity) - (b.removedAt ?? -Infinity) || byId(a, b))
    .map((gateway) => {
      const { ratePerSecond, burst } = base.tables.bucket.get(gateway.bucketId)!;
      return {
        id: gateway.id,
        kind: gateway.kind,
        channel: gateway.channel,
        bucketId: gateway.bucketId,
        ratePerSecond,
        burst,
        canBeAsked: gateway.canBeAsked,
        deduplicates: gateway.deduplicates,
        takesReplies: gateway.takesReplies,
        limitsValidity: gateway.limitsValidity,
        receipts: gateway.receipts,
        tokens: gateway.callbackTokenHashes.length,
        templateVersion: gateway.templateVersion,
        templateReadAt: timeOf(gateway.templateReadAt),
        lastProvenAt: timeOf(gateway.lastProvenAt),
        removedAt: timeOf(gateway.removedAt),
      };
    });
}

/** Changes the gateway where it is there and fits; false where not. */
export function changeGateway(
  base: Base,
  id: string,
  fits: (gateway: Row) => boolean,
  columns: (gateway: Row) => Partial<Row>,
): boolean {
  const gateway = base.tables.gateway.get(id);
  if (gateway === undefined || !fits(gateway)) return false;
  base.writes += 1;
  Object.assign(gateway, columns(gateway));
  return true;
}

export function markGatewayRemoved(base: Base, id: string): boolean {
  const isNeeded = [...base.tables.message.values()].some(
    (m) => m.gatewayId === id && (m.state === 'claimed' || m.state === 'unknown'),
  );
  return changeGateway(
    base,
    id,
    (gateway) => gateway.removedAt === null && !isNeeded,
    () => ({ removedAt: base.now, enabled: false, callbackTokenHashes: [] }),
  );
}

export function addCallbackToken(base: Base, id: string, hash: Buffer): boolean {
  return changeGateway(
    base,
    id,
    (gateway) => gateway.removedAt === null && gateway.callbackTokenHashes.length < TOKENS_MAX,
    (gateway) => ({ callbackTokenHashes: [hash, ...gateway.callbackTokenHashes] }),
  );
}

export function keepCallbackTokens(base: Base, id: string, most: number): boolean {
  return changeGateway(
    base,
    id,
    (gateway) => gateway.callbackTokenHashes.length > most,
    (gateway) => ({ callbackTokenHashes: gateway.callbackTokenHashes.slice(0, most) }),
  );
}

export function notifyGateways(base: Base): void {
  base.notify('tocsin_gateways', '');
}

export function pinTemplate(base: Base, id: string, template: Template): boolean {
  const pinned = {
    templateId: template.id,
    templateVersion: template.version,
    templateBody: template.body,
  };
  return changeGateway(
    base,
    id,
    (gateway) =>
      gateway.templateId !== template.id ||
      gateway.templateVersion !== template.version ||
      gateway.templateBody !== template.body,
    () => ({ ...pinned, templateReadAt: base.now }),
  );
}

export function markTemplateRead(base: Base, id: string): void {
  changeGateway(
    base,
    id,
    () => true,
    () => ({ templateReadAt: base.now }),
  );
}

export function markGatewayProven(base: Base, id: string): void {
  const gateway = base.tables.gateway.get(id);
  if (gateway === undefined) return;
  base.writes += 1;
  gateway.lastProvenAt = base.now;
}

export function markGatewayFailed(base: Base, id: string, code: string): void {
  const gateway = base.tables.gateway.get(id);
  if (gateway === undefined) return;
  base.writes += 1;
  gateway.lastFailureAt = base.now;
  gateway.lastFailureCode = code;
}
