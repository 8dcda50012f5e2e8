/**
 * WebAuthn (W3C, level 3): what a browser is asked, and whether what came back is true. The
 * package does the cryptography; what it leaves to options is fixed here: a passkey that the
 * device finds by itself, the person verified by it, and exactly our address and domain.
 */
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type AuthenticatorTransport,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { z } from 'zod';

/** Where passkeys are made and used. */
export type PasskeySite = {
  /** The relying party's id: the host of `origin`, or a domain above it. */
  readonly domain: string;
  readonly origin: string;
  /** As devices show it. */
  readonly name: string;
};

/** Ed25519, P-256 and RSA: what devices have and the platform verifies. */
const ALGORITHMS = [-8, -7, -257];

/** People look for their phone, or for the key in their bag. */
export const CHALLENGE_LIFE_MS = 5 * 60_000;

type Owner = { readonly id: string; readonly name: string; readonly email: string };

type Known = { readonly credentialId: Buffer; readonly transports: readonly string[] };

/** What `navigator.credentials.create` is asked. */
export async function creationOptions(
  site: PasskeySite,
  challenge: Buffer,
  { owner, known }: { readonly owner: Owner; readonly known: readonly Known[] },
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  return await generateRegistrationOptions({
    rpName: site.name,
    rpID: site.domain,
    userID: new Uint8Array(handleOf(owner.id)),
    userName: owner.email,
    userDisplayName: owner.name,
    challenge: new Uint8Array(challenge),
    timeout: CHALLENGE_LIFE_MS,
    attestationType: 'none',
    excludeCredentials: known.map(described),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

/** What `navigator.credentials.get` is asked; without `known` the device offers what it has. */
export async function requestOptions(
  site: Pick<PasskeySite, 'domain'>,
  challenge: Buffer,
  known?: readonly Known[],
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  return await generateAuthenticationOptions({
    rpID: site.domain,
    challenge: new Uint8Array(challenge),
    timeout: CHALLENGE_LIFE_MS,
    userVerification: 'required',
    ...(known && { allowCredentials: known.map(described) }),
  });
}

function described({ credentialId, transports }: Known) {
  return {
    id: credentialId.toString('base64url'),
    transports: transports as AuthenticatorTransport[],
  };
}

/** What the device keeps of a person: the bytes of the id, no name and no address. */
export function handleOf(personId: string): Buffer {
  return Buffer.from(personId.replaceAll('-', ''), 'hex');
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);
const credentialId = base64url.max(1400);
const id = { id: credentialId, rawId: credentialId, type: z.literal('public-key') };

const made = z.object({
  ...id,
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .default([]),
  }),
});

const used = z.object({
  ...id,
  response: z.object({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    userHandle: base64url.nullish(),
  }),
});

const clientData = z.object({ challenge: base64url });

/** Longest answer of a device that is read, in characters. */
const ANSWER_MAX = 20_000;

export type Made = z.output<typeof made>;
export type Used = z.output<typeof used>;

/** The answer of a device, and the challenge that it says it signed; undefined for anything else. */
export type Answered<T> = { readonly answer: T; readonly challenge: Buffer };

export function parseMade(text: string): Answered<Made> | undefined {
  return parseAnswer(made, text);
}

export function parseUsed(text: string): Answered<Used> | undefined {
  return parseAnswer(used, text);
}

function parseAnswer<T extends { readonly response: { readonly clientDataJSON: string } }>(
  schema: z.ZodType<T>,
  text: string,
): Answered<T> | undefined {
  const answer = schema.safeParse(fromJson(text)).data;
  if (answer === undefined) return undefined;
  const said = Buffer.from(answer.response.clientDataJSON, 'base64url').toString('utf8');
  const client = clientData.safeParse(fromJson(said)).data;
  return client && { answer, challenge: Buffer.from(client.challenge, 'base64url') };
}

function fromJson(text: string): unknown {
  if (text.length > ANSWER_MAX) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export type NewCredential = {
  readonly credentialId: Buffer;
  readonly publicKey: Buffer;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly isSyncedKind: boolean;
  readonly isBackedUp: boolean;
};

/** The new passkey, or undefined where anything of it is not as it was asked. */
export async function verifyMade(
  { answer, challenge }: Answered<Made>,
  site: PasskeySite,
): Promise<NewCredential | undefined> {
  const found = await orUndefined(
    verifyRegistrationResponse({
      response: { ...answer, clientExtensionResults: {} },
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: site.origin,
      expectedRPID: site.domain,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    }),
  );
  if (!found?.verified) return undefined;
  const { credential, credentialDeviceType, credentialBackedUp } = found.registrationInfo;
  return {
    credentialId: Buffer.from(credential.id, 'base64url'),
    publicKey: Buffer.from(credential.publicKey),
    counter: credential.counter,
    transports: answer.response.transports,
    isSyncedKind: credentialDeviceType === 'multiDevice',
    isBackedUp: credentialBackedUp,
  };
}

export type Verified = { readonly counter: number; readonly isBackedUp: boolean };

/**
 * The count of signatures and whether the passkey is backed up; undefined where anything is not as
 * it was asked. Whether the count moved on, the statement that keeps it decides.
 */
export async function verifyUsed(
  { answer, challenge }: Answered<Used>,
  publicKey: Buffer,
  site: Omit<PasskeySite, 'name'>,
): Promise<Verified | undefined> {
  const found = await orUndefined(
    verifyAuthenticationResponse({
      response: { ...answer, clientExtensionResults: {} } as AuthenticationResponseJSON,
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: site.origin,
      expectedRPID: site.domain,
      credential: { id: answer.id, publicKey: new Uint8Array(publicKey), counter: 0 },
      requireUserVerification: true,
    }),
  );
  if (!found?.verified) return undefined;
  const { newCounter, credentialBackedUp } = found.authenticationInfo;
  return { counter: newCounter, isBackedUp: credentialBackedUp };
}

/** The package throws for whatever is not right with an answer. */
async function orUndefined<T>(verifying: Promise<T>): Promise<T | undefined> {
  try {
    return await verifying;
  } catch {
    return undefined;
  }
}
