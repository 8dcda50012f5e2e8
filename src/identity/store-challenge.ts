/** What somebody is asked to sign, and what an approver signed: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Whose it is: a session, or the page of somebody who is about to sign in. */
export type Asker =
  | { readonly sessionId: string; readonly ticketSha256: null }
  | { readonly sessionId: null; readonly ticketSha256: Buffer };

export type Purpose = 'sign_in' | 'make' | 'prove' | 'approve';

/** What an approval is over, and what makes its challenge a new one each time. */
export type Approving = {
  readonly approvalId: string;
  readonly hash: string;
  readonly nonce: Buffer;
};

export type NewChallenge = {
  readonly challenge: Buffer;
  readonly purpose: Purpose;
  readonly asker: Asker;
  readonly approving?: Approving;
  readonly expiresAt: Date;
};

export async function insertChallenge(tx: Tx, asked: NewChallenge): Promise<void> {
  const { asker, approving } = asked;
  await tx.run(sql`
    insert into identity.passkey_challenge (challenge, purpose, session_id, ticket_sha256,
      approval_id, hash, nonce, expires_at)
    values (${asked.challenge}, ${asked.purpose}, ${asker.sessionId}, ${asker.ticketSha256},
      ${approving?.approvalId ?? null}, ${approving?.hash ?? null}, ${approving?.nonce ?? null},
      ${asked.expiresAt})`);
}

export type TakenChallenge = {
  readonly approvalId: string | null;
  readonly hash: string | null;
  readonly nonce: Buffer | null;
};

/** Uses it up; undefined where it was used, is too old, or was another's or for something else. */
export async function takeChallenge(
  tx: Tx,
  shown: Omit<NewChallenge, 'approving' | 'expiresAt'> & { readonly now: Date },
): Promise<TakenChallenge | undefined> {
  const { asker } = shown;
  return await tx.maybe<TakenChallenge>(sql`
    delete from identity.passkey_challenge
    where challenge = ${shown.challenge} and purpose = ${shown.purpose}
      and session_id is not distinct from ${asker.sessionId}::uuid
      and ticket_sha256 is not distinct from ${asker.ticketSha256}::bytea
      and expires_at > ${shown.now}
    returning approval_id, hash, nonce`);
}

/** What was signed, as the device gave it. */
export type Signed = {
  readonly clientData: Buffer;
  readonly authenticatorData: Buffer;
  readonly signature: Buffer;
};

export type ApprovalSignature = Approving &
  Signed & {
    readonly id: string;
    readonly passkeyId: string;
    readonly personId: string;
    readonly domain: string;
    readonly origin: string;
    readonly signedAt: Date;
    readonly validUntil: Date;
  };

export async function insertSignature(tx: Tx, signed: ApprovalSignature): Promise<void> {
  await tx.run(sql`
    insert into identity.approval_signature (id, approval_id, hash, nonce, passkey_id, person_id,
      domain, origin, client_data, authenticator_data, signature, signed_at, valid_until)
    values (${signed.id}, ${signed.approvalId}, ${signed.hash}, ${signed.nonce},
      ${signed.passkeyId}, ${signed.personId}, ${signed.domain}, ${signed.origin},
      ${signed.clientData}, ${signed.authenticatorData}, ${signed.signature}, ${signed.signedAt},
      ${signed.validUntil})`);
}

/** With the public key that it must fit. */
export type KeptSignature = ApprovalSignature & {
  readonly credentialId: Buffer;
  readonly publicKey: Buffer;
};

/** The signature under which an approval was given, the newest first where there are several. */
export async function selectSignature(
  tx: Tx,
  approvalId: string,
): Promise<KeptSignature | undefined> {
  return await tx.maybe<KeptSignature>(sql`
    select signed.id, signed.approval_id, signed.hash, signed.nonce, signed.passkey_id,
      signed.person_id, signed.domain, signed.origin, signed.client_data,
      signed.authenticator_data, signed.signature, signed.signed_at, signed.valid_until,
      passkey.credential_id, passkey.public_key
    from identity.approval
    join identity.approval_signature signed on signed.approval_id = approval.id
      and signed.person_id = coalesce(approval.let_go_by, approval.approved_by)
      and signed.hash = approval.hash
      and signed.signed_at <= coalesce(approval.let_go_at, approval.approved_at)
      and signed.valid_until > coalesce(approval.let_go_at, approval.approved_at)
    join identity.passkey on passkey.id = signed.passkey_id
      and passkey.person_id = signed.person_id
    where approval.id = ${approvalId}
    order by signed.signed_at desc, signed.id desc limit 1`);
}

/** All that were ever given, the oldest first, and whether anybody signed for them. */
export async function selectGivenApprovals(
  tx: Tx,
): Promise<{ readonly id: string; readonly isSigned: boolean }[]> {
  return await tx.rows(sql`
    select id, exists (select from identity.approval_signature signed
      where signed.approval_id = approval.id) as is_signed
    from identity.approval where approved_at is not null or let_go_at is not null
    order by coalesce(let_go_at, approved_at), id`);
}
