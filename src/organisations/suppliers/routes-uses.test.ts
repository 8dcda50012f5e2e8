import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { openCentre, type Centre } from '../../../test/support/centre.ts';
import type { PageClient } from '../../../test/support/page-client.ts';
import { findProductByName } from './store-supplier.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(async () => await centre.close());

async function idOf(code: string): Promise<string> {
  const { id } = await centre.db.web.withActor(centre.officer, (tx) =>
    tx.one<{ id: string }>(sql`select id from organisations.organisation where code = ${code}`),
  );
  return id;
}

async function use(code: string, fields: Record<string, string>) {
  const client = centre.visit(centre.officer);
  const path = `/organisations/${await idOf(code)}/uses/new`;
  await client.get(path);
  await client.submit(path, { saidBy: 'a register', ...fields });
  return client;
}

/** Where the first form that ends so posts to. */
function actionOf(client: PageClient, end: string): string {
  const actions = client.page.elements('form').map(({ attribs }) => attribs['action'] ?? '');
  return actions.find((action) => action.endsWith(end)) ?? assert.fail(`no form to ${end}`);
}

test('a use is written down and ended on the page of the organisation', async () => {
  const client = await use('ZZ-0001', { supplier: 'Citrix', product: 'NetScaler' });
  assert.match(client.page.text, /Depends on.*Citrix.*NetScaler.*a register/);
  const path = actionOf(client, '/end');
  await client.submit(path);
  assert.match(client.page.text, /Nobody has said what it uses.*Used before.*NetScaler until/);
  const again = await client.request('POST', path);
  assert.equal(again.status, 409);
});

test('two spellings of a supplier and of a product become one on their page', async () => {
  await use('ZZ-0001', { supplier: 'Synnovis', product: 'Lab' });
  await use('ZZ-0002', { supplier: 'Synovis', product: 'Laboratory' });
  const client = centre.visit(centre.officer);
  await client.get('/suppliers');
  await client.click('Synovis');
  const path = `${client.page.path}/name`;
  const asked = await client.submit(path, { name: 'SYNNOVIS' }, { status: 422 });
  assert.match(asked.text, /Synnovis is there already: tick/);
  await client.submit(path, { name: 'SYNNOVIS', merge: 'yes' });
  assert.match(client.page.text, /The two are one supplier now.*2 organisations as far as we were/);
  await client.click('Laboratory');
  await client.submit('Make one of both', { into: 'lab' });
  assert.match(client.page.text, /The two are one product now/);
  const [old, name] = await centre.db.web.withActor(centre.officer, async (tx) => [
    await findProductByName(tx, 'Laboratory'),
    await findProductByName(tx, 'lab'),
  ]);
  assert.deepEqual(old, name);
  assert.equal(name?.name, 'Lab');
});

test('tags are added, renamed and removed on pages; a taken word is refused beside its field', async () => {
  const client = centre.visit(centre.officer);
  const path = `/organisations/${await idOf('ZZ-0003')}`;
  for (const tag of ['icu', 'night']) {
    await client.get(path);
    await client.submit(`${path}/tags`, { tag });
  }
  await client.get('/tags');
  const action = actionOf(client, '/rename');
  const taken = await client.submit(action, { name: 'Night' }, { status: 422 });
  assert.match(taken.text, /There is a tag night/);
  await client.submit(action, { name: 'Intensive care' });
  assert.match(client.page.text, /Renamed.*Intensive care/);
  await client.get('/audiences/new');
  await client.submit('/audiences/new', { name: 'Critical care', tags: 'icu' });
  await client.get('/tags');
  await client.submit(action.replace('rename', 'remove'));
  assert.match(client.page.text, /Removed\. 1 organisation had it\./);
  assert.match(client.page.text, /audiences lost: “Critical care” 1 organisation\./);
  await client.get('/audiences/new');
  await client.submit('/audiences/new', { name: 'Night watch', tags: 'night' });
  await client.get(path);
  await client.submit(actionOf(client, '/remove'));
  assert.match(client.page.text, /Tag taken off\. With it they left the audience “Night watch”/);
  assert.match(client.page.text, /Tags None/);
});

test('what is not there is not there, and a reader changes nothing', async () => {
  const officer = centre.visit(centre.officer);
  const nobody = newId();
  for (const path of [
    `/organisations/${nobody}/tags`,
    `/tags/${nobody}/rename`,
    `/tags/${nobody}/remove`,
    `/products/${nobody}/merge`,
  ]) {
    const form = new URLSearchParams({ tag: 'x', name: 'x', into: 'x' });
    assert.equal((await officer.request('POST', path, { form })).status, 404, path);
    const reader = centre.visit(centre.approver);
    assert.equal((await reader.request('POST', path, { form })).status, 403, path);
  }
});
