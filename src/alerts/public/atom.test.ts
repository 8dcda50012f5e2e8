import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTag } from 'domutils';
import { parseDocument } from 'htmlparser2';
import { noContent } from '../content/model.ts';
import { atomFeed } from './atom.ts';
import type { PublicEntry } from './store-public.ts';

const context = {
  origin: 'https://cyber.example',
  title: 'Health & care: alerts',
  sender: 'NHS CYBER',
  labelOf: (severity: string) => severity,
  sections: () => [{ key: 'steps', label: 'Steps', entries: [{ text: 'Patch', href: '/4900' }] }],
  formatTime: (at: Date) => at.toISOString(),
};

const entry: PublicEntry = {
  alertNumber: 4901,
  number: 2,
  kind: 'correction',
  state: 'released',
  title: 'Ransomware <b>through</b> Citrix & others',
  severity: 'high',
  marking: 'CLEAR',
  what: 'ransomware via Citrix',
  doNow: 'Do NOT isolate "Citrix".',
  ifActed: 'If you did, reconnect.',
  notKnown: 'Which versions.',
  nextUpdateAt: new Date('2026-11-27T06:00:00Z'),
  content: noContent,
  kev: null,
  body: '# Steps\n\n- one <script>alert(1)</script>\n',
  releasedAt: new Date('2026-11-27T03:40:00Z'),
  firstReleasedAt: new Date('2026-11-27T03:02:00Z'),
  closedAt: null,
  threatType: null,
};

test('an entry keeps its id and says when it was changed', () => {
  const feed = atomFeed([entry], context);
  assert.match(feed, /<entry>\n<id>https:\/\/cyber\.example\/4901<\/id>/);
  assert.match(feed, /<published>2026-11-27T03:02:00\.000Z<\/published>/);
  assert.equal(feed.match(/<updated>2026-11-27T03:40:00\.000Z<\/updated>/g)?.length, 2);
  assert.match(feed, /<title>4901 CORRECTED: Ransomware &lt;b&gt;through/);
});

test('whatever was typed, it is XML, and no mark-up of an author reaches a reader', () => {
  const typed = { ...entry, title: 'bell \u0007 half \uD800 end', what: ']]> & <x>' };
  const feed = atomFeed([typed], context);
  assert.match(feed, />4901 CORRECTED: bell {2}half {2}end</);
  const { children } = parseDocument(feed, { xmlMode: true });
  assert.equal(children.filter((node) => isTag(node)).length, 1);
  assert.doesNotMatch(feed, /<script|&lt;script|<x>/);
  assert.match(feed, /&amp;lt;script&amp;gt;/);
});

test('an entry holds all that the page says, with whole addresses', () => {
  const feed = atomFeed([entry], context);
  for (const words of [
    '&lt;h2&gt;Not known yet&lt;/h2&gt;&lt;p&gt;Which versions.',
    'Next update by 2026-11-27T06:00:00.000Z.',
    '&lt;li&gt;&lt;a href=&quot;https://cyber.example/4900&quot;&gt;Patch&lt;/a&gt;',
  ])
    assert.ok(feed.includes(words), words);
  const withdrawn = atomFeed([{ ...entry, kind: 'withdrawal', state: 'closed' }], context);
  assert.doesNotMatch(withdrawn, /Next update|Patch/);
});

test('a closed alert is shown again, and says that it is over', () => {
  const closedAt = new Date('2026-11-28T09:00:00Z');
  const feed = atomFeed([{ ...entry, state: 'closed', closedAt }], context);
  assert.equal(feed.match(/<updated>2026-11-28T09:00:00\.000Z<\/updated>/g)?.length, 2);
  assert.match(feed, /<title>4901 CLOSED: Ransomware/);
  assert.match(feed, /&lt;p&gt;CLOSED 2026-11-28T09:00:00\.000Z\. No more answers are chased/);
  const withdrawn = atomFeed(
    [{ ...entry, kind: 'withdrawal', state: 'closed', closedAt }],
    context,
  );
  assert.match(withdrawn, /<title>4901 WITHDRAWN/);
  assert.match(withdrawn, /<updated>2026-11-27T03:40/);
});

test('without an alert it is a feed all the same', () => {
  assert.match(atomFeed([], context), /<updated>1970-01-01T00:00:00\.000Z<\/updated>/);
});
