/**
 * A certificate authority and certificates of its own, made when a test asks: Node can read and
 * check certificates but not make them, and a bare clone has no other program that could. Written
 * in DER by hand (X.690), as much of X.509 as a TLS client looks at (RFC 5280, section 4.1).
 */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export type Certificate = { readonly cert: string; readonly key: string };

export type Authority = {
  /** In PEM: what a client is to trust. */
  readonly cert: string;
  /** A certificate for this name, signed by the authority. */
  issue(name: string): Certificate;
};

const DAY_MS = 86_400_000;

export function createAuthority(): Authority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = nameOf('Authority of a test');
  const make = (of: Omit<Body, 'issuer'>) =>
    certificate({ ...of, issuer: subject }, pair.privateKey);
  return {
    cert: make({ subject, key: pair.publicKey, extensions: [isAuthority] }),
    issue(name) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const extensions = [namesAre(name)];
      return {
        cert: make({ subject: nameOf(name), key: own.publicKey, extensions }),
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      };
    },
  };
}

type Body = {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly key: KeyObject;
  readonly extensions: readonly Buffer[];
};

function certificate({ subject, issuer, key, extensions }: Body, signer: KeyObject): string {
  const now = Date.now();
  const body = sequence(
    tagged(0xa0, integer(2)),
    integer(1 + Math.floor(Math.random() * 1e9)),
    sequence(ecdsaWithSha256),
    issuer,
    sequence(time(now - DAY_MS), time(now + DAY_MS)),
    subject,
    key.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, signer);
  const der = sequence(body, sequence(ecdsaWithSha256), tagged(0x03, Buffer.of(0), signature));
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  const start = bytes.findIndex((byte, i) => byte !== 0 || i === 3);
  // The sign bit must not be set by the first digit of a positive number.
  const trimmed = bytes.subarray(bytes[start]! >= 0x80 ? start - 1 : start);
  return tagged(0x02, trimmed);
}

function time(at: number): Buffer {
  const [date, clock] = new Date(at).toISOString().split('T') as [string, string];
  const text = `${date.replaceAll('-', '')}${clock.slice(0, 8).replaceAll(':', '')}Z`;
  return tagged(0x18, Buffer.from(text));
}

/** `ecdsa-with-SHA256`, 1.2.840.10045.4.3.2. */
const ecdsaWithSha256 = tagged(0x06, Buffer.from('2a8648ce3d040302', 'hex'));
const commonName = tagged(0x06, Buffer.from('550403', 'hex'));

function nameOf(name: string): Buffer {
  return sequence(tagged(0x31, sequence(commonName, tagged(0x0c, Buffer.from(name)))));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [tagged(0x01, Buffer.of(0xff))] : [];
  return sequence(tagged(0x06, Buffer.from(id, 'hex')), ...critical, tagged(0x04, value));
}

/** `basicConstraints` with `cA`. */
const isAuthority = extension('551d13', true, sequence(tagged(0x01, Buffer.of(0xff))));

/** `subjectAltName`: a name, or an address of four numbers. */
function namesAre(name: string): Buffer {
  const numbers = /^\d+\.\d+\.\d+\.\d+$/.test(name) ? name.split('.').map(Number) : undefined;
  const alternative = numbers
    ? tagged(0x87, Buffer.of(...numbers))
    : tagged(0x82, Buffer.from(name));
  return extension('551d11', false, sequence(alternative));
}
