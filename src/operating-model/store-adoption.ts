/** Proposals, and which version is in force since when: one function a statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Whoever puts rules in force does it alone: the next one sees what came before. */
export async function lockAdoptions(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('operating_model.adoption', 0))`);
}

export type AdoptionRow = {
  readonly number: number;
  readonly sha256: string;
  readonly adoptedAt: Date;
  /** Null: read from the file at a start. */
  readonly proposalId: string | null;
  readonly reason: string | null;
  readonly proposedByName: string | null;
  readonly approvedByName: string | null;
};

export type InForceRow = {
  readonly sha256: string;
  readonly yaml: string;
  readonly adoptedAt: Date;
  readonly isFromFile: boolean;
};

/** The newest; undefined before the first start wrote one. */
export async function findInForce(tx: Tx): Promise<InForceRow | undefined> {
  return await tx.maybe<InForceRow>(sql`
    select adoption.sha256, version.yaml, adoption.adopted_at,
      adoption.proposal_id is null as is_from_file
    from operating_model.adoption
    join operating_model.version on version.sha256 = adoption.sha256
    order by adoption.number desc limit 1`);
}

/** The newest first. */
export async function listAdoptions(tx: Tx): Promise<AdoptionRow[]> {
  return await tx.rows<AdoptionRow>(sql`
    select adoption.number::int, adoption.sha256, adoption.adopted_at, adoption.proposal_id,
      proposal.reason, proposal.proposed_by_name, proposal.decided_by_name as approved_by_name
    from operating_model.adoption
    left join operating_model.proposal on proposal.id = adoption.proposal_id
    order by adoption.number desc`);
}

/** The pinned version has to be there. */
export async function insertAdoption(
  tx: Tx,
  { sha256, proposalId }: { readonly sha256: string; readonly proposalId: string | null },
): Promise<void> {
  await tx.run(sql`
    insert into operating_model.adoption (sha256, proposal_id) values (${sha256}, ${proposalId})`);
}

export type ProposalState = 'waiting' | 'adopted' | 'returned' | 'taken_back';

export type ProposalRow = {
  readonly id: string;
  readonly sha256: string;
  readonly yaml: string;
  readonly base: string;
  readonly reason: string;
  readonly proposedBy: string;
  readonly proposedByName: string;
  readonly proposedAt: Date;
  readonly approvalId: string;
  readonly state: ProposalState;
  readonly decidedByName: string | null;
  readonly decidedAt: Date | null;
  readonly decisionReason: string | null;
};

export type NewProposal = Pick<
  ProposalRow,
  | 'id'
  | 'sha256'
  | 'yaml'
  | 'base'
  | 'reason'
  | 'proposedBy'
  | 'proposedByName'
  | 'proposedAt'
  | 'approvalId'
>;

/** False where another change waits already. */
export async function insertProposal(tx: Tx, one: NewProposal): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into operating_model.proposal (id, sha256, yaml, base, reason, proposed_by,
      proposed_by_name, proposed_at, approval_id)
    values (${one.id}, ${one.sha256}, ${one.yaml}, ${one.base}, ${one.reason}, ${one.proposedBy},
      ${one.proposedByName}, ${one.proposedAt}, ${one.approvalId})
    on conflict ((true)) where state = 'waiting' do nothing`);
  return inserted === 1;
}

const PROPOSAL = sql`
  select id, sha256, yaml, base, reason, proposed_by, proposed_by_name, proposed_at, approval_id,
    state, decided_by_name, decided_at, decision_reason
  from operating_model.proposal`;

export async function findProposal(tx: Tx, id: string): Promise<ProposalRow | undefined> {
  return await tx.maybe<ProposalRow>(sql`${PROPOSAL} where id = ${id}`);
}

export async function findWaitingProposal(tx: Tx): Promise<ProposalRow | undefined> {
  return await tx.maybe<ProposalRow>(sql`${PROPOSAL} where state = 'waiting'`);
}

/** Whatever came of it. */
export async function findNewestProposal(tx: Tx): Promise<ProposalRow | undefined> {
  return await tx.maybe<ProposalRow>(sql`
    ${PROPOSAL} order by proposed_at desc, id desc limit 1`);
}

/** Decides over one that waits; false where somebody did. */
export async function decideProposal(
  tx: Tx,
  decision: {
    readonly id: string;
    readonly to: Exclude<ProposalState, 'waiting'>;
    readonly by: string;
    readonly byName: string;
    readonly now: Date;
    readonly reason: string | null;
  },
): Promise<boolean> {
  const { id, to, by, byName, now, reason } = decision;
  const decided = await tx.run(sql`
    update operating_model.proposal
    set state = ${to}, decided_by = ${by}, decided_by_name = ${byName}, decided_at = ${now},
      decision_reason = ${reason}
    where id = ${id} and state = 'waiting'`);
  return decided === 1;
}
