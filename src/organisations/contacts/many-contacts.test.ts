/** An organisation with as many contacts as a sector may have: its page stays one page. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { Database, Tx } from '#db/database.ts';
import { sql, type Sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { startSite, type PageClient, type Site } from '../../../test/support/page-client.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { deleteLinks } from '../imports/store-import.ts';
import { organisationRoutes } from '../routes.ts';
import { listOrganisations } from '../store.ts';

const CONTACTS = 10_000;
/**
 * So many rows of tables for each contact are read for a page, by all its statements, of contacts
 * that the planner knows nothing of yet. A plan that compares each with each reads thousands.
 */
const READS_MAX = 50;

/** What a page asks of the database: the same on every machine, however busy. */
const asked = { statements: 0, returned: 0, read: 0 };

let db: Clone;
let site: Site;
let home: string;
let small: string;

before(async () => {
  db = await cloneDatabase();
  site = await startSite({
    routes: organisationRoutes({ database: watched(db.web), model: rules, secrets }),
  });
  const options = { rules, secrets, startedAt: new Date() };
  const file = (lines: readonly string[]) => ({
    name: 'seed.csv',
    bytes: Buffer.from(`${lines.join('\n')}\n`),
  });
  const contacts = Array.from({ length: CONTACTS }, (_, i) => {
    const number = String(i).padStart(5, '0');
    const role = i === 7_777 ? 'on_call_it' : 'ciso';
    const active = i % 100 === 99 ? 'no' : '';
    return `AA-01,Person ${number},${role},${(i % 7) + 1},07700 ${900000 + (i % 1000)},p${number}@a.test,${active}`;
  });
  await db.web.withActor(system('import'), async (tx) => {
    assert.ok(
      (
        await importOrganisations(
          tx,
          file(['code,name,type', 'AA-01,Large,trust', 'AA-02,Small,trust']),
          options,
        )
      ).ok,
    );
    contacts.push('AA-02,Sam,ciso,1,,sam@b.test,', 'AA-02,Gone,ciso,2,,gone@b.test,no');
    const columns = 'organisation_code,name,role,rank,mobile,email,active';
    assert.ok((await importContacts(tx, file([columns, ...contacts]), options)).ok);
    const pageOf = async (text: string) =>
      `/organisations/${(await listOrganisations(tx, { text, limit: 1 }))[0]!.id}`;
    [home, small] = [await pageOf('AA-01'), await pageOf('AA-02')];
  });
});
after(async () => {
  await site.close();
  await db.drop();
});

/** The same database, counting what is asked of it. */
function watched(database: Database): Database {
  const counted = (tx: Tx): Tx => ({
    ...tx,
    rows: async <Row>(query: Sql) => counting(await tx.rows<Row>(query)),
    one: async <Row>(query: Sql) => counting([await tx.one<Row>(query)])[0]!,
    maybe: async <Row>(query: Sql) => {
      const row = await tx.maybe<Row>(query);
      counting(row === undefined ? [] : [row]);
      return row;
    },
  });
  return {
    ...database,
    withActor: (actor, work) =>
      database.withActor(actor, async (tx) => {
        const before = await readSoFar(tx);
        const done = await work(counted(tx));
        asked.read += (await readSoFar(tx)) - before;
        return done;
      }),
  };
}

function counting<Row>(rows: Row[]): Row[] {
  asked.statements += 1;
  asked.returned += rows.length;
  return rows;
}

/** Rows that this connection fetched from tables, by scans and through indexes. */
async function readSoFar(tx: Tx): Promise<number> {
  const { read } = await tx.one<{ read: number }>(sql`
    select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint as read
    from pg_stat_xact_user_tables`);
  return read;
}

/** What one view of a page asks. */
async function askedBy(path: string): Promise<typeof asked> {
  Object.assign(asked, { statements: 0, returned: 0, read: 0 });
  await visitor().get(path);
  return { ...asked };
}

function visitor(): PageClient {
  const permissions = new Set<Permission>(['directory.read', 'directory.write', 'response.record']);
  return site.visitorAs({ kind: 'person', id: newId(), name: 'Ada Okafor', permissions });
}

test('its page has 50 of them, in the order of the chain', async () => {
  const ada = visitor();
  await ada.get(home);
  assert.match(ada.page.text, /9,900 contacts are told, 100 not any more/);
  assert.match(ada.page.text, /Person 00000/);
  assert.doesNotMatch(ada.page.text, /Rank 2 Person/);
  assert.match(ada.page.text, /And 9,880 contacts after these/);
  assert.ok(ada.page.body.length < 300_000, String(ada.page.body.length));
});

test('it asks as much as the page of a small one, and reads each contact a few times', async () => {
  const few = await askedBy(small);
  const many = await askedBy(home);
  assert.equal(many.statements, few.statements);
  assert.ok(many.returned < few.returned + 100, `${many.returned} rows come to the process`);
  assert.ok(many.read > CONTACTS, 'it is counted at all');
  assert.ok(many.read < READS_MAX * CONTACTS, `${many.read} rows are read`);
});

test('who is there twice is found without comparing each with each', async () => {
  const { read } = await askedBy('/organisations/duplicates');
  assert.ok(read > CONTACTS, 'it is counted at all');
  assert.ok(read < READS_MAX * CONTACTS, `${read} rows are read`);
});

test('every contact stands on one page, those who are not told any more on the last', async () => {
  const ada = visitor();
  await ada.get(`${home}?q=99`);
  const seen: string[] = [];
  for (;;) {
    assert.ok((ada.page.body.match(/<th scope="row">/g) ?? []).length <= 50);
    seen.push(
      ...[...ada.page.body.matchAll(/contacts\/[0-9a-f-]{36}">(Person \d{5})</g)].map((m) => m[1]!),
    );
    if (!ada.page.body.includes('rel="next"')) break;
    await ada.click('Next page');
  }
  const wanted = Array.from({ length: CONTACTS }, (_, i) => String(i).padStart(5, '0')).filter(
    (number) => number.includes('99'),
  );
  assert.deepEqual(
    seen.toSorted(),
    wanted.map((number) => `Person ${number}`),
  );
  assert.match(ada.page.text, /Not told any more/);
});

test('it is searched by name and by role, and says where nobody fits', async () => {
  const ada = visitor();
  await ada.get(`${home}?q=on-call`);
  assert.match(ada.page.text, /1 contact fits of 9,900 who are told.*Person 07777/);
  await ada.get(`${home}?q=nobody`);
  assert.match(ada.page.text, /0 contacts fit/);
  await ada.click('Show all');
  assert.match(ada.page.text, /Person 00000/);
});

test('whole numbers are those of the page, and so says the entry', async () => {
  const ada = visitor();
  await ada.get(`${home}?q=Person+0000`);
  await ada.submit('Show numbers');
  assert.match(ada.page.text, /07700 900001/);
  assert.match(ada.page.text, /10 contacts fit/);
  const { entries } = await db.web.withActor(system('test'), (tx) =>
    listEntries(tx, { action: 'contact.looked_up', limit: 1 }),
  );
  assert.equal((entries[0]!.detail as { contacts: string[] }).contacts.length, 10);
});

test('a look at an organisation that there is not is none, and no entry', async () => {
  const looks = async () =>
    await db.web.withActor(system('test'), (tx) =>
      listEntries(tx, { action: 'contact.looked_up', limit: 50 }),
    );
  const before = await looks();
  const path = '/organisations/01a00000-0000-7000-8000-000000000000/numbers';
  assert.equal((await visitor().request('POST', path)).status, 404);
  assert.equal((await looks()).entries.length, before.entries.length);
});

test('the order is changed from any page, and a stale one is told', async () => {
  const [ada, other] = [visitor(), visitor()];
  // Both are of the last rank.
  await ada.get(`${home}?q=Person+00006`);
  await other.get(`${home}?q=Person+00013`);
  const later = async (client: PageClient) => {
    const actions = client.page.elements('form').map(({ attribs }) => attribs['action'] ?? '');
    const move = actions.find((action) => action.endsWith('/move'));
    return (await client.submit(move ?? '', { direction: 'later' })).text;
  };
  assert.match(await later(ada), /Person 00006 is told later/);
  assert.match(await later(other), /changed after you opened the page/);
});

test('who stands in is searched by name: of so many nobody could be chosen of a list', async () => {
  const ada = visitor();
  await ada.get(`${home}?q=Person+00003`);
  await ada.click('Person 00003');
  const path = ada.page.body.match(/organisations\/contacts\/[0-9a-f-]{36}/)![0];
  assert.ok(ada.page.body.length < 100_000, String(ada.page.body.length));
  const away = { from: '2099-01-01T08:00', until: '2099-01-02T08:00' };
  const ask = async (fields: Readonly<Record<string, string>>) =>
    await ada.submit(`/${path}/absences`, { ...away, ...fields }, { status: 422 });
  assert.match((await ask({ coverName: 'Nobody at all' })).text, /Nobody else who is told here/);
  assert.match((await ask({ coverName: 'Person 00003' })).text, /Nobody else who is told here/);
  const several = await ask({ coverName: 'person 0000' });
  assert.match(several.text, /Several have that in the name: choose one of them.*Person 00007/);
  assert.doesNotMatch(several.text, /Person 00010/);
  assert.match((await ask({ coverName: 'Person' })).text, /Many here have that in the name/);
  await ada.submit(`/${path}/absences`, { ...away, coverName: 'person 00004' });
  assert.match(ada.page.text, /The absence is written down.*Person 00004 stands in/);
});

test('the links of all are taken off within seconds, also after a change of one', async () => {
  const undo = new Error('undone on purpose');
  const off = db.web.withActor(system('import'), async (tx) => {
    const ids = await tx.rows<{ id: string }>(sql`select id from organisations.contact`);
    await deleteLinks(tx, [ids[0]!.id]);
    await tx.run(sql`set local statement_timeout = '30s'`);
    await deleteLinks(
      tx,
      ids.map(({ id }) => id),
    );
    throw undo;
  });
  await assert.rejects(off, undo);
});
