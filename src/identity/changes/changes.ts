/**
 * Changes of what the centre is built on, such as keys of programs: one person proposes, another
 * one approves exactly what was shown (P5), and it is carried out in that transaction. It is void
 * where who proposed it may not any more, or where what it stood on has changed. Run these by
 * `Database.attempt`.
 */
import { createHash } from 'node:crypto';
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { may, mayIn, type Permission } from '#kernel/actor.ts';
import type { Approved } from '#kernel/approved.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import {
  approve,
  consumeApproval,
  letGoAlone,
  requestApproval,
  returnRequest,
  voidApproval,
} from '../approvals.ts';
import { rolesWith, type RoleModel } from '../model.ts';
import { scopeOf } from '../scope.ts';
import { selectHoldsNow } from '../store-approval-proof.ts';
import type { ChangeKind } from './kind.ts';
import { readContent, writeContent, wrongReason } from './model.ts';
import { insertChange, lockChange, selectChange, selectIsFirst, type ChangeRow } from './store.ts';

export type Proposed = {
  /** That of the form: the same one sent twice is one change. */
  readonly id: string;
  readonly payload: unknown;
  readonly reason: string;
  readonly now: Date;
};

/** Asks for it; the id of the change. Nothing has changed yet. */
export async function proposeChange(
  tx: Tx,
  kind: ChangeKind,
  { id, payload, reason, now }: Proposed,
): Promise<Outcome<string>> {
  if (tx.actor.kind !== 'person') return notAPerson;
  const lacking = [kind.proposes, ...(kind.needs?.(payload) ?? [])].find(
    // A change is for the whole centre: what holds in some regions only does not count.
    (permission) => !mayIn(tx.actor, permission, null),
  );
  if (lacking !== undefined) return lacks(lacking);
  const words = reason.trim();
  const why = wrongReason(words, 'Say why, for whoever approves it');
  if (why !== undefined) return refused('invalid', PUT_RIGHT, { reason: why });
  if ((await selectChange(tx, id)) !== undefined) return ok(id);
  const seen = await kind.look(tx, payload, now);
  if (!seen.ok) return seen;
  const content = writeContent({
    payload,
    ...seen.value,
    lines: [...seen.value.lines],
    reason: words,
  });
  const hash = createHash('sha256').update(content).digest('hex');
  const approval = await requestApproval(tx, {
    hash,
    subject: { kind: 'proposed_change', id },
    shapedBy: [],
    permission: kind.approves,
    now,
  });
  if (!approval.ok) return approval;
  await insertChange(tx, { id, kind: kind.id, content, sha256: hash, approvalId: approval.value });
  await recordMove(tx, 'proposed', id, { of: kind.id, hash });
  return ok(id);
}

export type ChangeDecision = {
  readonly id: string;
  /** As it was shown. */
  readonly hash: string;
  readonly now: Date;
};

type Deciding = { readonly kinds: readonly ChangeKind[]; readonly model: RoleModel };

/** Carried out; or void, and why. A void one is kept as such: commit it. */
export type Decided = { readonly isDone: true } | { readonly isDone: false; readonly why: string };

/** A second person approves exactly what was shown, and it is carried out. */
export async function approveChange(
  tx: Tx,
  decision: ChangeDecision,
  deciding: Deciding,
): Promise<Outcome<Decided>> {
  return await decide(tx, decision, deciding, async (given) => {
    const approved = await approve(tx, given);
    return approved.ok ? await consumeApproval(tx, given) : approved;
  });
}

/**
 * The first person of an installation carries out alone what they proposed. It is written down as
 * such, under their name. Only as long as nobody else could ever have agreed; the database refuses
 * it as well.
 */
export async function carryOutAlone(
  tx: Tx,
  decision: ChangeDecision,
  deciding: Deciding,
): Promise<Outcome<Decided>> {
  const { actor } = tx;
  if (actor.kind !== 'person') return notAPerson;
  if (!(await selectIsFirst(tx, actor.id))) return notAlone;
  return await decide(tx, decision, deciding, async (given) => {
    const gone = await letGoAlone(tx, given);
    if (gone.ok) await recordMove(tx, 'carried_out_alone', decision.id, {});
    return gone;
  });
}

type Given = ChangeDecision & { readonly model: RoleModel };

async function decide(
  tx: Tx,
  { id, hash, now }: ChangeDecision,
  { kinds, model }: Deciding,
  agree: (given: Given) => Promise<Outcome<Approved>>,
): Promise<Outcome<Decided>> {
  const found = await findWaiting(tx, id, kinds);
  if (!found.ok) return found;
  const { change, kind } = found.value;
  if (change.sha256 !== hash) return changedSince;
  if (!may(tx.actor, kind.approves)) return lacks(kind.approves);
  const flaw = await flawOf(tx, found.value, { model, now });
  if (flaw !== undefined && change.expiresAt > now) return await voidIt(tx, change, flaw, now);
  const agreed = await agree({ id: change.approvalId, hash, now, model });
  if (!agreed.ok) return agreed;
  const { payload, reason } = readContent(change.content);
  const { approvalId, requestedBy: proposedBy } = change;
  const done = await kind.carryOut(tx, payload, { approvalId, proposedBy, reason, now });
  if (!done.ok) return done;
  await recordMove(tx, 'carried_out', id, { of: kind.id, hash });
  return ok({ isDone: true });
}

/** Why it cannot be carried out any more; undefined where it can. */
export async function flawOf(
  tx: Tx,
  { change, kind }: { readonly change: ChangeRow; readonly kind: ChangeKind },
  { model, now }: { readonly model: RoleModel; readonly now: Date },
): Promise<string | undefined> {
  const { payload, base } = readContent(change.content);
  const needed: readonly Permission[] = [kind.proposes, ...(kind.needs?.(payload) ?? [])];
  for (const permission of needed) {
    const roles = rolesWith(model, permission).filter((role) => scopeOf(model, role) === 'centre');
    const held = { personId: change.requestedBy, roles };
    if (!(await selectHoldsNow(tx, held))) return 'Whoever proposed it may not do so any more.';
  }
  const seen = await kind.look(tx, payload, now);
  if (!seen.ok) return seen.message;
  const isSame = JSON.stringify(seen.value.base) === JSON.stringify(base);
  return isSame ? undefined : 'What it stood on has changed since it was proposed.';
}

async function voidIt(
  tx: Tx,
  { id, approvalId }: ChangeRow,
  why: string,
  now: Date,
): Promise<Outcome<Decided>> {
  const voided = await voidApproval(tx, { id: approvalId, reason: why, now });
  if (!voided.ok) return voided;
  await recordMove(tx, 'voided', id, {});
  return ok({ isDone: false, why });
}

type Ending = { readonly id: string; readonly reason: string; readonly now: Date };

/** Back to whoever proposed it, with the reason; for anybody who could approve it. */
export async function returnChange(
  tx: Tx,
  { id, reason, now }: Ending,
  kinds: readonly ChangeKind[],
): Promise<Outcome<void>> {
  const found = await findWaiting(tx, id, kinds);
  if (!found.ok) return found;
  const words = reason.trim();
  const why = wrongReason(words, 'Say why not');
  if (why !== undefined) return refused('invalid', PUT_RIGHT, { reason: why });
  const { approvalId } = found.value.change;
  const returned = await returnRequest(tx, { id: approvalId, reason: words, now });
  if (!returned.ok) return returned;
  await recordMove(tx, 'returned', id, {});
  return ok(undefined);
}

/** For anybody who may propose such a change. */
export async function takeBackChange(
  tx: Tx,
  { id, now }: Omit<Ending, 'reason'>,
  kinds: readonly ChangeKind[],
): Promise<Outcome<void>> {
  const found = await findWaiting(tx, id, kinds);
  if (!found.ok) return found;
  const { change, kind } = found.value;
  if (!may(tx.actor, kind.proposes)) return lacks(kind.proposes);
  const voided = await voidApproval(tx, { id: change.approvalId, reason: TAKEN_BACK, now });
  if (!voided.ok) return voided;
  await recordMove(tx, 'taken_back', id, {});
  return ok(undefined);
}

const TAKEN_BACK = 'Taken back.';

async function findWaiting(
  tx: Tx,
  id: string,
  kinds: readonly ChangeKind[],
): Promise<Outcome<{ change: ChangeRow; kind: ChangeKind }>> {
  const before = await selectChange(tx, id);
  const kind = kinds.find((one) => one.id === before?.kind);
  if (before === undefined || kind === undefined) return noSuchChange;
  await lockChange(tx, before.approvalId);
  const change = (await selectChange(tx, id))!;
  return change.state === 'requested' ? ok({ change, kind }) : decidedAlready;
}

const PUT_RIGHT = 'Put right what is marked below.';

const noSuchChange = refused('not_found', 'There is no such change.');

const decidedAlready = refused('conflict', 'Somebody decided over this change already.');

const changedSince = refused('conflict', 'It is not what you were shown. Look at it again.');

const notAPerson = refused('forbidden', 'Only a person can do this; a key or a program cannot.');

const notAlone = refused('forbidden', 'Another person has to approve this.');

function lacks(permission: Permission): Refused {
  return refused('forbidden', `Your role does not allow this: it needs “${permission}”.`);
}

async function recordMove(tx: Tx, move: string, id: string, detail: object): Promise<void> {
  await record(tx, {
    action: `change.${move}`,
    subject: { kind: 'proposed_change', id },
    detail: { ...detail },
  });
}
