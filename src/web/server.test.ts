import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import type { Actor, Permission } from '#kernel/actor.ts';
import { refused, type Refusal } from '#kernel/outcome.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { readPage } from '../../test/support/page-checks.ts';
import * as web from './index.ts';

const NUMBER = '07700900123';
const logged: string[] = [];
let folder: string;
let site: Site;

function person(...permissions: Permission[]): Actor & { kind: 'person' } {
  const id = '01900000-0000-7000-8000-0000000000aa';
  return { kind: 'person', id, name: 'Ada Okafor', permissions: new Set(permissions) };
}

const sample = [
  '{% extends "web/layout.njk" %}{% set title = "Sample" %}{% block body %}',
  '<form method="post" action="/write?x=1" enctype="multipart/form-data">',
  '<label for="word">Word</label><input type="text" id="word" name="word">',
  '<label for="list">List</label><input type="file" id="list" name="list">',
  '<button type="submit">Write</button></form><p>{{ said }}</p>{% endblock %}',
].join('\n');

const routes: web.Route[] = [
  web.page({
    method: 'GET',
    path: '/open',
    access: 'public',
    handle: async () => web.view('sample/page.njk', { said: '<script>alert(1)</script>' }),
  }),
  web.page({
    method: 'POST',
    path: '/open',
    access: 'public',
    handle: async ({ form }) => web.text(200, JSON.stringify(form)),
  }),
  web.page({
    method: 'POST',
    path: '/write',
    access: 'alert.write',
    handle: async ({ form, files }) =>
      web.redirect('/open', { notice: `Written: ${String(form['word'])} ${files['list']?.name}` }),
  }),
  web.page({
    method: 'GET',
    path: '/things/:id',
    access: 'alert.read',
    params: z.object({ id: z.uuid() }),
    handle: async () => web.notFound(),
  }),
  web.page({
    method: 'GET',
    path: '/refused/:kind',
    access: 'public',
    params: z.object({ kind: z.enum(['invalid', 'forbidden', 'conflict', 'unavailable']) }),
    handle: async ({ params }) =>
      web.refusedPage(refused(params.kind satisfies Refusal, 'Because.', { a: 'Not so' })),
  }),
  web.page({
    method: 'GET',
    path: '/broken',
    access: 'public',
    handle: async () => {
      throw new Error(`no such number ${NUMBER}`);
    },
  }),
  web.page({
    method: 'POST',
    path: '/broken',
    access: 'public',
    handle: async () => {
      throw new Error('after the form was read');
    },
  }),
  web.page({
    method: 'GET',
    path: '/unreachable',
    access: 'public',
    handle: async () => {
      throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' });
    },
  }),
  web.page({
    method: 'GET',
    path: '/broken-view',
    access: 'public',
    handle: async () => web.view('sample/page.njk', {}),
  }),
  web.page({ method: 'GET', path: '/busy', access: 'public', handle: async () => web.tooMany(30) }),
  web.page({
    method: 'GET',
    path: '/file',
    access: 'public',
    handle: async () => web.file('Año "1".csv', 'text/csv; charset=utf-8', 'a,b\r\n'),
  }),
  web.callback({
    method: 'POST',
    path: '/callbacks/:gateway/receipts',
    handle: async ({ actor, rawBody }) => web.json(200, { actor: actor.kind, rawBody }),
  }),
];

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-web-'));
  symlinkSync(import.meta.dirname, path.join(folder, 'web'));
  mkdirSync(path.join(folder, 'sample', 'views'), { recursive: true });
  writeFileSync(path.join(folder, 'sample', 'views', 'page.njk'), sample);
  site = await startSite({
    routes,
    sourceFolder: folder,
    navigation: [
      { href: '/', text: 'First' },
      { href: '/people', text: 'People', permission: 'person.manage' },
    ],
    log: {
      info: (event, fields) => logged.push(JSON.stringify({ event, ...fields })),
      error: (event, fields) => logged.push(JSON.stringify({ event, ...fields })),
    },
  });
});

after(async () => {
  await site.close();
  rmSync(folder, { recursive: true });
});

test('every error is a whole page with all headers and tells nothing of its cause', async () => {
  const visitor = site.visitor();
  const pages: [string, number][] = [
    ['/absent', 404],
    ['/refused/invalid', 422],
    ['/refused/forbidden', 403],
    ['/refused/conflict', 409],
    ['/refused/unavailable', 503],
    ['/refused/else', 404],
    ['/broken', 500],
    ['/broken-view', 500],
    ['/unreachable', 503],
    ['/busy', 429],
    ['/%zz', 400],
    [`/things/${'x'.repeat(400)}`, 414],
  ];
  for (const [at, status] of pages) {
    const page = readPage(await visitor.request('GET', at), at);
    assert.equal(page.status, status, at);
    assert.equal(page.headers.get('cache-control'), 'no-store', at);
    assert.ok(page.body.includes(page.headers.get('x-request-id') ?? '?'), at);
    assert.ok(!page.body.includes(NUMBER) && !/\.ts:|at .*\(/.test(page.text), page.text);
  }
  const bodies: [string, string, number][] = [
    ['a='.padEnd(2_000_000, 'x'), 'application/x-www-form-urlencoded', 413],
    ['{}', 'application/json', 415],
    ['x', 'multipart/form-data; boundary=y', 400],
    [fileParts('a', 'b'), 'multipart/form-data; boundary=y', 400],
    [fileParts('a', 'a'), 'multipart/form-data; boundary=y', 400],
  ];
  for (const [body, type, status] of bodies) {
    const headers = { 'content-type': type, 'sec-fetch-site': 'same-origin' };
    const response = await fetch(`${site.address}/open`, { method: 'POST', headers, body });
    const answer = { status: response.status, headers: response.headers };
    const page = readPage({ ...answer, body: await response.text() }, type);
    assert.equal(page.status, status);
  }
});

test('a page takes one file', async () => {
  const upload = async (...names: string[]) => {
    const type = 'multipart/form-data; boundary=y';
    const headers = { 'content-type': type, 'sec-fetch-site': 'same-origin' };
    const body = fileParts(...names);
    return (await fetch(`${site.address}/open`, { method: 'POST', headers, body })).status;
  };
  assert.equal(await upload('a'), 200);
  assert.equal(await upload('a', 'b'), 400);
});

/** One file for each name of a field. */
function fileParts(...names: string[]): string {
  const parts = names.map(
    (name) =>
      `--y\r\nContent-Disposition: form-data; name="${name}"; filename="x.csv"\r\n` +
      'Content-Type: text/csv\r\n\r\n1\r\n',
  );
  return `${parts.join('')}--y--\r\n`;
}

test('programs get problem details instead of pages', async () => {
  for (const at of ['/api/v1/absent', '/callbacks/x/absent']) {
    const response = await fetch(site.address + at);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8');
    assert.equal(((await response.json()) as { status: number }).status, 404);
  }
  const response = await fetch(`${site.address}/callbacks/notify/receipts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: 'tocsin=x' },
    body: '{"a": 1}',
  });
  assert.deepEqual(await response.json(), { actor: 'nobody', rawBody: '{"a": 1}' });
});

test('nothing of a request but its pattern is logged', async () => {
  logged.length = 0;
  await site.visitor().request('GET', `/things/${NUMBER}?token=geheim`);
  await site.visitor().request('GET', '/broken');
  const lines = logged.join('\n');
  assert.match(lines, /"route":"\/things\/:id"/);
  assert.doesNotMatch(lines, /geheim|07700/);
});

test('absent and not yours look the same; a lacking role is said', async () => {
  const reader = site.visitorAs(person('alert.read'));
  const same = (body: string) =>
    body.replaceAll(/nonce="[^"]*"|[0-9a-f-]{36}/g, '').replaceAll(/\s+/g, ' ');
  const absent = await reader.get('/things/01900000-0000-7000-8000-000000000001', { status: 404 });
  const nowhere = await reader.get('/nowhere', { status: 404 });
  const malformed = await reader.get('/things/1', { status: 404 });
  assert.ok(same(absent.body) === same(nowhere.body), 'absent and nowhere');
  assert.ok(same(absent.body) === same(malformed.body), 'absent and malformed');
  const lacking = await site.visitorAs(person()).get('/things/1', { status: 403 });
  assert.match(lacking.text, /needs the permission “Read every alert/);
  assert.match(absent.body, />First</);
  assert.doesNotMatch(absent.body, />People</);
});

test('who is not signed in is sent to sign in and back again', async () => {
  const answer = await site.visitor().request('GET', '/things/1?a=b');
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get('location'), '/sign-in?to=%2Fthings%2F1%3Fa%3Db');
});

test('a form posted after the session ended comes back whole and can be sent again', async () => {
  const visitor = site.visitor();
  const form = new URLSearchParams([
    ['word', 'two\r\nlines <b>'],
    ['roles', 'a'],
    ['roles', 'b'],
  ]);
  const page = readPage(await visitor.request('POST', '/write?x=1', { form }), '/write');
  assert.equal(page.status, 401);
  assert.equal(page.heading, 'You were signed out. Nothing is lost.');
  const hidden = page.elements('input').map(({ attribs }) => [attribs['name'], attribs['value']]);
  assert.deepEqual(hidden, [
    ['word', 'two\nlines <b>'],
    ['roles', 'a'],
    ['roles', 'b'],
  ]);
  assert.equal(page.elements('form')[0]?.attribs['action'], '/write?x=1');
  assert.doesNotMatch(page.text, /must be chosen again/);
});

test('a form that met a fault or no database comes back whole and can be sent again', async () => {
  const form = new URLSearchParams({ word: 'two\nlines', doNow: 'Isolate' });
  const comesBack = async (from: Site, at: string, status: number) => {
    const visitor = from.visitor();
    visitor.setCookie('tocsin', 'somebody');
    const page = readPage(await visitor.request('POST', at, { form }), at);
    assert.equal(page.status, status);
    assert.match(page.text, /All that you typed is kept on this page/);
    const hidden = page.elements('input').map(({ attribs }) => [attribs['name'], attribs['value']]);
    assert.deepEqual(hidden, [...form]);
    assert.equal(page.elements('form')[0]?.attribs['action'], at);
  };
  await comesBack(site, '/broken', 500);
  // Who posts it cannot be said without a database either: the form is read before.
  const findSession = async () => {
    throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' });
  };
  const log = { info: () => {}, error: () => {} };
  const unreachable = await startSite({ routes, log, sessions: { findSession } });
  await comesBack(unreachable, '/write?x=1', 503);
  await unreachable.close();
});

test('what was typed comes back where who signed in again may not do it', async () => {
  const form = new URLSearchParams({ word: 'two words', roles: 'a', doNow: 'Isolate <b> now' });
  const other = site.visitorAs(person());
  const page = readPage(await other.request('POST', '/write', { form }), '/write');
  assert.equal(page.status, 403);
  const kept = page.elements('textarea').map((one) => one.attribs['name']);
  assert.deepEqual(kept, ['kept-1', 'kept-2']);
  assert.match(page.body, /Word\s[^]*two words<[^]*Do now\s[^]*Isolate &lt;b&gt; now</);
});

test('a file that was sent after the session ended is named as lost', async () => {
  const body = new FormData();
  body.set('word', 'kept');
  body.set('list', new File(['a,b'], 'contacts.csv'));
  const send = (cookie: string) =>
    fetch(`${site.address}/write`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin', cookie },
      body,
      redirect: 'manual',
    });
  const response = await send('tocsin=gone');
  const { status, headers } = response;
  const page = readPage({ status, headers, body: await response.text() }, '/write');
  assert.equal(page.status, 401);
  assert.match(page.text, /contacts\.csv must be chosen again/);
  const signedIn = site.visitorAs(person('alert.write'));
  assert.equal((await send(`tocsin=${signedIn.cookie('tocsin')}`)).status, 303);
});

test('a notice is shown once, on the next page', async () => {
  const writer = site.visitorAs(person('alert.write'));
  await writer.get('/open');
  const files = { list: { name: 'contacts.csv', content: 'a,b' } };
  await writer.submit('Write', { word: 'hello' }, { files });
  assert.equal(writer.page.textOf('.tocsin-notice'), 'Written: hello contacts.csv');
  assert.equal((await writer.get('/open')).textOf('.tocsin-notice'), '');
});

test('what a page prints is escaped, and a name it does not have stops it', async () => {
  const page = await site.visitor().get('/open');
  assert.match(page.body, /&lt;script&gt;alert/);
  assert.equal((await site.visitor().request('GET', '/broken-view')).status, 500);
});

test('files are compressed, kept for ever under their hash, and 304 has all headers', async () => {
  const page = await site.visitor().get('/open');
  const href = page.elements('link').find((l) => l.attribs['href']?.endsWith('tocsin.css'));
  const url = site.address + href?.attribs['href'];
  const first = await fetch(url, { headers: { 'accept-encoding': 'br' } });
  assert.equal(first.headers.get('content-encoding'), 'br');
  assert.match(first.headers.get('cache-control') ?? '', /immutable/);
  assert.match(await first.text(), /--tocsin-ink/);
  const etag = first.headers.get('etag') ?? '';
  const headers = { 'accept-encoding': 'br', 'if-none-match': etag };
  const again = await fetch(url, { headers });
  assert.equal(again.status, 304);
  assert.ok(again.headers.has('content-security-policy'));
  assert.equal(again.headers.get('x-content-type-options'), 'nosniff');
  const old = await fetch(url.replace(/assets\/[0-9a-f]+/, 'assets/000'));
  assert.equal(old.headers.get('cache-control'), 'no-cache');
  const css = await (await fetch(url.replace('tocsin.css', 'nhsuk-frontend.css'))).text();
  assert.doesNotMatch(css, /frutiger|nhs\.uk|#005eb8|#003087/i);
});

test('a page of somebody is compressed, unless another site may have asked for it', async () => {
  const person = site.visitor();
  for (const [from, encoding] of [
    ['same-origin', 'br'],
    ['none', 'br'],
    ['same-site', null],
    ['cross-site', null],
    ['', null],
  ] as const) {
    const headers = { 'accept-encoding': 'br', ...(from !== '' && { 'sec-fetch-site': from }) };
    const answer = await person.request('GET', '/open', { headers });
    assert.equal(answer.headers.get('content-encoding'), encoding, from || 'said nothing');
    assert.equal(answer.headers.get('vary'), 'accept-encoding, sec-fetch-site');
    assert.match(answer.body, /&lt;script&gt;alert/);
  }
});

test('a download has a plain name and its real one', async () => {
  const answer = await site.visitor().request('GET', '/file');
  assert.equal(
    answer.headers.get('content-disposition'),
    `attachment; filename="A_o _1_.csv"; filename*=UTF-8''A%C3%B1o%20%221%22.csv`,
  );
});

test('figures are for this machine alone unless somebody may read them', async () => {
  assert.match((await site.visitor().request('GET', '/metrics')).body, /tocsin_http_requests/);
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  assert.equal((await site.visitor().request('GET', '/metrics', { headers })).status, 404);
});

test('a broken template stops the start', async () => {
  const file = path.join(folder, 'sample', 'views', 'bad.njk');
  for (const source of ['{% if %}', '{% extends "sample/missing.njk" %}']) {
    writeFileSync(file, source);
    await assert.rejects(startSite({ routes: [], sourceFolder: folder }), /bad\.njk|missing|if/);
  }
  rmSync(file);
});
