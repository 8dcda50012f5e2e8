/** Statements of the last check before a dispatch leaves. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** What an approval lets go: each once. */
export type ProofPart = 'first' | 'following' | 'ending';

export type ProofParts = {
  readonly approvalId: string;
  readonly part: ProofPart;
  /** One person let it go: a saved text of the rules. */
  readonly isAlone: boolean;
};

export async function findProof(tx: Tx, dispatchId: string): Promise<ProofParts | undefined> {
  return await tx.maybe<ProofParts>(sql`
    select approval_id, part, is_alone from dispatch.proof where dispatch_id = ${dispatchId}`);
}

/** False where it has one, or where the approval has let another dispatch go as this part. */
export async function insertProof(
  tx: Tx,
  dispatchId: string,
  { approvalId, part, isAlone }: ProofParts,
): Promise<boolean> {
  return (
    (await tx.run(sql`
      insert into dispatch.proof (dispatch_id, approval_id, part, is_alone)
      values (${dispatchId}, ${approvalId}, ${part}, ${isAlone})
      on conflict do nothing`)) === 1
  );
}

/** Dispatches that are sent, or wait for a round, and were not looked at; the oldest first. */
export async function listUnproven(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select dispatch.id from dispatch.dispatch dispatch
    where dispatch.state = 'sending' and dispatch.lane > 0
      and not exists (select from dispatch.proof proof where proof.dispatch_id = dispatch.id)
    order by dispatch.released_at limit 10`);
  return rows.map(({ id }) => id);
}

/** How many went with one person in the time before now, as whoever sends them knows it. */
export async function countProvenAlone(tx: Tx, withinMs: number): Promise<number> {
  const { gone } = await tx.one<{ gone: number }>(sql`
    select count(*) as gone from dispatch.proof
    where is_alone and proved_at > now() - ${withinMs} * interval '1 ms'`);
  return gone;
}
