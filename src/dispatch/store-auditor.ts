/** Statements of the auditor about itself: whose turn it is, and what each round found. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Breaches } from './store-audit.ts';

/** Takes this minute's turn; false where another worker has it. */
export async function takeTurn(tx: Tx, owner: string, everyMs: number): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.auditor set owner = ${owner}, begun_at = now()
      where begun_at is null or begun_at <= now() - ${everyMs} * interval '1 ms'`)) === 1
  );
}

/** Says that the whole round was made. */
export async function endTurn(tx: Tx, owner: string): Promise<void> {
  await tx.run(sql`
    update dispatch.auditor set ended_at = clock_timestamp(),
      took_ms = extract(epoch from clock_timestamp() - begun_at) * 1000
    where owner = ${owner}`);
}

export type Finding = Breaches & {
  readonly id: string;
  readonly holds: string;
  readonly mend: string;
};

export async function recordInvariant(tx: Tx, finding: Finding): Promise<void> {
  const { id, holds, mend, breaches, sample } = finding;
  await tx.run(sql`
    insert into dispatch.invariant as known (id, holds, mend, checked_at, breaches, sample,
      broken_since, last_broken_at)
    select ${id}, ${holds}, ${mend}, clock_timestamp(), found.breaches, ${sample}::text, found.at,
      found.at
    from (select ${breaches}::bigint as breaches,
      case when ${breaches}::bigint > 0 then clock_timestamp() end as at) found
    on conflict (id) do update set holds = excluded.holds, mend = excluded.mend,
      checked_at = excluded.checked_at, breaches = excluded.breaches, sample = excluded.sample,
      broken_since = case when excluded.breaches > 0
        then coalesce(known.broken_since, excluded.broken_since) end,
      last_broken_at = coalesce(excluded.last_broken_at, known.last_broken_at)`);
}

export type InvariantRow = {
  id: string;
  holds: string;
  mend: string;
  checkedAt: Date;
  breaches: number;
  sample: string | null;
  brokenSince: Date | null;
  lastBrokenAt: Date | null;
};

export async function listInvariants(tx: Tx): Promise<InvariantRow[]> {
  return await tx.rows<InvariantRow>(sql`
    select id, holds, mend, checked_at, breaches, sample, broken_since, last_broken_at
    from dispatch.invariant order by id`);
}

export type AuditorRow = { auditedAt: Date | null; tookMs: number | null; isStale: boolean };

/** When the last whole round ended; stale where that is more than three minutes ago. */
export async function readAuditor(tx: Tx): Promise<AuditorRow> {
  return await tx.one<AuditorRow>(sql`
    select ended_at as audited_at, took_ms,
      coalesce(ended_at < now() - interval '3 minutes', true) as is_stale
    from dispatch.auditor`);
}

/** Boards and the duty desk look again. */
export async function notifyAudit(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_notify('tocsin_dispatch', 'audit')`);
}
