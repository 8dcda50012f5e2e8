/** Files on their way in, as a browser sees them: real ones with errors put in, mended, undone. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { RunningTasks } from '#db/tasks.ts';
import {
  lookAt,
  openBrowser,
  watchedPage,
  type BrowserOrReason,
  type BrowserPage,
} from '../../../test/support/browser.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { secrets, startImports } from '../../../test/support/directory.ts';
import { startSite, type Site } from '../../../test/support/page-client.ts';
import type { AudienceRules, ImportRules } from '../model.ts';
import { organisationRoutes } from '../routes.ts';
import { lockImports } from './store-import.ts';

const model: AudienceRules & ImportRules = {
  audienceLookAheadMs: 90 * 86_400_000,
  importedAloneADay: 100_000,
  organisationTypes: {
    trust: { label: 'NHS trust', mustAnswer: true },
    board: { label: 'Integrated care board', mustAnswer: true },
    practice: { label: 'GP practice', mustAnswer: false },
    other: { label: 'Other body', mustAnswer: false },
  },
  contactRoles: {
    ciso: { label: 'CISO or head of cyber' },
    on_call_it: { label: 'On-call IT' },
    practice_manager: { label: 'Practice manager' },
  },
  readerKinds: { technical: { label: 'Technical', chased: true } },
};
const permissions = new Set(['alert.read', 'directory.read', 'directory.write'] as const);
const ada = { kind: 'person', id: newId(), name: 'Ada Okafor', permissions } as const;
const session = { id: 's', actor: ada, name: ada.name, expiresAt: new Date('2099-01-01') };

const shared = new URL('../../../../shared/data/', import.meta.url);
const skip = existsSync(shared) ? false : 'real files are not beside the checkout';

let db: Clone;
let site: Site;
let tasks: RunningTasks;
let opened: BrowserOrReason;

before(async () => {
  db = await cloneDatabase();
  site = await startSite({
    installation: { name: 'Health and care', kind: 'demonstration' },
    routes: organisationRoutes({ database: db.web, model, secrets }),
    sessions: { findSession: async () => session },
    navigation: ['Duty desk', 'Alerts', 'Directory', 'People'].map((text) => ({
      text,
      href: text === 'Directory' ? '/organisations' : `/${text}`,
    })),
  });
  tasks = await startImports(db, model);
  opened = await openBrowser();
});
after(async () => {
  await opened.browser?.close();
  await tasks.stop();
  await site.close();
  await db.drop();
});

async function openPage(options: { javaScriptEnabled?: boolean } = {}) {
  const context = await opened.browser!.newContext(options);
  await context.addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  return await context.newPage();
}

async function choose(page: BrowserPage, kind: string, name: string, content: string) {
  await page.goto(`${site.address}/organisations/import?kind=${kind}`);
  const mimeType = name.endsWith('.json') ? 'application/json' : 'text/csv';
  await page.setInputFiles('input[type=file]', { name, mimeType, buffer: Buffer.from(content) });
  await page.getByRole('button', { name: 'Check the file' }).click();
}

/** Every file waits, once it is read, until what is returned is called. */
async function holdImports(): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const holding = db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`set local idle_in_transaction_session_timeout = 0`);
    await lockImports(tx);
    held.resolve();
    await letGo.promise;
  });
  await Promise.race([held.promise, holding]);
  return async () => {
    letGo.resolve();
    await holding;
  };
}

test('real practices with errors: checked, mended, imported again, undone', { skip }, async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  await page.context().addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  const real = readFileSync(
    new URL('ods-gp-hierarchy/gp-reg-pat-prac-map-2022-01.csv', shared),
    'utf8',
  );
  const lines = real.split('\n');
  const bad = lines
    .map((line, i) => (i % 1000 === 7 ? line.replace(/,[A-Z]\d{5},/, ',!,') : line))
    .join('\n');
  await choose(page, 'organisations', 'practices.csv', bad);
  await page.getByRole('heading', { name: 'Check before you import' }).waitFor();
  await page.getByRole('heading', { name: '7 rows refused' }).waitFor();
  await lookAt(page, 'import-refused');
  await page.setViewportSize({ width: 1280, height: 900 });
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: /Download all refused rows/ }).click();
  const refused = readFileSync(await (await download).path(), 'utf8');
  await page.getByRole('button', { name: 'Import the 6,520 good rows' }).click();
  await page.getByRole('heading', { name: 'Imported', exact: true }).waitFor();
  const codes = lines.flatMap((line, i) => (i % 1000 === 7 ? [line.split(',')[2]!] : []));
  let next = 0;
  const mended = refused.replaceAll(',!,', () => `,${codes[next++]},`);
  await choose(page, 'organisations', 'mended.csv', mended);
  await page.getByRole('heading', { name: '7 rows to add' }).waitFor();
  await page.getByRole('button', { name: 'Import all 7 rows' }).click();
  await page.getByRole('heading', { name: 'Imported', exact: true }).waitFor();
  await lookAt(page, 'import-imported');
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole('link', { name: 'Undo this import' }).click();
  await page.getByRole('heading', { name: 'Undo the last import?' }).waitFor();
  await lookAt(page, 'import-undo');
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole('button', { name: 'Undo this import' }).click();
  await page.getByText('Undone: 7 removed.').waitFor();
  await lookAt(page, 'import-log');
  await page.setViewportSize({ width: 1280, height: 900 });
  verify();
});

test('trusts of 2022, then of 2025: what moves and closes is shown', { skip }, async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const page = await openPage();
  const etr = (year: string) => readFileSync(new URL(`ods-trusts/etr-${year}.csv`, shared), 'utf8');
  await choose(page, 'organisations', 'etr.csv', etr('2022-03'));
  await page.getByRole('button', { name: 'Import all 218 rows' }).click();
  await page.getByRole('heading', { name: 'Imported', exact: true }).waitFor();
  await choose(page, 'organisations', 'etr.csv', etr('2025-07'));
  await page.getByRole('heading', { name: 'Check before you import' }).waitFor();
  await lookAt(page, 'import-changes');
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole('link', { name: /to move$/ }).click();
  await page.getByText('What becomes different').waitFor();
  await lookAt(page, 'import-moved');
  await page.setViewportSize({ width: 1280, height: 900 });
});

const ODD = [
  'Org code,Full name,Job title,E-mail address,Mobile number,Site,Remarks',
  'AA-01,Sam Page,CISO,sam.page@northmoor.test,07700 900123,Main,old',
  'AA-01,On-call IT,On-call IT,oncall@northmoor.test,07700 900124,Main,new\n',
].join('\n');

test('columns are chosen, and a file at work is cancelled, without script', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const script = await openPage();
  await choose(script, 'contacts', 'odd columns.csv', ODD);
  await script.getByRole('heading', { name: 'Which column is which?' }).waitFor();
  await lookAt(script, 'import-columns');
  await script.setViewportSize({ width: 1280, height: 900 });
  const page = await openPage({ javaScriptEnabled: false });
  await choose(page, 'organisations', 'one.csv', 'code,name,type\nAA-01,Northmoor,trust\n');
  await page.getByRole('button', { name: 'Import 1 row' }).click();
  await page.getByRole('heading', { name: 'Imported', exact: true }).waitFor();
  await choose(page, 'contacts', 'odd columns.csv', ODD);
  await page.getByLabel('Role (needed)').selectOption('2');
  await page.getByRole('button', { name: 'Check the file' }).click();
  await page.getByText('2 rows to add').waitFor();
  const release = await holdImports();
  t.after(release);
  const lines = Array.from({ length: 60_000 }, (_, i) => `LL-${i},Name ${i},trust`);
  await choose(page, 'organisations', 'large.csv', `code,name,type\n${lines.join('\n')}\n`);
  await page.getByRole('heading', { name: 'Checking the file' }).waitFor();
  await page.getByText(/about \d+ s left/).waitFor();
  // Each of its own: a page at work loads itself anew, and is not closed while it does.
  const other = await openPage();
  await other.goto(page.url());
  await lookAt(other, 'import-progress');
  await other.setViewportSize({ width: 1280, height: 900 });
  const again = await openPage({ javaScriptEnabled: false });
  await again.goto(`${site.address}/organisations/import`);
  await again.getByRole('link', { name: 'large.csv' }).click();
  await again.getByRole('button', { name: 'Cancel' }).click();
  await again.getByText('Nothing was written').waitFor();
  await release();
  await script.goto(again.url());
  await lookAt(script, 'import-cancelled');
  await script.setViewportSize({ width: 1280, height: 900 });
  await script.goto(`${site.address}/organisations/import`);
  await lookAt(script, 'import-own-files');
  await script.setViewportSize({ width: 1280, height: 900 });
});

test('an import that is cancelled at work writes nothing', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const page = await openPage({ javaScriptEnabled: false });
  await choose(page, 'organisations', 'off.csv', 'code,name,type\nCC-01,Called off,trust\n');
  // Held before it was checked, the check would wait too.
  await page.getByRole('button', { name: 'Import 1 row' }).waitFor();
  const release = await holdImports();
  t.after(release);
  await page.getByRole('button', { name: 'Import 1 row' }).click();
  await page.getByRole('heading', { name: 'Importing', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('heading', { name: 'Cancelled', exact: true }).waitFor();
  await page.getByText('Nothing was written').waitFor();
  await release();
  const written = await db.owner.withActor(system('test'), async (tx) => {
    // The import that waited for the lock had it before.
    await lockImports(tx);
    return await tx.rows(sql`select from organisations.organisation where code = 'CC-01'`);
  });
  assert.equal(written.length, 0);
});
