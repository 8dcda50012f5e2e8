/**
 * What an approver signs (P5): the challenge of the passkey is made of the hash of what is
 * approved, so that the signature is over exactly that, by the person whom the device verified. It
 * is kept whole; whoever holds the row and the public key can check it again, with nothing of ours
 * running.
 */
import { createHash, randomBytes } from 'node:crypto';
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { RoleModel } from './model.ts';
import { inSession, notAccepted, usePasskey, type InSession } from './passkeys.ts';
import { selectRequest } from './store-approval.ts';
import {
  insertChallenge,
  insertSignature,
  selectGivenApprovals,
  selectSignature,
  type Approving,
  type KeptSignature,
  type TakenChallenge,
} from './store-challenge.ts';
import { selectPasskeys } from './store-passkey.ts';
import {
  CHALLENGE_LIFE_MS,
  parseUsed,
  requestOptions,
  verifyUsed,
  type Answered,
  type PasskeySite,
  type Used,
} from './webauthn.ts';

/**
 * SHA-256 of one line each for: the purpose, the id of the request, the hash of what is approved,
 * and 32 random bytes in hex that make it a new one each time.
 */
export function challengeOf({ approvalId, hash, nonce }: Approving): Buffer {
  const lines = ['tocsin approval', approvalId, hash, nonce.toString('hex')];
  return createHash('sha256').update(lines.join('\n')).digest();
}

type At = { readonly site: PasskeySite; readonly now: Date };

/** What the approver's device is asked to sign for this request, as it was shown. */
export async function askToApprove(
  tx: Tx,
  who: InSession,
  shown: { readonly approvalId: string; readonly hash: string },
  { site, now }: At,
) {
  const request = await selectRequest(tx, shown.approvalId);
  // Whoever may not approve it does not learn that there is one (P8).
  if (request === undefined || !may(tx.actor, request.permission))
    return refused('not_found', 'There is no such request.');
  if (request.hash !== shown.hash) return changed;
  const known = await selectPasskeys(tx, who.personId);
  if (known.length === 0) return noneYet;
  const approving = { ...shown, nonce: randomBytes(32) };
  const challenge = challengeOf(approving);
  const expiresAt = new Date(now.getTime() + CHALLENGE_LIFE_MS);
  await insertChallenge(tx, {
    challenge,
    purpose: 'approve',
    asker: inSession(who),
    approving,
    expiresAt,
  });
  return ok({ get: await requestOptions(site, challenge, known) });
}

/** Keeps what was signed; `approve` looks for it. Commit a refusal too: it may leave an entry. */
export async function signApproval(
  tx: Tx,
  { personId }: InSession,
  signed: { readonly answered: Answered<Used>; readonly taken: TakenChallenge },
  { site, model, now }: At & { readonly model: RoleModel },
): Promise<Outcome<void>> {
  const { answered, taken } = signed;
  const { approvalId, hash, nonce } = taken;
  if (approvalId === null || hash === null || nonce === null) return notAccepted;
  const used = await usePasskey(tx, answered, { site, now, personId });
  if (!used.ok) return used;
  const { response } = answered.answer;
  const id = newId(now.getTime());
  await insertSignature(tx, {
    id,
    approvalId,
    hash,
    nonce,
    passkeyId: used.value.id,
    personId,
    domain: site.domain,
    origin: site.origin,
    clientData: Buffer.from(response.clientDataJSON, 'base64url'),
    authenticatorData: Buffer.from(response.authenticatorData, 'base64url'),
    signature: Buffer.from(response.signature, 'base64url'),
    signedAt: now,
    validUntil: new Date(now.getTime() + model.signingIn.passkeyAgainAfterMs),
  });
  const subject = { kind: 'approval', id: approvalId };
  const detail = { hash, signatureId: id, passkeyId: used.value.id };
  await record(tx, { action: 'approval.signed', subject, detail });
  return ok(undefined);
}

/** True where what was kept with the approval still proves it. */
export async function isSignatureTrue(tx: Tx, approvalId: string): Promise<boolean> {
  const kept = await selectSignature(tx, approvalId);
  return kept !== undefined && (await verifySignature(kept));
}

/** Approvals that were given, by ids where something is wrong. */
export type CheckedSignatures = {
  readonly right: number;
  readonly broken: readonly string[];
  readonly unsigned: readonly string[];
};

/** Checks all that were ever given. */
export async function checkSignatures(tx: Tx): Promise<CheckedSignatures> {
  const broken: string[] = [];
  const unsigned: string[] = [];
  const given = await selectGivenApprovals(tx);
  for (const { id, isSigned } of given) {
    if (!isSigned) unsigned.push(id);
    else if (!(await isSignatureTrue(tx, id))) broken.push(id);
  }
  return { right: given.length - broken.length - unsigned.length, broken, unsigned };
}

/** Checks it from the row alone: challenge of the hash, address, domain, person verified, key. */
export async function verifySignature(kept: KeptSignature): Promise<boolean> {
  const id = kept.credentialId.toString('base64url');
  const answer = {
    id,
    rawId: id,
    type: 'public-key',
    response: {
      clientDataJSON: kept.clientData.toString('base64url'),
      authenticatorData: kept.authenticatorData.toString('base64url'),
      signature: kept.signature.toString('base64url'),
    },
  };
  const answered = parseUsed(JSON.stringify(answer));
  if (answered === undefined || !answered.challenge.equals(challengeOf(kept))) return false;
  return (await verifyUsed(answered, kept.publicKey, kept)) !== undefined;
}

const changed = refused('conflict', 'It was changed after you opened it. Look at it again.');

const noneYet = refused(
  'conflict',
  'An approval is signed with a passkey, and you have none yet. Make one on your account page.',
);
