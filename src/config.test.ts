import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { describeConfig, parseConfig, type Environment } from './config.ts';

const SERVICE = '8a6d4c2e-0000-4000-8000-000000000001';
const SECRET = '5ec2e700-cafe-4bad-8bad-5ec2e7000002';

const live = {
  DATABASE_URL: 'postgres://tocsin:sesame-db@db.example:5432/tocsin?sslpassword=sesame-ssl',
  NOTIFY_API_KEY: `centre-live-${SERVICE}-${SECRET}`,
  NOTIFY_CALLBACK_TOKEN: 'sesame-callback',
  SMTP_URL: 'smtps://mailer:sesame-smtp@mail.example:465',
  MAIL_FROM: 'Cyber centre <alerts@centre.example>',
};

function parsed(env: Environment) {
  const outcome = parseConfig(env);
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.value;
}

function errorsOf(env: Environment) {
  const outcome = parseConfig(env);
  assert.ok(!outcome.ok, 'expected a refusal');
  return outcome.fields;
}

test('what is not named lies beside the program, wherever it is called from', () => {
  const here = process.cwd();
  process.chdir(tmpdir());
  try {
    const config = parsed({});
    assert.equal(config.dataDir, resolve(here, 'var'));
    assert.equal(config.operatingModelFile, resolve(here, 'operating-model.yaml'));
  } finally {
    process.chdir(here);
  }
});

test('an empty environment is a working one, on this machine only', () => {
  const config = parsed({ PORT: '', TOCSIN_URL: '  ' });
  assert.equal(config.port, 3000);
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.url, 'http://localhost:3000');
  assert.equal(config.passkeyDomain, 'localhost');
  assert.equal(config.dataDir, resolve('var'));
  assert.equal(config.operatingModelFile, resolve('operating-model.yaml'));
  assert.deepEqual(
    [config.databaseUrl, config.notify, config.smtp, config.tls, config.trustedProxies],
    [undefined, undefined, undefined, undefined, []],
  );
  assert.deepEqual(config.warnings, []);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.trustedProxies));
});

test('a live environment becomes typed values', () => {
  const config = parsed({
    ...live,
    PORT: '8443',
    TOCSIN_HOST: '0.0.0.0',
    TOCSIN_URL: 'https://tocsin.example/',
    TOCSIN_TRUSTED_PROXY: '10.0.0.5, 10.1.0.0/16,::1',
  });
  assert.equal(config.url, 'https://tocsin.example');
  assert.deepEqual(config.trustedProxies, ['10.0.0.5', '10.1.0.0/16', '::1']);
  assert.deepEqual(config.notify, {
    baseUrl: 'https://api.notifications.service.gov.uk',
    apiKey: live.NOTIFY_API_KEY,
    channels: ['text'],
    callbackToken: 'sesame-callback',
  });
  assert.ok(Object.isFrozen(config.notify));
  assert.equal(config.smtp?.from, live.MAIL_FROM);
  assert.deepEqual(config.warnings, []);
});

test('proxies are read as other programs read them, and shown without their password', () => {
  const config = parsed({
    https_proxy: 'proxy.example:3128',
    HTTP_PROXY: 'http://me:sesame@proxy.example:3128',
    NO_PROXY: 'localhost,.internal',
    TOCSIN_CA_FILE: 'ca.pem',
  });
  assert.deepEqual(config.proxy, {
    https: 'http://proxy.example:3128',
    http: 'http://me:sesame@proxy.example:3128',
    no: 'localhost,.internal',
  });
  assert.equal(config.caFile, resolve('ca.pem'));
  assert.doesNotMatch(describeConfig(config), /sesame/);
  assert.equal(parsed({ HTTPS_PROXY: 'a:1', https_proxy: 'b:1' }).proxy?.https, 'http://a:1');
  assert.match(errorsOf({ HTTPS_PROXY: 'ftp://x' })['HTTPS_PROXY']!, /wrong form/);
  assert.equal(parsed({ NO_PROXY: '*' }).proxy, undefined);
});

test('what a Notify service carries is text unless told', () => {
  const channels = (NOTIFY_CHANNELS: string) =>
    parsed({ ...live, NOTIFY_CHANNELS }).notify?.channels;
  assert.deepEqual(channels('mail, text,mail'), ['mail', 'text']);
  assert.match(errorsOf({ ...live, NOTIFY_CHANNELS: 'fax' })['NOTIFY_CHANNELS']!, /‘fax’/);
});

test('what comes back by mail needs a place and a domain', () => {
  const mailIn = { MAIL_IN: '[::]:2525', MAIL_BOUNCE_DOMAIN: 'Bounces.centre.example' };
  const config = parsed({ ...live, ...mailIn });
  assert.deepEqual(config.mailIn, { host: '::', port: 2525, domain: 'bounces.centre.example' });
  assert.equal(config.smtp?.bounceDomain, 'Bounces.centre.example');
  assert.match(errorsOf({ MAIL_IN: '0.0.0.0:25' })['MAIL_BOUNCE_DOMAIN']!, /is missing/);
  for (const [name, value] of [
    ['MAIL_IN', '2525'],
    ['MAIL_IN', 'host:99999'],
    ['MAIL_BOUNCE_DOMAIN', 'not a domain'],
  ] as const)
    assert.ok(errorsOf({ ...mailIn, [name]: value })[name], `${name}=${value}`);
});

test('SMPP needs its sender, and never shows its password', () => {
  const smpp = { SMPP_URL: 'smpp://me:sesame@smsc.example:2775', SMPP_FROM: 'NHS CYBER' };
  const config = parsed(smpp);
  assert.deepEqual(config.smpp, { url: smpp.SMPP_URL, from: smpp.SMPP_FROM });
  assert.doesNotMatch(describeConfig(config), /sesame/);
  assert.match(errorsOf({ SMPP_URL: smpp.SMPP_URL })['SMPP_FROM']!, /is missing/);
  assert.match(errorsOf({ ...smpp, SMPP_URL: 'http://x' })['SMPP_URL']!, /wrong form/);
});

test('a handset and a mailbox of ours are taken as people write them, and never shown', () => {
  const probe = (TOCSIN_PROBE_NUMBER: string, TOCSIN_PROBE_MAILBOX?: string) =>
    parsed({ TOCSIN_PROBE_NUMBER, TOCSIN_PROBE_MAILBOX });
  const config = probe('+44 7700 900123', 'duty@centre.example');
  assert.deepEqual(config.probe, { number: '447700900123', mailbox: 'duty@centre.example' });
  assert.doesNotMatch(describeConfig(config), /900123|duty@/);
  assert.deepEqual(probe('').probe, {});
  for (const number of ['07700 900123', '+44x', '44', 'our number'])
    assert.match(
      errorsOf({ TOCSIN_PROBE_NUMBER: number })['TOCSIN_PROBE_NUMBER']!,
      /^TOCSIN_PROBE_NUMBER has the wrong form; it must be a number in international form/,
    );
  assert.ok(errorsOf({ TOCSIN_PROBE_MAILBOX: 'duty' })['TOCSIN_PROBE_MAILBOX']);
});

test('with a certificate the printed address is https', () => {
  const config = parsed({ TOCSIN_TLS_CERT: 'c.pem', TOCSIN_TLS_KEY: 'k.pem' });
  assert.equal(config.url, 'https://localhost:3000');
  assert.deepEqual(config.tls, { certFile: resolve('c.pem'), keyFile: resolve('k.pem') });
});

test('each wrong variable gets its own sentence with the form it must have', () => {
  const wrong: [string, string, RegExp][] = [
    ['PORT', '70000', /^PORT is ‘70000’; it must be a whole number from 1 to 65535/],
    ['PORT', '3000x', /3000x/],
    ['PORT', '0', /from 1 to 65535/],
    ['HTTPS_PROXY', 'foo', /proxy\.example:3128/],
    ['TOCSIN_HOST', 'a b', /an address to listen on/],
    ['TOCSIN_URL', 'http://tocsin.example', /https:\/\//],
    ['TOCSIN_URL', 'https://10.0.0.5', /passkeys are bound to a name/],
    ['TOCSIN_URL', 'https://[::1]:3000', /passkeys are bound to a name/],
    ['TOCSIN_URL', 'https://tocsin.example/app', /without a path/],
    ['TOCSIN_TLS_CERT', 'c.pem', /^TOCSIN_TLS_KEY is missing: with TOCSIN_TLS_CERT/],
    ['TOCSIN_TLS_KEY', 'k.pem', /^TOCSIN_TLS_CERT is missing/],
    ['TOCSIN_TRUSTED_PROXY', 'yes', /addresses or networks/],
    ['TOCSIN_TRUSTED_PROXY', '10.0.0.0/33', /addresses or networks/],
    ['DATABASE_URL', 'mysql://x', /postgres:\/\/user:password@host\/database/],
    ['NOTIFY_BASE_URL', 'notify', /^NOTIFY_BASE_URL is ‘notify’/],
    ['NOTIFY_API_KEY', 'key', /\{name\}-\{service id\}-\{secret\}/],
    ['NOTIFY_CALLBACK_TOKEN', 'short', /at least 10 characters/],
    ['SMTP_URL', 'mail.example', /smtp:\/\//],
    ['SMTP_URL', 'smtp://mail.example', /^MAIL_FROM is missing: with SMTP_URL/],
    ['MAIL_FROM', 'nobody', /alerts@centre\.example/],
  ];
  for (const [name, value, message] of wrong) {
    const errors = errorsOf({ [name]: value });
    const sentences = Object.values(errors).join('\n');
    assert.match(sentences, new RegExp(message.source, 'm'), `${name}=${value}`);
  }
  const all = errorsOf({ PORT: 'x', TOCSIN_URL: 'y', MAIL_FROM: 'z' });
  assert.deepEqual(Object.keys(all).toSorted(), ['MAIL_FROM', 'PORT', 'TOCSIN_URL']);
});

test('a Notify service is whole or refused', () => {
  assert.deepEqual(Object.keys(errorsOf({ NOTIFY_BASE_URL: 'http://localhost:4000' })).toSorted(), [
    'NOTIFY_API_KEY',
  ]);
  const { notify } = parsed({
    NOTIFY_BASE_URL: 'http://localhost:4000/',
    NOTIFY_API_KEY: live.NOTIFY_API_KEY,
  });
  assert.equal(notify?.baseUrl, 'http://localhost:4000');
  assert.equal(notify?.callbackToken, undefined);
});

test('a variable that nobody reads is named, with the one that was meant', () => {
  assert.deepEqual(
    parsed({ TOCSIN_DATADIR: '/x', TOCSIN_CHROMIUM: '/y', TOCSIN_TEST_X: '/z' }).warnings,
    ['TOCSIN_DATADIR is not known and has no effect; did you mean TOCSIN_DATA_DIR?'],
  );
  assert.match(parsed({ TOCSIN_HOST: '0.0.0.0' }).warnings[0]!, /unencrypted/);
  const encrypted = { TOCSIN_HOST: '0.0.0.0', TOCSIN_TLS_CERT: '/c', TOCSIN_TLS_KEY: '/k' };
  assert.match(parsed(encrypted).warnings.join('\n'), /^TOCSIN_HOST is 0.0.0.0, .*Set TOCSIN_URL/);
  assert.deepEqual(parsed({ ...encrypted, TOCSIN_URL: 'https://c.example' }).warnings, []);
  const deaf = parsed({ NOTIFY_API_KEY: live.NOTIFY_API_KEY }).warnings;
  assert.match(deaf[0]!, /^NOTIFY_CALLBACK_TOKEN is not set/);
});

test('no secret is printed or repeated in an error', () => {
  const printed = describeConfig(parsed(live));
  assert.doesNotMatch(printed, /sesame|5ec2e700|alerts@/);
  assert.match(printed, /DATABASE_URL +postgres:\/\/db\.example:5432\/tocsin\n/);
  assert.match(printed, /NOTIFY_API_KEY +centre-live \(hidden\)\n/);
  for (const name of ['DATABASE_URL', 'NOTIFY_API_KEY', 'SMTP_URL', 'MAIL_FROM']) {
    const outcome = parseConfig({ [name]: 'sesame' });
    assert.ok(!outcome.ok);
    assert.doesNotMatch(JSON.stringify(outcome), /sesame/);
  }
});

test('the passkey domain is the host of the address, or a domain above it', () => {
  const TOCSIN_URL = 'https://tocsin.centre.example';
  assert.equal(parsed({ TOCSIN_URL }).passkeyDomain, 'tocsin.centre.example');
  for (const TOCSIN_PASSKEY_DOMAIN of ['tocsin.centre.example', 'centre.example'])
    assert.equal(
      parsed({ TOCSIN_URL, TOCSIN_PASSKEY_DOMAIN }).passkeyDomain,
      TOCSIN_PASSKEY_DOMAIN,
    );
  for (const TOCSIN_PASSKEY_DOMAIN of ['example', 'other.example', 'entre.example', 'x.tocsin'])
    assert.match(
      errorsOf({ TOCSIN_URL, TOCSIN_PASSKEY_DOMAIN })['TOCSIN_PASSKEY_DOMAIN'] ?? '',
      /tocsin\.centre\.example, or a domain above it/,
    );
});

test('where weaknesses are reported to is one line each, and https where it is of the web', () => {
  const TOCSIN_SECURITY_CONTACT = 'mailto:security@centre.example, tel:+44-300-000-0000';
  assert.deepEqual(parsed({ TOCSIN_SECURITY_CONTACT }).securityContact, {
    contacts: ['mailto:security@centre.example', 'tel:+44-300-000-0000'],
  });
  assert.equal(parsed({}).securityContact, undefined);
  for (const wrong of ['security@centre.example', 'http://centre.example', 'mailto:a@b\nPolicy: x'])
    assert.match(
      errorsOf({ TOCSIN_SECURITY_CONTACT: wrong })['TOCSIN_SECURITY_CONTACT']!,
      /mailto:/,
    );
  const alone = errorsOf({ TOCSIN_SECURITY_POLICY: 'https://centre.example/reporting' });
  assert.match(alone['TOCSIN_SECURITY_CONTACT']!, /is missing/);
});
