import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { refusedFile } from './csv.ts';
import type { ContactRow, ContactRules, OrganisationRow, RefusedRow } from '../model.ts';
import { readContacts, readOrganisations, readWhole } from './parse.ts';
import { readHead } from './sheet.ts';

const rules: ContactRules = {
  organisationTypes: {
    trust: { label: 'NHS trust', mustAnswer: true },
    practice: { label: 'GP practice', mustAnswer: false },
  },
  contactRoles: { ciso: { label: 'CISO or head of cyber' }, on_call_it: { label: 'On-call IT' } },
  readerKinds: { technical: { label: 'Technical', chased: true } },
};

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding);

function organisations(file: Uint8Array) {
  const outcome = readWhole(readOrganisations(file, rules));
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.value;
}

function contacts(file: Uint8Array) {
  const outcome = readWhole(readContacts(file, rules));
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.value;
}

function sentence(
  file: Uint8Array,
  read: typeof readOrganisations | typeof readContacts = readOrganisations,
): string {
  const outcome = readWhole<unknown>(read(file, rules));
  assert.ok(!outcome.ok);
  return outcome.message;
}

const HEADER = 'organisation_code,name,kind,role,rank,mobile,email';

test('position and people served: right ones as numbers, each wrong one a sentence', () => {
  const { rows, refusedRows } = organisations(
    bytes(
      [
        'code,name,type,latitude,longitude,serves,population,population_on',
        'AA-1,A,trust,53.46244,-2.22771,Adults of the Moor,"480,000",2026-01-01',
        'AA-2,B,trust,,,,,',
        'AA-3,C,trust,91,0,,,',
        'AA-4,D,trust,53.4,,,,',
        'AA-5,E,trust,north,-2,,,',
        'AA-6,F,trust,,,,many,',
        'AA-7,G,trust,,,,0,',
        'AA-8,H,trust,,,,,2026-01-01',
        `AA-9,I,trust,,,${'x'.repeat(201)},,`,
        '',
      ].join('\n'),
    ),
  );
  assert.deepEqual(
    rows.map(({ row: { code: _code, name: _name, type: _type, ...rest } }) => rest),
    [
      {
        latitude: 53.46244,
        longitude: -2.22771,
        serves: 'Adults of the Moor',
        population: 480_000,
        populationOn: '2026-01-01',
      },
      { latitude: null, longitude: null, serves: null, population: null, populationOn: null },
    ],
  );
  assert.deepEqual(
    refusedRows.map(({ line, field, reason }) => `${line} ${field} ${reason}`),
    [
      '4 latitude must be degrees of WGS 84 such as 53.46244',
      '5 longitude is empty though there is a latitude',
      '6 latitude must be degrees of WGS 84 such as 53.46244',
      '7 population must be a whole number of people',
      '8 population must be a whole number of people',
      '9 population_on is given without a population',
      '10 serves is longer than 200 characters',
    ],
  );
});

test('a file of contacts becomes rows with one form of each number and address', () => {
  const { rows, refusedRows } = contacts(
    bytes(
      `${HEADER}\r\nzz-0001,Sam Page,person,CISO or head of cyber,1,+44 7700 900123,Sam@A.test\r\n`,
    ),
  );
  assert.deepEqual(refusedRows, []);
  assert.deepEqual(rows, [
    {
      line: 2,
      row: {
        organisationCode: 'ZZ-0001',
        name: 'Sam Page',
        isPost: false,
        role: 'ciso',
        rank: 1,
        points: {
          text: [{ normalised: '447700900123', shown: '07700 ···123' }],
          mail: [{ normalised: 'sam@a.test', shown: 's···@a.test' }],
        },
      } satisfies ContactRow,
    },
  ]);
});

test('everything wrong is listed with line and column, and without what stood there', () => {
  const { rows, refusedRows } = contacts(
    bytes(
      [
        HEADER,
        'ZZ-0001,Sam,person,ciso,1,07700 900123,',
        'ZZ-0001,Ash,robot,boss,12,07723 45,ash@',
        ',,post,ciso,1,,a@b.test',
        'ZZ-0001,sam,person,ciso,2,07700 900124,',
        'ZZ-0001,Kim,person,ciso,2,,',
        'ZZ-0001,Lee,person,ciso,2,020 7946 0958,',
        'ZZ-0001,Max,person,ciso,2,+33 6 12 34 56 78,',
        'ZZ-0001,Short,person',
        'ZZ-0001,Odd,person,ciso,2,0770090,',
      ].join('\n') + '\n',
    ),
  );
  assert.deepEqual(
    rows.map(({ line }) => line),
    [2],
  );
  const want: RefusedRow[] = [
    { line: 3, field: 'mobile', reason: 'Not enough digits' },
    { line: 3, field: 'email', reason: 'Not a valid email address' },
    { line: 3, field: 'kind', reason: 'must be person or post' },
    { line: 3, field: 'role', reason: 'must be one of ciso, on_call_it' },
    { line: 3, field: 'rank', reason: 'must be a whole number from 1 to 9' },
    { line: 4, field: 'organisation_code', reason: 'is empty' },
    { line: 4, field: 'name', reason: 'is empty' },
    { line: 5, field: 'name', reason: 'is already in line 2' },
    { line: 6, field: 'mobile', reason: 'needs a number here or an address under email' },
    { line: 7, field: 'mobile', reason: 'Not a UK mobile number' },
    { line: 8, field: 'mobile', reason: 'Cannot send to international mobile numbers' },
    { line: 9, field: '', reason: 'has 3 columns where 7 are named' },
    {
      line: 10,
      field: 'mobile',
      reason: 'Number is not valid – double check the phone number you entered',
    },
  ];
  assert.deepEqual(refusedRows, want);
});

test('a service that may send to landlines and abroad takes them', () => {
  const file = bytes(`${HEADER}\nZZ-1,Lee,person,ciso,2,020 7946 0958,\n`);
  const outcome = readWhole(readContacts(file, rules, { landline: true }));
  assert.ok(outcome.ok);
  assert.equal(outcome.value.rows[0]?.row.points.text?.[0]?.normalised, '442079460958');
});

test('marks, encodings, semicolons, line ends and quoted newlines of spreadsheets are read', () => {
  const header = 'Code;Name;Type;Must answer';
  const line = 'ZZ-0001;"Caffè;\r\nNorthmoor";trust;no';
  const files = {
    utf8: bytes(`${header}\n${line}\n`),
    mark: bytes(`\ufeff${header}\r\n${line}\r\n\r\n`),
    windows: bytes(`${header}\r\n${line}\r\n`, 'latin1'),
    utf16: bytes(`\ufeff${header}\r\n${line}\r\n`, 'utf16le'),
    commas: bytes(`code,name,type,must_answer\nZZ-0001,"Caffè;\r\nNorthmoor",NHS trust,0`),
    tabs: bytes(`code\tname\ttype\tmust_answer\nZZ-0001\t"Caffè;\r\nNorthmoor"\tTRUST\tN`),
  };
  for (const [name, file] of Object.entries(files)) {
    const { rows, notes } = organisations(file);
    const want: OrganisationRow = {
      code: 'ZZ-0001',
      name: 'Caffè; Northmoor',
      type: 'trust',
      mustAnswer: false,
    };
    assert.deepEqual(rows, [{ line: 2, row: want }], name);
    assert.equal(notes.length, name === 'windows' ? 1 : 0, name);
  }
});

test('a name is the same person whichever way its accent is written', () => {
  const rows = [
    'ZZ-1,Zo\u00eb,person,ciso,1,07700 900123,',
    'ZZ-1,Zoe\u0308,person,ciso,1,07700 900124,',
  ];
  const { refusedRows } = contacts(bytes(`${HEADER}\n${rows.join('\n')}\n`));
  assert.deepEqual(refusedRows, [{ line: 3, field: 'name', reason: 'is already in line 2' }]);
});

test('lines are counted through quoted newlines and empty lines', () => {
  const { refusedRows } = organisations(
    bytes(
      'code,name,type\n\nZZ-01,"a\nb",trust\n\n\nZZ-02,c,\n"ZZ-03","d\ne\nf",x\nZZ-04,,trust\n',
    ),
  );
  assert.deepEqual(
    refusedRows.map(({ line }) => line),
    [7, 8, 11],
  );
});

test('columns that are absent are left alone, empty cells clear, unread columns are named', () => {
  const { rows, notes } = organisations(
    bytes('code,name,type,postcode,closed_on,favourite colour\nZZ-01,A,trust,,31/03/2026,red\n'),
  );
  assert.deepEqual(rows[0]?.row, {
    code: 'ZZ-01',
    name: 'A',
    type: 'trust',
    postcode: null,
    closedOn: '2026-03-31',
  });
  assert.deepEqual(notes, ['Columns not read: favourite_colour.']);
});

test('no field holds more than anybody would write there', () => {
  const columns = ['address_1', 'county', 'postcode', 'region_name', 'system_name'];
  const large = columns.map((column) => ({
    code: 'ZZ-01',
    name: 'A',
    type: 'trust',
    [column]: 'x'.repeat(201),
  }));
  const { refusedRows } = organisations(bytes(JSON.stringify(large)));
  assert.deepEqual(
    refusedRows.map(({ field, reason }) => `${field} ${reason}`),
    columns.map((column) =>
      column === 'postcode'
        ? 'postcode is longer than 20 characters'
        : `${column} is longer than 200 characters`,
    ),
  );
});

test('refused rows come back as they were, also the second time', () => {
  const file = bytes('code,name,type,latitude,longitude\nZZ-01,A,?,53.4,-2.22771\nZZ-02,B,?,,\n');
  const first = refusedFile(file, organisations(file).refusedRows);
  const half = bytes(first.replace('?', 'trust'));
  const { rows, refusedRows } = organisations(half);
  assert.equal(rows[0]?.row.longitude, -2.22771);
  assert.equal(refusedRows.length, 1);
  const second = refusedFile(half, refusedRows);
  assert.match(second, /^code,name,type,latitude,longitude,refused_line,refused_reason\nZZ-02,/);
  assert.deepEqual(organisations(bytes(second.replace('?', 'trust'))).refusedRows, []);
});

/** A row of etr.csv, opened and perhaps closed on these days. */
const odsRow = (code: string, opened: string, closed = '') =>
  `${code},NORTHMOOR,Y60,QXX,1 HIGH STREET,,,LEEDS,,LS1 1AA,${opened},${closed}${','.repeat(15)}`;

test('a file of ODS writes its dates in one of three ways, and nobody has to guess', () => {
  for (const [opened, closed] of [
    ['20130401', '20260331'],
    ['2013-04-01', '2026-03-31'],
    ['01/04/2013', '31/03/2026'],
  ] as const) {
    const { rows, source } = organisations(
      bytes(`${odsRow('RR1', opened)}\n${odsRow('RR2', opened, closed)}\n`),
    );
    assert.equal(source, 'ods');
    assert.deepEqual(
      rows.map(({ row }) => [row.openedOn, row.closedOn]),
      [
        ['2013-04-01', null],
        ['2013-04-01', '2026-03-31'],
      ],
      opened,
    );
  }
  const two = (...rows: string[]) => sentence(bytes(`${rows.join('\n')}\n`));
  assert.match(
    two(odsRow('RR1', '20130401'), odsRow('RR2', '01/04/2013')),
    /Line 1 writes a date as 20130401, line 2 as 01\/04\/2013: a file has one way/,
  );
  assert.match(
    two(odsRow('RR1', '01/04/2013'), odsRow('RR2', '04/01/2013', '03/31/2026')),
    /Line 2 has the month before the day/,
  );
  assert.match(two(odsRow('RR1', '01/04/2013')), /1 April or 4 January/);
});

test('a cell that looks like a formula is kept as text, and said so with line and field', () => {
  const { rows, refusedRows, notes } = organisations(
    bytes(
      [
        'code,name,type,town,telephone,longitude,latitude,serves',
        'ZZ-01,=cmd|calc!A1,trust,@SUM(A1),+44 113 496 0000,-2.2,53.4,-',
        'ZZ-02,Fine,trust,-Leeds,,,,+all',
        '',
      ].join('\n'),
    ),
  );
  assert.deepEqual(refusedRows, []);
  assert.equal(rows[0]!.row.name, '=cmd|calc!A1');
  assert.deepEqual(notes, [
    'Line 2, name: looks like a formula; kept as text.',
    'Line 2, town: looks like a formula; kept as text.',
    'Line 3, town: looks like a formula; kept as text.',
    'Line 3, serves: looks like a formula; kept as text.',
  ]);
  const many = Array.from({ length: 30 }, (_, i) => `ZZ-${i + 10},=${i},trust`);
  const capped = organisations(bytes(['code,name,type', ...many, ''].join('\n'))).notes;
  assert.equal(capped.length, 11);
  assert.equal(capped.at(-1), '20 more cells look like formulas; kept as text.');
});

test('a file that cannot be an import gets one sentence', () => {
  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]);
  const contactsFile = bytes(`${HEADER}\nZZ-1,Sam,person,ciso,1,07700 900123,\n`);
  assert.match(sentence(bytes('')), /empty/);
  assert.match(sentence(bytes('\ufeff \r\n')), /empty/);
  const zip = (name: string) => Buffer.from(`PK\u0003\u0004${'x'.repeat(26)}${name}`);
  assert.match(sentence(zip('[Content_Types].xml')), /Excel workbook/);
  assert.match(sentence(zip('etr.csv')), /ZIP archive: take the CSV file out of it/);
  assert.match(sentence(png), /a picture/);
  assert.match(sentence(bytes('code,name\0,type\n')), /not a text file/);
  assert.match(sentence(Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 1, 2])), /Excel workbook/);
  assert.match(sentence(bytes('%PDF-1.7\n1 0 obj\n')), /^This is a PDF: /);
  assert.match(sentence(bytes('{\\rtf1\\ansi code,name,type}')), /^This is a document: /);
  assert.match(sentence(Buffer.from([0x1f, 0x8b, 8, 0])), /^This is a compressed file: /);
  for (const page of [
    '<!DOCTYPE html>',
    '\ufeff<?xml version="1.0"?>',
    '<html><table>',
    '<!--a-->',
  ])
    assert.match(sentence(bytes(`${page}\ncode,name,type\n`)), /^This is a web page or XML: /);
  assert.match(sentence(bytes('hello\nworld\n')), /code, name, type missing/);
  assert.match(sentence(contactsFile), /use "import contacts"/);
  assert.match(sentence(bytes('code,name,type\nZ1,A,trust\n'), readContacts), /"import org/);
  assert.match(sentence(bytes('code,name,type\n')), /no rows/);
  const blank = readHead(bytes(',,,\n,,,\n'), 1);
  assert.match(blank.ok ? '' : blank.message, /begins with empty cells/);
  assert.match(sentence(bytes('code,name,type,name\nZ1,A,trust,B\n')), /name is there twice/);
  assert.match(
    sentence(bytes('code,name,type\nZ1,"A,trust\nZ2,B,trust\n')),
    /ends inside a quoted/,
  );
  assert.match(sentence(bytes('code,name,type\nZ1,A,trust\nZ2,B')), /cut off/);
  assert.match(sentence(bytes('code,name,type\nZ1,A "x" b,trust\nZ2,"B"b,trust\n')), /Line \d/);
});

const shared = new URL('../../../../shared/data/ods-trusts/', import.meta.url);
const skip = existsSync(shared) ? false : 'real ODS files are not beside the checkout';

test('the real etr.csv of 2022 and 2025 are read whole', { skip }, () => {
  for (const [name, count, closed] of [
    ['etr-2022-03.csv', 218, 6],
    ['etr-2025-07.csv', 210, 5],
  ] as const) {
    const file = organisations(readFileSync(new URL(name, shared)));
    assert.equal(file.source, 'ods');
    assert.deepEqual([file.refusedRows, file.notes], [[], []]);
    assert.equal(file.rows.length, count);
    assert.equal(file.rows.filter(({ row }) => row.closedOn).length, closed);
    const wales = file.rows.filter(({ row }) => row.regionCode === 'W00');
    assert.deepEqual(wales.map(({ row }) => row.code).sort(), ['RQF', 'RT4', 'RYT']);
    const velindre = wales.find(({ row }) => row.code === 'RQF')!.row;
    assert.equal(velindre.name, 'Velindre NHS Trust');
    assert.equal(velindre.openedOn, '1994-04-01');
    assert.equal(velindre.systemCode, 'Q99');
  }
});

test('a real file that was cut off is recognised', { skip }, () => {
  const whole = readFileSync(new URL('etr-2025-07.csv', shared));
  assert.match(sentence(whole.subarray(0, 20_000)), /cut off/);
});
