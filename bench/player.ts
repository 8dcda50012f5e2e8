/** A process of its own for each part that is measured, so that its cpu and memory are its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { LoadAnswer, LoadOrder } from './load-player.ts';

export type Usage = { readonly residentMaxMegabytes: number; readonly cpuSeconds: number };

export type Player<Answer> = {
  /** Sends one order and waits for its answer. */
  ask(order: object): Promise<Answer>;
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
};

/** As in bin/tocsin: what is measured runs as what is used. */
const NODE_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=50'];

/** Starts `file` of this folder; its `play` gets each order and its result is the answer. */
export function startPlayer<Answer>(file: string): Player<Answer> {
  const child = fork(path.join(import.meta.dirname, file), {
    serialization: 'advanced',
    execArgv: NODE_FLAGS,
  });
  const exited = once(child, 'exit');
  return {
    async ask(order) {
      const answered = once(child, 'message');
      child.send(order);
      const ended = exited.then(() => Promise.reject(new Error(`${file} ended`)));
      const [answer] = (await Promise.race([answered, ended])) as [{ error?: string } & Answer];
      if (answer.error !== undefined) throw new Error(`${file}: ${answer.error}`);
      return answer;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Open-loop load by a process of its own. */
export async function loadOpenly(order: LoadOrder): Promise<LoadAnswer> {
  return await askOnce<LoadAnswer>('load-player.ts', order);
}

/** One order to a process of its own, which ends with its answer. */
export async function askOnce<Answer>(file: string, order: object): Promise<Answer> {
  const player = startPlayer<Answer>(file);
  try {
    return await player.ask(order);
  } finally {
    await player.stop();
  }
}

/** In the player: answers each order by what `play` makes of it; `end` runs when we are done. */
export function playOrders<Order>(
  play: (order: Order) => Promise<object>,
  end: () => Promise<void> = () => Promise.resolve(),
): void {
  process.on('message', (order: Order) => {
    play(order)
      .catch((error: unknown) => ({ error: (error as Error).stack ?? String(error) }))
      .then((answer) => process.send?.(answer))
      .catch(() => process.exit(1));
  });
  process.once('disconnect', () => {
    end().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}

export function usageOfThisProcess(): Usage {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return {
    residentMaxMegabytes: maxRSS / 1024,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
  };
}
