import { mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** One whose standard input just closed needs a moment to end. */
const WAIT_MS = 5_000;

/**
 * Holds a data folder for this process: two simulators would write one ledger. An abstract socket
 * is a lock that no crash leaves behind; only Linux has it, elsewhere nothing is held.
 *
 * @returns how to let go.
 * @throws Error when another simulator has it.
 */
export async function lockFolder(folder: string): Promise<() => void> {
  if (process.platform !== 'linux') return () => {};
  mkdirSync(folder, { recursive: true });
  const { dev, ino } = statSync(folder);
  const until = Date.now() + WAIT_MS;
  for (;;) {
    const release = await listenOn(`\0simulator-${dev}-${ino}`);
    if (release !== undefined) return release;
    if (Date.now() > until)
      throw new Error(`Another simulator uses ${folder}. Stop it, or give --data another folder.`);
    await delay(50);
  }
}

function listenOn(address: string): Promise<(() => void) | undefined> {
  const server = createServer().unref();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(address, () => resolve(() => void server.close()));
  });
}
