import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import nunjucks from 'nunjucks';
import { handleMail } from './mail-page.ts';
import type { PageCall } from './page-call.ts';
import { handlePhones } from './phones-page.ts';
import type { Simulation } from './simulation.ts';

export type Pages = {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
};

type Asset = { readonly type: string; readonly bytes: Buffer; readonly zipped: Buffer };

const FORM_LIMIT_BYTES = 64 * 1024;
/** The one picture the design system's style sheet asks for on our pages. */
const SEARCH_ICON = '/assets/images/nhsuk-icon-cross.svg';
const HERE = import.meta.dirname;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The pages for people: `/phones` and `/mail`. */
export function createPages(simulation: Simulation): Pages {
  const assets = loadAssets();
  const version = createHash('sha256');
  for (const asset of assets.values()) version.update(asset.bytes);
  const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(join(HERE, 'views')), {
    autoescape: true,
    throwOnUndefined: true,
  });
  environment.addGlobal('assetVersion', version.digest('hex').slice(0, 8));
  environment.addGlobal('serviceName', simulation.settings.serviceName);

  return {
    async handle(request, response) {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const asset = assets.get(pathname);
      if (asset !== undefined) {
        sendAsset(request, response, asset);
        return;
      }
      await handlePage({
        simulation,
        request,
        response,
        path: pathname,
        query: searchParams,
        render: (template, context, status = 200) =>
          sendHtml(response, status, environment.render(template, context)),
        redirect: (location) => response.writeHead(303, { location }).end(),
        form: () => readForm(request),
      });
    },
  };
}

async function handlePage(call: PageCall): Promise<void> {
  try {
    if (call.path === '/') call.redirect('/phones');
    else if (call.path === '/favicon.ico') call.response.writeHead(204).end();
    else if (await handlePhones(call)) return;
    else if (await handleMail(call)) return;
    else call.render('not-found.njk', { current: '' }, 404);
  } catch (error) {
    call.response.writeHead(500, { 'content-type': 'text/plain' });
    call.response.end('The simulator failed on this page; see its log.\n');
    process.stderr.write(`${String((error as Error).stack)}\n`);
  }
}

function sendHtml(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': POLICY,
    'cache-control': 'no-store',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  });
  response.end(html);
}

function sendAsset(request: IncomingMessage, response: ServerResponse, asset: Asset): void {
  const zips = (request.headers['accept-encoding'] ?? '').includes('gzip');
  response.writeHead(200, {
    'content-type': asset.type,
    'cache-control': 'public, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
    ...(zips ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(zips ? asset.zipped : asset.bytes);
}

function loadAssets(): Map<string, Asset> {
  const css = 'text/css; charset=utf-8';
  return new Map([
    ['/_assets/base.css', toAsset(css, baseCss())],
    ['/_assets/simulator.css', toAsset(css, readOwn('simulator.css'))],
    ['/_assets/live.js', toAsset('text/javascript; charset=utf-8', readOwn('live.js'))],
    ['/_assets/icon.svg', toAsset('image/svg+xml', readOwn('icon.svg'))],
    [SEARCH_ICON, toAsset('image/svg+xml', readDesignSystem(SEARCH_ICON.slice(1)))],
  ]);
}

function toAsset(type: string, text: string): Asset {
  const bytes = Buffer.from(text);
  return { type, bytes, zipped: gzipSync(bytes) };
}

function readOwn(name: string): string {
  return readFileSync(join(HERE, 'assets', name), 'utf8');
}

/** The design system without its typeface, which would be fetched from another site. */
function baseCss(): string {
  return readDesignSystem('nhsuk-frontend.min.css')
    .replace(/@font-face\{[^}]*\}/g, '')
    .replaceAll('Frutiger W01,', '');
}

function readDesignSystem(name: string): string {
  const root = dirname(createRequire(import.meta.url).resolve('nhsuk-frontend/package.json'));
  return readFileSync(join(root, 'dist/nhsuk', name), 'utf8');
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length <= FORM_LIMIT_BYTES) chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
