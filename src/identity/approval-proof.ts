/**
 * What the worker asks before it sends (P5): whether somebody who may, and who had no hand in it,
 * approved exactly this. Nothing of it trusts the process that wrote the approval: the rows are
 * read anew, and in a live installation the passkey's signature is checked by a process that no
 * page can reach.
 */
import type { Permission } from '#kernel/actor.ts';
import { isUuid } from '#kernel/ids.ts';
import type { Tx } from '#db/database.ts';
import { isTrustworthy } from '#web/index.ts';
import { verifySignature } from './approval-signature.ts';
import type { ApprovalRequest } from './approval-model.ts';
import { isLive } from './installation.ts';
import { rolesWith, type RoleModel } from './model.ts';
import { selectBeholden, selectPeopleBehind, selectRequest } from './store-approval.ts';
import { selectAskerHolds, selectHoldsNow, selectIsPasskeyKnown } from './store-approval-proof.ts';
import { selectSignature, type KeptSignature } from './store-challenge.ts';

export type ApprovalAsked = {
  readonly approvalId: string;
  /** As whoever asks has made it of what would be sent. */
  readonly hash: string;
  readonly subject: { readonly kind: string; readonly id: string };
  /** Ids of all who wrote, edited or submitted it, as whoever asks has them; of programs names. */
  readonly hands: readonly string[];
  /** What asking for it takes: whoever asked holds it still. */
  readonly askedWith: Permission;
  readonly model: RoleModel;
  /** The domain that passkeys of this installation are made for. */
  readonly passkeyDomain: string;
};

export type ApprovalProved =
  | { readonly holds: true; readonly decidedBy: string; readonly isAlone: boolean }
  | { readonly holds: false; readonly why: string };

/** Whether it was approved; why not in a sentence for whoever looks into it. */
export async function proveApproval(tx: Tx, asked: ApprovalAsked): Promise<ApprovalProved> {
  const request = await selectRequest(tx, asked.approvalId);
  if (request === undefined) return { holds: false, why: 'there is no approval of it.' };
  const decided = decisionOf(request, asked);
  if (typeof decided === 'string') return { holds: false, why: decided };
  const { by, at, isAlone } = decided;
  const why =
    (isAlone ? undefined : await handOf(tx, request, { ...asked, by, at })) ??
    (await lackOf(tx, request, { ...asked, by, isAlone })) ??
    (isAlone ? undefined : await askerOf(tx, request, asked)) ??
    ((await isLive(tx)) ? await flawOf(tx, request, asked.passkeyDomain) : undefined);
  return why === undefined ? { holds: true, decidedBy: by, isAlone } : { holds: false, why };
}

type Decision = { readonly by: string; readonly at: Date; readonly isAlone: boolean };

function decisionOf(
  request: ApprovalRequest,
  { hash, subject }: Pick<ApprovalAsked, 'hash' | 'subject'>,
): Decision | string {
  if (request.subjectKind !== subject.kind || request.subjectId !== subject.id)
    return 'its approval is of something else.';
  if (request.hash !== hash) return 'it is not what was approved.';
  const { state, approvedBy, approvedAt, letGoBy, letGoAt } = request;
  if (state === 'consumed' && approvedBy !== null && approvedAt !== null)
    return { by: approvedBy, at: approvedAt, isAlone: false };
  if (state === 'alone' && letGoBy !== null && letGoAt !== null)
    return { by: letGoBy, at: letGoAt, isAlone: true };
  return 'nobody has approved it.';
}

/** Somebody with a hand in it, by any way: a key of theirs, or whom they let in. */
async function handOf(
  tx: Tx,
  request: ApprovalRequest,
  { hands, by, at, model }: ApprovalAsked & Pick<Decision, 'by' | 'at'>,
): Promise<string | undefined> {
  // A program of the centre that saved an audience has a name instead, and approves nothing.
  const all = [...hands, ...request.shapedBy, request.requestedBy].filter(isUuid);
  const people = await selectPeopleBehind(tx, all);
  if ([...all, ...people].includes(by)) return 'who approved it had a hand in it.';
  const sessionLifeMs = model.signingIn.sessionEndsMs;
  if (await selectBeholden(tx, { id: request.id, approver: by, now: at, sessionLifeMs }))
    return 'who approved it was let in, or given the right, by somebody with a hand in it.';
  return undefined;
}

/** A role that was taken away since counts no more, nor does somebody who left. */
async function lackOf(
  tx: Tx,
  request: ApprovalRequest,
  { by, isAlone, model }: ApprovalAsked & Pick<Decision, 'by' | 'isAlone'>,
): Promise<string | undefined> {
  const needed = [request.permission, ...(isAlone ? (['alert.write'] as const) : [])];
  for (const permission of needed)
    if (!(await selectHoldsNow(tx, { personId: by, roles: rolesWith(model, permission) })))
      return 'who approved it may not do so, or not any more.';
  return undefined;
}

/** Whoever lets go alone stands for it alone, so only with two it matters who the first one was. */
async function askerOf(
  tx: Tx,
  { requestedBy }: ApprovalRequest,
  { askedWith, model }: ApprovalAsked,
): Promise<string | undefined> {
  const roles = rolesWith(model, askedWith);
  return (await selectAskerHolds(tx, { id: requestedBy, roles, permission: askedWith }))
    ? undefined
    : 'who asked for it may not do so, or not any more.';
}

async function flawOf(
  tx: Tx,
  request: ApprovalRequest,
  domain: string,
): Promise<string | undefined> {
  const kept = await selectSignature(tx, request.id);
  if (kept === undefined) return 'nobody has signed its approval.';
  if (kept.domain !== domain || !isUnder(kept, domain))
    return 'its approval was signed for another address.';
  if (!(await verifySignature(kept))) return 'what was signed is not what was approved.';
  return (await selectIsPasskeyKnown(tx, kept))
    ? undefined
    : 'the passkey that signed it is not in the audit, or only since then.';
}

function isUnder({ origin }: KeptSignature, domain: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { hostname } = new URL(origin);
  return isTrustworthy(origin) && (hostname === domain || hostname.endsWith(`.${domain}`));
}
