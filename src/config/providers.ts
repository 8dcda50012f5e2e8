/** What the environment says of providers: the first gateway of each kind, and the way to them. */
import { parseNotifyKey } from '#dispatch/index.ts';
import { isUrl, type Reader } from './reader.ts';

export type NotifyConfig = {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** What the service is to carry: it needs a pass-through template for each. */
  readonly channels: readonly ('text' | 'mail')[];
  /** Absent where no callback can reach us: statuses are asked for instead. */
  readonly callbackToken?: string;
};

export type SmtpConfig = {
  readonly url: string;
  readonly from: string;
  readonly bounceDomain?: string;
};

/** Where undelivered mail comes back to us. */
export type MailInConfig = {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
};

export type SmppConfig = { readonly url: string; readonly from: string };

/** A handset and a mailbox of ours, to which the gateways of the environment prove themselves. */
export type ProbeConfig = { readonly number?: string; readonly mailbox?: string };

/** Proxies for requests to providers; what `no` names is reached directly. */
export type ProxyConfig = { readonly https?: string; readonly http?: string; readonly no?: string };

const NOTIFY = 'https://api.notifications.service.gov.uk';

/** The part of a key that is no secret. */
export function nameOfKey(apiKey: string): string {
  return parseNotifyKey(apiKey)?.name ?? '';
}

export function readNotify(read: Reader): NotifyConfig | undefined {
  const given = ['NOTIFY_BASE_URL', 'NOTIFY_API_KEY', 'NOTIFY_CALLBACK_TOKEN', 'NOTIFY_CHANNELS'];
  const because = given.find((name) => read.text(name) !== undefined);
  if (because === undefined) return undefined;
  const baseUrl = read.parsed('NOTIFY_BASE_URL', `an address such as ${NOTIFY}`, parseHttpUrl);
  const channels = read.parsed('NOTIFY_CHANNELS', 'text, mail or text,mail', parseChannels);
  const keyForm = 'the key as Notify shows it, {name}-{service id}-{secret}';
  const apiKey = read.secret(
    'NOTIFY_API_KEY',
    keyForm,
    (text) => parseNotifyKey(text) !== undefined,
  );
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

export function readSmtp(read: Reader): SmtpConfig | undefined {
  const url = read.secret('SMTP_URL', 'smtp://user:password@host:587 or smtps://…', (text) =>
    isUrl(text, ['smtp:', 'smtps:']),
  );
  const fromForm = 'the address mails come from, such as Cyber centre <alerts@centre.example>';
  const from = read.secret('MAIL_FROM', fromForm, (text) =>
    /^[^@\r\n]+@[^@\s]+\.[^@\s]+$/.test(text),
  );
  if (url && !from) read.missing('MAIL_FROM', 'SMTP_URL', fromForm);
  const bounceDomain = read.text('MAIL_BOUNCE_DOMAIN');
  return url && from ? { url, from, ...(bounceDomain && { bounceDomain }) } : undefined;
}

export function readMailIn(read: Reader): MailInConfig | undefined {
  const place = read.parsed('MAIL_IN', 'an address and port, such as 0.0.0.0:2525', parsePlace);
  const domainForm = 'the domain whose mail comes to MAIL_IN, such as bounces.centre.example';
  const domain = read.parsed('MAIL_BOUNCE_DOMAIN', domainForm, parseDomain);
  if (place && !domain) read.missing('MAIL_BOUNCE_DOMAIN', 'MAIL_IN', domainForm);
  return place && domain ? { ...place, domain } : undefined;
}

export function readSmpp(read: Reader): SmppConfig | undefined {
  const url = read.secret('SMPP_URL', 'smpp://user:password@host:2775 or smpps://…', (text) =>
    isUrl(text, ['smpp:', 'smpps:']),
  );
  const fromForm = 'what texts come from: a number that takes answers, or up to 11 letters';
  const from = read.text('SMPP_FROM');
  if (url && !from) read.missing('SMPP_FROM', 'SMPP_URL', fromForm);
  return url && from ? { url, from } : undefined;
}

/** Both are somebody's: an error does not repeat them. */
export function readProbe(read: Reader): ProbeConfig {
  const number = read.secret(
    'TOCSIN_PROBE_NUMBER',
    'a number in international form, such as 447700900123 or +44 7700 900123',
    (text) => /^[1-9]\d{4,14}$/.test(digitsOf(text)),
  );
  const mailbox = read.secret('TOCSIN_PROBE_MAILBOX', 'an e-mail address', (text) =>
    /^[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$/.test(text),
  );
  return { ...(number && { number: digitsOf(number) }), ...(mailbox && { mailbox }) };
}

/** Without what people write between the digits of a number; a letter stays, and is refused. */
function digitsOf(number: string): string {
  return number.replace(/^\+/, '').replaceAll(/[ ()-]/g, '');
}

/** As other programs read them: in capitals or small, capitals first, the scheme left out or not. */
export function readProxy(read: Reader): ProxyConfig | undefined {
  const proxy = (name: string) => {
    const address = read.secret(name, 'http://user:password@proxy.example:3128', isProxy);
    return address && withScheme(address);
  };
  const https = proxy('HTTPS_PROXY') ?? proxy('https_proxy');
  const http = proxy('HTTP_PROXY') ?? proxy('http_proxy');
  const no = read.text('NO_PROXY') ?? read.text('no_proxy');
  if (https === undefined && http === undefined) return undefined;
  return { ...(https && { https }), ...(http && { http }), ...(no && { no }) };
}

/** A bare word is more likely a slip than a proxy at port 80. */
function isProxy(address: string): boolean {
  return /:/.test(address) && isUrl(withScheme(address), ['http:', 'https:', 'socks5:']);
}

function withScheme(address: string): string {
  return address.includes('://') ? address : `http://${address}`;
}

function parsePlace(text: string): { host: string; port: number } | undefined {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) return undefined;
  return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) };
}

function parseDomain(text: string): string | undefined {
  const isDomain = /^(?=.{4,190}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(text);
  return isDomain ? text.toLowerCase() : undefined;
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
