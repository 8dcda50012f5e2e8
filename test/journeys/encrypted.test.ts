/** The real program with a certificate of its own, and what it believes of where visitors are. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { createAuthority } from '../support/certificate.ts';
import { prepareGround, startProgram, type Ground, type Program } from '../support/program.ts';

const authority = createAuthority();
let ground: Ground;
let files: string;
let program: Program;

before(async () => {
  ground = await prepareGround();
  files = mkdtempSync(path.join(os.tmpdir(), 'tocsin-certificate-'));
  chmodSync(files, 0o700);
  const { cert, key } = authority.issue('localhost');
  writeFileSync(path.join(files, 'cert.pem'), cert);
  writeFileSync(path.join(files, 'key.pem'), key);
  program = await startProgram(ground, {
    TOCSIN_TLS_CERT: path.join(files, 'cert.pem'),
    TOCSIN_TLS_KEY: path.join(files, 'key.pem'),
  });
});

after(async () => {
  await program.stop();
  ground.remove();
  rmSync(files, { recursive: true });
});

type Answer = { readonly status: number; readonly headers: Record<string, unknown>; body: string };

async function ask(
  method: string,
  at: string,
  headers: Record<string, string> = {},
  form = '',
): Promise<Answer> {
  const sent = request(`${program.address}${at}`, {
    method,
    ca: authority.cert,
    servername: 'localhost',
    agent: false,
    headers: {
      'sec-fetch-site': 'same-origin',
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
  });
  sent.end(form);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  for await (const part of answer.setEncoding('utf8')) body += String(part);
  return { status: answer.statusCode!, headers: answer.headers, body };
}

test('it says an address with https, serves it, and asks browsers to stay with it', async () => {
  assert.equal(program.address, `https://localhost:${ground.port}`);
  const page = await ask('GET', '/sign-in');
  assert.equal(page.status, 200);
  assert.match(String(page.headers['strict-transport-security']), /^max-age=63072000; includeSub/);
});

test('the cookie of a session goes by https alone and to this host alone', async () => {
  const { body } = await ask('GET', '/sign-in');
  const person = /name="person" value="([^"]+)"/.exec(body)![1]!;
  const begun = await ask('POST', '/sign-in/demonstration', {}, `person=${person}&to=/account`);
  assert.equal(begun.status, 303);
  const [cookie = ''] = begun.headers['set-cookie'] as string[];
  assert.match(cookie, /^__Host-tocsin=[^;]+;/);
  assert.match(cookie, /; Secure/);
  const token = cookie.split(';')[0]!;
  assert.equal((await ask('GET', '/account', { cookie: token })).status, 200);
  const renamed = token.replace('__Host-', '');
  assert.equal((await ask('GET', '/account', { cookie: renamed })).status, 303);
});

test('without encryption, or with an old one, there is nothing', async () => {
  const plain = connectPlain(ground.port, '127.0.0.1');
  plain.on('error', () => {});
  let heard = '';
  plain.on('data', (part) => (heard += part.toString('latin1')));
  plain.write('GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(plain, 'close');
  assert.doesNotMatch(heard, /^HTTP\/1\.1 [23]/);
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const old = connectTls({
      port: ground.port,
      servername: 'localhost',
      ca: authority.cert,
      minVersion: version,
      maxVersion: version,
    });
    await assert.rejects(once(old, 'secureConnect'), version);
  }
});

test('headers of a proxy that nobody named have no effect', async () => {
  const spoofed = (i: number) => ({
    'x-forwarded-for': `192.0.2.${i}`,
    'x-forwarded-host': 'evil.test',
    'x-forwarded-proto': 'http',
    forwarded: `for=192.0.2.${i};host=evil.test;proto=http`,
    host: 'evil.test',
  });
  const token = 'A'.repeat(43);
  const statuses: number[] = [];
  // More than a network may ask in a minute, also where another one begins meanwhile.
  for (let i = 1; i <= 130; i++) {
    const { status, body, headers } = await ask('GET', `/invitation/${token}`, spoofed(i));
    statuses.push(status);
    assert.doesNotMatch(body + JSON.stringify(headers), /evil\.test/);
  }
  assert.ok(statuses.includes(429), 'each header was taken for another visitor');
  const away = await ask('GET', '/account', spoofed(1));
  assert.equal(away.headers['location'], '/sign-in?to=%2Faccount');
});
