/** What the auditor of the engine found, for the duty desk. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type AuditorState = {
  auditedAt: Date | null;
  /** Nobody looked for more than three minutes. */
  isStale: boolean;
};

export async function readAuditor(tx: Tx): Promise<AuditorState> {
  return await tx.one<AuditorState>(sql`
    select ended_at as audited_at,
      coalesce(ended_at < now() - interval '3 minutes', true) as is_stale
    from dispatch.v_auditor`);
}

export type BrokenInvariant = {
  holds: string;
  mend: string;
  breaches: number;
  sample: string;
  brokenSince: Date;
};

/** What did not hold at the last look, longest first. */
export async function listBroken(tx: Tx): Promise<BrokenInvariant[]> {
  return await tx.rows<BrokenInvariant>(sql`
    select holds, mend, breaches, sample, broken_since from dispatch.v_invariant
    where breaches > 0 order by broken_since, id`);
}
