import { beside } from '#config.ts';
import { parseArgs } from 'node:util';
import { explainOutside } from '#db/outside-failures.ts';
import type { SimulatorOptions } from '#simulator/index.ts';

const HELP = `Usage: tocsin simulator [options]

Runs a simulated GOV.UK Notify, mail server and set of phones. No real phone rings.
Prints one line of JSON when it is ready: {"ready":true,"notifyUrl":…,"controlUrl":…,"smtpPort":…}

  --host HOST              address to listen on (127.0.0.1)
  --port PORT              Notify API, /phones, /mail and /_control (0: any free port)
  --control-port PORT      /phones, /mail and /_control once more, open under the fault "down" (0)
  --smtp-port PORT         mail server (0)
  --data DIR               folder of the ledger (var/simulator beside the program)
  --no-ledger              keep no ledger: for raw speed only
  --api-key KEY[=TYPE]     {name}-{service id}-{secret}; TYPE is live (default), team or test;
                           may be given more than once
  --service-name NAME      name of the service (Tocsin)
  --prefix                 put "NAME: " before every text
  --callback-url URL       delivery receipts to URL/receipts and texts to URL/texts
  --receipts-url URL       delivery receipts, when the two addresses differ in another way
  --texts-url URL          received texts, likewise
  --callback-token TOKEN   bearer token of both
  --callback-retry-ms MS   wait before each further try (300000)
  --receipt-delay-ms A,B   from acceptance to final status, between A and B (100,1000)
  --limit PER_MINUTE       requests a minute and key type (3000)
  --no-limiter             no limit, neither of a minute nor of a day
  --bounce-smtp HOST:PORT  where bounces go under the fault "mail_bounced"
  --seed N                 seed of delays and fault probabilities (1)
  --exit-with-stdin        stop when standard input closes
  --help                   this text
`;

/**
 * Runs the simulator until it is told to stop (SIGINT, SIGTERM, or the end of standard input with
 * `--exit-with-stdin`). Resolves to the exit code.
 */
export async function simulatorCommand(args: string[]): Promise<number> {
  let values: Values;
  try {
    values = parse(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nSee: tocsin simulator --help\n`);
    return 2;
  }
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    const options = toOptions(values);
    // Only now: help and mistakes need none of it.
    const { startSimulator } = await import('#simulator/index.ts');
    const simulator = await startSimulator(options);
    const { notifyUrl, controlUrl, smtpPort } = simulator;
    const ready = { ready: true, notifyUrl, controlUrl, smtpPort };
    process.stdout.write(`${JSON.stringify(ready)}\n`);
    await toldToStop(values['exit-with-stdin'] === true);
    await simulator.close();
    return 0;
  } catch (error) {
    const reason = portTaken(error) ?? explainOutside(error)?.message ?? (error as Error).message;
    process.stderr.write(`The simulator could not run: ${reason}\n`);
    return 1;
  }
}

function portTaken(error: unknown): string | undefined {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code !== 'EADDRINUSE') return undefined;
  return `port ${port} is in use by another program. Stop that program, or choose another port; 0 takes any free one.`;
}

const OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  'control-port': { type: 'string' },
  'smtp-port': { type: 'string' },
  data: { type: 'string' },
  'no-ledger': { type: 'boolean' },
  'api-key': { type: 'string', multiple: true },
  'service-name': { type: 'string' },
  prefix: { type: 'boolean' },
  'callback-url': { type: 'string' },
  'receipts-url': { type: 'string' },
  'texts-url': { type: 'string' },
  'callback-token': { type: 'string' },
  'callback-retry-ms': { type: 'string' },
  'receipt-delay-ms': { type: 'string' },
  limit: { type: 'string' },
  'no-limiter': { type: 'boolean' },
  'bounce-smtp': { type: 'string' },
  seed: { type: 'string' },
  'exit-with-stdin': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parse>;

function parse(args: string[]) {
  return parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false }).values;
}

function toOptions(values: Values): SimulatorOptions {
  const keys = values['api-key']?.map(toKey);
  const limit = wholeNumber(values.limit, '--limit');
  const isUnlimited = values['no-limiter'] === true;
  return definedOnly({
    host: values.host,
    notifyPort: wholeNumber(values.port, '--port'),
    controlPort: wholeNumber(values['control-port'], '--control-port'),
    smtpPort: wholeNumber(values['smtp-port'], '--smtp-port'),
    dataDir: values.data ?? beside('var/simulator'),
    ledger: values['no-ledger'] === true ? 'off' : 'synced',
    apiKeys: keys,
    serviceName: values['service-name'],
    prefixOn: values.prefix,
    callbackUrls: toCallbackUrls(values),
    callbackToken: values['callback-token'],
    callbackRetryMs: wholeNumber(values['callback-retry-ms'], '--callback-retry-ms'),
    receiptDelayMs: toRange(values['receipt-delay-ms']),
    limiter: isUnlimited ? 'off' : limit === undefined ? undefined : { perMinute: limit },
    dailyLimits: isUnlimited ? { sms: Infinity, email: Infinity } : undefined,
    bounceSmtp: toAddress(values['bounce-smtp']),
    seed: wholeNumber(values.seed, '--seed'),
  });
}

function toCallbackUrls(values: Values): SimulatorOptions['callbackUrls'] {
  const base = values['callback-url']?.replace(/\/$/, '');
  return definedOnly({
    receipts: values['receipts-url'] ?? (base === undefined ? undefined : `${base}/receipts`),
    texts: values['texts-url'] ?? (base === undefined ? undefined : `${base}/texts`),
  });
}

function toKey(text: string): { key: string; type: 'live' | 'team' | 'test' } {
  const [key, type = 'live'] = text.split('=') as [string, string?];
  if (type !== 'live' && type !== 'team' && type !== 'test') {
    throw new Error(`--api-key: the type must be live, team or test, not "${type}".`);
  }
  return { key, type };
}

function toAddress(text: string | undefined): { host: string; port: number } | undefined {
  if (text === undefined) return undefined;
  const match = /^(.+):(\d+)$/.exec(text);
  if (match === null) throw new Error('--bounce-smtp: give HOST:PORT.');
  return { host: match[1]!, port: Number(match[2]) };
}

function toRange(text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined;
  const [least, most] = text.split(',').map(Number) as [number, number?];
  const range = [least, most ?? least] as const;
  if (range.every((value) => value >= 0) && range[0] <= range[1]) return range;
  throw new Error('--receipt-delay-ms: give two numbers of milliseconds, the smaller first.');
}

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`${name}: give a whole number, not "${text}".`);
}

/** Options that were not given must be absent, not undefined. */
function definedOnly<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function toldToStop(withStdin: boolean): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    if (!withStdin) return;
    process.stdin.on('end', resolve);
    process.stdin.on('close', resolve);
    process.stdin.resume();
  });
}
