/**
 * What the worker asks of a dispatch before it sends it (P5): what it is for, and whether two
 * people approved exactly its messages. Each kind has its rule; what has none is refused.
 *
 * - An alert, and what follows one (update, correction): the hash, made anew from the messages as
 *   they stand, the audience and the page, is the one that was approved and, in a live
 *   installation, signed. Rounds of escalation are part of it, and what goes to who had nothing.
 * - What one person let go: the same, and its words are a saved text of the rules (ADR 0024).
 * - A withdrawal, or a word that it is over: words approved along, to whoever was told.
 */
import type { Tx } from '#db/database.ts';
import { findProof, hashContent, type Proof, type ProofParts } from '#dispatch/index.ts';
import { proveApproval } from '#identity/index.ts';
import { whyNotProvenAlone } from './alone/proof.ts';
import type { AlertContext } from './rendering.ts';
import { listSent } from './store-correct.ts';
import {
  countOtherWords,
  countStrangers,
  findByDispatch,
  findOriginal,
  type FoundDispatch,
} from './store-proof.ts';
import { findVersionById } from './store.ts';
import { alsoCoveredBy, listHands } from './submit.ts';

export type ProofContext = AlertContext & {
  /** The domain that passkeys of this installation are made for. */
  readonly passkeyDomain: string;
};

const no = (why: string): Proof => ({ holds: false, why });

/** Whether this dispatch may leave, or why not in words for whoever looks into it. */
export async function proveDispatch(
  tx: Tx,
  context: ProofContext,
  dispatchId: string,
): Promise<Proof> {
  const found = await findByDispatch(tx, dispatchId);
  if (found === undefined) return no('no alert was released as it.');
  return found.ends === undefined
    ? await proveRelease(tx, context, { found, dispatchId })
    : await proveEnding(tx, context, { found, ends: found.ends, dispatchId });
}

type Asked = { readonly found: FoundDispatch; readonly dispatchId: string };

async function proveRelease(
  tx: Tx,
  context: ProofContext,
  { found: { submission }, dispatchId }: Asked,
): Promise<Proof> {
  const version = await findVersionById(tx, submission.versionId);
  if (version === undefined) return no('its words are not there.');
  const { correctionDispatchId, approvalId } = submission;
  const following =
    correctionDispatchId === null ? '' : (await hashContent(tx, correctionDispatchId, '')).hash;
  const covers = (await alsoCoveredBy(tx, version, submission)) + following;
  const { hash } = await hashContent(tx, submission.dispatchId, covers);
  const proved = await proveApproval(tx, {
    approvalId,
    hash,
    subject: { kind: 'alert_version', id: version.id },
    hands: [...(await listHands(tx, version)), submission.submittedBy],
    askedWith: 'alert.write',
    model: context.model,
    passkeyDomain: context.passkeyDomain,
  });
  if (!proved.holds) return no(proved.why);
  const { isAlone, decidedBy } = proved;
  const why = isAlone
    ? await whyNotProvenAlone(tx, context, { version, submission, by: decidedBy })
    : undefined;
  if (why !== undefined) return no(why);
  const part = dispatchId === correctionDispatchId ? 'following' : 'first';
  return { holds: true, by: { approvalId, part, isAlone } };
}

/** The words are those approved along with what ends; it goes to nobody who was not to be told. */
async function proveEnding(
  tx: Tx,
  context: ProofContext,
  { found, ends, dispatchId }: Asked & { readonly ends: 'withdrawal' | 'closing' },
): Promise<Proof> {
  const original = await findOriginal(tx, found.submission.approvalId);
  if (original === undefined) return no('what it ends was never approved.');
  const before = await proofOf(tx, context, original.dispatchId);
  if (!before.holds) return before;
  const { text, subject, mail } = original.along[ends];
  const templates = [
    { channel: 'text' as const, subject: null, body: text },
    { channel: 'mail' as const, subject, body: mail },
  ];
  const { id: submissionId } = original;
  if ((await countOtherWords(tx, { dispatchId, submissionId, templates })) > 0)
    return no('its words are not those that were approved along.');
  const earlierIds: string[] = [];
  for (const id of await listSent(tx, found.alertId))
    if (id !== dispatchId && (await proofOf(tx, context, id)).holds) earlierIds.push(id);
  if ((await countStrangers(tx, { dispatchId, earlierIds })) > 0)
    return no('it would go to somebody who was never told.');
  const { approvalId } = found.submission;
  return { holds: true, by: { approvalId, part: 'ending', isAlone: before.by.isAlone } };
}

/** As it was found before, or as it is found now: it may be ended before anything of it left. */
async function proofOf(
  tx: Tx,
  context: ProofContext,
  dispatchId: string,
): Promise<Proof & ({ holds: false } | { by: ProofParts })> {
  const by = await findProof(tx, dispatchId);
  return by === undefined ? await proveDispatch(tx, context, dispatchId) : { holds: true, by };
}
