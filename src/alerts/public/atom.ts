/** The feed of public alerts (Atom, RFC 4287). Pure. */
import { renderMarkdown } from '../markdown.ts';
import { wordOf } from './model.ts';
import type { PublicEntry } from './store-public.ts';

export type FeedContext = {
  /** Such as `https://cyber.example`; with the number it is the lasting id of an entry. */
  readonly origin: string;
  readonly title: string;
  readonly sender: string;
  readonly labelOf: (severity: string) => string;
};

/** One entry an alert: readers show it again where `updated` moved (section 4.2.15). */
export function atomFeed(entries: readonly PublicEntry[], context: FeedContext): string {
  const { origin, title, sender } = context;
  const newest = Math.max(0, ...entries.map(({ releasedAt }) => releasedAt.getTime()));
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-GB">',
    `<id>${xml(`${origin}/public.atom`)}</id>`,
    `<title>${xml(title)}</title>`,
    `<updated>${new Date(newest).toISOString()}</updated>`,
    `<author><name>${xml(sender)}</name></author>`,
    `<link rel="self" type="application/atom+xml" href="${xml(`${origin}/public.atom`)}"/>`,
    `<link rel="alternate" type="text/html" href="${xml(`${origin}/public`)}"/>`,
    ...entries.map((entry) => entryOf(entry, context)),
    '</feed>',
    '',
  ].join('\n');
}

function entryOf(entry: PublicEntry, { origin, labelOf }: FeedContext): string {
  const address = xml(`${origin}/${entry.alertNumber}`);
  const severity = labelOf(entry.severity);
  const word = entry.kind === 'first' ? severity.toUpperCase() : wordOf(entry.kind);
  return [
    '<entry>',
    `<id>${address}</id>`,
    `<title>${xml(`${entry.alertNumber} ${word}: ${entry.title}`)}</title>`,
    `<published>${entry.firstReleasedAt.toISOString()}</published>`,
    `<updated>${entry.releasedAt.toISOString()}</updated>`,
    `<link rel="alternate" type="text/html" href="${address}"/>`,
    `<category term="${xml(entry.severity)}" label="${xml(severity)}"/>`,
    `<rights>TLP:${entry.marking}</rights>`,
    `<summary>${xml([entry.what, entry.doNow, entry.ifActed].filter(Boolean).join(' – '))}</summary>`,
    `<content type="html">${xml(contentOf(entry))}</content>`,
    '</entry>',
  ].join('\n');
}

function contentOf({ what, doNow, ifActed, body }: PublicEntry): string {
  const now = doNow === '' ? '' : `<h2>Do now</h2><p><strong>${xml(doNow)}</strong></p>`;
  const acted = ifActed === '' ? '' : `<h2>If you acted already</h2><p>${xml(ifActed)}</p>`;
  return [`<h2>What is happening</h2><p>${xml(what)}</p>`, now, acted, renderMarkdown(body)].join(
    '',
  );
}

/** What XML 1.0 knows no place for: most control characters, halves of surrogates, two others. */
const NOT_IN_XML = /[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function xml(text: string): string {
  return text.replaceAll(NOT_IN_XML, '').replaceAll(/[&<>"]/g, (sign) => entities[sign]!);
}
