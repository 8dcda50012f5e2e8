import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from '#db/sql.ts';
import { canonicalWording } from '#alerts/model.ts';
import { findVersion } from '#alerts/store.ts';
import {
  draftAlert,
  messagesOf,
  openCentre,
  releaseAlert,
  submitDraft,
  wording,
  type Centre,
} from '../../../test/support/centre.ts';
import { contentAsFields, parseContent } from './form.ts';
import { noContent, type Content } from './model.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(async () => {
  await centre.close();
});

const typed = {
  exploited: 'yes',
  safe: 'NHSmail, HSCN and the phones',
  safeAsAtDate: '2026-07-01',
  safeAsAtTime: '03:05',
  remediateByDate: '2099-07-02',
  remediateByTime: '17:00',
  threatType: 'vulnerability',
  categories: ['exploit', 'ransomware'],
  platforms: 'NetScaler ADC 14.1 before 14.1-43\r\n\r\nNetScaler Gateway 13.1',
  cves: 'cve-2026-12345, CVE-2026-12345\nCVE-2026-1234567',
  vectors: ['zero_day', 'exploit_kit'],
  stepsPatch: 'Install 14.1-43, https://support.citrix.example/article/2',
  indicators: 'File: C:\\update.exe\n\nAddress: 2001:db8::5',
  stepsAction: 'End all sessions\nKeep the logs',
  sources: 'https://support.citrix.example/article/1',
  endorsed: 'NCSC, Citrix, what to do now, https://www.ncsc.example/citrix',
  impact: 'stopped',
  spread: 'sector',
  confidence: 'likely',
  declared: ['ncsc_category.category_2', ''],
};

/** In London in July, so that nobody reads it as UTC. */
const full: Content = {
  ...noContent,
  exploited: 'yes',
  safe: 'NHSmail, HSCN and the phones',
  safeAsAt: '2026-07-01T02:05:00.000Z',
  remediateBy: '2099-07-02T16:00:00.000Z',
  threatType: 'vulnerability',
  categories: ['exploit', 'ransomware'],
  vectors: ['zero_day', 'exploit_kit'],
  platforms: ['NetScaler ADC 14.1 before 14.1-43', 'NetScaler Gateway 13.1'],
  indicators: [
    { kind: 'File', value: 'C:\\update.exe' },
    { kind: 'Address', value: '2001:db8::5' },
  ],
  cves: ['CVE-2026-12345', 'CVE-2026-1234567'],
  steps: [
    { type: 'Patch', text: 'Install 14.1-43', link: 'https://support.citrix.example/article/2' },
    { type: 'Action', text: 'End all sessions', link: '' },
    { type: 'Action', text: 'Keep the logs', link: '' },
  ],
  sources: ['https://support.citrix.example/article/1'],
  endorsed: [
    { body: 'NCSC', title: 'Citrix, what to do now', url: 'https://www.ncsc.example/citrix' },
  ],
  assessment: { impact: 'stopped', spread: 'sector', confidence: 'likely', reason: '' },
  declared: { ncsc_category: 'category_2' },
};

describe('the fields', () => {
  it('become the content, and back', () => {
    const parsed = parseContent(typed, centre.model);
    assert.deepEqual(parsed, { ok: true, value: full });
    const again = parseContent(contentAsFields(full), centre.model);
    assert.deepEqual(again, { ok: true, value: full });
    assert.deepEqual(parseContent({}, centre.model), { ok: true, value: noContent });
  });

  it('say what is wrong, each beside itself', () => {
    const wrong: [Record<string, string | string[]>, string, RegExp][] = [
      [{ cves: 'CVE-2026-12' }, 'cves', /Not a CVE: CVE-2026-12/],
      [{ sources: 'http://plain.example/' }, 'sources', /whole addresses/],
      [{ sources: 'https://me:secret@bank.example/' }, 'sources', /whole addresses/],
      [{ endorsed: 'NCSC https://www.ncsc.example/' }, 'endorsed', /one notice a line/],
      [{ endorsed: 'NCSC, x, javascript:alert(1)' }, 'endorsed', /one notice a line/],
      [{ threatType: 'rumour' }, 'threatType', /type of threat/],
      [{ categories: ['worm', 'rumour'] }, 'categories', /of the list/],
      [{ vectors: ['pigeon'] }, 'vectors', /of the list/],
      [{ indicators: 'update.exe' }, 'indicators', /its kind, a colon/],
      [{ stepsPatch: 'Install https://me:secret@x.example/' }, 'steps', /a whole one/],
      [{ safe: 'x'.repeat(301) }, 'safe', /301 characters; at most 300/],
      [{ stepsAware: 'Your code is {code}' }, 'steps', /may not hold/],
      [{ platforms: 'turned \u202E round' }, 'platforms', /invisible/],
      [
        { remediateByDate: '2026-02-30', remediateByTime: '10:00' },
        'remediateBy',
        /day and the time/,
      ],
      [{ safeAsAtTime: '10:00' }, 'safeAsAt', /day and the time/],
      [{ supersedes: 'the last' }, 'supersedes', /number of an alert/],
      [{ impact: 'stopped' }, 'assessment', /all three of the list, or none/],
      [{ declared: ['ncsc_category.category_9'] }, 'declared', /level of the list/],
      [{ declared: ['toString.x'] }, 'declared', /level of the list/],
    ];
    for (const [form, field, why] of wrong) {
      const parsed = parseContent(form, centre.model);
      assert.ok(!parsed.ok, field);
      assert.deepEqual(Object.keys(parsed.fields), [field]);
      assert.match(parsed.fields[field]!, why);
    }
  });
});

it('each part is covered by what is approved', () => {
  const plain = canonicalWording({ ...wording, content: noContent });
  const seen = new Set([plain]);
  for (const key of Object.keys(full) as (keyof Content)[]) {
    const value = key === 'supersedes' ? 4901 : full[key];
    seen.add(canonicalWording({ ...wording, content: { ...noContent, [key]: value } }));
  }
  assert.equal(seen.size, Object.keys(full).length + 1);
});

it('stands on the check, the approval, the page and in the mail; a text holds none of it', async () => {
  const alertId = await draftAlert(centre, { content: full });
  const check = await centre.visit(centre.officer).get(`/alerts/${alertId}`);
  await submitDraft(centre, alertId);
  const approval = await centre.visit(centre.approver).get(`/alerts/${alertId}`);
  const { number, dispatchId } = await releaseAlert(centre, { content: full });
  const page = await centre.site.visitor().get(`/${number}`);
  const messages = await messagesOf(centre, dispatchId);
  const mail = messages.find(({ channel }) => channel === 'mail')!.body;
  for (const shown of [check.text, approval.text, page.text, mail.replaceAll(/\s+/g, ' ')]) {
    assert.match(shown, /safe to keep using, as at 1 July 2026 at 03:05 NHSmail, HSCN/i);
    assert.match(shown, /exploited now Yes/i);
    assert.match(shown, /remediate by 2 July 2099 at 17:00/i);
    assert.match(shown, /Patch: Install 14.1-43 (?:https:\S+ - )?Action: End all sessions/);
    assert.match(shown, /Vulnerability, Exploit, Ransomware/);
    assert.match(shown, /NCSC category 2, highly significant \(declared by the NCSC and law/);
    assert.match(shown, /CVE-2026-1234567/);
    assert.match(shown, /NCSC: Citrix, what to do now/);
  }
  assert.match(mail, /https:\/\/www\.ncsc\.example\/citrix/);
  assert.match(page.body, /href="https:\/\/www\.cve\.org\/CVERecord\?id=CVE-2026-12345"/);
  for (const { channel, body } of messages)
    if (channel === 'text') assert.doesNotMatch(body, /NHSmail|CVE/);
});

it('above the ceiling of mails nothing of it travels', async () => {
  const { dispatchId, number } = await releaseAlert(centre, {
    marking: 'AMBER',
    content: { ...full, safe: 'a secret' },
  });
  for (const { body } of await messagesOf(centre, dispatchId))
    assert.doesNotMatch(body, /secret|CVE|Patch/);
  assert.doesNotMatch((await centre.site.visitor().get(`/${number}`)).text, /secret|CVE/);
});

it('what is safe needs its time before it is submitted, and no time to come', async () => {
  const alertId = await draftAlert(centre, { content: { ...full, safeAsAt: null } });
  const officer = centre.visit(centre.officer);
  const page = await officer.get(`/alerts/${alertId}`);
  assert.match(page.body, new RegExp(`href="/alerts/${alertId}/edit#safeAsAt">Enter as at when`));
  await officer.get(`/alerts/${alertId}/edit`);
  const later = { safeAsAtDate: '2098-01-01', safeAsAtTime: '10:00', next: 'check' };
  const saved = await officer.submit(`/alerts/${alertId}/edit`, later);
  assert.match(saved.text, /cannot be known as at a time to come/);
});

it('an alert takes the place of one that was out, and says so on the page of that one', async () => {
  const old = await releaseAlert(centre);
  const alertId = await draftAlert(centre);
  const officer = centre.visit(centre.officer);
  const path = `/alerts/${alertId}/edit`;
  await officer.get(path);
  const wrong = await officer.submit(path, { supersedes: '9999999' }, { status: 422 });
  assert.match(wrong.body, /id="supersedes-error"[^]{0,120}No alert 9999999 was ever out/);
  await officer.submit(path, { supersedes: String(old.number) });
  const before = await centre.site.visitor().get(`/${old.number}`);
  assert.doesNotMatch(before.text, /takes the place/);
  const now = await releaseAlert(centre, { content: { ...noContent, supersedes: old.number } });
  const page = await centre.site.visitor().get(`/${old.number}`);
  assert.match(page.text, new RegExp(`Alert ${now.number} takes the place of this one`));
  const hidden = await releaseAlert(centre, {
    marking: 'AMBER',
    content: { ...noContent, supersedes: now.number },
  });
  const still = await centre.site.visitor().get(`/${now.number}`);
  assert.doesNotMatch(still.text, new RegExp(`${hidden.number} takes`));
});

it('nobody changes it once it is submitted', async () => {
  const alertId = await draftAlert(centre, { content: full });
  await submitDraft(centre, alertId);
  const version = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));
  await assert.rejects(
    centre.db.owner.withActor(centre.officer, (tx) =>
      tx.run(sql`update alerts.words set content = '{}' where version_id = ${version!.id}`),
    ),
    /only the words of a draft/,
  );
});
