/** What somebody writes into a field who means no good, or whose program is broken. */
import { constantFrom, jsonValue, oneof, string, uint8Array, type Arbitrary } from 'fast-check';

const LONG = 20_000;

/** Beyond what PostgreSQL, JavaScript, a form or a person can hold. */
const numbers = [
  '-1',
  '0',
  '-0',
  '1.5',
  '1e309',
  '-1e309',
  'NaN',
  'Infinity',
  '0x10',
  '1_000',
  '٣',
  '32768',
  '2147483648',
  '9007199254740993',
  '9223372036854775808',
  '9'.repeat(400),
];

/** Out of the calendar, of JavaScript's (±8.64e15 ms) and of PostgreSQL's (4713 BC to 294276). */
const dates = [
  '0000-00-00',
  '2026-02-30',
  '2026-11-27',
  '9999-12-31',
  '99999-01-01',
  '294277-01-01',
  '-4714-01-01',
  '0000-01-01',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '+275760-09-13T00:00:00.000Z',
  '+275760-09-13T00:00:00.001Z',
  '-271821-04-20T00:00:00.000Z',
  '2026-11-27T25:61:61Z',
  '2026-11-27T12:00:00+99:99',
  '2026-10-25T01:30',
  '2026-03-29T01:30',
  'infinity',
  'now',
  '24:00',
  '25:61',
];

const texts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\uD800',
  'a\uDC00b',
  '\uFFFF',
  '\u202Egnp.exe',
  '\u0085\u2028\u2029',
  '\r\n\r\nX-Injected: yes',
  "' or 1=1 --",
  '\\',
  '%',
  '%00',
  '%s%n',
  '_%_',
  '{{7*7}}',
  '${7*7}',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '=cmd|1!A1',
  '../../../../etc/passwd',
  '//elsewhere.test',
  'javascript:alert(1)',
  'true',
  'null',
  'undefined',
  '[]',
  '{"a":1}',
  '1,2',
  '+447700900123',
  '07700 900201',
  'a@b.test',
  `${'a'.repeat(300)}@b.test`,
  'ZZ-0001',
  'zz-0001 zz-0002',
  'RA',
  'critical',
  'RED',
  'AMBER+STRICT',
  'text',
  'person',
  'x'.repeat(LONG),
  'é'.repeat(LONG),
  '😀'.repeat(4_000),
  '('.repeat(LONG),
  `${'a'.repeat(LONG)}!`,
  'a\n'.repeat(8_000),
];

const ids = [
  '01a00000-0000-7000-8000-000000000000',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '{01a00000-0000-7000-8000-000000000000}',
  '01a0000000007000800000000000000',
  'f'.repeat(64),
  'x'.repeat(43),
];

/** Names that every object has already. */
export const inherited = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
];

export const hostileText: Arbitrary<string> = oneof(
  constantFrom(...numbers, ...dates, ...texts, ...ids, ...inherited),
  string({ unit: 'binary', maxLength: 40 }),
);

/** Cursors of lists: our own wrapping around what we never put in. */
export const cursor = jsonValue({ maxDepth: 2 }).map((value) =>
  Buffer.from(JSON.stringify(value)).toString('base64url'),
);

export const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** JSON as it is sent, so that it may hold what no value of ours can be written as. */
export const jsonText: Arbitrary<string> = oneof(
  hostileText.map((text) => JSON.stringify(text)),
  constantFrom(...numbers.filter((text) => /^-?\d[\d.e]*$/.test(text))),
  constantFrom('null', 'true', '[]', '{}', '[[]]', '"\\ud800"', '"\\udfff a"', nested(3_000)),
  constantFrom('{"__proto__":{"isAdmin":true}}', '{"toString":1}', '[null,null]'),
  jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
);

/** What is in an uploaded file. */
export const contents: Arbitrary<string | Uint8Array> = oneof(
  constantFrom(
    '',
    '\uFEFF',
    'code',
    'code,name\n"',
    'code,name\nZZ-1,"a""b\n',
    'code,code\nZZ-1,ZZ-1\n',
    `code,name\n${'ZZ-1,x\n'.repeat(2_000)}`,
    `${'a,'.repeat(5_000)}\n`,
    'code;name\tx|y\n1;2\t3|4\n',
    'code,name\n=cmd,\u202E\n\0,\uFFFF\n',
    '{"vulnerabilities": [{"cveID": 1}]}',
    '{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-1","dateAdded":"99999-01-01"}]}',
    nested(5_000),
    'a: &a [*a]',
    'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c, *c]\n',
    '? [a, b] : !!js/function "x"\n',
    'roles: __proto__\n__proto__: {a: 1}\n',
    '%PDF-1.4',
  ),
  uint8Array({ maxLength: 300 }),
  string({ unit: 'binary', maxLength: 100 }),
);
