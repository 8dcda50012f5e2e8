/**
 * The bytes of a stream as gzip (RFC 1952). What a thousand people follow is deflated once: each
 * event is a run of blocks that looks back at nothing before it (RFC 1951, section 3.2.3) and ends
 * on a whole byte, so the same bytes fit behind whatever a stream has sent. What is drawn for
 * streams holds no secret, so its length gives none away.
 */
import { constants, crc32, deflateRawSync } from 'node:zlib';

/** Deflate, no name, no time, unknown system. */
const HEAD = Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block. */
const LAST_BLOCK = [3, 0];

const deflated = new WeakMap<Uint8Array, Uint8Array>();

/** One stream: what it sent so far is in the sum at its end. */
export class EventGzip {
  #crc = 0;
  #size = 0;

  readonly head: Uint8Array = HEAD;

  part(event: Uint8Array): Uint8Array {
    this.#crc = crc32(event, this.#crc);
    this.#size = (this.#size + event.length) % 2 ** 32;
    const known = deflated.get(event);
    if (known !== undefined) return known;
    const bytes = deflateRawSync(event, { finishFlush: constants.Z_SYNC_FLUSH });
    deflated.set(event, bytes);
    return bytes;
  }

  end(): Uint8Array {
    const bytes = Buffer.alloc(LAST_BLOCK.length + 8);
    bytes.set(LAST_BLOCK);
    bytes.writeUInt32LE(this.#crc, LAST_BLOCK.length);
    bytes.writeUInt32LE(this.#size, LAST_BLOCK.length + 4);
    return bytes;
  }
}

/** The same bytes, for who does not take gzip. */
export const plainEvents: Pick<EventGzip, 'head' | 'part' | 'end'> = {
  head: new Uint8Array(),
  part: (event) => event,
  end: () => new Uint8Array(),
};
