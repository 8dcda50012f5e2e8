/** Twins of `src/dispatch/store-auditor.ts`. */
import type { AuditorRow, Finding, InvariantRow } from '#dispatch/store-auditor.ts';
import { compare, type Base } from './rows.ts';

const STALE_MS = 180_000;

const timeOf = (ms: number | null) => (ms === null ? null : new Date(ms));

export function takeTurn(base: Base, owner: string, everyMs: number): boolean {
  const auditor = base.tables.auditor.get('auditor')!;
  if ((auditor.begunAt ?? -Infinity) > base.now - everyMs) return false;
  base.writes += 1;
  Object.assign(auditor, { owner, begunAt: base.now });
  return true;
}

export function endTurn(base: Base, owner: string): void {
  const auditor = base.tables.auditor.get('auditor')!;
  if (auditor.owner !== owner) return;
  base.writes += 1;
  auditor.endedAt = base.now;
  auditor.tookMs = auditor.begunAt === null ? null : base.now - auditor.begunAt;
}

export function recordInvariant(base: Base, finding: Finding): void {
  const known = base.tables.invariant.get(finding.id);
  const brokenAt = finding.breaches > 0 ? base.now : null;
  base.writes += 1;
  base.tables.invariant.set(finding.id, {
    ...finding,
    checkedAt: base.now,
    brokenSince: brokenAt === null ? null : (known?.brokenSince ?? brokenAt),
    lastBrokenAt: brokenAt ?? known?.lastBrokenAt ?? null,
  });
}

export function listInvariants(base: Base): InvariantRow[] {
  return [...base.tables.invariant.values()]
    .toSorted((a, b) => compare(a.id, b.id))
    .map(({ checkedAt, brokenSince, lastBrokenAt, ...told }) => ({
      ...told,
      checkedAt: new Date(checkedAt),
      brokenSince: timeOf(brokenSince),
      lastBrokenAt: timeOf(lastBrokenAt),
    }));
}

export function readAuditor(base: Base): AuditorRow {
  const { endedAt, tookMs } = base.tables.auditor.get('auditor')!;
  const isStale = endedAt === null || endedAt < base.now - STALE_MS;
  return { auditedAt: timeOf(endedAt), tookMs, isStale };
}

export function notifyAudit(base: Base): void {
  base.notify('tocsin_dispatch', 'audit');
}
