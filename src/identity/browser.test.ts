import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { assertAccessible, openBrowser, shoot, watchedPage } from '../../test/support/browser.ts';
import type { BrowserOrReason } from '../../test/support/browser.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { signingIn } from '../../test/support/signing-in.ts';
import { identityRoutes, invitePerson, sessionsOf, type RoleModel } from './index.ts';

const model: RoleModel = {
  signingIn,
  roles: {
    duty_officer: { label: 'Duty officer', may: ['alert.read', 'alert.write', 'alert.approve'] },
    administrator: { label: 'Administrator', may: ['alert.read', 'person.manage'] },
  },
};
const installation = { name: 'Health and care', kind: 'demonstration' } as const;

let clone: Clone;
let site: Site;
let opened: BrowserOrReason;
let officer = '';

before(async () => {
  clone = await cloneDatabase();
  const now = new Date();
  await clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into kernel.installation (id, kind, created_at)
      values (${newId()}, ${installation.kind}, ${now})`),
  );
  for (const [name, role] of [
    ['Mira Castellanos-Whitfield', 'administrator'],
    ['Ada Okafor', 'duty_officer'],
  ] as const) {
    const email = `${role}@centre.test`;
    const invited = await clone.web.withActor(system('test'), (tx) =>
      invitePerson(tx, { name, email, roles: [role] }, { model, now }),
    );
    officer = invited.ok ? invited.value : assert.fail(invited.message);
  }
  const context = {
    database: clone.web,
    model,
    installation,
    origin: 'http://localhost',
    passkeyDomain: 'localhost',
    sealPhone: (_: string, e164: string) => Buffer.from(`sealed ${e164}`),
  };
  site = await startSite({
    installation,
    routes: identityRoutes(context),
    sessions: sessionsOf(clone.web, model),
    navigation: ['Duty desk', 'Alerts', 'Help queue', 'Organisations', 'People', 'Audit'].map(
      (text) => ({ text, href: `/${text.toLowerCase().replace(' ', '-')}` }),
    ),
  });
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
  await site.close();
  await clone.drop();
});

test('the pages of people and sign-in are accessible and fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  const look = async (name: string) => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await assertAccessible(page);
    await shoot(page, `identity-${name}`);
    await assertAccessible(page);
    const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    assert.equal(await page.evaluate(wide), false, `${name} scrolls sideways at 390`);
  };
  await page.goto(`${site.address}/sign-in?to=/people`);
  await look('sign-in');
  await page.getByRole('button', { name: 'Continue as Mira' }).click();
  await page.getByRole('heading', { name: 'People' }).waitFor();
  await look('people');
  await page.getByRole('button', { name: 'Menu' }).click();
  assert.ok(await page.getByRole('link', { name: 'Help queue' }).isVisible());
  for (const [path, name] of [
    [`/people/${officer}`, 'person'],
    ['/people/invite', 'invite'],
    ['/account', 'account'],
    ['/nowhere', 'not-found'],
  ] as const) {
    await page.goto(site.address + path);
    await look(name);
  }
  await page.goto(`${site.address}/people/invite`);
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
  await look('invite-errors');
  await page.getByRole('link', { name: 'Enter the full name' }).click();
  assert.equal(await page.evaluate('document.activeElement.id'), 'name');
  verify();
});
