import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import { DEFAULT_API_KEYS, DEFAULT_TEMPLATES } from './index.ts';

/**
 * Measures how many texts a second the simulator accepts, ledger synced, limiter off:
 *   node src/simulator/throughput.ts [texts] [connections]
 * The simulator runs in a process of its own; one undici pool here sends.
 */
type Load = { readonly url: string; readonly texts: number; readonly connections: number };
type Result = { readonly seconds: number; readonly p50Ms: number; readonly p99Ms: number };

const BODY =
  'NHS CYBER 4901 HIGH, Northmoor: ransomware via Citrix. Isolate Citrix gateways now. Email safe. Reply 4821=got it, 4821 HELP=call me';
/** Halves the memory under load (448 to 272 MB) and costs no speed. */
const NODE_FLAG = '--max-semi-space-size=8';
const SIMULATOR = new URL('../cli/simulator.ts', import.meta.url).href;
const COMMAND = `
  const { simulatorCommand } = await import('${SIMULATOR}');
  process.exit(await simulatorCommand(process.argv.slice(1)));`;

await measure(Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 128));

async function measure(texts: number, connections: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'simulator-throughput-'));
  const options = ['--data', dataDir, '--no-limiter', '--receipt-delay-ms', '0,0'];
  const child = spawn(
    process.execPath,
    [NODE_FLAG, '--input-type=module', '-e', COMMAND, '--', ...options, '--exit-with-stdin'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { notifyUrl } = JSON.parse(line) as { notifyUrl: string };
  const atStart = await megabytes(notifyUrl);
  const result = await sendAll({ url: notifyUrl, texts, connections });
  const figures = {
    texts,
    connections,
    perSecond: Math.round(texts / result.seconds),
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    megabytes: await megabytes(notifyUrl),
    megabytesAtStart: atStart,
    ledgerMegabytes: Math.round(statSync(join(dataDir, 'ledger.jsonl')).size / 1_048_576),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  child.stdin.end();
  await once(child, 'close');
  rmSync(dataDir, { recursive: true });
}

async function megabytes(url: string): Promise<number> {
  const response = await fetch(`${url}/_control/state`);
  return ((await response.json()) as { megabytes: number }).megabytes;
}

async function sendAll({ url, texts, connections }: Load): Promise<Result> {
  const pool = new Pool(url, { connections });
  const latencies = new Float64Array(texts);
  let authorization = token();
  const minter = setInterval(() => (authorization = token()), 1_000);
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < texts) {
        const index = next;
        next += 1;
        const sentAt = performance.now();
        const { statusCode, body } = await pool.request({
          method: 'POST',
          path: '/v2/notifications/sms',
          headers: { authorization, 'content-type': 'application/json' },
          body: requestBody(index),
        });
        await body.dump();
        if (statusCode !== 201) throw new Error(`Answered ${statusCode}.`);
        latencies[index] = performance.now() - sentAt;
      }
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  clearInterval(minter);
  await pool.close();
  latencies.sort();
  const quantile = (share: number): number =>
    Math.round(latencies[Math.floor((texts - 1) * share)]! * 10) / 10;
  return { seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

function requestBody(index: number): string {
  return JSON.stringify({
    // Ofcom's drama range widened, as load tests may: 07700 100000 to 899999.
    phone_number: `07700${100_000 + (index % 800_000)}`,
    template_id: DEFAULT_TEMPLATES[0].id,
    reference: `throughput-${index}`,
    personalisation: { body: BODY },
  });
}

function token(): string {
  const key = DEFAULT_API_KEYS.live;
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { iss: key.slice(-73, -37), iat: Math.floor(Date.now() / 1_000) };
  const signed = `${encode({ typ: 'JWT', alg: 'HS256' })}.${encode(claims)}`;
  const signature = createHmac('sha256', key.slice(-36)).update(signed).digest('base64url');
  return `Bearer ${signed}.${signature}`;
}
