/** Twins of `src/dispatch/store-part.ts`. */
import type { PartEnded, PartTaken } from '#dispatch/gateways/gateway.ts';
import type { WholeEnd } from '#dispatch/store-part.ts';
import { compare, keyOf, type Base } from './rows.ts';

export function upsertPart(base: Base, gatewayId: string, taken: PartTaken): void {
  const { providerId, reference, part, parts } = taken;
  const key = keyOf(gatewayId, providerId);
  const before = base.tables.part.get(key);
  const isSame = before !== undefined && [null, reference].includes(before.reference);
  base.writes += 1;
  base.tables.part.set(key, {
    gatewayId,
    providerId,
    reference,
    part,
    parts,
    status: isSame ? before.status : null,
    meaning: isSame ? before.meaning : null,
    updatedAt: base.now,
  });
}

export function upsertPartEnd(base: Base, gatewayId: string, ended: PartEnded): string | undefined {
  const { providerId, status, meaning } = ended;
  const key = keyOf(gatewayId, providerId);
  const before = base.tables.part.get(key);
  const isOpen = before?.meaning === null || before?.meaning === 'retained';
  if (before === undefined || isOpen || meaning === 'delivered') {
    const none = { reference: null, part: null, parts: null };
    const row = { ...none, ...before, gatewayId, providerId, status, meaning };
    base.writes += 1;
    base.tables.part.set(key, { ...row, updatedAt: base.now });
  }
  return base.tables.part.get(key)?.reference ?? undefined;
}

/** Transactions come one after the other here: there is nothing to lock. */
export function lockParts(_base: Base, _gatewayId: string, _reference: string): void {}

export function findWholeEnd(
  base: Base,
  gatewayId: string,
  reference: string,
): WholeEnd | undefined {
  const parts = [...base.tables.part.values()]
    .filter((part) => part.gatewayId === gatewayId && part.reference === reference)
    .toSorted((a, b) => (a.part ?? Infinity) - (b.part ?? Infinity));
  if (parts.length === 0) return undefined;
  const failed = parts.filter((part) => part.meaning === 'undelivered');
  const delivered = parts.filter((part) => part.meaning === 'delivered');
  const most = Math.max(...parts.map((part) => part.parts ?? 0));
  if (failed.length === 0 && delivered.length !== most) return undefined;
  const least = (of: typeof parts) => of.flatMap((part) => part.status ?? []).toSorted(compare)[0];
  return { providerId: parts[0]!.providerId, status: (least(failed) ?? least(parts))! };
}
