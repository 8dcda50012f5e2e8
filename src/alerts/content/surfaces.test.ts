/**
 * Every field that is written, on every surface that has to have it and on none that must not: one
 * matrix. A field that is added does not compile here until its words and surfaces are said.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { textContent } from 'domutils';
import { openApi, type ApiSite } from '../../../test/support/api-client.ts';
import { openBrowser, watchedPage } from '../../../test/support/browser.ts';
import {
  contextOf,
  deliverRounds,
  messagesOf,
  must,
  numbers,
  releaseAlert,
  releaseVersion,
  wording,
} from '../../../test/support/centre.ts';
import { beginVersion } from '../correct.ts';
import { approveAndRelease } from '../decide.ts';
import { saveDraft } from '../draft.ts';
import { canonicalWording, type Wording } from '../model.ts';
import { importCatalogue } from '../kev/catalogue.ts';
import { findSubmission } from '../store-submission.ts';
import { findVersion } from '../store.ts';
import { submitAlert } from '../submit.ts';
import type { Content } from './model.ts';

/** Read by the centre; sent; and read by whoever it went to, or by anybody. */
const inside = ['preview', 'check', 'approval', 'board', 'versions'] as const;
const sent = ['text', 'mail'] as const;
const outside = ['code page', 'page', 'print', 'feed', 'old version'] as const;
type Surface = (typeof inside)[number] | (typeof sent)[number] | (typeof outside)[number];
const surfaces: readonly Surface[] = [...inside, ...sent, ...outside];

const readers = ['mail', ...outside] as const;
const all = [...inside, ...readers] as const;
const butPreview = ['check', 'approval', 'board', 'versions'] as const;

/** The words by which it is known, and where they stand. */
type Row = readonly [words: RegExp, on: readonly Surface[]];

const ofWording: Record<Exclude<keyof Wording, 'content' | 'ownText' | 'asksAgain'>, Row> = {
  title: [/Citrix: a title/, all],
  severity: [/critical/i, all],
  marking: [/TLP:CLEAR/, all],
  what: [/what goes on/i, all],
  doNow: [/do this at once/i, [...all, 'text']],
  ifActed: [/if you did, undo it/i, [...all, 'text']],
  clearLine: [/ring your lead/i, butPreview],
  notKnown: [/nobody knows that/i, all],
  // What was promised by an old version is promised no more.
  nextUpdateAt: [/23 November 2099 at 04:00/, all.filter((one) => one !== 'old version')],
  body: [/words of the details/, all.filter((one) => one !== 'board')],
  readerWords: [/plainer words/, ['preview', ...butPreview]],
};

const ofContent: Record<keyof Content, Row> = {
  exploited: [/exploited now(?:\s|<[^>]*>)*yes/i, all],
  safe: [/NHSmail and HSCN/, all],
  safeAsAt: [/as at 1 July 2026 at 03:05/i, all],
  remediateBy: [/2 July 2099 at 17:00/, all],
  supersedes: [/Alert 4901/, all],
  threatType: [/Insecure software/, all],
  categories: [/Rootkit/, all],
  vectors: [/Macro, Zero day/, all],
  platforms: [/NetScaler 14\.1/, all],
  cves: [/CVE-2026-12345/, all],
  steps: [/Patch: Install 14\.1-43/, all],
  indicators: [/File: update\.exe/, all],
  sources: [/support\.citrix\.example/, all],
  endorsed: [/NCSC: Citrix, what to do/, all],
  assessment: [/patients may come to harm/i, ['preview', 'check', 'approval']],
  declared: [/NCSC category 2/, all],
};

/** What the catalogue says of its CVE, which nobody wrote. */
const ofKev: Record<string, Row> = {
  'added on': [/CVE-2026-12345: exploited, in the catalogue since 20 November 2026/, all],
  'due on': [/Due 11 December 2026, for US federal agencies/, all],
  ransomware: [/used in ransomware campaigns/, all],
  'required action': [/CISA requires: Apply mitigations/, all],
  'as at': [/CISA KEV, as at 20 November 2026 at 15:00/i, all],
  edition: [/Catalogue 2026\.11\.20 of CISA/, all],
};

const catalogue = {
  version: '2026.11.20',
  releasedAt: new Date('2026-11-20T15:00:00Z'),
  entries: [
    {
      cve: 'CVE-2026-12345',
      vendor: 'Citrix',
      product: 'NetScaler',
      name: 'Memory disclosure',
      addedOn: '2026-11-20',
      description: 'It gives its memory away.',
      requiredAction: 'Apply mitigations per vendor instructions.',
      dueOn: '2026-12-11',
      ransomware: true,
      links: [],
    },
  ],
};

/** The same as programs get it. */
const said = {
  version: '2026.11.20',
  releasedAt: '2026-11-20T15:00:00.000Z',
  facts: [
    {
      cve: 'CVE-2026-12345',
      addedOn: '2026-11-20',
      dueOn: '2026-12-11',
      ransomware: true,
      requiredAction: 'Apply mitigations per vendor instructions.',
    },
  ],
};

const content: Content = {
  exploited: 'yes',
  safe: 'NHSmail and HSCN',
  safeAsAt: '2026-07-01T02:05:00.000Z',
  remediateBy: '2099-07-02T16:00:00.000Z',
  supersedes: 4901,
  threatType: 'insecure_software',
  categories: ['rootkit'],
  vectors: ['macro', 'zero_day'],
  platforms: ['NetScaler 14.1'],
  cves: ['CVE-2026-12345'],
  steps: [{ type: 'Patch', text: 'Install 14.1-43', link: 'https://support.citrix.example/step' }],
  indicators: [{ kind: 'File', value: 'update.exe' }],
  sources: ['https://support.citrix.example/1'],
  endorsed: [{ body: 'NCSC', title: 'Citrix, what to do', url: 'https://www.ncsc.example/1' }],
  assessment: { impact: 'stopped', spread: 'sector', confidence: 'confirmed', reason: '' },
  declared: { ncsc_category: 'category_2' },
};

const full: Wording = {
  ...wording,
  title: 'Citrix: a title',
  what: 'what goes on',
  doNow: 'Do this at once.',
  ifActed: 'If you did, undo it.',
  clearLine: 'Ring your lead.',
  notKnown: 'Nobody knows that.',
  body: 'The words of the details.',
  readerWords: { manager: { what: 'plainer words', doNow: 'Be near a phone.', ifActed: '' } },
  content,
};

let api: ApiSite;
before(async () => {
  api = await openApi();
});
after(async () => {
  await api.close();
});

const versionOf = async (alertId: string) =>
  (await api.centre.db.web.withActor(api.centre.officer, (tx) => findVersion(tx, alertId)))!;

/** A correction with every field, as far as a draft. */
async function drafted() {
  const { centre } = api;
  must(await centre.db.web.attempt(centre.officer, (tx) => importCatalogue(tx, catalogue)));
  await releaseAlert(centre, { title: 'The one before' });
  const alert = await releaseAlert(centre, { title: 'First words' });
  await deliverRounds(centre, alert.dispatchId);
  await centre.db.web.attempt(centre.officer, async (tx) => {
    const { alertId } = alert;
    must(await beginVersion(tx, centre.model, { alertId, kind: 'correction' }));
    const { audience } = (await findVersion(tx, alertId))!;
    const draft = { wording: full, audience: audience as never };
    return await saveDraft(tx, { ...draft, alertId, revision: 1 });
  });
  return alert;
}

async function readInside(alertId: string, seen: Map<Surface, string>): Promise<void> {
  const officer = api.centre.visit(api.centre.officer);
  const composer = await officer.get(`/alerts/${alertId}/edit`);
  seen.set('preview', textContent([...composer.elements('#preview')]));
  // The composer holds every field: saved as it stands, not one changes.
  const before = canonicalWording(await versionOf(alertId));
  const check = await officer.submit(`/alerts/${alertId}/edit`, { next: 'check' });
  assert.equal(canonicalWording(await versionOf(alertId)), before, 'lost by the composer');
  seen.set('check', check.text);
}

async function approved(alertId: string, seen: Map<Surface, string>): Promise<void> {
  const { centre } = api;
  const context = contextOf(centre);
  const now = new Date();
  const { revision } = await versionOf(alertId);
  const { hash } = must(
    await centre.db.web.attempt(centre.officer, (tx) =>
      submitAlert(tx, context, { alertId, revision, now }),
    ),
  );
  seen.set('approval', (await centre.visit(centre.approver).get(`/alerts/${alertId}`)).text);
  must(
    await centre.db.web.attempt(centre.approver, (tx) =>
      approveAndRelease(tx, context, { alertId, hash, now }),
    ),
  );
}

async function readSent(alertId: string, seen: Map<Surface, string>): Promise<string> {
  const { centre } = api;
  const { id } = await versionOf(alertId);
  const submission = await centre.db.web.withActor(centre.officer, (tx) => findSubmission(tx, id));
  const messages = await messagesOf(centre, submission!.correctionDispatchId!);
  const saying = (channel: string) => messages.filter((one) => one.channel === channel);
  seen.set(
    'text',
    saying('text')
      .map(({ body }) => body)
      .join('\n'),
  );
  seen.set(
    'mail',
    saying('mail')
      .map(({ subject, body }) => `${subject}\n${body}`)
      .join('\n'),
  );
  return saying('text').find(({ number }) => number === numbers.eastvale)!.code;
}

async function readOutside(
  { number, code }: { readonly number: number; readonly code: string },
  seen: Map<Surface, string>,
): Promise<void> {
  const visitor = api.centre.site.visitor();
  seen.set('page', (await visitor.get(`/${number}`)).text);
  const address = `0${numbers.eastvale.slice(2)}`;
  seen.set('code page', (await visitor.submit('Go on', { address, code })).text);
  const feed = (await visitor.request('GET', '/public.atom')).body;
  seen.set('feed', feed.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>'));
}

test('each field stands where it has to, and nowhere else', async (t) => {
  const { centre } = api;
  const { alertId, number } = await drafted();
  const seen = new Map<Surface, string>();
  await readInside(alertId, seen);
  await approved(alertId, seen);
  const code = await readSent(alertId, seen);
  const officer = centre.visit(centre.officer);
  seen.set('board', (await officer.get(`/alerts/${alertId}/board`)).text);
  seen.set('versions', (await officer.get(`/alerts/${alertId}/versions`)).text);
  await readOutside({ number, code }, seen);
  const given = (await api.get(`/api/v1/alerts/${alertId}`)).value;
  assert.deepEqual(given['content'], content);
  assert.deepEqual(given['kev'], said);
  const { content: _, nextUpdateAt, ...words } = full;
  for (const [field, value] of Object.entries(words))
    assert.deepEqual(given[field], value, `${field} by the API`);
  assert.equal(given['nextUpdateAt'], nextUpdateAt!.toISOString());
  const { browser, reason } = await openBrowser();
  if (browser === undefined) t.diagnostic(`print was not looked at: ${reason}`);
  else {
    const { page } = await watchedPage(browser, centre.site.address, { javaScriptEnabled: false });
    await page.emulateMedia({ media: 'print' });
    await page.goto(`${centre.site.address}/${number}`);
    seen.set('print', await page.locator('body').innerText());
    await browser.close();
  }
  const later = { title: 'Later', what: 'later', doNow: 'Later.', notKnown: '', body: '' };
  await releaseVersion(centre, alertId, 'update', later);
  seen.set('old version', (await centre.site.visitor().get(`/${number}/versions/2`)).text);
  const wrong = Object.entries({ ...ofWording, ...ofContent, ...ofKev }).flatMap(
    ([field, [said, on]]) =>
      surfaces
        .filter((surface) => seen.has(surface))
        .filter((surface) => said.test(seen.get(surface)!) !== on.includes(surface))
        .map(
          (surface) => `${field}: ${on.includes(surface) ? 'missing on' : 'leaks to'} ${surface}`,
        ),
  );
  assert.deepEqual(wrong, []);
});

test('above their ceiling no indicator leaves the centre, and readers are told whom to ring', async () => {
  const { centre } = api;
  const { number, dispatchId } = await releaseAlert(centre, {
    ...full,
    marking: 'GREEN',
    readerWords: {},
  });
  await deliverRounds(centre, dispatchId);
  const messages = await messagesOf(centre, dispatchId);
  const { code } = messages.find((one) => one.number === numbers.eastvale)!;
  const visitor = centre.site.visitor();
  await visitor.get(`/${number}`);
  const address = `0${numbers.eastvale.slice(2)}`;
  const page = await visitor.submit('Go on', { address, code });
  const mail = messages.find(({ channel }) => channel === 'mail')!;
  for (const shown of [page.text, mail.body]) {
    assert.match(shown, /Install 14\.1-43/);
    assert.match(shown, /Not told here at TLP:GREEN\. Ring 0300/);
    assert.doesNotMatch(shown, /update\.exe/);
  }
});
