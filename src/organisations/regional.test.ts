/** Whoever reads the directory for some regions reads of these only, on every page and by the API. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { openCentre, type Centre, type Person } from '../../test/support/centre.ts';

let centre: Centre;
let lead: Person;
let ids: Readonly<Record<string, string>>;

before(async () => {
  centre = await openCentre();
  lead = await centre.inviteLead('Eda East', ['RB']);
  const rows = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ name: string; id: string }>(sql`
      select short_name as name, id from organisations.organisation
      union all
      select name, id from organisations.contact where name in ('Ada Okafor', 'Manager')`),
  );
  ids = Object.fromEntries(rows.map(({ name, id }) => [name, id]));
});

after(() => centre.close());

const visit = () => centre.visit(lead);

const count = async (person: Person, table: ReturnType<typeof sql>) =>
  await centre.db.web.withActor(person, async (tx) => {
    const { n } = await tx.one<{ n: number }>(sql`select count(*) as n from ${table}`);
    return n;
  });

it('lists and finds organisations of the region alone', async () => {
  const all = await visit().get('/organisations');
  assert.match(all.text, /Eastvale Ambulance/);
  assert.doesNotMatch(all.text, /Northmoor|Southmere/);
  const searched = await visit().get('/organisations?q=Northmoor');
  assert.doesNotMatch(searched.text, /Northmoor Teaching/);
});

it('offers the region alone to choose from', async () => {
  for (const path of ['/organisations', '/organisations/mend', '/organisations/call-list']) {
    const { body } = await visit().request('GET', path);
    assert.match(body, /<option value="RB"/, path);
    assert.doesNotMatch(body, /<option value="RA"/, path);
  }
});

it('another region’s organisation looks like none that there is', async () => {
  for (const path of ['', '/history']) {
    const here = await visit().request('GET', `/organisations/${ids['Northmoor']}${path}`);
    const nowhere = await visit().request(
      'GET',
      `/organisations/01a00000-0000-7000-8000-000000000000${path}`,
    );
    assert.deepEqual([here.status, nowhere.status], [404, 404], path);
  }
  const own = await visit().request('GET', `/organisations/${ids['Eastvale']}`);
  assert.equal(own.status, 200);
});

it('the database shows people, numbers and plans of the region alone', async () => {
  for (const table of [
    sql`organisations.organisation where region_code <> 'RB'`,
    sql`organisations.contact contact
      where contact.organisation_id in (${ids['Northmoor']}, ${ids['Southmere']})`,
  ]) {
    assert.ok((await count(centre.officer, table)) > 0);
    assert.equal(await count(lead, table), 0);
  }
  for (const table of [
    sql`organisations.contact`,
    sql`organisations.contact_contact_point`,
    sql`organisations.contact_point`,
  ]) {
    const [mine, all] = [await count(lead, table), await count(centre.officer, table)];
    assert.ok(mine > 0 && mine < all, `${mine} of ${all}`);
  }
});

it('no list of the directory names others', async () => {
  for (const path of [
    '/organisations/duplicates',
    '/organisations/shared-numbers',
    '/organisations/mend',
    '/organisations/mend/people',
    '/organisations/coverage',
    '/organisations/call-list',
    '/organisations/successions',
    '/organisations/mend/people.csv',
  ]) {
    const page = await visit().request('GET', path);
    assert.equal(page.status, 200, path);
    assert.doesNotMatch(page.body, /Northmoor|Southmere/, path);
  }
});
