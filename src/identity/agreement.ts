/**
 * A second person's word on a role or a recovery: an approval like any other (P5), over the hash of
 * exactly what is given, signed with their passkey in a live installation.
 */
import { createHash } from 'node:crypto';
import type { Tx } from '#db/database.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { SERVER } from './approval-model.ts';
import { approve, consumeApproval, requestApproval, voidApproval } from './approvals.ts';
import type { RoleModel } from './model.ts';

/** What is given: the same is the same text. */
export type Given = Readonly<Record<string, string | null>>;

export function hashOfGiven(given: Given): string {
  return createHash('sha256').update(JSON.stringify(given)).digest('hex');
}

/** What asking takes, and agreeing. */
const GIVES = 'person.manage';

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
    permission: GIVES,
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

/** The person who acts agrees to exactly that; it is used in the same transaction. */
export async function agreeTo(
  tx: Tx,
  { approvalId: id, hash, given }: Agreeing,
  by: { readonly model: RoleModel; readonly now: Date },
): Promise<Outcome<void>> {
  if (hash !== hashOfGiven(given)) return changed;
  const agreed = await approve(tx, { id, hash, ...by, askedWith: GIVES });
  if (!agreed.ok) return agreed;
  const used = await consumeApproval(tx, { id, hash, ...by });
  return used.ok ? ok(undefined) : used;
}

/** Nobody agrees to it any more. */
export async function endAgreement(tx: Tx, approvalId: string, now: Date): Promise<Outcome<void>> {
  const ended = await voidApproval(tx, { id: approvalId, reason: 'Refused or taken back.', now });
  return ended.ok ? ok(undefined) : ended;
}

const changed = refused('conflict', 'It is not what you were shown. Look at it again.');
