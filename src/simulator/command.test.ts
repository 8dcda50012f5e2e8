import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';

const COMMAND = new URL('../cli/simulator.ts', import.meta.url).href;

const SCRIPT = `
  const { simulatorCommand } = await import('${COMMAND}');
  process.exit(await simulatorCommand(process.argv.slice(1)));`;

type End = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs the command with its standard input at an end already. */
async function run(...args: string[]): Promise<End> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, '--', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

describe('tocsin simulator', () => {
  it('prints help', async () => {
    const { code, stdout } = await run('--help');
    assert.equal(code, 0);
    assert.match(stdout, /--callback-url URL/);
  });

  it('says in one line of JSON that it is ready, and stops with its standard input', async () => {
    const { code, stdout, stderr } = await run('--no-ledger', '--exit-with-stdin');
    assert.deepEqual([code, stderr], [0, '']);
    const ready = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(ready['ready'], true);
    assert.match(ready['notifyUrl'] as string, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(typeof ready['smtpPort'], 'number');
  });

  it('says what is wrong with an option', async () => {
    const unknown = await run('--prot', '1');
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /--prot.*\n.*--help/s);
    const wrong = await run('--port', 'abc', '--no-ledger');
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /--port: give a whole number, not "abc"/);
    const key = await run('--api-key', 'short', '--no-ledger');
    assert.match(key.stderr, /An API key is \{name\}/);
  });

  it('says that a port is taken, and which', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await run('--no-ledger', '--port', String(port));
    taken.close();
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${port} is in use by another program`));
  });
});
