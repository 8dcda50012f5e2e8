/**
 * The little Markdown of the live service: headings, lists, rules, inset text, links, line breaks.
 * No bold, images, tables or code. Everything is escaped first, so the result holds only the tags
 * written here.
 */
export function markdownToHtml(markdown: string): string {
  return markdown
    .replaceAll('\r\n', '\n')
    .split(/\n{2,}/)
    .flatMap(splitHeadings)
    .map(renderBlock)
    .join('\n');
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A heading ends its block at the line end, also without an empty line after it. */
function splitHeadings(block: string): string[] {
  const lines = block.split('\n');
  if (lines.length === 1 || !/^#{1,6}\s/.test(lines[0]!)) return [block];
  return [lines[0]!, ...splitHeadings(lines.slice(1).join('\n'))];
}

function renderBlock(block: string): string {
  const text = block.trim();
  if (text === '') return '';
  if (/^(-\s*){3,}$|^(\*\s*){3,}$/.test(text)) return '<hr>';
  const heading = /^(#{1,2})\s+([^\n]*)$/.exec(text);
  if (heading !== null) {
    const level = heading[1]!.length + 1;
    return `<h${level}>${renderInline(heading[2]!)}</h${level}>`;
  }
  const lines = text.split('\n');
  if (lines.every((line) => /^[*•-]\s+/.test(line))) return list('ul', lines, /^[*•-]\s+/);
  if (lines.every((line) => /^\d+\.\s+/.test(line))) return list('ol', lines, /^\d+\.\s+/);
  if (text.startsWith('^')) return `<blockquote>${renderInline(text.slice(1).trim())}</blockquote>`;
  return `<p>${renderInline(text.replace(/^#+\s*/, ''))}</p>`;
}

function list(tag: 'ul' | 'ol', lines: readonly string[], marker: RegExp): string {
  const items = lines.map((line) => `<li>${renderInline(line.replace(marker, ''))}</li>`);
  return `<${tag}>${items.join('')}</${tag}>`;
}

function renderInline(text: string): string {
  return escapeHtml(text)
    .replace(
      /\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<]+[^\s<.,:;)\]])/g,
      (_, label: string | undefined, target: string | undefined, bare: string | undefined) =>
        `<a href="${target ?? bare!}">${label ?? bare!}</a>`,
    )
    .replace(/\\([`*_()\\{}[\]<>#+\-.!|])/g, '$1')
    .replaceAll('\n', '<br>');
}
