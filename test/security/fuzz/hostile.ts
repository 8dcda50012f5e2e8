/** What somebody who means no good, or whose program is broken, does to a request that was right. */
import {
  array,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
  tuple,
  uint8Array,
  type Arbitrary,
} from 'fast-check';
import { contents, cursor, hostileText, inherited, jsonText, nested } from './values.ts';

/** A whole body that is no form, no JSON, or not what its type says. */
const rawBodies: Arbitrary<string | Uint8Array> = oneof(
  constantFrom(
    '',
    '{',
    '{"a":',
    '[]',
    'null',
    '"text"',
    '0',
    '{"a":1,"a":2}',
    '\uFEFF{}',
    `{"a":${nested(200_000)}}`,
    '&&&===&',
    'a[]=1&a[0]=2&a[b][c]=3',
    'a=%zz&b=%&c=%ff%fe&%00=1',
    '__proto__=1&constructor=2&__proto__[x]=3',
    Array.from({ length: 5_001 }, (_, i) => `f${i}=`).join('&'),
    '--x\r\n\r\n--x--',
    '--x\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\ncode,na',
    '--x\r\ncontent-disposition: form-data\r\n\r\n1\r\n--x--\r\n',
    '--x\r\ncontent-disposition: form-data; name="file"; filename="\0"\r\n\r\n1\r\n--x--\r\n',
    '--x\r\ncontent-disposition: form-data; name="file"; filename="../../a"\r\n\r\n1\r\n--x--\r\n',
  ),
  uint8Array({ maxLength: 200 }),
);

/** `x` is the boundary of the bodies above. */
const contentTypes = [
  'application/json',
  'application/json; charset=utf-16',
  'application/json; charset=\u00ff',
  'application/problem+json',
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; charset=utf-7',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  'multipart/form-data; boundary="',
  `multipart/form-data; boundary=${'y'.repeat(300)}`,
  'multipart/mixed; boundary=x',
  'text/plain',
  'application/xml',
  '/',
  ';',
];

const headers: readonly (readonly [string, string])[] = [
  ['idempotency-key', ''],
  ['idempotency-key', '"\u00e9"'],
  ['idempotency-key', 'k'.repeat(5_000)],
  ['accept', '*/*;q=NaN'],
  ['accept-encoding', 'br;q=2, gzip;;;'],
  ['accept-language', '*'.repeat(2_000)],
  ['if-none-match', '"'],
  ['range', 'bytes=99-1'],
  ['content-encoding', 'gzip'],
  ['last-event-id', '\u00ff'],
  ['origin', 'null'],
  ['referer', 'http://[/'],
  ['x-forwarded-for', '999.1.1.1, ::ffff, unknown'],
  ['x-http-method-override', 'DELETE'],
  ['cookie', 'tocsin-notice=%00; tocsin-notice=!!'],
  ['cookie', `tocsin=${'z'.repeat(3_000)}`],
  ['cookie', '=; ;;; __proto__=1; tocsin=%E0%A4%A'],
  ['authorization', 'Bearer '],
  ['authorization', 'Basic !!!'],
];

/** How a field is given wrongly: another value, twice, as a list of another language, not at all. */
const ways = ['set', 'set', 'set', 'set', 'twice', 'brackets', 'left out'] as const;

/** One thing that is wrong with a request. `which` is taken modulo how many there are. */
export type Twist =
  | { readonly at: 'parameter'; readonly which: number; readonly value: string }
  | {
      readonly at: 'query' | 'field';
      readonly which: number;
      readonly how: (typeof ways)[number];
      readonly value: string;
    }
  | { readonly at: 'more'; readonly name: string; readonly value: string }
  | { readonly at: 'json'; readonly which: number; readonly json: string }
  | { readonly at: 'body'; readonly body: string | Uint8Array; readonly type: string }
  | { readonly at: 'type'; readonly type: string }
  | { readonly at: 'header'; readonly name: string; readonly value: string }
  | { readonly at: 'file'; readonly name: string; readonly content: string | Uint8Array };

const value = oneof({ arbitrary: hostileText, weight: 6 }, { arbitrary: cursor, weight: 1 });
const which = nat(60);

const field = record({
  at: constantFrom('query' as const, 'field' as const),
  which,
  how: constantFrom(...ways),
  value,
});

const twist: Arbitrary<Twist> = oneof(
  { arbitrary: field, weight: 10 },
  { arbitrary: record({ at: constantFrom('json' as const), which, json: jsonText }), weight: 6 },
  { arbitrary: record({ at: constantFrom('parameter' as const), which, value }), weight: 2 },
  {
    arbitrary: record({
      at: constantFrom('more' as const),
      name: constantFrom(...inherited, 'q', 'after', 'a[]', ''),
      value,
    }),
    weight: 1,
  },
  {
    arbitrary: record({
      at: constantFrom('body' as const),
      body: rawBodies,
      type: constantFrom('', ...contentTypes),
    }),
    weight: 2,
  },
  {
    arbitrary: record({ at: constantFrom('type' as const), type: constantFrom(...contentTypes) }),
    weight: 1,
  },
  {
    arbitrary: constantFrom(...headers).map(([name, text]) => ({
      at: 'header' as const,
      name,
      value: text,
    })),
    weight: 1,
  },
  {
    arbitrary: record({
      at: constantFrom('file' as const),
      name: constantFrom('a.csv', 'a.yaml', '../a.csv', 'a\0.csv', '', 'ü".csv', 'n'.repeat(300)),
      content: contents,
    }),
    weight: 4,
  },
);

/** A right request, of those that are known for the route, and what is wrong with it. */
export type Wish = { readonly which: number; readonly twists: readonly Twist[] };

export const wishes: Arbitrary<Wish> = tuple(
  nat(1_000),
  array(twist, { minLength: 1, maxLength: 4 }),
  integer({ min: 0, max: 9 }),
).map(([of, twists, plain]) => ({ which: of, twists: plain === 0 ? [] : twists }));
