/** What is wrong with an answer to a request that was, or may have been, wrong. */
import { readFileSync } from 'node:fs';
import type { Route } from '#web/index.ts';
import type { Received, Sent } from './wire.ts';

const { dependencies } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { dependencies: Record<string, string> };

/** What we are made of, and where: of no use to who reads it, but to who attacks. */
const INTERNAL: readonly RegExp[] = [
  /\n\s+at \S/,
  /\.[cm]?[jt]s:\d/,
  /node:internal|node_modules|file:\/\//,
  /\/(?:work|src|usr|home|tmp|var|root)\/\w/,
  /\b(?:select|insert into|update|delete from)\b[^.<]{1,80}\b(?:from|set|values|where)\b [a-z_]+[._]/i,
  /\b(?:SQLSTATE|ECONN\w+|ERR_\w+|FST_\w+|PostgreSQL|postgres)\b/i,
  /\b(?:violates|invalid input syntax|duplicate key|constraint "|relation "|column ")/,
  /\b(?:Type|Range|Syntax|Reference|Zod|Assertion)Error\b/,
  /\[object |\bundefined\b|\bNaN\b/,
];

const packages = Object.keys(dependencies)
  // The rules are written in YAML, and the sheet of styles is called by its name: no secrets.
  .filter((name) => name !== 'yaml' && name !== 'nhsuk-frontend')
  .map((name) => new RegExp(`\\b${name.replaceAll(/[/.@]/g, '\\$&')}\\b`));

const FAULT = 500;

export function faultOf(route: Route, sent: Sent, got: Received): string | undefined {
  if (got.status >= FAULT) return `answers ${got.status}`;
  if (got.status < 200) return `answers ${got.status}`;
  if (got.status < 400) return undefined;
  // A nonce is random letters, and now and then they are the name of a package.
  const leak = leakIn(got.body.replaceAll(/ nonce="[^"]*"/g, ''), sent);
  if (leak !== undefined) return `${got.status} tells of its inside: ${leak}`;
  if (got.headers['x-content-type-options'] !== 'nosniff') return 'without its headers';
  return wrongShape(route, got);
}

/** A page for people, a problem detail for programs (RFC 9457); callbacks say it in one word. */
function wrongShape({ kind, path }: Route, { status, headers, body }: Received) {
  const type = headers['content-type'] ?? '';
  const isForPrograms = kind === 'api' || kind === 'callback';
  if (!isForPrograms && !type.startsWith('text/html')) {
    // Scripts of our own pages post these and read the answer.
    return type.startsWith('application/json') ? undefined : `${status} as ${type}`;
  }
  if (!isForPrograms) return /<title>\S/.test(body) ? undefined : `${status} without a title`;
  const said = parsed(body);
  if (typeof said !== 'object' || said === null) return `${status} is no JSON`;
  if (kind === 'callback') return undefined;
  if (!type.startsWith('application/problem+json')) return `${status} as ${type} of ${path}`;
  return (said as { status?: unknown }).status === status ? undefined : 'another status inside';
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** Not what was sent itself: a form comes back as it was typed. */
function leakIn(body: string, sent: Sent): string | undefined {
  const typed = decodeURIComponent(
    `${sent.path} ${String(sent.body ?? '')}`
      .replaceAll('+', ' ')
      .replaceAll(/%(?![0-9A-Fa-f]{2})/g, '%25')
      .replaceAll(/%[89A-Fa-f][0-9A-Fa-f]/g, ''),
  );
  for (const pattern of [...INTERNAL, ...packages]) {
    const found = pattern.exec(body);
    if (found !== null && !typed.includes(found[0].trim()))
      return body.slice(Math.max(0, found.index - 60), found.index + 60);
  }
  return undefined;
}
