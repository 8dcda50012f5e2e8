import assert from 'node:assert/strict';
import { it } from 'node:test';
import { renderMarkdown } from './markdown.ts';

it('structure is kept, below the headings of the page', () => {
  assert.equal(
    renderMarkdown('# Steps\n\n- one\n- **two**'),
    '<h3>Steps</h3><ul>\n<li>one</li>\n<li><strong>two</strong></li>\n</ul>\n',
  );
});

for (const attack of [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[x](javascript:alert(1))',
  '[x](data:text/html;base64,AAAA)',
  '![x](https://evil.test/pixel)',
  '|a|\n|:-:|\n|b|',
]) {
  it(`is inert: ${attack.slice(0, 30)}`, () => {
    const html = renderMarkdown(attack);
    assert.doesNotMatch(html, /<script|<img|style=|href="(javascript|data):/i);
  });
}
