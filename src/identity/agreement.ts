/**
 * A second person's word on a role or a recovery: an approval like any other (P5), over the hash of
 * exactly what is given, signed with their passkey in a live installation.
 */
import { createHash } from 'node:crypto';
import type { Tx } from '#db/database.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { approve, consumeApproval, requestApproval, voidApproval } from './approvals.ts';
import { rolesWith, type RoleModel } from './model.ts';
import { selectRequest } from './store-approval.ts';
import { selectHoldsNow } from './store-approval-proof.ts';

/** What is given: the same is the same text. */
export type Given = Readonly<Record<string, string | null>>;

export function hashOfGiven(given: Given): string {
  return createHash('sha256').update(JSON.stringify(given)).digest('hex');
}

/** Whoever runs the server asked for it: nobody's hand is in it but theirs. */
const SERVER = '00000000-0000-0000-0000-000000000000';

type Asked = { readonly kind: string; readonly id: string; readonly given: Given };

/** Asks for it, as the actor or as the server; the id of the approval. */
export async function askAgreement(
  tx: Tx,
  { kind, id, given }: Asked,
  { now, lifeMs }: { readonly now: Date; readonly lifeMs: number },
): Promise<string> {
  const asked = await requestApproval(tx, {
    hash: hashOfGiven(given),
    subject: { kind, id },
    shapedBy: [],
    permission: 'person.manage',
    ...(tx.actor.kind === 'system' && { requestedBy: SERVER }),
    lifeMs,
    now,
  });
  if (!asked.ok) throw new Error(asked.message);
  return asked.value;
}

export type Agreeing = {
  readonly approvalId: string;
  /** As the approver was shown it. */
  readonly hash: string;
  /** As it is now. */
  readonly given: Given;
};

/**
 * The person who acts agrees to exactly that; it is used in the same transaction. Nobody does where
 * whoever asked may not do so any more: they were locked out or lost the role, for a reason.
 */
export async function agreeTo(
  tx: Tx,
  { approvalId: id, hash, given }: Agreeing,
  by: { readonly model: RoleModel; readonly now: Date },
): Promise<Outcome<void>> {
  if (hash !== hashOfGiven(given)) return changed;
  if (!(await mayAskerStill(tx, id, by.model))) return askerGone;
  const agreed = await approve(tx, { id, hash, ...by });
  if (!agreed.ok) return agreed;
  const used = await consumeApproval(tx, { id, hash, ...by });
  return used.ok ? ok(undefined) : used;
}

async function mayAskerStill(tx: Tx, id: string, model: RoleModel): Promise<boolean> {
  const request = await selectRequest(tx, id);
  if (request === undefined || request.requestedBy === SERVER) return true;
  const held = { personId: request.requestedBy, roles: rolesWith(model, request.permission) };
  return await selectHoldsNow(tx, held);
}

/** Nobody agrees to it any more. */
export async function endAgreement(tx: Tx, approvalId: string, now: Date): Promise<Outcome<void>> {
  const ended = await voidApproval(tx, { id: approvalId, reason: 'Refused or taken back.', now });
  return ended.ok ? ok(undefined) : ended;
}

const askerGone = refused(
  'conflict',
  'Whoever asked for this may not do so any more. Refuse it; where it is still wanted, ask anew.',
);
const changed = refused('conflict', 'It is not what you were shown. Look at it again.');
