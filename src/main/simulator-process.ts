/** The simulator beside a demonstration: a process of its own that ends with ours. */
import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import type { Ground } from './ground.ts';

export type SimulatorProcess = {
  stop(): Promise<void>;
  readonly notifyUrl: string;
  /** Where `/phones` and `/mail` are. */
  readonly pagesUrl: string;
  readonly smtpUrl: string;
  readonly callbackToken: string;
};

/** Fixed, so that bookmarks of the phones stay true; one above and two above the web port. */
export function simulatorPorts(webPort: number): { notify: number; control: number } {
  return { notify: webPort + 1, control: webPort + 2 };
}

/** Starts it and waits until it is ready. It ends when its standard input closes, so with us. */
export async function startSimulatorProcess(ground: Ground): Promise<SimulatorProcess> {
  const { config } = ground;
  const callbackToken = randomBytes(24).toString('base64url');
  const { notify, control } = simulatorPorts(config.port);
  const child = spawn(
    process.execPath,
    [
      path.join(import.meta.dirname, '..', 'main.ts'),
      'simulator',
      '--exit-with-stdin',
      `--port=${notify}`,
      `--control-port=${control}`,
      `--data=${path.join(config.dataDir, 'simulator')}`,
      `--callback-url=http://127.0.0.1:${config.port}/callbacks/notify`,
      `--callback-token=${callbackToken}`,
      '--callback-retry-ms=5000',
    ],
    // Its own group: Ctrl-C reaches us first, and we end it in order.
    { stdio: ['pipe', 'pipe', 'inherit'], detached: true },
  );
  const ready = await firstLine(child);
  return {
    notifyUrl: ready.notifyUrl,
    pagesUrl: ready.controlUrl,
    smtpUrl: `smtp://127.0.0.1:${ready.smtpPort}`,
    callbackToken,
    async stop() {
      if (child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await ended;
    },
  };
}

type Ready = { readonly notifyUrl: string; readonly controlUrl: string; readonly smtpPort: number };

function firstLine(child: ReturnType<typeof spawn>): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! });
    lines.once('line', (line) => resolve(JSON.parse(line) as Ready));
    child.once('exit', (code) =>
      reject(new Error(`the simulator ended with code ${code} before it was ready`)),
    );
  });
}
