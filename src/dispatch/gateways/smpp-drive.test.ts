/**
 * Against a message centre that nobody here wrote: `drive_smpp` of Kannel, in Debian's package
 * kannel-extras. It binds each way apart, brings texts, and takes ours without telling an id.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { newId } from '#kernel/ids.ts';
import { until } from '../../../test/support/dispatch.ts';
import { openSmppGateway } from './smpp.ts';

const DRIVE = '/usr/lib/kannel/test/drive_smpp';
const skip = existsSync(DRIVE)
  ? false
  : `SMPP was NOT tried against a foreign message centre: ${DRIVE} is missing (apt-get install kannel-extras)`;
const TEXTS = 50;
const KANNEL_BOX_PORT = 13_001;

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

it('speaks with drive_smpp: every text in, every packet out', { skip }, async (context) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-drive-'));
  // It also wants to speak with Kannel's own box, at this port whatever it is told; ours only
  // listens, and so does another test's that may be there.
  const box = createServer((socket) => socket.on('error', () => {})).on('error', () => {});
  box.listen(KANNEL_BOX_PORT, '127.0.0.1');
  const port = await freePort();
  const log = path.join(folder, 'drive.log');
  const args = ['-v', '0', '-l', log, '-p', `${port}`, '-m', `${TEXTS}`];
  const drive = spawn(DRIVE, args, { stdio: 'ignore' });
  const gateway = openSmppGateway('smpp', {
    url: `smpp://foo:bar@127.0.0.1:${port}`,
    from: '447700900998',
    systemType: 'VMA',
    bind: 'pair',
    window: 10,
    submitIds: 'text',
    receiptIds: 'text',
  });
  const ended = once(drive, 'exit');
  context.after(async () => {
    await gateway.close();
    drive.kill();
    await ended;
    box.close();
    rmSync(folder, { recursive: true });
  });
  const replies: string[] = [];
  gateway.receive!({
    part: () => Promise.resolve(true),
    partEnded: () => Promise.resolve('kept'),
    reply: ({ message }) => Promise.resolve(replies.push(message) > 0),
  });
  const send = (body: string) =>
    gateway.send({
      reference: `tocsin-01234567-${newId()}-1-1`,
      address: '447700900123',
      subject: null,
      body,
      expiresAt: new Date(Date.now() + 3_600_000),
    });
  await until(
    () => send('Isolate Citrix now'),
    (result) => result.class === 'accepted',
  );
  for (const body of ['Isolate Citrix now. '.repeat(12), 'Ŵyr: ynyswch', '{€}'])
    assert.equal((await send(body)).class, 'accepted');
  await until(
    () => Promise.resolve(replies.length),
    (count) => count === TEXTS,
  );
  assert.equal(new Set(replies).size, TEXTS);
  await gateway.close();
  await ended;
  const said = readFileSync(log, 'utf8');
  const counted = (what: string) => new RegExp(`sent to ${what}: (\\d+)`).exec(said)?.[1];
  assert.deepEqual([counted('ESME'), counted('SMSC')], [`${TEXTS}`, '5']);
  assert.ok(!/Unhandled SMPP PDU|error while unpacking/.test(said), 'it could not read a packet');
});
