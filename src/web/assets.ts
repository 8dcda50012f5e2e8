/**
 * Style sheets, scripts and icons: read, hashed and compressed once at start, served from memory.
 * The hash is in the path, so a browser keeps a file for ever and never mixes two releases.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { themedCss } from './theme.ts';

export type Asset = {
  readonly type: string;
  readonly hash: string;
  readonly bodies: Readonly<Record<'br' | 'gzip' | 'identity', Uint8Array>>;
};

export type Assets = {
  /** `/assets/<hash>/<name>`; throws for a name that does not exist, so a template fails early. */
  url(name: string): string;
  find(name: string): Asset | undefined;
};

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** How a script of ours imports another one: by its name, which becomes its address. */
const IMPORT = "from '/assets/";

const nhsuk = path.dirname(fileURLToPath(import.meta.resolve('nhsuk-frontend/package.json')));
const nhsukDist = path.join(nhsuk, 'dist', 'nhsuk');

/** The slices below `src`. The simulator is a program of its own, with pages of its own. */
export function sliceNames(sourceFolder: string): string[] {
  return readdirSync(sourceFolder, { withFileTypes: true })
    .filter(
      (entry) => (entry.isDirectory() || entry.isSymbolicLink()) && entry.name !== 'simulator',
    )
    .map((entry) => entry.name);
}

/** The folder that templates named `nhsuk/…` come from. */
export const nhsukTemplates = path.join(nhsuk, 'dist');

/**
 * Every file of `src/<slice>/assets`, named `<slice>/<file>` (those of `web` by file name alone),
 * and what we use of nhsuk-frontend.
 */
export async function loadAssets(sourceFolder: string): Promise<Assets> {
  const found = new Map<string, Asset>();
  const add = async (name: string, body: Uint8Array) => found.set(name, await prepare(name, body));
  const files = sliceFiles(sourceFolder).map(({ name, file }) => ({
    name,
    body: readFileSync(file),
  }));
  // Scripts that others import come first, because their hashes stand in those.
  const [importing, others] = [
    files.filter(({ body }) => body.includes(IMPORT)),
    files.filter(({ body }) => !body.includes(IMPORT)),
  ];
  await Promise.all([
    ...others.map(({ name, body }) => add(name, body)),
    ...nhsukIcons().map(({ name, file }) => add(name, readFileSync(file))),
    add('nhsuk-frontend.js', readFileSync(path.join(nhsukDist, 'nhsuk-frontend.min.js'))),
  ]);
  const url = (name: string) => {
    const asset = found.get(name);
    if (asset === undefined) throw new Error(`no asset "${name}"`);
    return `/assets/${asset.hash}/${name}`;
  };
  for (const { name, body } of importing)
    await add(name, Buffer.from(withImports(body.toString('utf8'), url)));
  const css = readFileSync(path.join(nhsukDist, 'nhsuk-frontend.min.css'), 'utf8');
  await add('nhsuk-frontend.css', Buffer.from(withUrls(themedCss(css), url)));
  return { url, find: (name) => found.get(name) };
}

function withImports(script: string, url: (name: string) => string): string {
  return script.replaceAll(
    /(?<=^import .* from ')\/assets\/([a-z-]+\.js)(?=';$)/gm,
    (_, name: string) => url(name),
  );
}

function withUrls(css: string, url: (name: string) => string): string {
  return css.replaceAll(/\/assets\/images\/([a-z-]+\.svg)/g, (_, name: string) => url(name));
}

/** Only the plain icons that the style sheet names; logos and favicons of the NHS stay away. */
function nhsukIcons(): { name: string; file: string }[] {
  const folder = path.join(nhsukDist, 'assets', 'images');
  return readdirSync(folder)
    .filter((name) =>
      /^nhsuk-icon-(arrow|chevron|cross|minus|plus|search|tick|user).*\.svg$/.test(name),
    )
    .map((name) => ({ name, file: path.join(folder, name) }));
}

function sliceFiles(sourceFolder: string): { name: string; file: string }[] {
  return sliceNames(sourceFolder).flatMap((slice) => {
    const folder = path.join(sourceFolder, slice, 'assets');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((file) => path.extname(file) in TYPES)
      .map((file) => ({
        name: slice === 'web' ? file : `${slice}/${file}`,
        file: path.join(folder, file),
      }));
  });
}

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

async function prepare(name: string, identity: Uint8Array): Promise<Asset> {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  const [br, gzipped] = await Promise.all([
    compressBrotli(identity, quality),
    compressGzip(identity, { level: 9 }),
  ]);
  return {
    type: TYPES[path.extname(name)] ?? 'application/octet-stream',
    hash: createHash('sha256').update(identity).digest('hex').slice(0, 12),
    bodies: { br, gzip: gzipped, identity },
  };
}

/** The smallest form that the browser says it takes. */
export function chooseEncoding(accepted: string | undefined): keyof Asset['bodies'] {
  if (accepted === undefined) return 'identity';
  if (/\bbr\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(accepted)) return 'br';
  return takesGzip(accepted) ? 'gzip' : 'identity';
}

export function takesGzip(accepted = ''): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(accepted);
}
