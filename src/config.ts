/**
 * The environment, read once into one frozen value. Everything wrong is said at once, each as a
 * sentence with the variable, the form it must have and the way out. Values that may be secret are
 * never repeated, neither in an error nor in `describeConfig`.
 */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { nearestName } from '#operating-model/index.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { parseNetworks } from './config/networks.ts';
import {
  nameOfKey,
  readMailIn,
  readNotify,
  readProbe,
  readProxy,
  readSmpp,
  readSmtp,
} from './config/providers.ts';
import type {
  MailInConfig,
  NotifyConfig,
  ProbeConfig,
  ProxyConfig,
  SmppConfig,
  SmtpConfig,
} from './config/providers.ts';
import { isUrl, Reader, type Environment } from './config/reader.ts';
import { readSecurityContact, type SecurityContactConfig } from './config/security-contact.ts';

export type { Environment } from './config/reader.ts';

export type Config = {
  /** 0 takes any free port. */
  readonly port: number;
  /** The address to listen on. */
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Where people reach it, without a slash at the end: `https://tocsin.example`. */
  readonly url: string;
  /** The domain that passkeys are bound to: the host of `url`, or one above it. */
  readonly passkeyDomain: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Addresses and networks whose `X-Forwarded-…` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Absent: the embedded PostgreSQL below `dataDir`. */
  readonly databaseUrl?: string;
  readonly notify?: NotifyConfig;
  readonly smtp?: SmtpConfig;
  readonly smpp?: SmppConfig;
  readonly mailIn?: MailInConfig;
  readonly probe: ProbeConfig;
  readonly proxy?: ProxyConfig;
  /** Certificates that are trusted beside the usual ones; a file in PEM. */
  readonly caFile?: string;
  readonly operatingModelFile: string;
  /** Where checkpoints of the audit are exported to; absent: the data folder. */
  readonly auditFile?: string;
  /** Told each minute while the engine's invariants hold; silence is the alarm. */
  readonly deadmanUrl?: string;
  /** Where weaknesses of this installation are reported to (RFC 9116). */
  readonly securityContact?: SecurityContactConfig;
  /** What is odd but no reason to stop, a sentence each. */
  readonly warnings: readonly string[];
};

const KNOWN = [
  'TOCSIN_HOST',
  'TOCSIN_DATA_DIR',
  'TOCSIN_URL',
  'TOCSIN_PASSKEY_DOMAIN',
  'TOCSIN_TLS_CERT',
  'TOCSIN_TLS_KEY',
  'TOCSIN_TRUSTED_PROXY',
  'TOCSIN_OPERATING_MODEL',
  'TOCSIN_AUDIT_FILE',
  'TOCSIN_CA_FILE',
  'TOCSIN_DEADMAN_URL',
  'TOCSIN_SECURITY_CONTACT',
  'TOCSIN_SECURITY_POLICY',
  'TOCSIN_PROBE_NUMBER',
  'TOCSIN_PROBE_MAILBOX',
  // Read by the tests alone.
  'TOCSIN_CHROMIUM',
];

/**
 * A path in the folder of the program. Not where somebody stands who calls it: a command from
 * elsewhere would find nothing there, and a start would make a second, empty installation.
 */
export function beside(name: string): string {
  return resolve(import.meta.dirname, '..', name);
}

/** The configuration, or `invalid` with a sentence for each variable that is wrong. */
export function parseConfig(env: Environment): Outcome<Config> {
  const read = new Reader(env);
  const tls = readTls(read);
  const port =
    read.parsed('PORT', 'a whole number from 1 to 65535, such as 3000', parsePort) ?? 3000;
  const host = read.parsed('TOCSIN_HOST', 'an address to listen on, such as 0.0.0.0', parseHost);
  // Not the address: passkeys are bound to a name and refuse addresses.
  const url =
    read.parsed('TOCSIN_URL', URL_FORM, parseOwnUrl) ??
    `${tls ? 'https' : 'http'}://localhost:${port}`;
  const { hostname } = new URL(url);
  const passkeyDomain = read.parsed(
    'TOCSIN_PASSKEY_DOMAIN',
    `${hostname}, or a domain above it, without a port`,
    (text) => (isAbove(text, hostname) ? text : undefined),
  );
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
  // Its path is often all that authenticates it.
  const deadmanUrl = read.secret('TOCSIN_DEADMAN_URL', 'an address such as https://…', (text) =>
    isUrl(text, ['http:', 'https:']),
  );
  const notify = readNotify(read);
  const smtp = readSmtp(read);
  const smpp = readSmpp(read);
  const mailIn = readMailIn(read);
  const proxy = readProxy(read);
  const caFile = read.text('TOCSIN_CA_FILE');
  const auditFile = read.text('TOCSIN_AUDIT_FILE');
  const config: Config = {
    port,
    host: host ?? '127.0.0.1',
    dataDir: resolve(read.text('TOCSIN_DATA_DIR') ?? beside('var')),
    url,
    passkeyDomain: passkeyDomain ?? hostname,
    ...(tls && { tls }),
    trustedProxies: trustedProxies ?? [],
    ...(databaseUrl !== undefined && { databaseUrl }),
    ...(notify && { notify }),
    ...(smtp && { smtp }),
    ...(smpp && { smpp }),
    ...(mailIn && { mailIn }),
    probe: readProbe(read),
    ...(proxy && { proxy }),
    ...(caFile && { caFile: resolve(caFile) }),
    ...(auditFile && { auditFile: resolve(auditFile) }),
    ...(deadmanUrl !== undefined && { deadmanUrl }),
    ...readSecurityContact(read),
    operatingModelFile: resolve(
      read.text('TOCSIN_OPERATING_MODEL') ?? beside('operating-model.yaml'),
    ),
    warnings: [
      ...unknownVariables(env),
      ...exposed(host, tls, trustedProxies),
      ...unnamed(host, url),
      ...deaf(notify),
    ],
  };
  const errors = Object.values(read.errors);
  if (errors.length > 0) return refused('invalid', errors.join('\n'), read.errors);
  return ok(frozen(config));
}

/** The configuration for a person at a terminal: one `name value` a line, no secret in it. */
export function describeConfig(config: Config): string {
  const { notify, smtp, smpp, proxy } = config;
  const lines: Record<string, string> = {
    PORT: String(config.port),
    TOCSIN_HOST: config.host,
    TOCSIN_DATA_DIR: config.dataDir,
    TOCSIN_URL: config.url,
    TOCSIN_PASSKEY_DOMAIN: config.passkeyDomain,
    TOCSIN_TLS_CERT: config.tls?.certFile ?? 'none',
    TOCSIN_TRUSTED_PROXY: config.trustedProxies.join(',') || 'none',
    TOCSIN_OPERATING_MODEL: config.operatingModelFile,
    TOCSIN_AUDIT_FILE: config.auditFile ?? 'in the data folder',
    DATABASE_URL: config.databaseUrl ? placeOf(config.databaseUrl) : 'embedded',
    NOTIFY_BASE_URL: notify?.baseUrl ?? 'none',
    NOTIFY_API_KEY: notify ? `${nameOfKey(notify.apiKey)} (hidden)` : 'none',
    NOTIFY_CHANNELS: notify?.channels.join(',') ?? 'none',
    NOTIFY_CALLBACK_TOKEN: notify?.callbackToken ? '(hidden)' : 'none',
    SMTP_URL: smtp ? placeOf(smtp.url) : 'none',
    MAIL_IN: config.mailIn ? `${config.mailIn.host}:${config.mailIn.port}` : 'none',
    MAIL_BOUNCE_DOMAIN: config.mailIn?.domain ?? 'none',
    SMPP_URL: smpp ? placeOf(smpp.url) : 'none',
    SMPP_FROM: smpp ? '(set)' : 'none',
    TOCSIN_PROBE_NUMBER: config.probe.number ? '(set)' : 'none',
    TOCSIN_PROBE_MAILBOX: config.probe.mailbox ? '(set)' : 'none',
    HTTPS_PROXY: proxy?.https ? placeOf(proxy.https) : 'none',
    HTTP_PROXY: proxy?.http ? placeOf(proxy.http) : 'none',
    NO_PROXY: proxy?.no ?? 'none',
    TOCSIN_CA_FILE: config.caFile ?? 'none',
    TOCSIN_SECURITY_CONTACT: config.securityContact?.contacts.join(',') ?? 'none',
    TOCSIN_SECURITY_POLICY: config.securityContact?.policy ?? 'none',
    TOCSIN_DEADMAN_URL: config.deadmanUrl === undefined ? 'none' : '(hidden)',
    MAIL_FROM: smtp ? '(set)' : 'none',
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name.padEnd(23)}${value}\n`)
    .join('');
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

/** Browsers refuse a suffix that is everybody's, such as co.uk; a name without a dot is one. */
function isAbove(domain: string, hostname: string): boolean {
  return domain === hostname || (domain.includes('.') && hostname.endsWith(`.${domain}`));
}

function parsePort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
}

function parseHost(text: string): string | undefined {
  return isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) ? text : undefined;
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

const HERE = ['127.0.0.1', '::1', 'localhost'];

function exposed(host = '127.0.0.1', tls?: object, proxies?: readonly string[]): string[] {
  if (HERE.includes(host) || tls || proxies?.length) return [];
  return [
    `TOCSIN_HOST is ${host}: pages leave this machine unencrypted. ` +
      'Set TOCSIN_TLS_CERT and TOCSIN_TLS_KEY, or TOCSIN_TRUSTED_PROXY.',
  ];
}

function unnamed(host = '127.0.0.1', url: string): string[] {
  if (HERE.includes(host) || new URL(url).hostname !== 'localhost') return [];
  return [
    `TOCSIN_HOST is ${host}, but people are told ${url}: nobody signs in from another machine. ` +
      'Set TOCSIN_URL to https:// and the name that they open.',
  ];
}

function deaf(notify: NotifyConfig | undefined): string[] {
  if (notify === undefined || notify.callbackToken !== undefined) return [];
  return [
    'NOTIFY_CALLBACK_TOKEN is not set: callbacks of Notify are refused. ' +
      'Set it where Notify can reach this machine.',
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
