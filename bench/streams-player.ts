/** Many screens that show the same board, in a process of their own: when each shows which number. */
import { Agent, get, type IncomingMessage } from 'node:http';
import { playOrders } from './player.ts';

export type StreamsOrder =
  | { readonly kind: 'open'; readonly url: string; readonly streams: number }
  | { readonly kind: 'report' };

export type StreamsAnswer = {
  /** For each stream, when it first showed so many acknowledgements, in epoch ms. */
  readonly seen: readonly (readonly { readonly count: number; readonly atMs: number }[])[];
  readonly bytes: number;
  readonly frames: number;
  readonly broken: number;
};

/** How many connect at once: nobody opens a thousand boards in the same instant. */
const AT_ONCE = 50;
/** The tile of the acknowledgements: in a frame, each line begins with `data: `. */
const ACKNOWLEDGED =
  /tocsin-tile--good[^>]*>\s*(?:data:\s*)?<span class="tocsin-tile__number">([\d,]+)/;

const seen: { count: number; atMs: number }[][] = [];
let [bytes, frames, broken] = [0, 0, 0];

playOrders<StreamsOrder>(async (order) => {
  if (order.kind === 'open')
    for (let from = 0; from < order.streams; from += AT_ONCE)
      await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, order.streams - from) }, (_, i) =>
          open(order.url, `screen-${from + i}`),
        ),
      );
  return { seen, bytes, frames, broken } satisfies StreamsAnswer;
});

/** Resolves with the first whole state. */
async function open(url: string, token: string): Promise<void> {
  const mine: { count: number; atMs: number }[] = [];
  seen.push(mine);
  const agent = new Agent();
  await new Promise<void>((resolve, reject) => {
    const request = get(url, { agent, headers: { cookie: `tocsin=${token}` } }, (response) => {
      if (response.statusCode !== 200)
        reject(new Error(`the stream answers ${response.statusCode}`));
      watch(response, mine, resolve);
    });
    request.on('error', reject);
  });
}

function watch(
  response: IncomingMessage,
  mine: { count: number; atMs: number }[],
  first: () => void,
): void {
  let rest = '';
  response.setEncoding('latin1').on('data', (part: string) => {
    bytes += part.length;
    rest += part;
    const end = rest.lastIndexOf('\n\n');
    if (end < 0) return;
    const atMs = Date.now();
    for (const frame of rest.slice(0, end).split('\n\n')) {
      const count = ACKNOWLEDGED.exec(frame)?.[1];
      if (count === undefined) continue;
      frames += 1;
      mine.push({ count: Number(count.replaceAll(',', '')), atMs });
      first();
    }
    rest = rest.slice(end + 2);
  });
  response.on('close', () => (broken += 1));
}
