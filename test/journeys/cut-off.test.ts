/** An organisation whose network is in foreign hands: the switch by page, API and command. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cutOffCommand } from '#cli/cut-off.ts';
import { openApi, type ApiSite, type List } from '../support/api-client.ts';
import { lookAt, openBrowser, watchedPage, type BrowserOrReason } from '../support/browser.ts';
import {
  deliverAll,
  messagesOf,
  numbers,
  releaseAlert,
  textFrom,
  type Centre,
  type Person,
} from '../support/centre.ts';
import { ran } from '../support/command.ts';
import { seedNotify } from '../support/dispatch.ts';

let api: ApiSite;
let centre: Centre;
let northmoor: string;
let second: Person;
let opened: BrowserOrReason;
const byKey: { key?: string } = {};

before(async () => {
  opened = await openBrowser();
  api = await openApi();
  centre = api.centre;
  await seedNotify(centre.db.worker);
  second = await centre.invite('Zoe Second', ['duty_officer']);
  const found = await api.get<List>('/api/v1/organisations');
  byKey.key = await api.key(['organisation.cut_off', 'directory.read']);
  northmoor = String(found.value.rows.find((row) => row['code'] === 'ZZ-0001')?.['id']);
});

after(async () => {
  if (opened?.browser !== undefined) await opened.browser.close();
  await api.close();
});

test('by page: said before, done, shown where the organisation is, and undone', async () => {
  const officer = centre.visit(centre.officer);
  const issuer = async () =>
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.one<{ isOn: boolean }>(sql`
        select off_at is null as is_on from identity.issuer where id = 'own'`),
    );
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      insert into identity.issuer (id, url, label, organisation_id, client_id, settings_sealed,
        origins, acr, amr, auth_age_max_ms, saved_at, saved_by)
      values ('own', 'https://id.northmoor.test', 'Northmoor', ${northmoor}, 'tocsin', ''::bytea,
        '{}', '{}', '{}', 1000, now(), 'test')`),
  );
  await officer.get(`/organisations/${northmoor}`);
  await officer.click('Cut it off');
  assert.match(officer.page.text, /Nobody of it reads what is for a closed circle/);
  assert.match(officer.page.text, /Mobiles and addresses elsewhere are told: 2 of 2 contacts/);
  await officer.submit('Cut it off now', {}, { status: 422 });
  assert.match(officer.page.text, /Say why/);
  await officer.submit('Cut it off now', { reason: 'Their CISO rang', domain: 'northmoor.test' });
  assert.match(officer.page.text, /Cut off: 0 accounts are signed out, 1 of its own sign-ins off/);
  assert.equal((await issuer()).isOn, false);
  assert.match(officer.page.text, /Cut off since .* foreign hands: Their CISO rang/s);
  assert.match(officer.page.text, /Nothing goes here/);
  assert.match(officer.page.text, /Ada Okafor, CISO or head of cyber, by text(?! and)/);
  assert.match((await officer.get('/organisations/cut-off')).text, /Northmoor Teaching Hospitals/);
  await officer.get(`/organisations/${northmoor}`);
  await officer.click('Let it back');
  const said = { reason: 'Rebuilt; their CISO rang from a number on file' };
  await officer.submit('Propose to let it back', { reason: '' }, { status: 422 });
  await officer.submit('Propose to let it back', said);
  assert.match(officer.page.text, /Proposed\. .* it is still cut off/);
  assert.match(
    officer.page.text,
    /Northmoor Teaching Hospitals, ZZ-0001cut off since .*Their CISO rang/,
  );
  assert.match(officer.page.text, /You proposed this, so somebody else has to approve it/);
  const { path } = officer.page;
  const hash = officer.page.elements('input').find(({ attribs }) => attribs['name'] === 'hash');
  assert.equal(hash, undefined, 'nothing here to approve it by');
  assert.match(
    (await officer.get(`/organisations/${northmoor}/cut-off`)).text,
    /Amara Osei proposed it/,
  );
  await letBackByPage(path);
  assert.equal((await issuer()).isOn, false);
  await officer.get(`/organisations/${northmoor}`);
  assert.doesNotMatch(officer.page.text, /Nothing goes here/);
  assert.match(officer.page.text, /let back in/);
  assert.match((await officer.get('/organisations/cut-off')).text, /None is cut off now/);
});

/** Another officer, whom nobody here let in, approves what waits at this path. */
async function letBackByPage(path: string): Promise<void> {
  const other = centre.visit(second);
  await other.get(path);
  await other.submit('Approve, and do it');
  assert.match(other.page.text, /Approved by Zoe Second .*and done/);
}

test('nobody lets it back alone, by page or as the web process', async () => {
  const officer = centre.visit(centre.officer);
  await officer.get(`/organisations/${northmoor}/cut-off`);
  await officer.submit('Cut it off now', { reason: 'Again' });
  await officer.get(`/organisations/${northmoor}/cut-off`);
  await officer.submit('Propose to let it back', { reason: 'So they say' });
  const { path } = officer.page;
  const id = path.split('/').at(-1)!;
  const proposed = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ approvalId: string; hash: string }>(sql`
      select approval_id, sha256 as hash from identity.proposed_change where id = ${id}`),
  );
  const form = new URLSearchParams({ hash: proposed.hash });
  for (const verb of ['approve', 'alone'])
    assert.equal((await officer.request('POST', `${path}/${verb}`, { form })).status, 403);
  for (const approvalId of [null, proposed.approvalId])
    await assert.rejects(
      centre.db.web.withActor(centre.officer, (tx) =>
        tx.run(sql`
          update kernel.cut_off set lifted_at = now(), lifted_by = 'x', lifted_by_name = 'x',
            lift_reason = 'x', lifted_by_approval = ${approvalId} where lifted_at is null`),
      ),
      /let back by two persons/,
    );
  await letBackByPage(path);
  const entries = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ detail: { byTwo: boolean; byName: string } }>(sql`
      select detail from audit.v_entry where action = 'organisation.let_back' order by at`),
  );
  assert.deepEqual(entries.at(-1)?.detail.byTwo, true);
  assert.equal(entries.at(-1)?.detail.byName, 'Zoe Second');
});

test('a code from its mail answers nothing meanwhile; a text from a number on file does', async () => {
  const { alertId, dispatchId, number } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const sent = await messagesOf(centre, dispatchId);
  const code = sent.find((one) => one.number === 'ada@northmoor.test')!.code;
  const cut = await api.post(`/api/v1/organisations/${northmoor}/cut-off`, { reason: 'x' }, byKey);
  assert.equal(cut.status, 200, JSON.stringify(cut.value));
  assert.equal(cut.value['addresses'], 1);
  const visitor = centre.site.visitor();
  await visitor.get(`/${number}`);
  const typed = { address: 'ada@northmoor.test', code };
  await visitor.submit(`/${number}`, typed, { status: 422 });
  assert.match(visitor.page.text, /not taken for your organisation now. Text, or ring us/);
  assert.doesNotMatch(visitor.page.text, /Got it/);
  const officer = centre.visit(centre.officer);
  assert.match((await officer.get('/')).text, /Cut off: believe no mail from them.*Northmoor/s);
  const base = `/alerts/${alertId}`;
  const list = await officer.get(`${base}/organisations?show=must_answer`);
  assert.match(list.text, /Northmoor Teaching Hospitals Cut off/);
  assert.match(
    (await officer.get(`${base}/organisations/${northmoor}`)).text,
    /Cut off\s*Its network/,
  );
  assert.match((await officer.get(`${base}/calls/${northmoor}`)).text, /Ring mobiles first/);
  assert.match((await officer.get('/organisations')).text, /Northmoor Teaching Hospitals Cut off/);
  const answered = () =>
    centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ evidence: string }>(sql`select evidence from responses.response
        where alert_id = ${alertId} and organisation_id = ${northmoor}`),
    );
  assert.deepEqual(await answered(), []);
  await textFrom(centre, numbers.northmoor, code);
  assert.deepEqual(await answered(), [{ evidence: 'text_with_code' }]);
  await letBackAtServer();
  await visitor.submit(`/${number}`, typed);
  assert.match(visitor.page.text, /Got it/);
});

test('by API: who may not, may not; twice is a conflict; it is listed', async () => {
  const path = `/api/v1/organisations/${northmoor}`;
  const others = { key: await api.key(['directory.write', 'directory.read']) };
  assert.equal((await api.post(`${path}/cut-off`, { reason: 'x' }, others)).status, 403);
  const bad = { reason: 'x', domains: ['not a domain'] };
  assert.equal((await api.post(`${path}/cut-off`, bad, byKey)).status, 422);
  assert.equal((await api.post(`${path}/cut-off`, { reason: 'x' }, byKey)).status, 200);
  assert.equal((await api.post(`${path}/cut-off`, { reason: 'x' }, byKey)).status, 409);
  const { value } = await api.get<List>('/api/v1/cut-off', others);
  assert.deepEqual(
    value.rows.map((row) => row['code']),
    ['ZZ-0001'],
  );
  const one = await api.get(`${path}/cut-off`, others);
  assert.deepEqual((one.value['cutOff'] as { domains: string[] }).domains, ['northmoor.test']);
  assert.equal((await api.post(`${path}/let-back`, { reason: 'y' }, byKey)).status, 404);
  await letBackAtServer();
});

const run = async (...args: string[]) => {
  const context = { database: centre.db.web, model: centre.model };
  return await ran((output) => cutOffCommand(context, args, output));
};

async function letBackAtServer(): Promise<void> {
  const by = ['--by', 'amara.osei@centre.test', '--reason', 'Rebuilt'];
  assert.equal((await run('let-back', 'ZZ-0001', ...by)).code, 0);
}

test('by command, as an officer who answers for it', async () => {
  const officer = ['--by', 'amara.osei@centre.test', '--reason', 'Rung by their CISO'];
  assert.equal((await run('cut', 'ZZ-0001')).code, 2, 'nobody answers for it');
  assert.equal((await run('cut', 'ZZ-9999', ...officer)).code, 1);
  const approver = ['--by', 'tom.lindqvist@centre.test', '--reason', 'x'];
  assert.equal((await run('cut', 'ZZ-0001', ...approver)).code, 1);
  assert.match((await run('list')).out, /None is cut off/);
  const done = await run('cut', 'zz-0001', '--domain', '@Northmoor.test', ...officer);
  assert.match(done.out, /^Cut off\. .*Addresses where nothing goes now: 1\./);
  assert.match((await run('list')).out, /^ZZ-0001 {2}Northmoor Teaching Hospitals, since/);
  assert.equal((await run('let-back', 'ZZ-0001', ...approver)).code, 1);
  assert.match((await run('let-back', 'ZZ-0001', ...officer)).out, /let back/);
  assert.equal((await run('let-back', 'ZZ-0001', ...officer)).code, 1);
});

test('the pages are whole at both widths', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  centre.visit(centre.officer);
  await page.context().addCookies([{ name: 'tocsin', value: centre.officer.id, url: address }]);
  await page.goto(`${address}/organisations/${northmoor}/cut-off`);
  await lookAt(page, 'cut-off');
  await page.fill('#reason', 'Their CISO rang: mail server taken over');
  await page.click('button:has-text("Cut it off now")');
  await page.locator('h1').waitFor();
  await lookAt(page, 'cut-off-organisation');
  await page.goto(`${address}/organisations/${northmoor}/cut-off`);
  await lookAt(page, 'cut-off-let-back');
  await page.fill('#reason', 'Rebuilt; their CISO rang from a number on file');
  await page.click('button:has-text("Propose to let it back")');
  await page.locator('h1').waitFor();
  await lookAt(page, 'cut-off-let-back-proposed');
  await page.goto(`${address}/organisations/cut-off`);
  await lookAt(page, 'cut-off-list');
  verify();
  await page.close();
});
