/**
 * The environment, read once into one frozen value. Everything wrong is said at once, each as a
 * sentence with the variable, the form it must have and the way out. Values that may be secret are
 * never repeated, neither in an error nor in `describeConfig`.
 */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { nearestName } from '#operating-model/index.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';

export type Config = {
  /** 0 takes any free port. */
  readonly port: number;
  /** The address to listen on. */
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Where people reach it, without a slash at the end: `https://tocsin.example`. */
  readonly url: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Addresses and networks whose `X-Forwarded-…` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Absent: the embedded PostgreSQL below `dataDir`. */
  readonly databaseUrl?: string;
  readonly notify?: NotifyConfig;
  readonly smtp?: { readonly url: string; readonly from: string };
  readonly operatingModelFile: string;
  /** What is odd but no reason to stop, a sentence each. */
  readonly warnings: readonly string[];
};

export type NotifyConfig = {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** What the service is to carry: it needs a pass-through template for each. */
  readonly channels: readonly ('text' | 'mail')[];
  /** Absent where no callback can reach us: statuses are asked for instead. */
  readonly callbackToken?: string;
};

export type Environment = Readonly<Record<string, string | undefined>>;

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const API_KEY = new RegExp(`^(.+)-(${UUID})-(${UUID})$`, 'i');
const NOTIFY = 'https://api.notifications.service.gov.uk';

const KNOWN = [
  'TOCSIN_HOST',
  'TOCSIN_DATA_DIR',
  'TOCSIN_URL',
  'TOCSIN_TLS_CERT',
  'TOCSIN_TLS_KEY',
  'TOCSIN_TRUSTED_PROXY',
  'TOCSIN_OPERATING_MODEL',
  // Read by the tests alone.
  'TOCSIN_CHROMIUM',
];

/** The configuration, or `invalid` with a sentence for each variable that is wrong. */
export function parseConfig(env: Environment): Outcome<Config> {
  const read = new Reader(env);
  const tls = readTls(read);
  const port =
    read.parsed('PORT', 'a whole number from 0 to 65535, such as 3000', parsePort) ?? 3000;
  const host = read.parsed('TOCSIN_HOST', 'an address to listen on, such as 0.0.0.0', parseHost);
  const url = read.parsed('TOCSIN_URL', URL_FORM, parseOwnUrl);
  const databaseUrl = read.secret(
    'DATABASE_URL',
    'postgres://user:password@host/database',
    (text) => isUrl(text, ['postgres:', 'postgresql:']),
  );
  const trustedProxies = read.parsed(
    'TOCSIN_TRUSTED_PROXY',
    'addresses or networks with commas between, such as 10.0.0.5,10.1.0.0/16',
    parseNetworks,
  );
  const notify = readNotify(read);
  const smtp = readSmtp(read);
  const config: Config = {
    port,
    host: host ?? '127.0.0.1',
    dataDir: resolve(read.text('TOCSIN_DATA_DIR') ?? './var'),
    // Not the address: passkeys are bound to a name and refuse addresses.
    url: url ?? `${tls ? 'https' : 'http'}://localhost:${port}`,
    ...(tls && { tls }),
    trustedProxies: trustedProxies ?? [],
    ...(databaseUrl !== undefined && { databaseUrl }),
    ...(notify && { notify }),
    ...(smtp && { smtp }),
    operatingModelFile: resolve(read.text('TOCSIN_OPERATING_MODEL') ?? './operating-model.yaml'),
    warnings: [...unknownVariables(env), ...exposed(host, tls, trustedProxies)],
  };
  const errors = Object.values(read.errors);
  if (errors.length > 0) return refused('invalid', errors.join('\n'), read.errors);
  return ok(frozen(config));
}

/** The configuration for a person at a terminal: one `name value` a line, no secret in it. */
export function describeConfig(config: Config): string {
  const { notify, smtp } = config;
  const lines: Record<string, string> = {
    PORT: String(config.port),
    TOCSIN_HOST: config.host,
    TOCSIN_DATA_DIR: config.dataDir,
    TOCSIN_URL: config.url,
    TOCSIN_TLS_CERT: config.tls?.certFile ?? 'none',
    TOCSIN_TRUSTED_PROXY: config.trustedProxies.join(',') || 'none',
    TOCSIN_OPERATING_MODEL: config.operatingModelFile,
    DATABASE_URL: config.databaseUrl ? placeOf(config.databaseUrl) : 'embedded',
    NOTIFY_BASE_URL: notify?.baseUrl ?? 'none',
    NOTIFY_API_KEY: notify ? `${API_KEY.exec(notify.apiKey)?.[1] ?? ''} (hidden)` : 'none',
    NOTIFY_CHANNELS: notify?.channels.join(',') ?? 'none',
    NOTIFY_CALLBACK_TOKEN: notify?.callbackToken ? '(hidden)' : 'none',
    SMTP_URL: smtp ? placeOf(smtp.url) : 'none',
    MAIL_FROM: smtp ? '(set)' : 'none',
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name.padEnd(23)}${value}\n`)
    .join('');
}

/** Reads variables by name and collects what is wrong. An empty variable counts as not set. */
class Reader {
  readonly errors: Record<string, string> = {};
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** The value as `parse` makes it; `parse` returns undefined for what it does not take. */
  parsed<T>(name: string, form: string, parse: (text: string) => T | undefined): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) {
      this.errors[name] = `${name} is ‘${text}’; it must be ${form}, or not set at all.`;
    }
    return value;
  }

  /** As it stands, where `test` takes it; never repeated where not. */
  secret(name: string, form: string, test: (text: string) => boolean): string | undefined {
    const text = this.text(name);
    if (text === undefined || test(text)) return text;
    this.errors[name] = `${name} has the wrong form; it must be ${form}, or not set at all.`;
    return undefined;
  }

  /** `name` must be there because `because` is. */
  missing(name: string, because: string, form: string): void {
    this.errors[name] ??= `${name} is missing: with ${because} it must be set to ${form}.`;
  }
}

function readTls(read: Reader): Config['tls'] {
  const certFile = read.text('TOCSIN_TLS_CERT');
  const keyFile = read.text('TOCSIN_TLS_KEY');
  if (certFile && !keyFile)
    read.missing('TOCSIN_TLS_KEY', 'TOCSIN_TLS_CERT', 'the file of its key');
  if (keyFile && !certFile) {
    read.missing('TOCSIN_TLS_CERT', 'TOCSIN_TLS_KEY', 'the file of its certificate');
  }
  if (!certFile || !keyFile) return undefined;
  return { certFile: resolve(certFile), keyFile: resolve(keyFile) };
}

function readNotify(read: Reader): NotifyConfig | undefined {
  const given = ['NOTIFY_BASE_URL', 'NOTIFY_API_KEY', 'NOTIFY_CALLBACK_TOKEN', 'NOTIFY_CHANNELS'];
  const because = given.find((name) => read.text(name) !== undefined);
  if (because === undefined) return undefined;
  const baseUrl = read.parsed('NOTIFY_BASE_URL', `an address such as ${NOTIFY}`, parseHttpUrl);
  const channels = read.parsed('NOTIFY_CHANNELS', 'text, mail or text,mail', parseChannels);
  const keyForm = 'the key as Notify shows it, {name}-{service id}-{secret}';
  const apiKey = read.secret('NOTIFY_API_KEY', keyForm, (text) => API_KEY.test(text));
  const callbackToken = read.secret(
    'NOTIFY_CALLBACK_TOKEN',
    'at least 10 characters, the same as in the settings of the Notify service',
    (text) => text.length >= 10,
  );
  if (!apiKey) read.missing('NOTIFY_API_KEY', because, keyForm);
  if (!apiKey) return undefined;
  return {
    baseUrl: baseUrl ?? NOTIFY,
    apiKey,
    channels: channels ?? ['text'],
    ...(callbackToken && { callbackToken }),
  };
}

function readSmtp(read: Reader): Config['smtp'] {
  const url = read.secret('SMTP_URL', 'smtp://user:password@host:587 or smtps://…', (text) =>
    isUrl(text, ['smtp:', 'smtps:']),
  );
  const fromForm = 'the address mails come from, such as Cyber centre <alerts@centre.example>';
  const from = read.secret('MAIL_FROM', fromForm, (text) =>
    /^[^@\r\n]+@[^@\s]+\.[^@\s]+$/.test(text),
  );
  if (url && !from) read.missing('MAIL_FROM', 'SMTP_URL', fromForm);
  return url && from ? { url, from } : undefined;
}

const URL_FORM =
  'https:// and a name (an address such as 10.0.0.5 will not do: passkeys are bound to a name), ' +
  'without a path; http:// only for localhost';

function parseOwnUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || isIP(url.hostname.replaceAll(/[[\]]/g, '')) !== 0) return undefined;
  if (url.pathname !== '/' || url.search || url.hash || url.username) return undefined;
  const local = url.hostname === 'localhost' || url.hostname.endsWith('.localhost');
  return url.protocol === 'https:' || (url.protocol === 'http:' && local) ? url.origin : undefined;
}

function parseHttpUrl(text: string): string | undefined {
  if (!isUrl(text, ['http:', 'https:'])) return undefined;
  return text.replace(/\/+$/, '');
}

function parseChannels(text: string): ('text' | 'mail')[] | undefined {
  const channels = text.split(',').map((part) => part.trim());
  const isOne = (channel: string) => channel === 'text' || channel === 'mail';
  return channels.every(isOne) ? [...new Set(channels)] : undefined;
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  const url = URL.parse(text);
  return url !== null && protocols.includes(url.protocol);
}

function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

function parseHost(text: string): string | undefined {
  return isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) ? text : undefined;
}

function parseNetworks(text: string): string[] | undefined {
  const networks = text.split(',').map((part) => part.trim());
  return networks.every(isNetwork) ? networks : undefined;
}

function isNetwork(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  );
}

function unknownVariables(env: Environment): string[] {
  const names = Object.keys(env).filter((name) => name.startsWith('TOCSIN_'));
  return names
    .filter((name) => !KNOWN.includes(name) && !name.startsWith('TOCSIN_TEST_'))
    .map((name) => {
      const meant = nearestName(name, KNOWN);
      return `${name} is not known and has no effect${meant ? `; did you mean ${meant}?` : '.'}`;
    });
}

function exposed(host = '127.0.0.1', tls?: object, proxies?: readonly string[]): string[] {
  if (['127.0.0.1', '::1', 'localhost'].includes(host) || tls || proxies?.length) return [];
  return [
    `TOCSIN_HOST is ${host}: pages leave this machine unencrypted. ` +
      'Set TOCSIN_TLS_CERT and TOCSIN_TLS_KEY, or TOCSIN_TRUSTED_PROXY.',
  ];
}

/** A URL without user, password and parameters: any of them may be secret. */
function placeOf(text: string): string {
  const url = URL.parse(text);
  return url === null ? '(hidden)' : `${url.protocol}//${url.host}${url.pathname}`;
}

function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) frozen(inner);
  }
  return Object.freeze(value);
}
