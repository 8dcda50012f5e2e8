import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readOrganisations, readWhole } from './imports/parse.ts';
import { deriveShortName, isShortName, titleCased } from './short-name.ts';

const free = () => false;

function shortName(name: string, code = 'ZZ-0001'): string {
  return deriveShortName({ name, code }, free);
}

test('legal ends go, the rest is shortened only as far as it must', () => {
  const names = {
    'Northmoor Teaching Hospitals NHS Foundation Trust': 'Northmoor Teaching',
    'Ashmere NHS Trust': 'Ashmere',
    'The Ashmere Hospital NHS Foundation Trust': 'Ashmere Hospital',
    'Manchester University NHS Foundation Trust': 'Manchester Univ',
    'Northmoor and Eastfirth Partnership NHS Foundation Trust': 'Northmoor',
    'Kent and Medway NHS Trust': 'Kent and Medway',
    'NHS Northmoor Integrated Care Board': 'Northmoor',
    'Mill Lane Surgery': 'Mill Lane Surgery',
    'Caffè Łódź [X] 👾': 'Caffe Lodz X',
    'Thornwick Software Ltd': 'Thornwick Software',
  };
  for (const [name, want] of Object.entries(names)) assert.equal(shortName(name), want);
});

test('a name that is taken is told apart, at last by its code', () => {
  const taken = new Set(['Mill Lane Surgery']);
  const second = deriveShortName({ name: 'Mill Lane Surgery', code: 'A81001' }, (n) =>
    taken.has(n),
  );
  assert.equal(second, 'Mill Lane');
  taken.add(second).add('Mill');
  const third = deriveShortName({ name: 'Mill Lane Surgery', code: 'A81002' }, (n) => taken.has(n));
  assert.equal(third, 'Mill Lane Sur A81002');
});

test('whatever the name, the result may stand in a text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => isShortName(shortName(name))),
    { numRuns: 1000 },
  );
});

test('capitals of ODS become words', () => {
  assert.equal(
    titleCased("SOUTH WEST LONDON AND ST GEORGE'S MENTAL HEALTH NHS TRUST"),
    "South West London and St George's Mental Health NHS Trust",
  );
  assert.equal(titleCased('WESTCLIFF-ON-SEA'), 'Westcliff-on-Sea');
  assert.equal(titleCased('St. Pancras Hospital'), 'St. Pancras Hospital');
});

const shared = new URL('../../../shared/data/ods-trusts/etr-2025-07.csv', import.meta.url);
const skip = existsSync(shared) ? false : 'real ODS files are not beside the checkout';

test('all real trusts get different short names, few of them by code', { skip }, () => {
  const file = readWhole(
    readOrganisations(readFileSync(shared), {
      organisationTypes: { trust: { label: 'Trust', mustAnswer: true } },
      contactRoles: {},
    }),
  );
  assert.ok(file.ok);
  const taken = new Set<string>();
  for (const { row } of file.value.rows) taken.add(deriveShortName(row, (name) => taken.has(name)));
  assert.equal(taken.size, 210);
  const byCode = file.value.rows.filter(({ row }) =>
    [...taken].some((n) => n.endsWith(` ${row.code}`)),
  );
  assert.ok(byCode.length <= 10, `${byCode.length} by code`);
});
