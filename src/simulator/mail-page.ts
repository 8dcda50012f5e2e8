import { type MailEntry, isSmtp } from './mailbox.ts';
import { escapeHtml, markdownToHtml } from './markdown.ts';
import { paginate, showTime } from './page-links.ts';
import type { PageCall } from './page-call.ts';
import { localPartOf } from './send.ts';
import type { Simulation } from './simulation.ts';

const MAILS_A_PAGE = 50;
const MOST_LINKS = 10;

type Content = {
  readonly text: string;
  readonly html: string | null;
  readonly attachments: readonly string[];
};

/** The page of a mail's HTML part: no script, no request to anywhere, in a frame without rights. */
const FRAME_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "frame-ancestors 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  'sandbox',
].join('; ');

/** Answers `/mail` and what is below it; false for any other path. */
export async function handleMail(call: PageCall): Promise<boolean> {
  const { path, simulation } = call;
  if (path === '/mail') {
    showList(call);
    return true;
  }
  const match = /^\/mail\/([0-9a-f-]{36})(\/html)?$/.exec(path);
  const entry = match === null ? undefined : findEntry(simulation, match[1]!);
  if (entry === undefined) return false;
  const content = await readContent(entry);
  if (match![2] === undefined) showMail(call, entry, content);
  else sendFrame(call, content);
  return true;
}

function showList({ simulation, query, render }: PageCall): void {
  const search = (query.get('search') ?? '').trim();
  const found = simulation.mailbox.search(search);
  const { shown, links } = paginate(found, MAILS_A_PAGE, query);
  render('mail.njk', {
    current: 'mail',
    search,
    found: found.length,
    total: simulation.mailbox.count,
    mails: shown.map((entry) => toView(simulation, entry)),
    links,
  });
}

function showMail({ simulation, render }: PageCall, entry: MailEntry, content: Content): void {
  render('mail-one.njk', {
    current: 'mail',
    mail: toView(simulation, entry),
    text: content.text,
    hasHtml: content.html !== null,
    attachments: content.attachments,
    links: linksIn(content),
  });
}

function sendFrame({ response }: PageCall, content: Content): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': FRAME_POLICY,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(content.html ?? `<!doctype html><pre>${escapeHtml(content.text)}</pre>`);
}

function findEntry(simulation: Simulation, id: string): MailEntry | undefined {
  const smtp = simulation.mailbox.findSmtp(id);
  if (smtp !== undefined) return smtp;
  const row = simulation.notifications.find(id);
  return row?.channel === 'email' ? row : undefined;
}

const STATUS_TAGS: Readonly<Record<string, { text: string; kind: string }>> = {
  delivered: { text: 'Delivered', kind: 'good' },
  created: { text: 'On its way', kind: 'waiting' },
  sending: { text: 'On its way', kind: 'waiting' },
};

function toView(simulation: Simulation, entry: MailEntry): object {
  const nowMs = simulation.settings.now();
  if (isSmtp(entry)) {
    return {
      id: entry.id,
      via: 'SMTP',
      from: entry.from === '' ? entry.envelopeFrom : entry.from,
      to: entry.envelopeTo.join(', '),
      subject: entry.subject === '' ? '(no subject)' : entry.subject,
      time: showTime(entry.at, nowMs),
      tag: { text: 'Taken', kind: 'good' },
      reference: entry.messageId ?? '',
    };
  }
  return {
    id: entry.id,
    via: 'Notify',
    from: `${localPartOf(simulation.settings.serviceName)}@notifications.service.gov.uk`,
    to: entry.to,
    subject: entry.subject === '' ? '(no subject)' : entry.subject,
    time: showTime(entry.createdAt, nowMs),
    tag: STATUS_TAGS[entry.status] ?? { text: 'Undelivered', kind: 'bad' },
    reference: entry.reference ?? '',
  };
}

async function readContent(entry: MailEntry): Promise<Content> {
  if (!isSmtp(entry)) {
    return { text: entry.body, html: frameHtml(markdownToHtml(entry.body)), attachments: [] };
  }
  if (entry.raw === null) {
    return {
      text: 'This mail is old: its source is in the ledger only.',
      html: null,
      attachments: [],
    };
  }
  const { simpleParser } = await import('mailparser');
  const parsed = await simpleParser(entry.raw, { skipTextToHtml: true });
  return {
    text: parsed.text ?? '',
    html: typeof parsed.html === 'string' ? parsed.html : null,
    attachments: parsed.attachments.map(
      ({ filename, contentType, size }) =>
        `${filename ?? 'unnamed'} (${contentType}, ${size} bytes)`,
    ),
  };
}

/**
 * Web addresses of a mail, for links beside the frame: nothing inside the frame can open a page,
 * and a sign-in link must still be usable.
 */
function linksIn({ text, html }: Content): string[] {
  const inText = text.match(/https?:\/\/[^\s<>"')\]]+/g) ?? [];
  const inHtml = [...(html ?? '').matchAll(/href="(https?:\/\/[^"]+)"/g)].map((match) =>
    match[1]!.replaceAll('&amp;', '&'),
  );
  const all = [...inText, ...inHtml].map((link) => link.replace(/[.,:;]+$/, ''));
  return [...new Set(all)].slice(0, MOST_LINKS);
}

function frameHtml(body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Mail</title><style>
body{font:16px/1.5 arial,sans-serif;margin:16px;color:#212b32;max-width:38em}
h2{font-size:24px}h3{font-size:19px}
blockquote{border-left:8px solid #aeb7bd;margin:16px 0;padding:8px 16px}
a{color:#005eb8}</style>${body}</html>`;
}
