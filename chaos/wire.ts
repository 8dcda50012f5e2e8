/** A wire that can be cut after n bytes, or swallow everything: TCP in, TCP or Unix socket out. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { NetConnectOpts, AddressInfo } from 'node:net';

/** `request` is what the client sends, `answer` what comes back. */
export type Cut = { readonly side: 'request' | 'answer'; readonly afterBytes: number };

type Pair = {
  readonly near: Socket;
  readonly far: Socket;
  cut: { side: string; left: number } | null;
};

export class Wire {
  readonly #target: () => NetConnectOpts;
  readonly #answerDelayMs: number;
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;
  #isSwallowing = false;

  /** `target` is asked for each connection: a promoted server has another address. */
  constructor(target: () => NetConnectOpts, answerDelayMs = 0) {
    this.#target = target;
    this.#answerDelayMs = answerDelayMs;
    this.#server = createServer((near) => this.#join(near));
  }

  /** Returns the port on loopback. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every connection of this moment breaks after so many more bytes of one side. */
  cut({ side, afterBytes }: Cut): void {
    for (const pair of this.#pairs) pair.cut = { side, left: afterBytes };
  }

  /** From now on nothing passes, and nobody is told; connections are still taken. */
  swallow(): void {
    this.#isSwallowing = true;
  }

  /** Ends the swallowing; what lived meanwhile lost bytes and is broken. */
  passAgain(): void {
    this.#isSwallowing = false;
    this.breakAll();
  }

  breakAll(): void {
    for (const pair of this.#pairs) this.#part(pair);
  }

  async close(): Promise<void> {
    this.breakAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    const pair: Pair = { near, far: connect(this.#target()), cut: null };
    this.#pairs.add(pair);
    this.#carry(pair, 'request');
    this.#carry(pair, 'answer');
  }

  #carry(pair: Pair, side: Cut['side']): void {
    const from = side === 'request' ? pair.near : pair.far;
    from.on('error', () => this.#part(pair));
    from.on('close', () => this.#part(pair));
    const delayMs = side === 'answer' ? this.#answerDelayMs : 0;
    from.on('data', (chunk: Buffer) => {
      if (delayMs === 0) this.#pass(pair, side, chunk);
      else setTimeout(() => this.#pass(pair, side, chunk), delayMs);
    });
  }

  #pass(pair: Pair, side: Cut['side'], chunk: Buffer): void {
    const [from, to] = side === 'request' ? [pair.near, pair.far] : [pair.far, pair.near];
    if (this.#isSwallowing || to.destroyed) return;
    if (pair.cut?.side === side && chunk.length >= pair.cut.left) {
      to.write(chunk.subarray(0, pair.cut.left), () => this.#part(pair));
      pair.cut = { side, left: 0 };
      return;
    }
    if (pair.cut?.side === side) pair.cut.left -= chunk.length;
    if (to.write(chunk)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }

  #part(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.near.destroy();
    pair.far.destroy();
  }
}
