/** What coverage counts, how regions lie on the map, and which gaps come first. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { listEntries } from '#audit/index.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules as plainRules, secrets } from '../../../test/support/directory.ts';
import { startSite, type Site } from '../../../test/support/page-client.ts';
import { markingCeilings, signingIn } from '../../../test/support/signing-in.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { drawMap, linesBy, percentOf, type CoverageLine } from './coverage.ts';
import { reachRoutes } from './routes-reach.ts';
import { listCoverage } from './store-coverage.ts';

const now = new Date('2026-11-23T03:12:00Z');
const rules = { ...plainRules, regionMap: [['', 'R1'], ['R2']] };

const words = {
  version: '0'.repeat(64),
  sender: 'TEST',
  helpLine: '0300 000 0000',
  texts: { enrol: '{code}', enrolled: '{link}', stillRight: '{code}', stillRightNoted: '-' },
  attestation: { everyMs: 86_400_000, mail: { subject: 'Still right?', body: '{link}' } },
  roles: {},
  askingForProof: { hour: 10, againAfterMs: 86_400_000 },
  proofMail: { subject: 'Proof', body: '{code}' },
  ownDetails: { purpose: 'to warn you', notice: 'To warn you.' },
  passiveRepliesPerHour: 5,
  contactCard: { name: 'Test alerts', numbers: ['0300 000 0000'] },
  proofHoldsForMs: 86_400_000,
  silentAfter: 3,
  signingIn,
  markingCeilings,
};

const ORGANISATIONS = [
  'code,name,type,region,region_name,system,must_answer,telephone,closed_on',
  'AA-01,Northmoor,trust,R1,North,S1,,020 7946 0001,',
  'AA-02,Eastfirth,trust,R1,North,S1,,020 7946 0002,',
  'AA-03,Westmere,trust,R2,South,S2,,,',
  'AA-04,Mill Lane,practice,R2,South,S2,,,',
  'AA-05,Gone,trust,R1,North,S1,,,2020-03-31',
  'AA-06,=cmd Care,practice,R3,Far,,,,',
  'AA-07,Overwater,trust,,,,,,',
  '',
].join('\n');
const CONTACTS = [
  'organisation_code,name,role,rank,mobile,email,active',
  'AA-01,Sam,ciso,1,07700 900123,sam@a.test,',
  'AA-01,On call,on_call_it,2,07700 900124,,',
  'AA-02,Kim,ciso,1,,kim@b.test,',
  'AA-02,Lee,on_call_it,2,,lee@b.test,',
  'AA-03,Ash,ciso,1,07700 900125,,no',
  'AA-04,Ida,ciso,1,07700 900126,,',
  'AA-05,Old,ciso,1,07700 900127,,',
  'AA-07,Bo,ciso,1,07700 900128,,',
  '',
].join('\n');

const reader = new Set<Permission>(['alert.read', 'directory.read']);

describe('coverage', () => {
  let db: Clone;
  let site: Site;

  before(async () => {
    db = await cloneDatabase();
    site = await startSite({
      routes: reachRoutes({ database: db.web, model: { ...rules, ...words }, secrets }),
      navigation: [{ href: '/organisations', text: 'Directory', permission: 'directory.read' }],
      now: () => now,
    });
  });
  after(async () => {
    await site.close();
    await db.drop();
  });

  const visitor = (permissions = reader) =>
    site.visitorAs({ kind: 'person', id: newId(), name: 'Ada Okafor', permissions });

  it('says of an empty directory how it is filled', async () => {
    assert.match((await visitor().get('/organisations/coverage?who=all')).text, /is empty/);
    assert.match((await visitor().get('/organisations/mend')).text, /Nothing to mend here/);
    await db.web.withActor(system('import'), async (tx) => {
      const options = { rules, secrets, startedAt: now };
      const file = (text: string) => ({ name: 'seed.csv', bytes: Buffer.from(text) });
      assert.ok((await importOrganisations(tx, file(ORGANISATIONS), options)).ok);
      assert.ok((await importContacts(tx, file(CONTACTS), options)).ok);
    });
  });

  it('counts who is open, by what reaches somebody active', async () => {
    const count = async (mustAnswerOnly: boolean) =>
      await db.web.withActor(system('test'), (tx) => listCoverage(tx, { mustAnswerOnly }));
    const all = await count(false);
    const of = (rows: typeof all, by: string, code: string | null) => {
      const row = rows.find((one) => one.by === by && one.code === code);
      assert.ok(row, `${by} ${code}`);
      return [row.organisations, row.byText, row.mailOnly, row.nobody, row.alone];
    };
    assert.deepEqual(of(all, 'all', null), [6, 3, 1, 2, 2]);
    assert.deepEqual(of(all, 'region', 'R1'), [2, 1, 1, 0, 0]);
    assert.deepEqual(of(all, 'region', 'R2'), [2, 1, 0, 1, 1]);
    assert.deepEqual(of(all, 'region', null), [1, 1, 0, 0, 1]);
    assert.deepEqual(of(all, 'system', null), [2, 1, 0, 1, 1]);
    assert.deepEqual(of(all, 'type', 'practice'), [2, 1, 0, 1, 1]);
    const must = await count(true);
    assert.deepEqual(of(must, 'all', null), [4, 2, 1, 1, 1]);
    assert.deepEqual(
      linesBy(all, 'region', rules).map(({ label }) => label),
      ['Far', 'North', 'South', 'No region'],
    );
  });

  it('draws a map of regions, systems and types, each tile a way to what is to be mended', async () => {
    const tilesOf = async (query: string) => {
      const { body, text } = await visitor().get(`/organisations/coverage?${query}`);
      const [, map = ''] = /<svg class="tocsin-map(.*?)<\/svg>/s.exec(body) ?? [];
      const names = Array.from(map.matchAll(/tocsin-map__name"[^>]*>([^<]+)</g), (m) => m[1]);
      const ways = Array.from(map.matchAll(/href="([^"]+)"/g), (m) =>
        m[1]!.replaceAll('&amp;', '&'),
      );
      return { names, ways, text };
    };
    const regions = await tilesOf('');
    assert.deepEqual(regions.names, ['North', 'South', 'No region']);
    const systems = await tilesOf('map=system&who=all');
    assert.deepEqual(systems.names, ['S1', 'S2', 'No system']);
    assert.match(systems.ways[0]!, /mend\?system=S1&who=all&$/);
    assert.match(systems.text, /Map: systems/);
    const types = await tilesOf(`map=type&who=all&as-at=2026-11-24`);
    assert.deepEqual(types.names, ['GP practice', 'NHS trust']);
    assert.match(types.ways[0]!, /mend\?type=practice&who=all&as-at=2026-11-24&$/);
    assert.deepEqual((await tilesOf('map=odd')).names, regions.names);
    const csv = await visitor().request('GET', '/organisations/coverage.csv?who=all&map=type');
    for (const by of ['region', 'system', 'type']) assert.match(csv.body, new RegExp(`\r\n${by},`));
  });

  it('shows the page to readers only, and the tables as a file that runs nothing', async () => {
    await visitor(new Set<Permission>(['alert.read'])).get('/organisations/coverage', {
      status: 403,
    });
    const page = await visitor().get('/organisations/coverage');
    assert.match(page.text, /Of 4 organisations that must answer, a text reaches 2 \(50 %\)/);
    const csv = await visitor().request('GET', '/organisations/coverage.csv?who=all');
    assert.match(csv.body, /region,R1,North,2,1,1,0,0\r\n/);
    const mend = await visitor().request('GET', '/organisations/mend.csv?who=all');
    assert.match(mend.body, /AA-06,'=cmd Care,/);
  });

  it('names one organisation, by code or part of its name, whether it must answer or not', async () => {
    const ada = visitor();
    for (const [organisation, seen] of [
      ['aa-06', '=cmd Care'],
      ['overw', 'Overwater'],
    ] as const)
      for (const list of ['mend', 'mend/people']) {
        const { text } = await ada.get(`/organisations/${list}?organisation=${organisation}`);
        const others = ['Eastfirth', 'Westmere', 'Northmoor', 'Mill Lane'];
        for (const other of others) assert.ok(!text.includes(other), `${list} ${other}`);
        const nobody = organisation === 'aa-06' && list === 'mend/people';
        if (nobody) assert.match(text, /Nothing to mend here/);
        else assert.ok(text.includes(seen), `${list} ${seen}`);
      }
    const csv = await ada.request('GET', '/organisations/mend/people.csv?organisation=AA-07');
    assert.equal(csv.body.trim().split('\n').length, 2);
    const none = await ada.get('/organisations/mend/people?organisation=%25_');
    assert.match(none.text, /Nothing to mend here/);
  });

  it('puts first who must answer and cannot be told; each filter narrows', async () => {
    const names = async (query: string) => {
      const { text } = await visitor().get(`/organisations/mend${query}`);
      const found = ['Northmoor', 'Eastfirth', 'Westmere', 'Mill Lane', 'cmd Care', 'Overwater'];
      const body = text.slice(text.indexOf('the worst first'));
      return found
        .filter((name) => body.includes(name))
        .toSorted((a, b) => body.indexOf(a) - body.indexOf(b));
    };
    assert.deepEqual(await names(''), ['Westmere', 'Eastfirth', 'Overwater']);
    assert.deepEqual(await names('?who=all'), [
      'Westmere',
      'Eastfirth',
      'Overwater',
      'cmd Care',
      'Mill Lane',
    ]);
    assert.deepEqual(await names('?region=R1'), ['Eastfirth']);
    assert.deepEqual(await names('?kind=nobody&who=all'), ['Westmere', 'cmd Care']);
    assert.deepEqual(await names('?region=nowhere&kind=odd&type=none'), await names(''));
  });

  it('says whom nothing reaches while their own network is down, and who took names along', async () => {
    const ada = visitor();
    const down = /Eastfirth ?Nobody gets a text ?nothing while their own network is down/;
    assert.match((await ada.get('/organisations/mend')).text, down);
    const rows = async () => (await ada.request('GET', '/organisations/mend.csv')).body;
    assert.match(await rows(), /AA-02,Eastfirth,.*,Nobody gets a text,yes,/);
    assert.match(await rows(), /AA-07,Overwater,.*,One person only,no,/);
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`insert into organisations.mail_domain (organisation_id, domain, is_own)
        select id, 'b.test', false from organisations.organisation where code = 'AA-02'`),
    );
    assert.doesNotMatch((await ada.get('/organisations/mend')).text, down);
    assert.match(await rows(), /AA-02,Eastfirth,.*,Nobody gets a text,no,/);
    await ada.request('GET', '/organisations/mend/people.csv');
    const { entries } = await db.web.withActor(system('test'), (tx) =>
      listEntries(tx, { action: 'mend_list.saved', limit: 1 }),
    );
    assert.deepEqual(entries[0]?.detail, { rows: 6 });
  });
});

const line = fc
  .record({
    byText: fc.nat(500),
    mailOnly: fc.nat(500),
    nobody: fc.nat(500),
    code: fc.constantFrom('R1', 'R2', 'R3', 'R4', 'R5', null),
    label: fc.string({ maxLength: 60 }),
  })
  .map((one): CoverageLine => {
    const organisations = one.byText + one.mailOnly + one.nobody;
    const counts = { ...one, organisations, alone: 0 };
    return { ...counts, percent: percentOf(counts) };
  });

describe('the map of coverage', () => {
  it('has each region once, none over another, and bars no longer than their tile', () => {
    const lines = fc.uniqueArray(line, { selector: ({ code }) => code, maxLength: 6 });
    const places = fc.shuffledSubarray(['R1', 'R2', '', 'R9', 'R3']).map((codes) => [codes, ['']]);
    fc.assert(
      fc.property(lines, places, (drawn, rows) => {
        const map = drawMap(drawn, rows);
        assert.equal(map.tiles.length, drawn.length);
        assert.equal(new Set(map.tiles.map(({ x, y }) => `${x} ${y}`)).size, drawn.length);
        for (const { x, y, bar, nameLines, label } of map.tiles) {
          assert.ok(x + map.tile.width <= map.width && y + map.tile.height <= map.height);
          const long = bar.reduce((sum, { width }) => sum + width, 0);
          assert.ok(long <= map.tile.width && bar.every(({ width }) => width >= 0));
          assert.ok(nameLines.every((text) => text.length <= 22) && nameLines.length <= 2, label);
        }
      }),
    );
  });

  it('says 100 % of nothing less than all', () => {
    assert.equal(
      percentOf({ organisations: 251, byText: 250, mailOnly: 1, nobody: 0, alone: 0 }),
      99,
    );
    assert.equal(percentOf({ organisations: 0, byText: 0, mailOnly: 0, nobody: 0, alone: 0 }), 0);
  });
});
