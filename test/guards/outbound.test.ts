/**
 * Who may open a connection to the outside. What these files connect to is configured by an
 * operator: gateways, issuers, the dead-man switch. Nobody types an address on a page that this
 * server then asks, so there is nothing to forge (ASVS 5.0, 1.3.6). A file that would has to be
 * listed here, and connect only to public addresses that it looked up itself.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertNone,
  blanked,
  importsOf,
  isTest,
  lineAt,
  listFiles,
  type File,
} from './repository.ts';

const MAY_CONNECT: Readonly<Record<string, string>> = {
  'src/dispatch/gateways/http.ts': 'requests to gateways and the dead-man switch, as configured',
  'src/dispatch/gateways/smtp.ts': 'the relay of a gateway, as configured',
  'src/identity/issuer-client.ts':
    'issuers, as the operator configured them: https, at their own origin or one listed with them',
  'src/dispatch/gateways/smpp-link.ts': 'the message centre of a gateway, as configured',
};

/** Packages and modules that connect, or resolve names, for whoever imports them. */
const CONNECTING =
  /^(?:(?:undici|nodemailer|smpp|openid-client|jose)(?:\/.*)?|node:(?:net|tls|http|https|http2|dns|dns\/promises|dgram))$/;

/** Of those, what listens, checks or describes. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  smpp: ['PDU', 'ShortMessage'],
  jose: ['JWTVerifyGetKey', 'errors', 'jwtVerify'],
  'node:net': ['createServer', 'isIP', 'isIPv4', 'isIPv6', 'BlockList', 'Server', 'Socket'],
  'node:tls': ['createSecureContext', 'getCACertificates', 'setDefaultCACertificates'],
  'node:http': ['IncomingMessage', 'ServerResponse', 'Server', 'createServer'],
};

function findConnections(file: File): string[] {
  const code = blanked(file.text);
  const fetches = Array.from(code.matchAll(/(?<![\w.#])fetch\(/g), ({ index }) => ({
    line: lineAt(code, index),
    by: 'fetch',
  }));
  const imports = importsOf(file.text)
    .filter(({ specifier }) => CONNECTING.test(specifier))
    .flatMap(({ specifier, line, names }) => {
      const harmless = HARMLESS[specifier] ?? [];
      const used = names.split(/[^\w]+/).filter((name) => !['', 'type'].includes(name));
      const isHarmless = names !== '' && used.every((name) => harmless.includes(name));
      return isHarmless ? [] : [{ line, by: specifier }];
    });
  return [...fetches, ...imports].map(({ line, by }) => `${file.path}:${line}: ${by}`);
}

/** Scripts of pages ask our own server, and the simulator is a program of its own. */
const files = listFiles('src', /\.ts$/).filter(
  ({ path }) => !isTest(path) && !path.startsWith('src/simulator/') && !path.endsWith('.d.ts'),
);

test('only the listed files connect to the outside', () => {
  const others = files.filter(({ path }) => !Object.hasOwn(MAY_CONNECT, path));
  assertNone(others.flatMap(findConnections), 'connections from a file that is not listed');
});

test('every listed file needs it', () => {
  for (const path of Object.keys(MAY_CONNECT)) {
    const file = files.find((one) => one.path === path);
    assert.ok(file !== undefined && findConnections(file).length > 0, path);
  }
});

test('the guard bites', () => {
  const said = (text: string) => findConnections({ path: 'src/alerts/x.ts', text });
  assert.equal(said('const answer = await fetch(form.address);').length, 1);
  assert.equal(said("import { request } from 'undici';").length, 1);
  assert.equal(said("import { connect } from 'node:net';").length, 1);
  assert.equal(said("import { lookup } from 'node:dns/promises';").length, 1);
  assert.deepEqual(said("import { isIP } from 'node:net';"), []);
  assert.deepEqual(said('await this.fetch(); // fetch(x)'), []);
});
