/** The body of an alert as HTML. No raw HTML, no images: links and plain structure only. */
import markdownIt from 'markdown-it';

const renderer = markdownIt('zero', { html: false, linkify: true, breaks: true }).enable([
  'heading',
  'list',
  'emphasis',
  'link',
  'linkify',
  'code',
  'fence',
  'backticks',
  'blockquote',
  'hr',
  'newline',
  'escape',
  'table',
]);

// Also no //host/path: what looks like an address of ours would lead away.
renderer.validateLink = (address) => /^(?:https?:\/\/|mailto:)/i.test(address);

// The page has its one h1 and its own h2s: headings of the body begin below them.
renderer.renderer.rules['heading_open'] = (tokens, i) => `<${lowered(tokens[i]!.tag)}>`;
renderer.renderer.rules['heading_close'] = (tokens, i) => `</${lowered(tokens[i]!.tag)}>`;
// Column alignment is written as a style attribute, which the content policy blocks.
renderer.renderer.rules['th_open'] = () => '<th scope="col">';
renderer.renderer.rules['td_open'] = () => '<td>';

function lowered(tag: string): string {
  return `h${Math.min(6, Number(tag.slice(1)) + 2)}`;
}

/** HTML that is safe to print as it is. Addresses other than http, https and mailto stay text. */
export function renderMarkdown(source: string): string {
  return renderer.render(source);
}
