/**
 * A device with passkeys, in software: it answers what `navigator.credentials` would, for tests
 * that need it to lie. Written by the standard (W3C WebAuthn, level 3), with nothing of the
 * product.
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

export type Asked = {
  readonly challenge: string;
  readonly rpId?: string | undefined;
  readonly rp?: { readonly id?: string | undefined };
  readonly user?: { readonly id: string };
};

export type Lies = {
  /** False: nobody's finger, face or PIN. */
  readonly verified?: boolean;
  /** Another domain than the one asked for. */
  readonly domain?: string;
  /** As a copy of the device would count. */
  readonly counter?: number;
  readonly type?: string;
};

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest();
const base64url = (data: Buffer) => data.toString('base64url');

export class Authenticator {
  readonly credentialId = randomBytes(32);
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  #counter = 0;
  #handle: string | undefined;

  constructor() {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#privateKey = pair.privateKey;
    this.#publicKey = pair.publicKey;
  }

  /** What `navigator.credentials.create` gives at this address, as JSON. */
  make(asked: Asked, origin: string, lies: Lies = {}): string {
    this.#handle = asked.user?.id;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(this.credentialId.length);
    const attested = [Buffer.alloc(16), length, this.credentialId, this.#coseKey()];
    const authData = this.#data(asked.rp?.id ?? '', lies, attested);
    const attestation = cborMap([
      [cborText('fmt'), cborText('none')],
      [cborText('attStmt'), cborMap([])],
      [cborText('authData'), cborBytes(authData)],
    ]);
    const clientDataJSON = clientData(lies.type ?? 'webauthn.create', asked, origin);
    return this.#answer({
      clientDataJSON: base64url(clientDataJSON),
      attestationObject: base64url(attestation),
      transports: ['internal'],
    });
  }

  /** What `navigator.credentials.get` gives at this address, as JSON. */
  use(asked: Asked, origin: string, lies: Lies = {}): string {
    const authData = this.#data(asked.rpId ?? '', lies, []);
    const clientDataJSON = clientData(lies.type ?? 'webauthn.get', asked, origin);
    const signed = Buffer.concat([authData, sha256(clientDataJSON)]);
    return this.#answer({
      clientDataJSON: base64url(clientDataJSON),
      authenticatorData: base64url(authData),
      signature: base64url(sign('sha256', signed, this.#privateKey)),
      ...(this.#handle !== undefined && { userHandle: this.#handle }),
    });
  }

  #answer(response: object): string {
    const id = base64url(this.credentialId);
    return JSON.stringify({ id, rawId: id, type: 'public-key', response });
  }

  /** Section 6.1: hash of the domain, flags, counter, and the new key where one is made. */
  #data(domain: string, lies: Lies, attested: readonly Buffer[]): Buffer {
    this.#counter = lies.counter ?? this.#counter + 1;
    const [present, verified, withKey] = [
      1,
      lies.verified === false ? 0 : 4,
      attested.length && 64,
    ];
    const flagsAndCounter = Buffer.alloc(5);
    flagsAndCounter.writeUInt8(present | verified | withKey, 0);
    flagsAndCounter.writeUInt32BE(this.#counter, 1);
    return Buffer.concat([sha256(lies.domain ?? domain), flagsAndCounter, ...attested]);
  }

  /** RFC 9053, section 7.1.1: kty 2, alg -7, crv 1, x, y. */
  #coseKey(): Buffer {
    const { x = '', y = '' } = this.#publicKey.export({ format: 'jwk' });
    return cborMap([
      [cborInteger(1), cborInteger(2)],
      [cborInteger(3), cborInteger(-7)],
      [cborInteger(-1), cborInteger(1)],
      [cborInteger(-2), cborBytes(Buffer.from(x, 'base64url'))],
      [cborInteger(-3), cborBytes(Buffer.from(y, 'base64url'))],
    ]);
  }
}

function clientData(type: string, { challenge }: Asked, origin: string): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

/** RFC 8949, section 3: the kind in the upper three bits, the length or value after it. */
function cborHead(kind: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(kind << 5) | value]);
  if (value < 256) return Buffer.from([(kind << 5) | 24, value]);
  return Buffer.from([(kind << 5) | 25, value >> 8, value & 255]);
}

function cborInteger(value: number): Buffer {
  return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value);
}

function cborBytes(bytes: Buffer): Buffer {
  return Buffer.concat([cborHead(2, bytes.length), bytes]);
}

function cborText(text: string): Buffer {
  return Buffer.concat([cborHead(3, text.length), Buffer.from(text)]);
}

function cborMap(entries: readonly (readonly [Buffer, Buffer])[]): Buffer {
  return Buffer.concat([cborHead(5, entries.length), ...entries.flat()]);
}
