import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { headerHash, mappingFromWords } from './columns.ts';
import { recognise } from './layout.ts';
import type { ContactRules } from '../model.ts';
import { readContacts, readOrganisations, readWhole } from './parse.ts';

const types = ['trust', 'practice', 'board', 'other'];
const rules: ContactRules = {
  organisationTypes: Object.fromEntries(
    types.map((key) => [key, { label: key, mustAnswer: false }]),
  ),
  contactRoles: { ciso: { label: 'CISO' } },
  readerKinds: { technical: { label: 'Technical', chased: true } },
};

function organisations(text: string | Buffer, given = rules) {
  const outcome = readWhole(readOrganisations(Buffer.from(text), given));
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.value;
}

function sentence(text: string, given = rules): string {
  const outcome = readWhole(readOrganisations(Buffer.from(text), given));
  return outcome.ok ? '' : outcome.message;
}

/** A row of epraccur.csv; the names are ours. */
function practice(fields: Readonly<Record<number, string>>): string {
  const cells = Array.from({ length: 27 }, (_, i) => `"${fields[i + 1] ?? ''}"`);
  return `${cells.join(',')}\n`;
}

const common = { 3: 'Y63', 4: 'QHM', 11: '19740401', 13: 'A', 15: '16C', 26: '4' };

test('epraccur.csv: practices, other prescribers, closed ones, and where the parent stands in', () => {
  const { rows, refusedRows, source } = organisations(
    practice({ ...common, 1: 'A81001', 2: 'THE DENSHAM SURGERY', 5: 'LAWSON STREET' }) +
      practice({ ...common, 1: 'Y00001', 2: 'MOOR HOSPICE', 26: '10' }) +
      practice({ ...common, 1: 'A81009', 2: 'OLD SURGERY', 12: '20250331', 13: 'C' }) +
      practice({ ...common, 1: 'A81010', 2: 'NEW SURGERY', 4: '' }) +
      practice({ ...common, 1: 'A81011', 2: 'LOST SURGERY', 13: 'C' }) +
      practice({ ...common, 1: 'A81012', 2: 'TURNED SURGERY', 12: '19730101', 13: 'C' }),
  );
  assert.equal(source, 'ods');
  assert.deepEqual(
    rows.map(({ row }) => [row.code, row.name, row.type, row.systemCode, row.closedOn]),
    [
      ['A81001', 'The Densham Surgery', 'practice', 'QHM', null],
      ['Y00001', 'Moor Hospice', 'other', 'QHM', null],
      ['A81009', 'Old Surgery', 'practice', 'QHM', '2025-03-31'],
      ['A81010', 'New Surgery', 'practice', '16C', null],
    ],
  );
  assert.deepEqual(refusedRows, [
    { line: 5, field: 'closed_on', reason: 'is empty though the status says closed' },
    { line: 6, field: 'closed_on', reason: 'is before opened_on' },
  ]);
  const few = { ...rules, organisationTypes: { trust: { label: '', mustAnswer: true } } };
  assert.match(sentence(practice({ ...common, 1: 'A81001', 2: 'A' }), few), /no type "practice"/);
});

test('what is not a list of organisations says what it is', () => {
  const successions = '[{"predecessor":"QHG","successor":"S1Y5D","date":"2026-04-01"}]';
  assert.match(sentence(successions), /list of successions, not of organisations/);
  assert.match(sentence('{"layout":"odd-r","hexes":{"QMF":{"n":"x"}}}'), /This is a map/);
  assert.match(sentence('{"a": [1, 2]}'), /holds no list of entries/);
  assert.match(sentence('[{"ods_code": "A'), /JSON in the file is not whole/);
  assert.match(sentence('{"organisation_code": 1}'), /holds no list/);
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const)
    assert.match(
      sentence(`[{"code":${open.repeat(100_000)}1${close.repeat(100_000)}}]`),
      /lists within lists without end/,
    );
});

test('a list in JSON is read like a table', () => {
  const { rows, notes } = organisations(
    '{"count": 2, "bodies": [{"code":"AA-1","name":"One","type":"other"},{"code":"AA-2","name":"Two","type":"other","town":"Moor"}]}',
  );
  assert.deepEqual(
    rows.map(({ line, row }) => [line, row.code, row.addressLines]),
    [
      [2, 'AA-1', []],
      [3, 'AA-2', ['Moor']],
    ],
  );
  assert.match(notes[0]!, /first entry is line 2/);
});

const ODD = ['Org code', 'Full name', 'Job title', 'E-mail address', 'Mobile number', 'Notes'];

test('columns with other names are guessed, never taken without being said', () => {
  const found = recognise(ODD, 'contacts');
  assert.ok(found.ok);
  assert.equal(found.value.layout, undefined);
  assert.deepEqual(found.value.unnamed, {
    guess: { organisation_code: 0, name: 1, role: 2, email: 3, mobile: 4 },
    isComplete: true,
  });
  const half = recognise(['organisation_code', 'name', 'role', 'Mobile number'], 'contacts');
  assert.ok(half.ok && half.value.layout !== undefined);
  assert.equal(half.value.unnamed?.guess['mobile'], 3);
  const guessOf = (...more: string[]) => {
    const one = recognise(['organisation_code', 'name', 'role', ...more], 'contacts');
    return one.ok ? one.value.unnamed?.guess : undefined;
  };
  assert.equal(guessOf('Phone')?.['mobile'], 3, 'the only numbers are those that are texted');
  const { mobile, landline } = guessOf('Phone', 'Mobile')!;
  assert.deepEqual({ mobile, landline }, { mobile: 4, landline: 3 });
  const whole = recognise(['organisation_code', 'name', 'role', 'mobile', 'nickname'], 'contacts');
  assert.ok(whole.ok && whole.value.unnamed === undefined);
  const file = Buffer.from(`${ODD.join(',')}\nAA-1,Sam,ciso,s@a.test,07700 900123,x\n`);
  const asIs = readWhole(readContacts(file, rules));
  assert.match(
    asIs.ok ? '' : asIs.message,
    /organisation_code, name, role missing\. If others mean the same: --map organisation_code="Org code"/,
  );
});

test('columns are said in words, and one value may stand for all rows', () => {
  const words = { organisation_code: 'org CODE', name: 'Full name', role: '=ciso', email: ODD[3]! };
  const mapping = mappingFromWords('contacts', ODD, words);
  assert.deepEqual(mapping, {
    ok: true,
    value: { organisation_code: 0, name: 1, role: '=ciso', email: 3 },
  });
  const file = Buffer.from(`${ODD.join(';')}\nAA-1;Sam;Boss;s@a.test;0;x\n`);
  const parsed = readWhole(
    readContacts(file, rules, {}, { mapping: mapping.ok ? mapping.value : {} }),
  );
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.value.refusedRows, []);
  assert.equal(parsed.value.rows[0]?.row.role, 'ciso');
  assert.deepEqual(parsed.value.notes, ['Columns not read: job_title, mobile_number, notes.']);
  for (const [bad, says] of [
    [{ nickname: 'Notes' }, /no column nickname of ours/],
    [{ email: 'Mail' }, /no column "Mail" that could be email/],
    [{ name: '=Sam' }, /no column "=Sam"/],
  ] as const) {
    const refused = mappingFromWords('contacts', ODD, bad);
    assert.match(refused.ok ? '' : refused.message, says);
  }
});

test('a file of refused rows has the columns of the file it came from', () => {
  assert.equal(headerHash(ODD), headerHash([...ODD, 'refused_line', 'refused_reason']));
  assert.notEqual(headerHash(ODD), headerHash(ODD.toReversed()));
});

const shared = new URL('../../../../shared/data/', import.meta.url);
const skip = existsSync(shared) ? false : 'real files are not beside the checkout';
const real = (name: string) => readFileSync(new URL(name, shared));

test('the real hierarchy of practices, boards and joined trusts are read whole', { skip }, () => {
  const practices = organisations(real('ods-gp-hierarchy/gp-reg-pat-prac-map-2022-01.csv'));
  assert.deepEqual([practices.rows.length, practices.refusedRows], [6527, []]);
  assert.deepEqual(practices.rows[0]?.row, {
    code: 'A81001',
    name: 'The Densham Surgery',
    type: 'practice',
    regionCode: 'Y63',
    regionName: 'North East and Yorkshire',
    systemCode: 'QHM',
    systemName: 'Cumbria and North East',
    postcode: 'TS18 1HU',
    parent: {
      said: ['U89141', 'QHM'].map((parent) => ({ parent, from: null, until: null })),
      isDerived: true,
    },
  });
  const boards = organisations(real('icb-2026/icb-2026.json'));
  assert.deepEqual([boards.rows.length, boards.refusedRows], [36, []]);
  const west = boards.rows.find(({ row }) => row.code === 'Z9B2Z')!.row;
  assert.deepEqual(
    [west.type, west.systemCode, west.systemName, west.regionName, west.openedOn],
    ['board', 'Z9B2Z', 'NHS West and North London Integrated Care Board', 'London', '2026-04-01'],
  );
  const trusts = organisations(real('ods-trusts/trusts-joined.json'));
  assert.deepEqual([trusts.rows.length, trusts.refusedRows], [202, []]);
  assert.equal(trusts.rows.filter(({ row }) => row.systemCode === null).length, 9);
  assert.deepEqual(
    [trusts.rows[0]?.row.latitude, trusts.rows[0]?.row.longitude],
    [51.53665, -0.131658],
  );
});

test('real files that are no lists of organisations say what they are', { skip }, () => {
  const says = (name: string) => sentence(real(name).toString());
  assert.match(says('icb-2026/icb-succession-2026-04-01.json'), /list of successions/);
  assert.match(says('icb-2026/icb-2026.hexjson'), /This is a map/);
});
