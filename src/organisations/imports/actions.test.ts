import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { nobody, system, type Actor } from '#kernel/actor.ts';
import { blindIndex, open } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { importContacts, importOrganisations, sealingContext } from './actions.ts';
import type { ImportResult, PlannedRow } from '../model.ts';
import { keepImportsOut } from '../contacts/store-contacts.ts';
import { findOrganisation, listOrganisations } from '../store.ts';
import { listRegions } from '../store-places.ts';

const operator = system('import');
const options = { rules, secrets, startedAt: new Date('2026-11-23T09:00:00Z') };

let db: Clone;
before(async () => void (db = await cloneDatabase()));
after(async () => await db.drop());

type Importer = typeof importContacts;

async function run(importer: Importer, text: string | Buffer, more = {}): Promise<ImportResult> {
  const file = { name: 'file.csv', bytes: Buffer.from(text) };
  const outcome = await db.web.withActor(operator, (tx) =>
    importer(tx, file, { ...options, ...more }),
  );
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.value;
}

const counts = (added: number, changed: number, unchanged: number, refused = 0) => ({
  added,
  changed,
  closed: 0,
  moved: 0,
  unchanged,
  refused,
});

async function detail(code: string) {
  return await db.web.withActor(operator, async (tx) => {
    const [found] = await listOrganisations(tx, { text: code, limit: 1 });
    const organisation = await findOrganisation(tx, found!.id);
    assert.ok(organisation);
    return organisation;
  });
}

async function countOf(table: 'contact_point' | 'contact' | 'import'): Promise<number> {
  const tables = {
    contact_point: sql`organisations.contact_point`,
    contact: sql`organisations.contact`,
    import: sql`organisations.import`,
  };
  const row = await db.web.withActor(operator, (tx) =>
    tx.one<{ count: number }>(sql`select count(*) from ${tables[table]}`),
  );
  return row.count;
}

const ORGANISATIONS = [
  'code,name,short_name,type,region,region_name,system,system_name,must_answer,telephone',
  'AA-01,Northmoor Teaching Hospitals NHS Foundation Trust,,trust,RR-1,North,SS-1,Moor,,0800 123',
  'AA-02,Eastfirth Hospitals NHS Trust,Eastfirth,trust,RR-1,North,SS-1,Moor,no,',
  'AA-03,Mill Lane Surgery,,practice,RR-1,,SS-2,,,',
  'AA-04,Mill Lane Surgery,,practice,RR-1,,SS-2,,,',
  '',
].join('\n');

test('a file of organisations is taken once, and the second time changes nothing', async () => {
  const first = await run(importOrganisations, ORGANISATIONS);
  assert.deepEqual(first.counts, counts(4, 0, 0));
  const imports = await countOf('import');
  const second = await run(importOrganisations, ORGANISATIONS);
  assert.deepEqual(second.counts, counts(0, 0, 4));
  assert.equal(second.importId, undefined);
  assert.equal(await countOf('import'), imports);
});

test('what must answer comes from the type unless the file says so', async () => {
  assert.equal((await detail('AA-01')).mustAnswer, true);
  assert.equal((await detail('AA-02')).mustAnswer, false);
  assert.equal((await detail('AA-03')).mustAnswer, false);
});

test('short names are derived, kept where somebody chose them, and different', async () => {
  assert.equal((await detail('AA-01')).shortName, 'Northmoor Teaching');
  assert.equal((await detail('AA-03')).shortName, 'Mill Lane Surgery');
  assert.equal((await detail('AA-04')).shortName, 'Mill Lane');
  await run(
    importOrganisations,
    'code,name,type\nAA-02,Eastfirth University NHS Trust,trust\nAA-01,Northmoor NHS Trust,trust\n',
  );
  assert.equal((await detail('AA-02')).shortName, 'Eastfirth');
  assert.equal((await detail('AA-01')).shortName, 'Northmoor');
});

test('texts call no two organisations alike, whatever the file says', async () => {
  const names = (...rows: string[]) => `code,name,type,short_name\n${rows.join('\n')}\n`;
  const taken = await run(
    importOrganisations,
    names('AA-10,A,trust,EASTFIRTH', 'AA-11,B,trust,Same', 'AA-12,C,trust,same'),
    { dryRun: true },
  );
  assert.deepEqual(
    taken.refusedRows.map(({ line, field, reason }) => `${line} ${field} ${reason}`),
    ['2 short_name is what texts call AA-02 already', '4 short_name is already in line 3'],
  );
  const swapped = names('AA-01,Northmoor NHS Trust,trust,Eastfirth', 'AA-02,E,trust,Northmoor');
  const { counts: dry } = await run(importOrganisations, swapped, { dryRun: true });
  assert.deepEqual(dry, counts(0, 2, 0));
});

test('columns that a file leaves out keep their values, empty cells clear them', async () => {
  assert.equal((await detail('AA-01')).telephone, '0800 123');
  assert.equal((await detail('AA-01')).systemName, 'Moor');
  assert.equal((await detail('AA-03')).systemName, 'SS-2');
  const file = 'code,name,type,telephone\nAA-01,Northmoor NHS Trust,trust,\n';
  assert.deepEqual((await run(importOrganisations, file)).counts, counts(0, 1, 0));
  assert.equal((await detail('AA-01')).telephone, null);
});

test('naming a region later is a change of its own', async () => {
  const file = 'code,name,type,system,system_name\nAA-03,Mill Lane Surgery,practice,SS-2,Lane\n';
  const result = await run(importOrganisations, file);
  assert.deepEqual(result.counts, counts(0, 0, 1));
  assert.notEqual(result.importId, undefined);
  assert.equal((await detail('AA-04')).systemName, 'Lane');
});

const CONTACTS = [
  'organisation_code,name,kind,role,rank,mobile,email',
  'AA-01,Sam Page,person,ciso,1,07700 900123,sam@northmoor.test',
  'AA-01,On-call IT,post,on_call_it,2,07700 900124,oncall@shared.test',
  'AA-02,On-call IT,post,on_call_it,1,+44 (0)7700 900124,ONCALL@shared.test',
  'AA-09,Kim Low,person,ciso,1,07700 900125,',
  'AA-03,Ash Lee,person,ciso,1,020 7946 0958,',
  '',
].join('\n');

test('contacts are written, rows that cannot be are listed, shared numbers are one', async () => {
  const first = await run(importContacts, CONTACTS);
  assert.deepEqual(first.counts, counts(3, 0, 0, 2));
  assert.deepEqual(first.refusedRows, [
    {
      line: 5,
      field: 'organisation_code',
      reason: 'is not in the directory: import its organisation first',
    },
    { line: 6, field: 'mobile', reason: 'Not a UK mobile number' },
  ]);
  assert.equal(await countOf('contact_point'), 4);
  const { contacts } = await detail('AA-01');
  assert.deepEqual(
    contacts.map(({ name, points }) => [
      name,
      points.map((point) => [point.shown, point.sharedBy]),
    ]),
    [
      [
        'Sam Page',
        [
          ['07700 ···123', 1],
          ['s···@northmoor.test', 1],
        ],
      ],
      [
        'On-call IT',
        [
          ['07700 ···124', 2],
          ['o···@shared.test', 2],
        ],
      ],
    ],
  );
  assert.deepEqual((await run(importContacts, CONTACTS)).counts, counts(0, 0, 3, 2));
});

test('a new number replaces the old one, in its channel only', async () => {
  const header = 'organisation_code,name,kind,role,rank,mobile';
  const file = `${header}\nAA-01,SAM PAGE,person,ciso,1,07700 900199\n`;
  assert.deepEqual((await run(importContacts, file)).counts, counts(0, 1, 0));
  const [sam] = (await detail('AA-01')).contacts;
  assert.equal(sam?.name, 'SAM PAGE');
  assert.deepEqual(
    sam?.points.map((point) => point.shown),
    ['07700 ···199', 's···@northmoor.test'],
  );
  assert.equal(await countOf('contact'), 3);
});

test('a file without ranks and kinds leaves the chain as it is', async () => {
  const post = 'AA-01,On-call IT,on_call_it,07700 900124';
  const file = `organisation_code,name,role,mobile\n${post}\n`;
  assert.deepEqual((await run(importContacts, file)).counts, counts(0, 0, 1));
});

test('a landline that changes is called so', async () => {
  const rows: PlannedRow[] = [];
  const onRows = async (part: readonly PlannedRow[]) => void rows.push(...part);
  const file = 'organisation_code,name,role,landline\nAA-01,On-call IT,on_call_it,020 7946 0999\n';
  await run(importContacts, file, { dryRun: true, onRows });
  assert.deepEqual(
    rows.flatMap(({ changes }) => changes.map(({ field }) => field)),
    ['landline'],
  );
});

test('a dry run tells the same and writes nothing', async () => {
  const file = 'organisation_code,name,role,mobile\nAA-03,Ash Lee,ciso,07700 900177\n';
  const points = await countOf('contact_point');
  const dry = await run(importContacts, file, { dryRun: true });
  assert.deepEqual([dry.counts, dry.dryRun, dry.importId], [counts(1, 0, 0), true, undefined]);
  assert.deepEqual([await countOf('contact'), await countOf('contact_point')], [3, points]);
  const more = ORGANISATIONS.replaceAll('AA-', 'BB-').replaceAll('Eastfirth', 'Westfirth');
  assert.equal((await run(importOrganisations, more, { dryRun: true })).counts.added, 4);
  assert.equal((await run(importOrganisations, more, { dryRun: true })).counts.added, 4);
});

test('all or nothing writes nothing where a row is refused, and everything where none is', async () => {
  const good = 'organisation_code,name,role,mobile\nAA-04,Jo Hill,ciso,07700 900178\n';
  const bad = `${good}AA-04,Bo Hill,castle,07700 900179\n`;
  const before = await countOf('contact');
  const withheld = await run(importContacts, bad, { allOrNothing: true });
  assert.deepEqual([withheld.counts, withheld.withheld], [counts(1, 0, 0, 1), true]);
  assert.equal(withheld.importId, undefined);
  assert.equal(await countOf('contact'), before);
  const taken = await run(importContacts, good, { allOrNothing: true });
  assert.deepEqual([taken.withheld, await countOf('contact')], [false, before + 1]);
});

test('formulas are text, and a cell of ten megabytes is a sentence', async () => {
  const file =
    'organisation_code,name,role,mobile\nAA-04,"=cmd|\' /C calc\'!A0",ciso,07700 900180\n';
  await run(importContacts, file);
  const { contacts } = await detail('AA-04');
  assert.ok(contacts.some(({ name }) => name === "=cmd|' /C calc'!A0"));
  const large = { name: 'x', bytes: Buffer.from(`${file}AA-04,${'x'.repeat(1e7)},ciso,1\n`) };
  const outcome = await db.web.withActor(operator, (tx) => importContacts(tx, large, options));
  assert.match(outcome.ok ? '' : outcome.message, /^The row at line 3 is longer than 20,000/);
});

test('what becomes of each row is told, with masked numbers', async () => {
  const rows: PlannedRow[] = [];
  const onRows = async (part: readonly PlannedRow[]) => void rows.push(...part);
  const file = [
    'organisation_code,name,role,rank,mobile,active',
    'AA-01,Sam Page,ciso,2,07700 900198,',
    'AA-02,On-call IT,on_call_it,1,07700 900124,no',
    'AA-04,Jo Hill,ciso,1,07700 900178,',
    'AA-04,New Hill,ciso,1,07700 900178,\n',
  ].join('\n');
  const { counts: dry } = await run(importContacts, file, { dryRun: true, onRows });
  assert.deepEqual(dry, { ...counts(1, 1, 1), closed: 1 });
  assert.deepEqual(
    rows.toSorted((a, b) => a.line - b.line),
    [
      {
        line: 2,
        outcome: 'changed',
        label: 'Sam Page, CISO at AA-01',
        changes: [
          { field: 'name', from: 'SAM PAGE', to: 'Sam Page' },
          { field: 'rank', from: '1', to: '2' },
          { field: 'mobile', from: '07700 ···199', to: '07700 ···198' },
        ],
      },
      {
        line: 3,
        outcome: 'closed',
        label: 'On-call IT, On-call IT at AA-02',
        changes: [{ field: 'active', from: 'yes', to: 'no' }],
      },
      { line: 4, outcome: 'unchanged', label: 'Jo Hill, CISO at AA-04', changes: [] },
      { line: 5, outcome: 'added', label: 'New Hill, CISO at AA-04', changes: [] },
    ],
  );
});

test('an organisation that closes, and one that moves, are told apart', async () => {
  const rows: PlannedRow[] = [];
  const onRows = async (part: readonly PlannedRow[]) => void rows.push(...part);
  const file = [
    'code,name,type,system,closed_on',
    'AA-03,Mill Lane Surgery,practice,SS-2,2027-03-31',
    'AA-04,Mill Lane Surgery,practice,SS-1,\n',
  ].join('\n');
  const { counts: dry } = await run(importOrganisations, file, { dryRun: true, onRows });
  assert.deepEqual(dry, { ...counts(0, 0, 0), closed: 1, moved: 1 });
  assert.deepEqual(
    rows.map(({ changes }) => changes),
    [
      [{ field: 'closed_on', from: '', to: '2027-03-31' }],
      [{ field: 'system', from: 'SS-2', to: 'SS-1' }],
    ],
  );
});

test('a day that does not fit those of the directory refuses its row', async () => {
  const days = 'code,name,type,opened_on,closed_on\n';
  await run(importOrganisations, `${days}AA-06,Fell,trust,2020-01-01,2030-01-01\n`);
  const closed = await run(
    importOrganisations,
    'code,name,type,closed_on\nAA-06,Fell,trust,2019-12-31\n',
  );
  assert.deepEqual(closed.refusedRows, [
    { line: 2, field: 'closed_on', reason: 'is before opened_on, which is 2020-01-01 so far' },
  ]);
  const opened = await run(
    importOrganisations,
    'code,name,type,opened_on\nAA-06,Fell,trust,2030-01-02\n',
  );
  assert.deepEqual(opened.refusedRows, [
    { line: 2, field: 'opened_on', reason: 'is after closed_on, which is 2030-01-01 so far' },
  ]);
  const both = await run(importOrganisations, `${days}AA-06,Fell,trust,2030-01-02,\n`);
  assert.deepEqual([both.counts.changed, both.refusedRows], [1, []]);
  assert.deepEqual(both.notes, ['AA-06: no closing date any more, so they are told again.']);
});

test('contacts of a closed organisation are told of', async () => {
  await run(importOrganisations, 'code,name,type,closed_on\nAA-07,Past,trust,2020-01-01\n');
  const file = 'organisation_code,name,role,mobile\nAA-07,Jo,ciso,07700 900181\n';
  const { notes } = await run(importContacts, file, { dryRun: true });
  assert.deepEqual(notes, ['1 belongs to an organisation that closed; nothing is sent there.']);
});

test('addresses are sealed for their row and found by blind index', async () => {
  const index = blindIndex(secrets.blindIndexKey, 'text', '447700900124');
  const row = await db.worker.withActor(operator, (tx) =>
    tx.one<{ id: string; addressSealed: Buffer }>(sql`
      select id, address_sealed from organisations.contact_point
      where channel = 'text' and address_index = ${index}`),
  );
  assert.equal(row.addressSealed.includes('900124'), false);
  assert.equal(
    open(secrets.openingKeys, sealingContext(row.id), row.addressSealed),
    '447700900124',
  );
});

test('each import that changed something left one entry without numbers', async () => {
  const { entries } = await db.web.withActor(operator, (tx) =>
    listEntries(tx, { action: 'contacts.imported' }),
  );
  assert.equal(entries.length, 4);
  assert.deepEqual(entries.at(-1)?.detail['refused'], 2);
  // A hash may have any digits.
  const told = entries.map(({ detail }) => ({ ...detail, sha256: '' }));
  assert.equal(/7700|@/.test(JSON.stringify(told)), false);
});

test('a refused file and a refused actor change nothing', async () => {
  const file = { name: 'x', bytes: Buffer.from('') };
  const empty = await db.web.withActor(operator, (tx) => importContacts(tx, file, options));
  assert.equal(!empty.ok && empty.kind, 'invalid');
  const actors: Actor[] = [nobody, { kind: 'contact', id: 'c', organisationIds: [] }];
  for (const actor of actors) {
    const outcome = await db.web.withActor(actor, (tx) => importOrganisations(tx, file, options));
    assert.equal(!outcome.ok && outcome.kind, 'forbidden');
  }
});

test('a region without a name is called as the operating model or the file says', async () => {
  const trust = (code: string, region: string) =>
    `"${code}","TRUST ${code} NHS TRUST","${region}",""${',""'.repeat(6)},"20171001"${',""'.repeat(16)}\n`;
  const regionNames = { 'X-62': 'North West', 'RR-1': 'not this one', 'X-64': 'nor this' };
  const more = { rules: { ...rules, regionNames } };
  const named = async () => {
    const places = await db.web.withActor(operator, (tx) => listRegions(tx));
    return Object.fromEntries(places.map(({ code, name }) => [code, name]));
  };
  const file = trust('AA-62', 'X-62') + trust('AA-63', 'X-63') + trust('AA-64', 'X-64');
  await run(importOrganisations, file);
  assert.equal((await named())['X-62'], 'X-62');
  const withRegion = file + trust('X-64', 'X-64') + trust('AA-65', 'RR-1');
  await run(importOrganisations, withRegion, more);
  assert.deepEqual(await named(), {
    'RR-1': 'North',
    'X-62': 'North West',
    'X-63': 'X-63',
    'X-64': 'Trust X-64 NHS Trust',
  });
  assert.equal((await run(importOrganisations, withRegion, more)).importId, undefined);
});

const shared = new URL('../../../../shared/data/ods-trusts/', import.meta.url);
const skip = existsSync(shared) ? false : 'real ODS files are not beside the checkout';

test('etr.csv of 2022 and then of 2025: new, changed and closed trusts', { skip }, async () => {
  const [older, newer] = ['etr-2022-03.csv', 'etr-2025-07.csv'].map((name) =>
    readFileSync(new URL(name, shared)),
  );
  assert.deepEqual((await run(importOrganisations, older!)).counts, counts(218, 0, 0));
  const { counts: second, notes } = await run(importOrganisations, newer!);
  const { added, changed, closed, moved, unchanged } = second;
  assert.equal(added + changed + closed + moved + unchanged, 210);
  assert.ok(added > 0 && changed > 0 && moved > 0 && unchanged > 100);
  assert.equal(notes[0], '5 have a closing date; nothing is sent after it.');
  assert.match(notes[1]!, /^210 rows name a parent that is not in the directory/);
  assert.deepEqual((await run(importOrganisations, newer!)).counts, counts(0, 0, 210));
  const whipps = await detail('R1H');
  assert.equal(whipps.name, 'Barts Health NHS Trust');
  assert.equal(whipps.shortName, 'Barts Health');
});

test('a file says how somebody reads; without the column it stays', async () => {
  const rows: PlannedRow[] = [];
  const onRows = async (part: readonly PlannedRow[]) => void rows.push(...part);
  const header = 'organisation_code,name,role,reader_kind,mobile';
  const first = await run(
    importContacts,
    [
      header,
      'AA-01,Ina Reed,ciso,information,07700 900177',
      'AA-01,Una Sual,ciso,,07700 900178',
      'AA-01,Odd One,ciso,robot,07700 900179\n',
    ].join('\n'),
  );
  assert.deepEqual(first.refusedRows, [
    { line: 4, field: 'reader_kind', reason: 'must be one of technical, manager, information' },
  ]);
  const reads = async () =>
    (await detail('AA-01')).contacts
      .filter(({ name }) => ['Ina Reed', 'Una Sual', 'Plain One'].includes(name))
      .map(({ name, readerKind }) => `${name} ${readerKind}`)
      .toSorted();
  assert.deepEqual(await reads(), ['Ina Reed information', 'Una Sual technical']);
  const plain = [
    'organisation_code,name,role,mobile',
    'AA-01,Ina Reed,ciso,07700 900177',
    'AA-01,Plain One,ciso,07700 900180\n',
  ].join('\n');
  assert.deepEqual((await run(importContacts, plain)).counts, counts(1, 0, 1));
  const kept = ['Ina Reed information', 'Plain One technical', 'Una Sual technical'];
  assert.deepEqual(await reads(), kept);
  const other = `${header}\nAA-01,Ina Reed,ciso,Manager,07700 900177\n`;
  await run(importContacts, other, { onRows });
  assert.deepEqual(rows[0]?.changes, [
    { field: 'reader_kind', from: 'information', to: 'manager' },
  ]);
  assert.equal((await reads())[0], 'Ina Reed manager');
});

test('who is new and of whom nothing is said reads in the way that the model names first', async () => {
  const readerKinds = { board: { label: 'Board', chased: true }, ...rules.readerKinds };
  const file = 'organisation_code,name,role,mobile\nAA-01,Bo Ard,ciso,07700 900181\n';
  await run(importContacts, file, { rules: { ...rules, readerKinds } });
  const found = (await detail('AA-01')).contacts.find(({ name }) => name === 'Bo Ard');
  assert.equal(found?.readerKind, 'board');
});

test('a wrong row behind some thousand good ones takes back what was written of them', async () => {
  const before = await Promise.all([countOf('contact'), countOf('contact_point')]);
  const good = Array.from(
    { length: 4_100 },
    (_, i) => `AA-02,Long ${i},ciso,long-${i % 4_090}@x.org`,
  );
  const head = 'organisation_code,name,role,email';
  const bad = [head, ...good, 'AA-02,Last,ciso,'].join('\n');
  const withheld = await run(importContacts, bad, { allOrNothing: true });
  assert.deepEqual([withheld.withheld, withheld.counts], [true, counts(4_100, 0, 0, 1)]);
  assert.deepEqual(
    withheld.refusedRows.map(({ line }) => line),
    [4_102],
  );
  assert.deepEqual(await Promise.all([countOf('contact'), countOf('contact_point')]), before);
  const cut = Buffer.from(`${[head, ...good].join('\n')}\nAA-02,"La"st",ciso,`);
  const refused = await db.web.attempt(operator, (tx) =>
    importContacts(tx, { name: 'cut.csv', bytes: cut }, options),
  );
  assert.ok(!refused.ok && refused.message.startsWith('Line 4102 has a quotation mark'));
  const taken = await run(importContacts, bad);
  assert.deepEqual(taken.counts, counts(4_100, 0, 0, 1));
  const after = await Promise.all([countOf('contact'), countOf('contact_point')]);
  assert.deepEqual(after, [before[0] + 4_100, before[1] + 4_090]);
});

test('contacts are changed while a file of them is checked, and not while one is imported', async () => {
  const file = {
    name: 'file.csv',
    bytes: Buffer.from('organisation_code,name,role,mobile\nAA-01,Ida Marsh,ciso,07700 900321\n'),
  };
  const withFile = async (more: { readonly dryRun: boolean }) =>
    await db.web.withActor(operator, async (tx) => {
      const taken = await importContacts(tx, file, { ...options, ...more });
      assert.ok(taken.ok);
      return await db.web.withActor(operator, keepImportsOut);
    });
  assert.equal(await withFile({ dryRun: true }), true);
  assert.equal(await withFile({ dryRun: false }), false);
});
