import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { assertAccessible, openBrowser, shoot, watchedPage } from '../../test/support/browser.ts';
import type { BrowserOrReason } from '../../test/support/browser.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { events, eventStream, page, redirect, view, type StreamEvent } from './index.ts';

const BOARD = `{% extends "web/layout.njk" %}
{% from "web/macros.njk" import tlp, severity, lane, status, liveStatus %}
{% from "nhsuk/components/input/macro.njk" import input %}
{% from "nhsuk/components/button/macro.njk" import button %}
{% set title = "Ransomware via Citrix" %}
{% set wide = true %}
{% block heading %}
<p class="tocsin-row">{{ lane(false) }} {{ lane(true) }}
{% for key, label in { critical: "Critical", high: "High", medium: "Medium", low: "Low" } %}
  {{ severity(key, label) }}
{% endfor %}
{% for m in ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"] %}{{ tlp(m) }} {% endfor %}</p>
<h1 class="nhsuk-heading-l">{{ title }}</h1>
{% endblock %}
{% block body %}
<div data-events="/board/events">{{ liveStatus(site.now) }}
<div data-region="numbers">{% include "sample/numbers.njk" %}</div></div>
<div class="tocsin-columns">
<section class="tocsin-panel" aria-labelledby="help">
<h2 class="nhsuk-heading-s" id="help">Help queue</h2>
<p>{% for tone in ["good", "warn", "bad", "quiet", "info"] %}
  {{ status({ text: tone, tone: tone }) }}
{% endfor %}</p>
<p>Our next update is {{ due | due(site.now) }}, last news {{ past | ago(site.now) }},
{{ 3 | plural("call", "calls") }} open.</p>
</section>
<section class="tocsin-panel" aria-labelledby="write">
<h2 class="nhsuk-heading-s" id="write">Write</h2>
<form method="post" action="/board" data-unsaved>
{{ input({ id: "word", name: "word", label: { text: "Word" } }) }}
{{ button({ text: "Send" }) }}
</form>
</section>
</div>
{% endblock %}`;

const NUMBERS = `{% from "web/macros.njk" import tile %}
<div class="tocsin-tiles">
{{ tile({ number: count, label: "must answer", href: "/board" }) }}
{{ tile({ number: 231, label: "delivered", tone: "good", change: "+4 in 5 min" }) }}
{{ tile({ number: 12, label: "affected", tone: "bad", href: "/board?affected" }) }}
{{ tile({ number: 1234, label: "silent", tone: "warn" }) }}
</div>`;

let opened: BrowserOrReason;
let site: Site;
let folder: string;
let posts = 0;
let releasePost = () => {};
const postArrived = Promise.withResolvers<void>();
/** Sends an event on the stream opened last; `undefined` ends it. */
let push: (event: StreamEvent | undefined) => void = () => {};
let streams = 0;

async function* source(signal: AbortSignal): AsyncGenerator<StreamEvent> {
  streams++;
  while (!signal.aborted) {
    const next = Promise.withResolvers<StreamEvent | undefined>();
    push = next.resolve;
    signal.addEventListener('abort', () => next.resolve(undefined), { once: true });
    const event = await next.promise;
    if (event === undefined) return;
    yield event;
  }
}

before(async () => {
  opened = await openBrowser();
  folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-board-'));
  symlinkSync(import.meta.dirname, path.join(folder, 'web'));
  mkdirSync(path.join(folder, 'sample', 'views'), { recursive: true });
  writeFileSync(path.join(folder, 'sample', 'views', 'board.njk'), BOARD);
  writeFileSync(path.join(folder, 'sample', 'views', 'numbers.njk'), NUMBERS);
  const due = new Date(Date.now() + 14.5 * 60_000);
  const past = new Date(Date.now() - 3.5 * 60_000);
  site = await startSite({
    sourceFolder: folder,
    routes: [
      page({
        method: 'GET',
        path: '/board',
        access: 'public',
        handle: async () => view('sample/board.njk', { count: 250, due, past }),
      }),
      page({
        method: 'POST',
        path: '/board',
        access: 'public',
        handle: async () => {
          posts++;
          postArrived.resolve();
          const held = Promise.withResolvers<void>();
          releasePost = held.resolve;
          await held.promise;
          return redirect('/board', { notice: 'Sent.' });
        },
      }),
      eventStream({ path: '/board/events', access: 'public', handle: async () => events(source) }),
    ],
  });
});

after(async () => {
  await opened.browser?.close();
  await site.close();
  rmSync(folder, { recursive: true });
});

async function visit(t: TestContext) {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  await page.goto(`${site.address}/board`);
  return { page, verify };
}

test('a board is accessible and whole at both widths', async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  await assertAccessible(visited.page);
  await shoot(visited.page, 'board');
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  assert.equal(await visited.page.evaluate(overflow), 0, 'scrolls sideways at 390');
  await assertAccessible(visited.page);
  visited.verify();
});

test('news replaces the region; a break is said and the stream comes back', async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const { page, verify } = visited;
  const status = page.locator('[data-events-status]');
  await status.getByText(/^Live, last news/).waitFor();
  push({ name: 'numbers', template: 'sample/numbers.njk', model: { count: 249 } });
  await page.getByText('249').waitFor();
  const before = streams;
  push(undefined);
  await status.getByText(/^Reconnecting. What you see is from/).waitFor();
  await status.getByText(/^Live, last news/).waitFor();
  assert.equal(streams, before + 1);
  push({ name: 'numbers', html: '<p>back again</p>' });
  await page.getByText('back again').waitFor();
  verify();
  await page.close();
});

test('without a network the board says from when it is, at once, and follows again after', async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const { page } = visited;
  const status = page.locator('[data-events-status]');
  await status.getByText(/^Live, last news/).waitFor();
  const before = streams;
  await page.context().setOffline(true);
  await status.getByText(/^No network. Last known \d\d:\d\d:\d\d$/).waitFor();
  await page.context().setOffline(false);
  await status.getByText(/^Live, last news/).waitFor();
  assert.ok(streams > before, 'a stream of its own, not the one from before');
  push({ name: 'numbers', html: '<p>and on</p>' });
  await page.getByText('and on').waitFor();
  await page.close();
});

test('text becomes HTML by one policy alone, and no script runs without the nonce', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const page = await opened.browser.newPage();
  await page.goto(`${site.address}/board`);
  const said = await page.evaluate<Record<string, string>>(`(() => {
    const make = (name) => document.createElement(name);
    const rules = { createHTML: (html) => html };
    const acts = {
      innerHTML: () => (make('p').innerHTML = '<b>x</b>'),
      parser: () => new DOMParser().parseFromString('<p>x', 'text/html'),
      'address of a script': () => (make('script').src = '/x.js'),
      'words of a script': () => (make('script').textContent = 'document.title = "ran"'),
      'a handler in an attribute': () => make('a').setAttribute('onclick', 'close()'),
      'a second policy': () => trustedTypes.createPolicy('mine', rules),
      'ours once more': () => trustedTypes.createPolicy('tocsin', rules),
    };
    return Object.fromEntries(Object.entries(acts).map(([name, act]) => {
      try {
        act();
        return [name, 'done'];
      } catch (error) {
        return [name, error.name];
      }
    }));
  })()`);
  assert.deepEqual(said, {
    innerHTML: 'TypeError',
    parser: 'TypeError',
    'address of a script': 'TypeError',
    'words of a script': 'TypeError',
    'a handler in an attribute': 'TypeError',
    'a second policy': 'TypeError',
    'ours once more': 'TypeError',
  });
  await page.close();
});

test('a form is sent once however often it is pressed; leaving it asks', async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const { page, verify } = visited;
  let asked = 0;
  page.on('dialog', (dialog) => {
    asked++;
    void dialog.dismiss();
  });
  await page.getByLabel('Word').fill('half');
  await page.evaluate("location.assign('/board?elsewhere')");
  await page.waitForFunction("document.querySelector('#word').value === 'half'");
  assert.equal(asked, 1);
  await page.evaluate(`{
    const button = document.querySelector('main button');
    for (const press of [1, 2, 3]) button.click();
    button.form.requestSubmit();
  }`);
  await postArrived.promise;
  releasePost();
  await page.getByText('Sent.').waitFor();
  assert.equal(posts, 1);
  assert.equal(asked, 1);
  verify();
  await page.close();
});

test('the same page is whole without scripts', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const plain = await opened.browser.newContext({ javaScriptEnabled: false });
  const page = await plain.newPage();
  await page.goto(`${site.address}/board`);
  assert.equal(await page.locator('.tocsin-tile').count(), 4);
  // Numbers that stand still carry their time.
  const status = await page.locator('[data-events-status]').innerText();
  assert.match(status, /^As at \d\d:\d\d:\d\d\. Load the page again for what came since\.$/);
  await plain.close();
});
