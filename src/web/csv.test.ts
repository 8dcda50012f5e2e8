import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvCell, csvFile, isFormula } from './csv.ts';

test('what a spreadsheet would run has an apostrophe before it, a number has none', () => {
  const runs = [
    '=1+1',
    "=cmd|' /C calc'!A0",
    '@SUM(A1)',
    '+x',
    '-x',
    '\t=1',
    '\r=1',
    '\n=1',
    '＝1',
  ];
  for (const text of runs) {
    assert.ok(isFormula(text), text);
    assert.match(csvCell(text), /^"?'/, text);
  }
  for (const text of ['', '-', '-2.22771', '+44 (0)113 496-0000', 'a=b', "O'Neil", '07700'])
    assert.equal(csvCell(text), text);
  assert.equal(csvFile([['=A1,"x"', 'b;c']]), '\uFEFF"\'=A1,""x""","b;c"\r\n');
});
