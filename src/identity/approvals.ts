/**
 * Two persons (P5). A request is over the hash of exactly what was shown. Whoever shaped a part of
 * it cannot approve it, changing it voids it, and an approval is used once. Only this file mints
 * `Approved`.
 */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId, may, type Actor, type Permission } from '#kernel/actor.ts';
import type { Approved } from '#kernel/approved.ts';
import { isUuid, newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { refusalOf, SERVER, type ApprovalRequest, type ApprovalState } from './approval-model.ts';
import {
  insertRequest,
  markAlone,
  markApproved,
  markConsumed,
  markEnded,
  selectBeholden,
  selectIsSigned,
  selectPeopleBehind,
  selectRequest,
} from './store-approval.ts';
import { selectAskerHolds } from './store-approval-proof.ts';
import { isSignatureTrue } from './approval-signature.ts';
import { isLive } from './installation.ts';
import { APPROVAL_LIFE_MS, rolesWith, type RoleModel } from './model.ts';

export type RequestForApproval = {
  /** SHA-256 in hex of all that is to be approved. */
  readonly hash: string;
  readonly subject: { readonly kind: string; readonly id: string };
  /** Ids of all persons and keys that wrote a part of it, the requester or not. */
  readonly shapedBy: readonly string[];
  /** What the approver must be allowed; `alert.approve` unless told. */
  readonly permission?: Permission;
  /** Absent: whoever acts. */
  readonly requestedBy?: string;
  readonly now: Date;
  readonly lifeMs?: number;
};

/** Asks for a second person; the id of the request. A subject has one open request at a time. */
export async function requestApproval(tx: Tx, asked: RequestForApproval): Promise<Outcome<string>> {
  const requestedBy = asked.requestedBy ?? actorId(tx.actor);
  if (!isUuid(requestedBy)) return refused('forbidden', 'Only a person or a key can ask for this.');
  const hands = [requestedBy, ...asked.shapedBy].filter(isUuid);
  // Behind a key stands a person: who submits by a key of their own must not approve by hand.
  const people = await selectPeopleBehind(tx, hands);
  const id = newId(asked.now.getTime());
  const added = await insertRequest(tx, {
    id,
    hash: asked.hash,
    subjectKind: asked.subject.kind,
    subjectId: asked.subject.id,
    permission: asked.permission ?? 'alert.approve',
    requestedBy,
    requestedAt: asked.now,
    expiresAt: new Date(asked.now.getTime() + (asked.lifeMs ?? APPROVAL_LIFE_MS)),
    shapedBy: [...new Set([...hands, ...people])],
  });
  if (added === 0) return refused('conflict', 'This waits for approval already.');
  await recordMove(tx, 'approval.requested', id, { hash: asked.hash, of: asked.subject.kind });
  return ok(id);
}

export type Approval = { readonly id: string; readonly hash: string; readonly now: Date };

/**
 * The person who acts approves what has this hash; in a live installation, what they have signed
 * with a passkey just before (approval-signature.ts). Nobody does where whoever asked for it does
 * not hold `askedWith` any more: they were locked out or lost the role, for a reason.
 */
export async function approve(
  tx: Tx,
  {
    model,
    askedWith,
    ...given
  }: Approval & { readonly model: RoleModel; readonly askedWith?: Permission },
): Promise<Outcome<Approved>> {
  const approver = tx.actor;
  if (approver.kind !== 'person') return notAPerson;
  const request = await selectRequest(tx, given.id);
  const lacking = request !== undefined && lackingRight(approver, request);
  if (lacking) return lacking;
  if (request?.state === 'requested' && askedWith !== undefined && request.requestedBy !== SERVER) {
    const roles = rolesWith(model, askedWith);
    const asker = { id: request.requestedBy, roles, permission: askedWith };
    if (!(await selectAskerHolds(tx, asker))) return askerGone;
  }
  const sessionLifeMs = model.signingIn.sessionEndsMs;
  const by = { ...given, approver: approver.id, sessionLifeMs };
  if ((await isLive(tx)) && !(await selectIsSigned(tx, by))) return notSigned;
  const approved = await markApproved(tx, by);
  if (approved === undefined) {
    const isBeholden = await selectBeholden(tx, by);
    return refusalOf(request, { ...given, to: 'approved', personId: approver.id, isBeholden });
  }
  await recordMove(tx, 'approval.given', given.id, { hash: given.hash });
  return ok(mint(approved));
}

/**
 * Uses an approval for its one release. Asks again whether the approver is still here and still
 * allowed: rights may have ended between the approval and now.
 */
export async function consumeApproval(
  tx: Tx,
  used: Approval & { readonly model: RoleModel },
): Promise<Outcome<Approved>> {
  const request = await selectRequest(tx, used.id);
  const roles = request === undefined ? [] : rolesWith(used.model, request.permission);
  if (request?.state === 'approved' && (await isLive(tx)) && !(await isSignatureTrue(tx, used.id)))
    return refused('forbidden', 'What was signed for this is not what was approved.');
  const consumed = await markConsumed(tx, { ...used, roles });
  if (consumed !== undefined) {
    await recordMove(tx, 'approval.used', used.id, { hash: used.hash });
    return ok(mint(consumed));
  }
  const isOpen = request?.state === 'approved' && request.hash === used.hash;
  if (isOpen && request.expiresAt > used.now) {
    const message = 'Whoever approved this may not do so any more. It has to be approved again.';
    return refused('forbidden', message);
  }
  return refusalOf(request, { ...used, to: 'consumed' });
}

/**
 * The person who acts lets go alone what has this hash: a text and an audience that two people had
 * approved as a rule (P5). Which these are, how often, and who looks at it afterwards, the caller
 * knows. Signed like an approval; nobody approves it any more.
 */
export async function letGoAlone(tx: Tx, given: Approval): Promise<Outcome<Approved>> {
  const { actor } = tx;
  if (actor.kind !== 'person') return notAPerson;
  const request = await selectRequest(tx, given.id);
  const lacking = request !== undefined && lackingRight(actor, request);
  if (lacking) return lacking;
  const by = { ...given, approver: actor.id };
  if ((await isLive(tx)) && !(await selectIsSigned(tx, by))) return notSigned;
  const gone = await markAlone(tx, { ...given, by: actor.id });
  if (gone === undefined) return refusalOf(request, { ...given, to: 'alone' });
  await recordMove(tx, 'approval.passed_over', given.id, { hash: given.hash });
  return ok(mint(gone));
}

/**
 * What a used approval covered besides what was released with it, such as the words of a
 * withdrawal: for their later release, which needs no second person any more (P5).
 */
export async function approvedAlong(
  tx: Tx,
  { id, hash }: Omit<Approval, 'now'>,
): Promise<Outcome<Approved>> {
  const request = await selectRequest(tx, id);
  if (request === undefined || !USED.has(request.state) || request.hash !== hash)
    return refused('conflict', 'This was never approved.');
  return ok(mint(request));
}

const USED: ReadonlySet<ApprovalState> = new Set(['consumed', 'alone']);

export type Ending = { readonly id: string; readonly reason: string; readonly now: Date };

/** Sends it back to whoever asked. For anybody who could have approved it. */
export async function returnRequest(tx: Tx, ending: Ending): Promise<Outcome<ApprovalRequest>> {
  const request = await selectRequest(tx, ending.id);
  const lacking = request !== undefined && lackingRight(tx.actor, request);
  if (lacking) return lacking;
  return await endRequest(tx, ending, 'returned', request);
}

/** Voids it because what it was about has changed or was withdrawn. Idempotence is the caller's. */
export async function voidApproval(tx: Tx, ending: Ending): Promise<Outcome<ApprovalRequest>> {
  return await endRequest(tx, ending, 'voided', await selectRequest(tx, ending.id));
}

async function endRequest(
  tx: Tx,
  { id, reason, now }: Ending,
  state: 'returned' | 'voided',
  request: ApprovalRequest | undefined,
): Promise<Outcome<ApprovalRequest>> {
  const words = reason.trim();
  if (words === '') return refused('invalid', 'Say why', { reason: 'Say why' });
  const ended = await markEnded(tx, id, { state, by: actorId(tx.actor), reason: words, now });
  if (ended === undefined) {
    return refusalOf(request, { hash: request?.hash ?? '', now, to: state });
  }
  await recordMove(tx, `approval.${state}`, id, {});
  return ok(ended);
}

function lackingRight(actor: Actor, request: ApprovalRequest): Refused | false {
  if (may(actor, request.permission)) return false;
  return refused('forbidden', 'Your role does not allow approving this.');
}

const askerGone = refused(
  'conflict',
  'Whoever asked for this may not do so any more. Send it back; where it is still wanted, somebody else asks anew.',
);

const notSigned = refused(
  'forbidden',
  'An approval is signed with your passkey. Open it again and press the button there; it needs JavaScript.',
);

const notAPerson = refused('forbidden', 'Only a person can approve; a key or a program cannot.');

async function recordMove(tx: Tx, action: string, id: string, detail: object): Promise<void> {
  await record(tx, { action, subject: { kind: 'approval', id }, detail: { ...detail } });
}

function mint({ hash, approvedBy, approvedAt, letGoBy, letGoAt }: ApprovalRequest): Approved {
  const by = { approvedBy: letGoBy ?? approvedBy, approvedAt: letGoAt ?? approvedAt };
  return { hash, ...by } as unknown as Approved;
}
