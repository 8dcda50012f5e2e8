/** The simulator beside a demonstration: a process of its own that ends with ours. */
import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
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
export async function startSimulatorProcess(ground: Ground): Promise<Outcome<SimulatorProcess>> {
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
      // Under the fault `mail_bounced` the report comes to where this installation listens.
      ...(config.mailIn ? [`--bounce-smtp=${bouncePlace(config.mailIn)}`] : []),
    ],
    // Its own group: Ctrl-C reaches us first, and we end it in order.
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  );
  const ready = await firstLine(child);
  if (!ready.ok) return ready;
  child.stderr.pipe(process.stderr);
  return ok({
    notifyUrl: ready.value.notifyUrl,
    pagesUrl: ready.value.controlUrl,
    smtpUrl: `smtp://127.0.0.1:${ready.value.smtpPort}`,
    callbackToken,
    async stop() {
      if (child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await ended;
    },
  });
}

/** What listens on every address is reached on this machine. */
function bouncePlace({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;
}

type Ready = { readonly notifyUrl: string; readonly controlUrl: string; readonly smtpPort: number };

/** Its first words: ready, or the sentence that was the reason why not. */
function firstLine(child: ChildProcessByStdio<Writable, Readable, Readable>) {
  return new Promise<Outcome<Ready>>((resolve) => {
    let words = '';
    const listen = (part: Buffer) => (words += part.toString());
    child.stderr.on('data', listen);
    createInterface({ input: child.stdout }).once('line', (line) => {
      child.stderr.off('data', listen);
      resolve(ok(JSON.parse(line) as Ready));
    });
    child.once('close', () => {
      const [reason = 'The simulator ended before it was ready.'] = words
        .split('\n')
        .filter((line) => line !== '');
      resolve(refused('unavailable', reason));
    });
  });
}
