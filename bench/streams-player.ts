/** Many screens that show the same board, in a process of their own: when each shows which numbers. */
import { createHash } from 'node:crypto';
import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import { constants, inflateRawSync } from 'node:zlib';
import { playOrders, usageOfThisProcess, type Usage } from './player.ts';

export type StreamsOrder =
  | { readonly kind: 'open'; readonly url: string; readonly streams: number }
  | { readonly kind: 'report' }
  /** Leaves them all; what they showed is told once more, and forgotten. */
  | { readonly kind: 'close' };

/** What a screen showed from then on, in epoch ms. */
export type Shown = {
  readonly atMs: number;
  /** Organisations that acknowledged. */
  readonly acknowledged: number;
  /** Texts that a provider took. */
  readonly gone: number;
};

type State = Omit<Shown, 'atMs'>;

export type StreamsAnswer = Usage & {
  /** For each stream, in order. */
  readonly seen: readonly (readonly Shown[])[];
  readonly bytes: number;
  readonly frames: number;
  readonly broken: number;
};

/** How many connect at once: nobody opens a thousand boards in the same instant. */
const AT_ONCE = 50;
/** Of gzip (RFC 1952), without a name. */
const HEAD_BYTES = 10;
const FLUSHED = Buffer.from([0, 0, 0xff, 0xff]);
const END = Buffer.from('\n\n');
/** Where the tile of the acknowledgements begins, and the line of the texts. */
const ACKNOWLEDGED = Buffer.from('tocsin-tile--good');
const GONE = Buffer.from('&amp;show=gone">');
/** Each number stands so near behind its mark. */
const WITHIN = 200;

let seen: Shown[][] = [];
let requests: ClientRequest[] = [];
let [bytes, frames, broken] = [0, 0, 0];

playOrders<StreamsOrder>(async (order) => {
  if (order.kind === 'open') await openAll(order.url, order.streams);
  const answer: StreamsAnswer = { ...usageOfThisProcess(), seen, bytes, frames, broken };
  if (order.kind === 'close') {
    for (const request of requests) request.destroy();
    [seen, requests, bytes, frames, broken] = [[], [], 0, 0, 0];
  }
  return answer;
});

async function openAll(url: string, streams: number): Promise<void> {
  for (let from = 0; from < streams; from += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, streams - from) }, (_, i) =>
        open(url, `screen-${from + i}`),
      ),
    );
}

/** Resolves with the first whole state. */
async function open(url: string, token: string): Promise<void> {
  const mine: Shown[] = [];
  seen.push(mine);
  await new Promise<void>((resolve, reject) => {
    const options = {
      agent: false,
      headers: { cookie: `tocsin=${token}`, 'accept-encoding': 'gzip' },
    };
    const request = get(url, options, (response) => {
      if (response.statusCode !== 200)
        reject(new Error(`the stream answers ${response.statusCode}`));
      response.on('close', () => (broken += requests.includes(request) ? 1 : 0));
      response.on('error', () => {});
      watch(response, mine, resolve);
    });
    requests.push(request);
    request.on('error', reject);
  });
}

/**
 * A browser inflates what its own board gets; here a thousand boards share two processors with what
 * is measured, so what is the same for all is inflated and read once.
 */
function watch(response: IncomingMessage, mine: Shown[], first: () => void): void {
  let rest: Buffer = Buffer.alloc(0);
  let from = HEAD_BYTES;
  response.on('data', (part: Buffer) => {
    bytes += part.length;
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    // An event ends where deflate was flushed (RFC 1951: an empty stored block).
    if (!rest.subarray(-FLUSHED.length).equals(FLUSHED)) return;
    const shown = inflated(rest.subarray(from));
    [rest, from] = [Buffer.alloc(0), 0];
    frames += shown.length;
    const atMs = Date.now();
    for (const state of shown) mine.push({ atMs, ...state });
    if (shown.length > 0) first();
  });
}

const known = new Map<string, readonly State[]>();

function inflated(part: Buffer): readonly State[] {
  const key = createHash('sha1').update(part).digest('latin1');
  const before = known.get(key);
  if (before !== undefined) return before;
  const text = inflateRawSync(part, { finishFlush: constants.Z_SYNC_FLUSH });
  const states: State[] = [];
  for (let at = 0, end = text.indexOf(END); end >= 0; end = text.indexOf(END, at)) {
    const state = read(text.subarray(at, end));
    if (state !== undefined) states.push(state);
    at = end + END.length;
  }
  known.set(key, states);
  return states;
}

/** Undefined where the frame is no state of the board. */
function read(frame: Buffer): State | undefined {
  const acknowledged = numberAfter(frame, ACKNOWLEDGED, /number">([\d,]+)/);
  const gone = numberAfter(frame, GONE, /^([\d,]+)/);
  if (acknowledged === undefined || gone === undefined) return undefined;
  return { acknowledged, gone };
}

function numberAfter(frame: Buffer, mark: Buffer, pattern: RegExp): number | undefined {
  const at = frame.indexOf(mark);
  if (at < 0) return undefined;
  const text = frame.toString('latin1', at + mark.length, at + mark.length + WITHIN);
  return Number(pattern.exec(text)?.[1]?.replaceAll(',', ''));
}
