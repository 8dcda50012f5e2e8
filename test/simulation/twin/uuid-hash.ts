/**
 * PostgreSQL's `uuid_hash_extended(id, seed)`: Bob Jenkins' lookup3 over the 16 bytes (its source:
 * src/common/hashfn.c, hash_bytes_extended). Written a second time here, because a twin that asks
 * PostgreSQL agrees with it about everything.
 */
export function hashUuid(id: string, seed = 0n): bigint {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
  const start = startOf(bytes);
  let [a, b, c] = [start, start, start];
  if (seed !== 0n) {
    a = (a + Number(BigInt.asIntN(32, seed >> 32n))) | 0;
    b = (b + Number(BigInt.asIntN(32, seed))) | 0;
    [a, b, c] = mix(a, b, c);
  }
  a = (a + bytes.readInt32LE(0)) | 0;
  b = (b + bytes.readInt32LE(4)) | 0;
  c = (c + bytes.readInt32LE(8)) | 0;
  [a, b, c] = mix(a, b, c);
  a = (a + bytes.readInt32LE(12)) | 0;
  [b, c] = finish(a, b, c);
  return (BigInt(b >>> 0) << 32n) | BigInt(c >>> 0);
}

/** PostgreSQL's `hashtext`, of names of eight bytes at the most. */
export function hashName(name: string): bigint {
  const bytes = Buffer.from(name);
  if (bytes.length > 8) throw new RangeError(`${name} is too long to be hashed here`);
  const padded = Buffer.alloc(8);
  bytes.copy(padded);
  const start = startOf(bytes);
  const [a, b] = [padded.readInt32LE(0), padded.readInt32LE(4)];
  const [, c] = finish((start + a) | 0, (start + b) | 0, start);
  return BigInt(c);
}

function startOf({ length }: Buffer): number {
  return (0x9e3779b9 + length + 3923095) | 0;
}

function turn(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

const MIX = [4, 6, 8, 16, 19, 4] as const;

function mix(...words: [number, number, number]): [number, number, number] {
  // Each turn takes the next of a, b and c; the third word from it is the one before.
  MIX.forEach((by, i) => {
    const [one, two, three] = [i % 3, (i + 1) % 3, (i + 2) % 3] as [
      0 | 1 | 2,
      0 | 1 | 2,
      0 | 1 | 2,
    ];
    words[one] = ((words[one] - words[three]) | 0) ^ turn(words[three], by);
    words[three] = (words[three] + words[two]) | 0;
  });
  return words;
}

const FINISH = [14, 11, 25, 16, 4, 14, 24] as const;

function finish(...words: [number, number, number]): [number, number] {
  // c by b, a by c, b by a, and so on.
  FINISH.forEach((by, i) => {
    const [one, other] = [(i + 2) % 3, (i + 1) % 3] as [0 | 1 | 2, 0 | 1 | 2];
    words[one] = ((words[one] ^ words[other]) - turn(words[other], by)) | 0;
  });
  return [words[1], words[2]];
}
