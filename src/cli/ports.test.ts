import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { test } from 'node:test';
import { findPortRefusal, listenOnce } from './ports.ts';

const host = '127.0.0.1';

/** A server whose two ports before nobody has: other tests have theirs anywhere. */
async function takeAfterTwoFree(): Promise<Server> {
  for (;;) {
    const server = createServer().listen(0, host);
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const before = [port - 2, port - 1].map((number) => listenOnce({ host, port: number }));
    if ((await Promise.all(before)).every((refusal) => refusal === undefined)) return server;
    server.close();
  }
}

test('a taken port is named, with a PORT at which every port is free', async (t) => {
  const taken = await takeAfterTwoFree();
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  // The last of three: what is advised must have all three free.
  const doors = [port - 2, port - 1, port].map((number) => ({ host, port: number }));
  const refusal = await findPortRefusal(doors, 'npm start');
  assert.match(refusal?.message ?? '', new RegExp(`^Port ${port} is in use by another program`));
  const advised = Number(/PORT=(\d+) npm start$/.exec(refusal?.message ?? '')?.[1]);
  const moved = [advised, advised + 1, advised + 2].map((number) => ({ host, port: number }));
  assert.deepEqual(await Promise.all(moved.map(listenOnce)), [undefined, undefined, undefined]);
  assert.equal(await findPortRefusal(moved, 'npm start'), undefined);
});

test('an address that is not here is no matter of another program', async () => {
  const refusal = await findPortRefusal([{ host: 'nope.invalid', port: 3000 }], 'npm start');
  assert.match(refusal?.message ?? '', /^TOCSIN_HOST is nope\.invalid, which is no address of/);
  const high = await findPortRefusal([{ host, port: 65_536 }], 'npm start');
  assert.match(high?.message ?? '', /^PORT is too high/);
});

test('a port that is let go of in a moment is waited for', async () => {
  const leaving = createServer().listen(0, host);
  await new Promise((resolve) => leaving.once('listening', resolve));
  const { port } = leaving.address() as AddressInfo;
  setTimeout(() => leaving.close(), 100);
  assert.equal(await findPortRefusal([{ host, port }], 'npm start'), undefined);
});
