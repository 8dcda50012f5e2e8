import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { page, text } from './index.ts';
import { cookieNames } from './kit.ts';
import { isOurOwn, sameSitePath } from './same-site.ts';
import { securityHeaders } from './security-headers.ts';

let site: Site;
before(async () => {
  const open = { path: '/open', access: 'public', handle: async () => text(200, 'fine') } as const;
  const routes = [page({ method: 'GET', ...open }), page({ method: 'POST', ...open })];
  site = await startSite({ routes });
});
after(() => site.close());

test('a change is taken from our own pages alone: header by method by content type', async () => {
  const own = 'http://localhost';
  const senders: [Record<string, string>, boolean][] = [
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'same-origin', origin: own }, true],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'cross-site', origin: own }, false],
    [{ 'sec-fetch-site': 'none' }, false],
    [{ 'sec-fetch-site': 'nonsense' }, false],
    [{ origin: own }, true],
    [{ origin: `${own}.evil.test` }, false],
    [{ origin: 'https://evil.test' }, false],
    [{ origin: 'null' }, false],
    [{}, false],
  ];
  const types: [string | undefined, boolean][] = [
    ['application/x-www-form-urlencoded', true],
    ['application/x-www-form-urlencoded; charset=utf-8', true],
    ['text/plain', false],
    ['application/json', false],
    ['application/x-www-form-urlencoded-not', false],
    ['text/html', false],
  ];
  for (const [headers, isOurs] of senders) {
    for (const [type = '', isForm] of types) {
      const response = await fetch(`${site.address}/open`, {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body: 'a=1',
      });
      const expected = isOurs ? (isForm ? 200 : 415) : 403;
      assert.equal(response.status, expected, JSON.stringify({ headers, type }));
      await response.text();
    }
    const get = await fetch(`${site.address}/open`, { headers });
    assert.equal(get.status, 200, `reading is free: ${JSON.stringify(headers)}`);
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const response = await fetch(`${site.address}/open`, { method, headers });
      assert.equal(response.status, 405);
      assert.equal(response.headers.get('allow'), 'GET, POST');
    }
  }
});

test('a path of this site stays as it is', () => {
  for (const path of ['/', '/alerts/1?tab=2&x=%2F', '/a//b', '/%2F%2Fevil.test', '/ünï']) {
    assert.equal(sameSitePath(path), new URL(path, 'http://x').href.slice('http://x'.length));
  }
});

test('whatever a visitor is sent to is on this site', () => {
  const pieces = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '@',
    ':',
    '?',
    '#',
    '\t',
    '\n',
    'evil.test',
    'http',
    'a',
    '%2f',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const path = sameSitePath(parts.join(''));
      assert.equal(new URL(path, 'https://here.test/x/y').origin, 'https://here.test');
      assert.ok(path.startsWith('/') && !/^\/[/\\]/.test(path));
    }),
    { numRuns: 5000 },
  );
});

test('what is no text goes to the first page', () => {
  for (const value of [undefined, null, 1, ['/a'], {}]) assert.equal(sameSitePath(value), '/');
});

test('a safe method is never a change', () => {
  const from = { secFetchSite: 'cross-site', origin: 'https://evil.test' };
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    assert.ok(isOurOwn({ method, ...from }, 'https://us.test'));
  }
});

test('cookies are pinned to the host, and https to itself, where there is https', () => {
  assert.equal(cookieNames('https://us.test').session, '__Host-tocsin');
  assert.equal(cookieNames('http://localhost:3000').session, 'tocsin');
  const secure = securityHeaders('https://us.test', 'n');
  assert.match(secure['strict-transport-security'] ?? '', /max-age=63072000/);
  assert.equal(securityHeaders('http://localhost', 'n')['strict-transport-security'], undefined);
});

test('scripts run by nonce, and text becomes HTML by one policy', () => {
  const policy = securityHeaders('https://us.test', 'abc')['content-security-policy']!;
  const rules = new Map(
    policy.split('; ').map((rule) => [rule.split(' ')[0]!, rule.split(' ').slice(1)]),
  );
  assert.deepEqual(rules.get('script-src'), ["'nonce-abc'"]);
  assert.deepEqual(rules.get('default-src'), ["'none'"]);
  assert.deepEqual(rules.get('require-trusted-types-for'), ["'script'"]);
  assert.deepEqual(rules.get('trusted-types'), ['tocsin']);
  assert.doesNotMatch(policy, /unsafe|\*|http/);
});

test('over plain http to another machine forms still work: the origin is not hidden', () => {
  assert.equal(securityHeaders('http://10.0.0.5:3000', 'n')['referrer-policy'], 'same-origin');
  for (const origin of ['https://us.test', 'http://localhost:3000', 'http://tocsin.localhost']) {
    assert.equal(securityHeaders(origin, 'n')['referrer-policy'], 'no-referrer');
  }
});
