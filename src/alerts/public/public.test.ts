/** What anybody may read: versions, banners, list and feed; and what nobody learns from them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import type { Marking } from '#kernel/marking.ts';
import { sql } from '#db/sql.ts';
import {
  contextOf,
  deliverAll,
  draftAlert,
  must,
  openCentre,
  releaseAlert,
  releaseVersion,
  type Centre,
} from '../../../test/support/centre.ts';
import { textIn } from '../../../test/support/page-checks.ts';
import { closeAlert, noContent, withdrawReleased, type Wording } from '../index.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
});

after(async () => {
  await centre.close();
});

const correction = {
  doNow: 'Do NOT isolate Citrix.',
  ifActed: 'If you did, reconnect.',
  what: 'Citrix is safe',
};

async function released(change: Partial<Wording> = {}) {
  const alert = await releaseAlert(centre, change);
  await deliverAll(centre, alert.dispatchId);
  return alert;
}

const get = async (path: string, status = 200) => await centre.site.visitor().get(path, { status });

describe('the page of an alert', () => {
  it('is the same for everybody, kept by caches for a short time, and has no script', async () => {
    const { number } = await released();
    const visitor = await centre.site.visitor().request('GET', `/${number}`);
    assert.equal(visitor.headers.get('cache-control'), 'public, max-age=0, s-maxage=30');
    assert.equal(visitor.headers.get('set-cookie'), null);
    assert.doesNotMatch(visitor.body, /<script|noindex/);
    const officer = centre.visit(centre.officer);
    officer.setCookie('tocsin-notice', Buffer.from('Sent').toString('base64url'));
    const seen = await officer.request('GET', `/${number}`);
    assert.equal(seen.headers.get('set-cookie'), null);
    const words = (body: string) => body.replaceAll(/<p class="tocsin-quiet tocsin-small">.*/g, '');
    assert.equal(words(seen.body), words(visitor.body));
    const again = { 'if-none-match': visitor.headers.get('etag') ?? '' };
    const unchanged = await officer.request('GET', `/${number}`, { headers: again });
    // Over a full minute the page says another time.
    assert.ok([304, 200].includes(unchanged.status));
    assert.equal(unchanged.body === '', unchanged.status === 304);
    const absent = await centre.site.visitor().request('GET', '/99999');
    assert.equal(absent.headers.get('cache-control'), 'public, max-age=0, s-maxage=30');
  });

  it('a correction tops it, says what changed, and leaves the old words at their address', async () => {
    const { alertId, number } = await released();
    await releaseVersion(centre, alertId, 'correction', correction);
    const page = await get(`/${number}`);
    assert.match(page.text, /CORRECTED .* What we said before was wrong: go by this\. Please/);
    assert.match(page.text, /If you acted already ?If you did, reconnect\./);
    assert.match(
      page.text,
      /What changed .* Do now ?Gone: Isolate Citrix gateways now\. Email safe\. ?New: Do NOT/,
    );
    assert.match(page.body, /<ins><span class="nhsuk-u-visually-hidden">New: <\/span>Do NOT/);
    const old = await centre.site.visitor().get(`/${number}/versions/1`);
    assert.match(old.heading, new RegExp(`^Old version of alert ${number}: `));
    assert.match(old.text, /OLD VERSION\. CORRECTED .* Read what holds now/);
    assert.match(old.text, /Do now ?Isolate Citrix gateways now/);
    assert.equal(old.headers.get('cache-control'), 'public, max-age=0, s-maxage=30');
    assert.equal((await get(`/${number}/versions/2`)).path, `/${number}`);
    await get(`/${number}/versions/3`, 404);
    await get(`/${number}/versions/01`, 404);
  });

  it('says what changed of the threat, and of long details only what is near the change', async () => {
    const words = Array.from({ length: 200 }, (_, i) => `word${i}`);
    const { alertId, number } = await released({ body: words.join(' ') });
    await releaseVersion(centre, alertId, 'update', {
      content: { ...noContent, cves: ['CVE-2026-12345'] },
      body: words.with(100, 'another').join(' '),
      asksAgain: false,
    });
    const page = await get(`/${number}`);
    assert.match(page.text, /What changed .* Vulnerabilities ?New: CVE-2026-12345/);
    assert.match(page.text, /Details … word94 .* word99 Gone: word100 ?New: another word101/);
    assert.match(page.text, /word106 … Earlier versions/);
  });

  it('an update says that it adds, and a closed alert that it is over', async () => {
    const { alertId, number } = await released();
    await releaseVersion(centre, alertId, 'update', {
      notKnown: '',
      body: 'A patch is out.',
      asksAgain: false,
    });
    const page = await get(`/${number}`);
    assert.match(page.text, /UPDATED .* It adds to what we said before\. What changed/);
    assert.match(page.text, /Not known yet ?Gone: Whether patched gateways are safe\./);
    assert.match(
      page.text,
      /Details ?Gone: # Steps - Disconnect the gateways ?New: A patch is out\./,
    );
    assert.doesNotMatch(page.text, /Please answer again/);
    must(await centre.db.web.attempt(centre.officer, (tx) => closeAlert(tx, alertId)));
    assert.match((await get(`/${number}`)).text, /CLOSED .* No more answers are chased/);
  });

  it('withdrawn, it says so everywhere, and its advice is not said again', async () => {
    const { alertId, number } = await released({ title: 'False alarm' });
    const withdrawal = { alertId, reason: 'false alarm' };
    must(
      await centre.db.web.attempt(centre.officer, (tx) =>
        withdrawReleased(tx, contextOf(centre), withdrawal),
      ),
    );
    const page = await get(`/${number}`);
    assert.match(
      page.text,
      /WITHDRAWN .* It does not hold any more\. If you acted on it, undo that/,
    );
    assert.doesNotMatch(page.text, /Isolate Citrix|CLOSED|Please answer again|What changed/);
    assert.match((await get(`/${number}/versions/1`)).text, /OLD VERSION\. WITHDRAWN/);
    const list = await get('/public?words=false+alarm');
    assert.match(list.text, /False alarm Critical WITHDRAWN published/);
    assert.doesNotMatch(list.text, /Do now/);
  });

  it('what a marked version took the place of is not shown any more (P8)', async () => {
    const { alertId, number } = await released();
    await releaseVersion(centre, alertId, 'correction', { ...correction, marking: 'AMBER' });
    const same = (text: string, own: number) => text.replaceAll(String(own), 'N');
    const [hidden, absent] = [await get(`/${number}`), await get('/99999')];
    assert.equal(same(hidden.body, number), same(absent.body, 99999));
    const gone = await get(`/${number}/versions/1`, 404);
    const never = await get('/99999/versions/1', 404);
    const plain = (text: string) => text.replace(/quote .*/, '');
    assert.equal(plain(gone.text), plain(never.text));
    await get(`/${number}/versions/2`, 404);
    assert.doesNotMatch((await get('/public')).text, new RegExp(`\\b${number}:`));
    assert.doesNotMatch(
      (await centre.site.visitor().request('GET', '/public.atom')).body,
      new RegExp(`/${number}<`),
    );
  });
});

describe('words of authors', () => {
  it('made public later, an alert tells nothing of its marked beginning (P8)', async () => {
    const { alertId, number } = await released({ marking: 'AMBER', doNow: 'Secret first advice.' });
    await releaseVersion(centre, alertId, 'update', { marking: 'CLEAR', doNow: 'Open advice.' });
    const page = await get(`/${number}`);
    assert.match(page.text, /UPDATED .* It adds/);
    assert.doesNotMatch(page.body, /Secret|What changed|Earlier versions|versions\/1/);
    await get(`/${number}/versions/1`, 404);
    const feed = await centre.site.visitor().request('GET', '/public.atom');
    assert.doesNotMatch(feed.body, /Secret/);
    const times = /<published>(.*)<\/published>\n<updated>(.*)<\/updated>/.exec(
      feed.body.slice(feed.body.indexOf(`/${number}<`)),
    );
    assert.equal(times?.[1], times?.[2]);
  });

  it('are words on every page, whatever signs they hold', async () => {
    const title = '<img src=x onerror=alert(1)> & "quoted"';
    const { alertId, number } = await released({ title, what: '</p><script>x</script>' });
    await releaseVersion(centre, alertId, 'correction', { ...correction, title: 'Another title' });
    for (const path of [`/${number}`, `/${number}/versions/1`, '/public'])
      assert.doesNotMatch((await get(path)).body, /<img|<script/);
    assert.ok((await get(`/${number}`)).text.includes(title));
  });
});

describe('the list and the feed', () => {
  const listed = async (query: string) =>
    (await get(`/public?${query}`)).elements('.tocsin-alerts').length > 0
      ? [...(await get(`/public?${query}`)).text.matchAll(/\b(\d{4}): /g)].map(([, n]) => Number(n))
      : [];

  it('are found by type of threat, and stand by months', async () => {
    const content = { ...noContent, threatType: 'malware' };
    const malware = await released({ title: 'Tinsel one', content });
    const other = await released({ title: 'Tinsel two' });
    assert.deepEqual(await listed('words=tinsel&type=malware'), [malware.number]);
    assert.deepEqual(await listed('words=tinsel'), [other.number, malware.number]);
    assert.deepEqual(await listed('words=tinsel&type=insecure_software'), []);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update alerts.version set released_at = '2025-12-31T23:30Z'
        where alert_id = ${malware.alertId}`),
    );
    const page = await get('/public?words=tinsel');
    const months = page.elements('.tocsin-alerts__month').map(textIn);
    assert.equal(months.length, 2);
    assert.equal(months[1], 'December 2025');
    assert.match(
      page.text,
      /December 2025 \d+: Tinsel one Critical Malware, published 31 December/,
    );
    const [type] = page.elements('select#type');
    assert.match(textIn(type), /Any .*Malware/);
  });

  it('are found by severity, year and words, the last changed first', async () => {
    const unique = (words: string) => ({ title: `Needle ${words}`, body: 'Zanzibar 100% _' });
    const high = await released({ ...unique('one'), severity: 'high' });
    const low = await released({ ...unique('two'), severity: 'low' });
    assert.deepEqual(await listed('words=needle'), [low.number, high.number]);
    assert.deepEqual(await listed('words=ZANZIBAR+one'), [high.number]);
    assert.deepEqual(await listed('words=needle&severity=low'), [low.number]);
    assert.deepEqual(await listed('words=needle&severity=none'), []);
    const year = new Date().getFullYear();
    assert.deepEqual(await listed(`words=needle&year=${year}`), [low.number, high.number]);
    assert.deepEqual(await listed('words=needle&year=2001'), []);
    // No pattern: these signs mean themselves.
    assert.deepEqual(await listed('words=100%25'), [low.number, high.number]);
    assert.deepEqual(await listed('words=%25edle'), []);
    await releaseVersion(centre, high.alertId, 'correction', correction);
    assert.deepEqual(await listed('words=needle'), [high.number, low.number]);
    const page = await get('/public?words=needle');
    assert.match(page.text, new RegExp(`${high.number}: Needle one High CORRECTED published`));
  });

  it('hold what is released and CLEAR, and nothing else', async () => {
    const markings: Marking[] = ['GREEN', 'AMBER', 'AMBER+STRICT', 'RED'];
    for (const marking of markings) await releaseAlert(centre, { marking, title: 'Hidden thing' });
    await draftAlert(centre, { title: 'Hidden draft' });
    for (const path of ['/public', '/public.atom', '/public?words=hidden'])
      assert.doesNotMatch((await centre.site.visitor().request('GET', path)).body, /Hidden/);
    assert.match((await get('/public?words=hidden')).text, /No public alert fits/);
  });

  it('go on page by page, and take what makes no sense as nothing', async () => {
    for (let i = 0; i < 26; i += 1) await releaseAlert(centre, { title: `Row ${i} of many` });
    const visitor = centre.site.visitor();
    const first = await visitor.get('/public?words=of+many');
    assert.equal(first.elements('h3').length, 25);
    const rest = await visitor.click('Next page');
    assert.match(rest.text, /Row 0 of many/);
    assert.equal(rest.elements('h3').length, 1);
    for (const query of ['after=x', 'year=abc', 'severity=a&severity=b', 'words=a&words=b', 'x=1'])
      await get(`/public?${query}`);
    assert.match((await get('/public?after=x')).text, /Row 25 of many/);
  });

  it('the feed is kept by caches and asked for by its tag', async () => {
    const visitor = centre.site.visitor();
    const feed = await visitor.request('GET', '/public.atom');
    assert.equal(feed.headers.get('content-type'), 'application/atom+xml; charset=utf-8');
    assert.equal(feed.headers.get('cache-control'), 'public, max-age=0, s-maxage=30');
    assert.match(feed.body, /<title>\d{4} CRITICAL: Row 25 of many<\/title>/);
    const etag = feed.headers.get('etag') ?? '';
    const again = await visitor.request('GET', '/public.atom', {
      headers: { 'if-none-match': etag },
    });
    assert.equal(again.status, 304);
  });
});
