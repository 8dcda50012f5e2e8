/** The feed of public alerts (Atom, RFC 4287). Pure. */
import { renderMarkdown } from '../markdown.ts';
import type { Entry, Section } from '../content/model.ts';
import { wordOf } from './model.ts';
import type { PublicEntry } from './store-public.ts';

export type FeedContext = {
  /** Such as `https://cyber.example`; with the number it is the lasting id of an entry. */
  readonly origin: string;
  readonly title: string;
  readonly sender: string;
  readonly labelOf: (severity: string) => string;
  readonly sections: (entry: PublicEntry) => readonly Section[];
  /** A time as readers see it. */
  readonly formatTime: (at: Date) => string;
};

/** One entry an alert: readers show it again where `updated` moved (section 4.2.15). */
export function atomFeed(entries: readonly PublicEntry[], context: FeedContext): string {
  const { origin, title, sender } = context;
  const newest = Math.max(0, ...entries.map((entry) => changedAt(entry).getTime()));
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

/** When it was closed; null while it holds, and for a withdrawal, which says so itself. */
function endOf({ kind, closedAt }: PublicEntry): Date | null {
  return kind === 'withdrawal' ? null : closedAt;
}

function changedAt(entry: PublicEntry): Date {
  return endOf(entry) ?? entry.releasedAt;
}

function entryOf(entry: PublicEntry, context: FeedContext): string {
  const { origin, labelOf } = context;
  const address = xml(`${origin}/${entry.alertNumber}`);
  const severity = labelOf(entry.severity);
  const standing = entry.kind === 'first' ? severity.toUpperCase() : wordOf(entry.kind);
  const word = endOf(entry) === null ? standing : 'CLOSED';
  return [
    '<entry>',
    `<id>${address}</id>`,
    `<title>${xml(`${entry.alertNumber} ${word}: ${entry.title}`)}</title>`,
    `<published>${entry.firstReleasedAt.toISOString()}</published>`,
    `<updated>${changedAt(entry).toISOString()}</updated>`,
    `<link rel="alternate" type="text/html" href="${address}"/>`,
    `<category term="${xml(entry.severity)}" label="${xml(severity)}"/>`,
    `<rights>TLP:${entry.marking}</rights>`,
    `<summary>${xml([entry.what, entry.doNow, entry.ifActed].filter(Boolean).join(' – '))}</summary>`,
    `<content type="html">${xml(contentOf(entry, context))}</content>`,
    '</entry>',
  ].join('\n');
}

/** The words of the page, in its order, as HTML. */
function contentOf(entry: PublicEntry, { origin, sections, formatTime }: FeedContext): string {
  const { kind, state, what, doNow, ifActed, notKnown, nextUpdateAt, body } = entry;
  const said = (label: string, html: string) => (html === '' ? '' : `<h2>${label}</h2>${html}`);
  const paragraph = (text: string) => (text === '' ? '' : `<p>${xml(text)}</p>`);
  const more = kind === 'withdrawal' ? [] : sections(entry);
  const end = endOf(entry);
  return [
    end === null ? '' : paragraph(`CLOSED ${formatTime(end)}. No more answers are chased.`),
    said('What is happening', paragraph(what)),
    said('Do now', doNow === '' ? '' : `<p><strong>${xml(doNow)}</strong></p>`),
    said('If you acted already', paragraph(ifActed)),
    said('Not known yet', paragraph(notKnown)),
    nextUpdateAt === null || state === 'closed'
      ? ''
      : paragraph(`Next update by ${formatTime(nextUpdateAt)}.`),
    ...more.map(({ label, entries }) =>
      said(
        xml(label),
        `<ul>${entries.map((one) => `<li>${itemOf(one, origin)}</li>`).join('')}</ul>`,
      ),
    ),
    renderMarkdown(body),
  ].join('');
}

/** Whole addresses, for readers show a feed elsewhere. */
function itemOf({ text, href }: Entry, origin: string): string {
  if (href === undefined) return xml(text);
  return `<a href="${xml(href.startsWith('/') ? origin + href : href)}">${xml(text)}</a>`;
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
