import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { listEntries as listAudit } from '#audit/index.ts';
import { parseDraft } from '#alerts/form.ts';
import { noContent } from '#alerts/content/model.ts';
import {
  must,
  openCentre,
  releaseAlert,
  releaseVersion,
  type Centre,
} from '../../../test/support/centre.ts';
import { importCatalogue } from './catalogue.ts';
import { fieldsFromEntry } from './form.ts';
import { parseCatalogue } from './parse.ts';
import { findEntries } from './store.ts';

/** The file of 2025-08-25 as CISA published it; not part of the project. */
const REAL = new URL(
  '../../../../shared/data/cisa-kev/known_exploited_vulnerabilities.json',
  import.meta.url,
);

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(async () => {
  await centre.close();
});

const entry = (change: object = {}) => ({
  cveID: 'CVE-2026-12345',
  vendorProject: 'Citrix',
  product: 'NetScaler Gateway',
  vulnerabilityName: 'Citrix NetScaler Gateway Memory Disclosure Vulnerability',
  dateAdded: '2026-11-20',
  shortDescription: 'NetScaler Gateway gives away what is in its memory.',
  requiredAction: 'Apply mitigations per vendor instructions.',
  dueDate: '2026-12-11',
  knownRansomwareCampaignUse: 'Known',
  notes:
    'See also: https://support.citrix.example/1 ; http://plain.example/ ; https://nvd.example/2',
  cwes: ['CWE-125'],
  ...change,
});

const bytesOf = (
  vulnerabilities: readonly object[],
  { version = '2026.11.20', released = '2026-11-20T15:00:00.1234Z' } = {},
) =>
  new TextEncoder().encode(
    JSON.stringify({
      title: 'x',
      catalogVersion: version,
      dateReleased: released,
      count: 1,
      vulnerabilities,
    }),
  );

const bring = async (bytes: Uint8Array) =>
  await centre.db.web.attempt(centre.officer, (tx) =>
    importCatalogue(tx, must(parseCatalogue(bytes))),
  );

describe('the file', () => {
  it('becomes entries of known fields, with the addresses of its notes', () => {
    const { entries, version } = must(parseCatalogue(bytesOf([entry()])));
    assert.equal(version, '2026.11.20');
    assert.deepEqual(entries[0]?.links, [
      'https://support.citrix.example/1',
      'https://nvd.example/2',
    ]);
    assert.equal(entries[0]?.ransomware, true);
    assert.equal(Object.hasOwn(entries[0], 'cwes'), false);
  });

  it('is refused as a whole, with the entry that is wrong', () => {
    const said = (bytes: Uint8Array) => {
      const parsed = parseCatalogue(bytes);
      return parsed.ok ? 'taken' : parsed.message;
    };
    assert.match(said(bytesOf([entry(), entry({ cveID: 'CVE-1' })])), /Entry 2 .* at cveID/);
    for (const dateAdded of ['2026-02-30', '0000-01-01'])
      assert.match(said(bytesOf([entry({ dateAdded })])), /Entry 1 .* at dateAdded/);
    assert.match(said(bytesOf([entry(), entry()])), /CVE-2026-12345 stands in the file twice/);
    for (const bytes of [bytesOf([]), new Uint8Array([255, 254]), new TextEncoder().encode('[1]')])
      assert.match(said(bytes), /no catalogue of CISA KEV/);
  });

  it('brings no braces and no turned words into an alert', () => {
    const wrong = { vulnerabilityName: 'a {code}\u202E b\nc' };
    const { entries } = must(parseCatalogue(bytesOf([entry(wrong)])));
    assert.equal(entries[0]?.name, 'a code b c');
  });
});

describe('an import', () => {
  it('takes the place of what is there, says what changed, and refuses an older file', async () => {
    const second = entry({ cveID: 'CVE-2026-99999' });
    const first = must(await bring(bytesOf([entry(), second])));
    assert.deepEqual([first.added, first.changed, first.removed], [2, 0, 0]);
    const same = must(await bring(bytesOf([entry(), second])));
    assert.deepEqual([same.added, same.changed, same.removed], [0, 0, 0]);
    const later = { version: '2026.11.21', released: '2026-11-21T15:00:00Z' };
    const next = must(await bring(bytesOf([entry({ dueDate: '2026-12-01' })], later)));
    assert.deepEqual([next.added, next.changed, next.removed], [0, 1, 1]);
    const older = await bring(bytesOf([entry(), second]));
    assert.ok(!older.ok);
    assert.match(older.message, /2026\.11\.20, older than 2026\.11\.21/);
    const { entries } = await centre.db.web.withActor(centre.officer, (tx) =>
      listAudit(tx, { action: 'kev.imported', limit: 1 }),
    );
    assert.equal(entries[0]?.detail['removed'], 1);
  });
});

describe('what is out', () => {
  const page = async (number: number) => (await centre.site.visitor().get(`/${number}`)).text;
  const content = { ...noContent, cves: ['CVE-2026-12345', 'CVE-2026-777777'] };

  it('says what the catalogue said when it was submitted, and a later version what it says then', async () => {
    const { alertId, number } = await releaseAlert(centre, { content });
    const before = await page(number);
    assert.match(before, /as at 21 November 2026 at 15:00/);
    assert.match(before, /Due 1 December 2026, for US federal agencies/);
    assert.match(before, /CVE-2026-777777: not in the catalogue/);
    const later = { version: '2026.11.21b', released: '2026-11-21T18:00:00Z' };
    must(await bring(bytesOf([entry({ dueDate: '2026-11-29' })], later)));
    assert.match(await page(number), /Due 1 December 2026, for US federal agencies/);
    await releaseVersion(centre, alertId, 'update', { content });
    const after = await page(number);
    assert.match(after, /as at 21 November 2026 at 18:00/);
    assert.match(after, /Due 29 November 2026, for US federal agencies/);
  });
});

describe('the page', () => {
  it('imports, finds, and begins an alert that can be submitted: two clicks', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get('/kev');
    const none = await officer.submit('Import', {}, { status: 422 });
    assert.match(none.text, /Choose the file/);
    const later = { version: '2026.11.22', released: '2026-11-22T15:00:00Z' };
    must(
      await bring(
        bytesOf(
          [
            entry(),
            entry({ cveID: 'CVE-2026-1111', product: '100%', vulnerabilityName: 'Another' }),
          ],
          later,
        ),
      ),
    );
    const found = await officer.get('/kev?q=netscaler');
    assert.match(found.text, /CVE-2026-12345/);
    assert.doesNotMatch(found.text, /CVE-2026-1111/);
    assert.match((await officer.get('/kev?q=100%25')).text, /CVE-2026-1111/);
    assert.match((await officer.get('/kev?q=%5C')).text, /Nothing in it has these words/);
    await officer.get('/kev?q=netscaler');
    await officer.click('Write an alert about CVE-2026-12345');
    const check = await officer.submit('Save and check', { next: 'check' });
    assert.match(check.text, /Submit for approval/);
    assert.match(check.text, /Exploited now Yes/);
    assert.match(check.text, /Details ?NetScaler Gateway gives away what is in its memory\./);
    assert.match(check.text, /Citrix NetScaler Gateway/);
    assert.match(
      check.text,
      /CVE-2026-12345: exploited, in the catalogue since 20 November 2026; used in ransomware/,
    );
  });

  it('says of a CVE that is not in the catalogue that it is not', async () => {
    const form = new URLSearchParams({ severity: 'high', marking: 'CLEAR', cves: 'CVE-2020-1234' });
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const { body } = await officer.request('POST', '/alerts/preview', { form });
    assert.match(body, /CVE-2020-1234: not in the catalogue/);
  });

  it('is read by whoever reads alerts, and a file is taken from who writes them alone', async () => {
    const approver = centre.visit(centre.approver);
    assert.doesNotMatch((await approver.get('/kev')).body, /type="file"|alerts\/new/);
    const form = new URLSearchParams();
    assert.equal((await approver.request('POST', '/kev', { form })).status, 403);
  });

  it('an entry that is not there begins an empty alert', async () => {
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get('/alerts/new?kev=CVE-1999-0001')).text, /Write an alert/);
  });
});

it('the file of CISA as it was published', async (t) => {
  if (!existsSync(REAL)) return t.skip('the file of CISA is not on this machine');
  const catalogue = must(parseCatalogue(readFileSync(REAL)));
  assert.equal(catalogue.entries.length, 1404);
  assert.equal(catalogue.entries.filter(({ ransomware }) => ransomware).length, 293);
  const ahead = { ...catalogue, releasedAt: new Date('2099-01-01T00:00:00Z') };
  const done = must(
    await centre.db.web.attempt(centre.officer, (tx) => importCatalogue(tx, ahead)),
  );
  assert.equal(done.entries, 1404);
  const cves = catalogue.entries.map(({ cve }) => cve);
  const stored = await centre.db.web.withActor(centre.officer, (tx) => findEntries(tx, cves));
  const byCve = (one: { cve: string }, other: { cve: string }) => (one.cve < other.cve ? -1 : 1);
  assert.deepEqual(stored.toSorted(byCve), catalogue.entries.toSorted(byCve));
  // Whichever entry it begins with, the composer takes the words.
  for (const one of catalogue.entries) {
    const fields = { ...fieldsFromEntry(one, centre.model, new Date()), marking: 'CLEAR' };
    const draft = parseDraft(fields, centre.model);
    assert.ok(draft.ok, `${one.cve}: ${draft.ok ? '' : JSON.stringify(draft.fields)}`);
  }
});
