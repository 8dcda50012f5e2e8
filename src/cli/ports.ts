/** The ports a start needs, looked at before anything is made. */
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { refused, type Refused } from '#kernel/outcome.ts';

/** A port somewhere to listen on. */
export type Door = { readonly host: string; readonly port: number };

/** What keeps us from listening there: the code of the system; undefined where nothing does. */
export function listenOnce({ host, port }: Door): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

const PORT_MAX = 65_535;

/**
 * The sentence where one of the doors cannot be listened on. The way out is tried first: `command`
 * with the next PORT at which a door for each of them is free.
 */
export async function findPortRefusal(
  doors: readonly Door[],
  command: string,
): Promise<Refused | undefined> {
  for (const door of doors) {
    if (door.port > PORT_MAX) return refused('invalid', TOO_HIGH);
    const code = await listenPatiently(door);
    if (code === undefined) continue;
    if (code !== 'EADDRINUSE') return refused('unavailable', explain(door, code));
    const free = await findFreePort(doors);
    const elsewhere = free === undefined ? '' : `, or choose another port: PORT=${free} ${command}`;
    const message = `Port ${door.port} is in use by another program. Stop that program${elsewhere}`;
    return refused('conflict', message);
  }
  return undefined;
}

/** For so long a simulator whose Tocsin was killed may still hold its ports. */
const LETTING_GO_MS = 2_000;

async function listenPatiently(door: Door): Promise<string | undefined> {
  const until = Date.now() + LETTING_GO_MS;
  for (;;) {
    const code = await listenOnce(door);
    if (code !== 'EADDRINUSE' || Date.now() > until) return code;
    await delay(50);
  }
}

const TOO_HIGH = `PORT is too high: a demonstration uses the two ports above it, up to ${PORT_MAX}.`;

function explain({ host, port }: Door, code: string): string {
  if (code === 'EACCES')
    return `Port ${port} needs more rights than this user has. Set PORT to one above 1023.`;
  return (
    `TOCSIN_HOST is ${host}, which is no address of this machine (${code}). ` +
    'Set it to one, such as 127.0.0.1, or to 0.0.0.0 for all.'
  );
}

/** The next PORT, in steps that are easy to remember, with all the ports it stands for. */
async function findFreePort(doors: readonly Door[]): Promise<number | undefined> {
  const first = doors[0]?.port ?? 0;
  const stepsMax = 100;
  for (let step = 1; step <= stepsMax; step++) {
    const by = step * 10;
    const moved = doors.map(({ host, port }) => ({ host, port: port + by }));
    if (moved.some(({ port }) => port > PORT_MAX)) return undefined;
    const codes = await Promise.all(moved.map(listenOnce));
    if (codes.every((code) => code === undefined)) return first + by;
  }
  return undefined;
}
