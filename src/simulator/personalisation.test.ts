import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Values, fill, listPlaceholders, sanitise } from './personalisation.ts';
import { tidySubject } from './typography.ts';
import { markdownToHtml } from './markdown.ts';

describe('placeholders', () => {
  it('are listed once, whatever their case, spaces and hyphens', () => {
    assert.deepEqual(listPlaceholders('((First Name)) ((first_name)) ((flag??shown))', '((x))'), [
      'First Name',
      'flag',
      'x',
    ]);
  });

  const table: [string, string, object, string][] = [
    ['loose names', 'Dear ((First Name))', { first_name: 'Ann' }, 'Dear Ann'],
    ['a missing value stays', 'Dear ((name))', {}, 'Dear ((name))'],
    ['null is missing', 'Dear ((name))', { name: null }, 'Dear ((name))'],
    ['empty is present', 'Dear ((name))', { name: '' }, 'Dear '],
    ['values of other kinds', '((a)) ((b)) ((c))', { a: true, b: 5, c: false }, 'True 5 False'],
    ['a list', '((a))', { a: ['x', null, ' y ', 'z', ''] }, 'x, y and z'],
    ['an empty list', '[((a))]', { a: [] }, '[]'],
    ['a condition that holds', 'a((f?? b))', { f: 'Yes' }, 'a b'],
    ['a condition that does not', 'a((f?? b))', { f: 'no' }, 'a'],
    ['text with ?? inside', '((f??a??b))', { f: true }, 'a??b'],
  ];
  for (const [name, content, values, expected] of table) {
    it(name, () => {
      const filled = fill(content, new Values(values as Record<string, unknown>), 'sentence');
      assert.equal(filled, expected);
    });
  }

  it('make bullet lists in e-mails', () => {
    assert.equal(fill('((a))', new Values({ a: ['x', 'y'] }), 'bullets'), '\n\n* x\n* y');
  });

  it('can be sanitised of links and marks', () => {
    assert.equal(
      sanitise('see https://evil.test/x or foo.com *now*'),
      'see  or foo\\. com \\*now\\*',
    );
  });
});

describe('the subject of an e-mail', () => {
  it('gets curly quotes, en dashes and single spaces', () => {
    assert.equal(tidySubject(`It's "here" - now  , ok`), 'It’s “here” – now, ok');
  });
});

describe('the Markdown of an e-mail', () => {
  it('escapes everything and knows a few marks', () => {
    const html = markdownToHtml(
      '# Do <this>\n\n* one\n* two\n\n^ inset\n\nsee https://a.test/x.\nend',
    );
    assert.equal(
      html,
      [
        '<h2>Do &lt;this&gt;</h2>',
        '<ul><li>one</li><li>two</li></ul>',
        '<blockquote>inset</blockquote>',
        '<p>see <a href="https://a.test/x">https://a.test/x</a>.<br>end</p>',
      ].join('\n'),
    );
  });

  it('cannot be made to open a script', () => {
    const html = markdownToHtml('[x](javascript:alert(1)) [y](https://a.test/"onclick="x)');
    assert.doesNotMatch(html, /href="javascript|" ?onclick="/);
  });
});
