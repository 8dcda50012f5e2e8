/**
 * Changing the rules of the centre: one person proposes, another one approves over the hash of
 * exactly that change, and it is in force. Run these by `Database.attempt`: a refusal takes back
 * what was written before it.
 */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import {
  approve,
  consumeApproval,
  listPeople,
  requestApproval,
  returnRequest,
  voidApproval,
} from '#identity/index.ts';
import { actorId, may, nameOf, type Permission } from '#kernel/actor.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import {
  adoptProposal,
  decideProposal,
  findInForce,
  findProposal,
  hashOfChange,
  insertProposal,
  parseOperatingModel,
  pinVersion,
  type OperatingModel,
  type ProposalRow,
} from '#operating-model/index.ts';
import { listNamesInUse } from '#organisations/index.ts';
import { effectsOf, type Effect } from './effects.ts';
import { listOpenChannels } from './store.ts';

/** Longest reason, in characters. */
export const REASON_MAX = 500;

/** A file of rules is some 20 kB; ten times that is a mistake. */
export const FILE_BYTES_MAX = 200_000;

export type Proposal = {
  /** That of the form: the same one sent twice is one proposal. */
  readonly id: string;
  readonly yaml: string;
  /** As errors name the file. */
  readonly fileName: string;
  readonly reason: string;
  readonly now: Date;
};

/** Refused with every error of the file, and where it would break what is here. */
export async function proposeModel(
  tx: Tx,
  inForce: OperatingModel,
  proposal: Proposal,
): Promise<Outcome<string>> {
  const lacking = lacks(tx, 'model.write');
  if (lacking) return lacking;
  const reason = proposal.reason.trim();
  const why = wrongReason(reason, 'Say why the rules are to change');
  const parsed = parseOperatingModel(proposal.yaml, proposal.fileName);
  if (why !== undefined || !parsed.ok)
    return refused('invalid', parsed.ok ? PUT_RIGHT : parsed.message, {
      ...(why !== undefined && { reason: why }),
      ...(!parsed.ok && { file: parsed.message }),
    });
  const base = (await findInForce(tx))?.sha256 ?? (await pinVersion(tx, inForce));
  const { version } = parsed.value;
  if (version === base)
    return refused('invalid', PUT_RIGHT, { file: 'This file is what is in force' });
  const broken = (await effectsFor(tx, inForce, parsed.value)).filter(
    ({ level }) => level === 'error',
  );
  if (broken.length > 0)
    return refused('invalid', PUT_RIGHT, { file: broken.map(({ says }) => says).join('\n') });
  return await writeProposal(tx, { ...proposal, reason, base, version });
}

async function writeProposal(
  tx: Tx,
  one: Proposal & { readonly base: string; readonly version: string },
): Promise<Outcome<string>> {
  const { id, base, version, now } = one;
  if ((await findProposal(tx, id)) !== undefined) return ok(id);
  const approval = await requestApproval(tx, {
    hash: hashOfChange({ base, sha256: version }),
    subject: { kind: 'operating_model', id },
    shapedBy: [],
    permission: 'model.approve',
    now,
  });
  if (!approval.ok) return approval;
  const isOnly = await insertProposal(tx, {
    id,
    sha256: version,
    yaml: one.yaml,
    base,
    reason: one.reason,
    proposedBy: actorId(tx.actor),
    proposedByName: nameOf(tx.actor),
    proposedAt: now,
    approvalId: approval.value,
  });
  if (!isOnly)
    return refused('conflict', 'Another change waits already. Decide over that one first.');
  await recordMove(tx, 'proposed', id, { version, instead: base });
  return ok(id);
}

/** What the change would do to people, directory and channels as they are now. */
export async function effectsFor(
  tx: Tx,
  before: OperatingModel,
  after: OperatingModel,
): Promise<Effect[]> {
  const people = (await listPeople(tx)).filter(({ active }) => active);
  const names = await listNamesInUse(tx);
  const channels = await listOpenChannels(tx);
  return effectsOf({ before, after }, { people, names, channels });
}

export type Decision = { readonly id: string; readonly hash: string; readonly now: Date };

/** A second person approves exactly what was shown, and it is in force. */
export async function approveModel(
  tx: Tx,
  inForce: OperatingModel,
  { id, hash, now }: Decision,
): Promise<Outcome<void>> {
  const found = await findWaiting(tx, id);
  if (!found.ok) return found;
  const { approvalId } = found.value;
  // By the rights of the rules in force: the proposed ones may not approve themselves.
  const given = { id: approvalId, hash, now, model: inForce };
  const approved = await approve(tx, { ...given, askedWith: 'model.write' });
  if (!approved.ok) return approved;
  const used = await consumeApproval(tx, given);
  if (!used.ok) return used;
  const change = { proposal: found.value, approved: used.value, inForce, now };
  const adopted = await adoptProposal(tx, change);
  if (!adopted.ok) return adopted;
  // People and directory may have changed since it was proposed.
  const broken = (await effectsFor(tx, inForce, adopted.value)).find(
    ({ level }) => level === 'error',
  );
  return broken === undefined ? ok(undefined) : refused('conflict', broken.says);
}

/** Back to whoever proposed it, with the reason. */
export async function returnModel(
  tx: Tx,
  { id, reason, now }: { readonly id: string; readonly reason: string; readonly now: Date },
): Promise<Outcome<void>> {
  const found = await findWaiting(tx, id);
  if (!found.ok) return found;
  const words = reason.trim();
  const why = wrongReason(words, 'Say what has to change');
  if (why !== undefined) return refused('invalid', PUT_RIGHT, { reason: why });
  const returned = await returnRequest(tx, { id: found.value.approvalId, reason: words, now });
  if (!returned.ok) return returned;
  return await decide(tx, { id, to: 'returned', reason: words, now });
}

/** For anybody who may propose: a change that nobody wants any more must not block the next. */
export async function takeBackModel(
  tx: Tx,
  { id, now }: { readonly id: string; readonly now: Date },
): Promise<Outcome<void>> {
  const lacking = lacks(tx, 'model.write');
  if (lacking) return lacking;
  const found = await findWaiting(tx, id);
  if (!found.ok) return found;
  const voided = await voidApproval(tx, {
    id: found.value.approvalId,
    reason: 'taken back',
    now,
  });
  if (!voided.ok) return voided;
  return await decide(tx, { id, to: 'taken_back', reason: null, now });
}

async function decide(
  tx: Tx,
  decision: {
    readonly id: string;
    readonly to: 'returned' | 'taken_back';
    readonly reason: string | null;
    readonly now: Date;
  },
): Promise<Outcome<void>> {
  const by = { by: actorId(tx.actor), byName: nameOf(tx.actor) };
  if (!(await decideProposal(tx, { ...decision, ...by }))) return overtaken;
  await recordMove(tx, decision.to, decision.id, {});
  return ok(undefined);
}

async function findWaiting(tx: Tx, id: string): Promise<Outcome<ProposalRow>> {
  const proposal = await findProposal(tx, id);
  if (proposal === undefined) return refused('not_found', 'There is no such proposal.');
  return proposal.state === 'waiting' ? ok(proposal) : overtaken;
}

const overtaken = refused('conflict', 'Somebody decided over this change already.');

const PUT_RIGHT = 'Put right what is marked below.';

function wrongReason(words: string, empty: string): string | undefined {
  if (words === '') return empty;
  return words.length > REASON_MAX ? `Use ${REASON_MAX} characters or fewer` : undefined;
}

function lacks(tx: Tx, permission: Permission): Refused | undefined {
  if (may(tx.actor, permission)) return undefined;
  return refused('forbidden', 'Your role does not allow this.');
}

async function recordMove(tx: Tx, move: string, id: string, detail: object): Promise<void> {
  await record(tx, {
    action: `operating_model.${move}`,
    subject: { kind: 'operating_model_proposal', id },
    detail: { ...detail },
  });
}
