import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { startSimulator } from './index.ts';
import { readLedger } from './ledger-reader.ts';
import {
  CallbackReceiver,
  SMS_TEMPLATE,
  call,
  sendSms,
  settled,
  startForTest,
  temporaryFolder,
} from './kit-for-tests.ts';

const COMMAND = new URL('../cli/simulator.ts', import.meta.url).href;

/** Starts the command in a process of its own and waits for its line. */
async function spawnSimulator(
  dataDir: string,
): Promise<{ child: ChildProcess; notifyUrl: string }> {
  const script = `
    const { simulatorCommand } = await import('${COMMAND}');
    process.exit(await simulatorCommand(process.argv.slice(1)));`;
  const options = [
    '--data',
    dataDir,
    '--no-limiter',
    '--exit-with-stdin',
    '--receipt-delay-ms',
    '0,5',
  ];
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, '--', ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const ready = JSON.parse(line) as { ready: boolean; notifyUrl: string };
  assert.equal(ready.ready, true);
  return { child, notifyUrl: ready.notifyUrl };
}

describe('the ledger', () => {
  it('has every answered request after kill -9, and the state comes back', async (context) => {
    const dataDir = temporaryFolder(context);
    const { child, notifyUrl } = await spawnSimulator(dataDir);
    context.after(() => child.kill('SIGKILL'));
    const answered: string[] = [];
    let isKilled = false;
    const worker = async (name: string): Promise<void> => {
      for (let index = 0; !isKilled; index += 1) {
        const body = {
          phone_number: '07700900123',
          template_id: SMS_TEMPLATE,
          personalisation: { body: 'x' },
          reference: `${name}-${index}`,
        };
        const sent = await call({ notifyUrl }, '/v2/notifications/sms', { body }).catch(() => null);
        if (sent?.status !== 201) return;
        answered.push(body.reference);
        if (answered.length === 400) {
          isKilled = true;
          child.kill('SIGKILL');
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, index) => worker(`w${index}`)));
    assert.ok(answered.length >= 400);

    const simulator = await startForTest(context, { ledger: 'synced', dataDir });
    for (const reference of answered) {
      const found = await call(simulator, `/v2/notifications?reference=${reference}`);
      assert.equal((found.body['notifications'] as unknown[]).length, 1, reference);
    }
    await settled(simulator);
    const { byStatus, stored } = await state(simulator.controlUrl);
    assert.deepEqual(byStatus, { delivered: stored });
  });

  it('drops a torn last line and goes on after it', async (context) => {
    const dataDir = temporaryFolder(context);
    const first = await startSimulator({ dataDir, receiptDelayMs: [0, 0] });
    await sendSms(first, { reference: 'whole' });
    await settled(first);
    await first.close();
    const path = join(dataDir, 'ledger.jsonl');
    appendFileSync(path, '{"type":"accepted","id":"torn');
    const second = await startForTest(context, { ledger: 'synced', dataDir });
    await sendSms(second, { reference: 'after' });
    assert.equal((await state(second.controlUrl)).stored, 2);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    for (const line of lines) JSON.parse(line);
  });

  const needsLinux = process.platform !== 'linux' && 'needs Linux';
  it('belongs to one simulator at a time', { skip: needsLinux }, async (context) => {
    const dataDir = temporaryFolder(context);
    const first = await startSimulator({ dataDir });
    await assert.rejects(startSimulator({ dataDir }), /Another simulator uses .*--data/);
    await first.close();
    await (await startSimulator({ dataDir })).close();
  });

  it('refuses to start on a ledger damaged in the middle', async (context) => {
    const dataDir = temporaryFolder(context);
    appendFileSync(join(dataDir, 'ledger.jsonl'), '{"type":\nmore\n');
    await assert.rejects(startSimulator({ dataDir }), /damaged at byte 0/);
  });

  it('brings back replies, templates and a row still under way', async (context) => {
    const dataDir = temporaryFolder(context);
    const first = await startSimulator({ dataDir, receiptDelayMs: [60_000, 60_000] });
    first.simulation.changeTemplate({ id: SMS_TEMPLATE, body: 'v2 ((body))' });
    await sendSms(first, { reference: 'under way' });
    await first.reply('07700900123', '4821');
    await first.close();

    const receiver = await CallbackReceiver.start(context);
    const options = { ledger: 'synced' as const, dataDir, ...receiver.options };
    const second = await startForTest(context, options);
    const deliveries = await receiver.received(2);
    assert.deepEqual(deliveries.map(({ path }) => path).toSorted(), ['/receipts', '/texts']);
    const found = await call(second, '/v2/notifications?reference=under%20way');
    const [row] = found.body['notifications'] as Record<string, unknown>[];
    assert.equal(row!['body'], 'v2 Hello');
    assert.equal((row!['template'] as { version: number }).version, 2);
    assert.equal(second.simulation.handsets.replyCount, 1);
  });

  it('sends a receipt again that had no recorded end, and no other', async (context) => {
    const dataDir = temporaryFolder(context);
    const silent = await CallbackReceiver.start(context, ['silence']);
    const first = await startSimulator({ dataDir, receiptDelayMs: [0, 0], ...silent.options });
    await sendSms(first, { reference: 'unsure' });
    await silent.received(1);
    await sendSms(first, { reference: 'told' });
    await silent.received(2);
    await first.simulation.ledger.synced();
    while (!readFileSync(first.ledgerPath!, 'utf8').includes('"callback","at"')) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await first.close();
    const receiver = await CallbackReceiver.start(context);
    const options = { ledger: 'synced' as const, dataDir, ...receiver.options };
    const second = await startForTest(context, options);
    await settled(second);
    assert.deepEqual(
      receiver.deliveries.map(({ body }) => body['reference']),
      ['unsure'],
    );
  });

  it('is read in pages', async (context) => {
    const dataDir = temporaryFolder(context);
    const simulator = await startForTest(context, { ledger: 'synced', dataDir });
    for (const reference of ['a', 'b', 'c']) await sendSms(simulator, { reference });
    await settled(simulator);
    const references: unknown[] = [];
    let after = 0;
    for (let more = true; more;) {
      const url = `${simulator.controlUrl}/_control/ledger?type=accepted&limit=2&after=${after}`;
      const page = (await (await fetch(url)).json()) as {
        entries: { reference: string }[];
        next: number;
        more: boolean;
      };
      references.push(...page.entries.map(({ reference }) => reference));
      after = page.next;
      more = page.more;
    }
    assert.deepEqual(references, ['a', 'b', 'c']);
    let lines = 0;
    for await (const { entry } of readLedger(simulator.ledgerPath!)) if (entry.at) lines += 1;
    assert.equal(lines, 6);
  });
});

async function state(
  controlUrl: string,
): Promise<{ byStatus: Record<string, number>; stored: number }> {
  const response = await fetch(`${controlUrl}/_control/state`);
  return (await response.json()) as { byStatus: Record<string, number>; stored: number };
}
