/**
 * The list of routes for review: `METHOD path access kind`, `fresh` where it asks for a fresh
 * proof, and a reason for each that anybody may call.
 * `node_modules/.bin/node test/guards/routes.ts` writes test/guards/routes.txt anew and keeps the
 * reasons.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { productRoutes, type Product } from '#main/wiring.ts';
import { loadOperatingModel } from '#operating-model/index.ts';
import type { Route } from '#web/index.ts';
import { root } from './repository.ts';

const ROUTES_FILE = join(root, 'test/guards/routes.txt');

const HEADING = [
  '# Every route of the product. Written by: node_modules/.bin/node test/guards/routes.ts',
  '# Those that anybody may call come first; each says why, and this is where that is reviewed.',
];
const NO_REASON = 'REASON MISSING';

type Listed = Pick<Route, 'method' | 'path' | 'access' | 'kind' | 'fresh'>;

export function isOpen(route: Listed): boolean {
  return ['public', 'nobody', 'callback'].some((open) => open === route.access);
}

/** The file as it should be, with the reasons that `current` gives. */
export function printRoutes(routes: readonly Listed[], current: string): string {
  const reasons = reasonsIn(current);
  const lines = routes.map((route) => {
    const access = [route.access].flat().join('|');
    const proof = route.fresh ? ' fresh' : '';
    const line = `${route.method.padEnd(6)} ${route.path} ${access} ${route.kind}${proof}`;
    return { line, open: isOpen(route) };
  });
  const byPath = (a: { line: string }, b: { line: string }) => (a.line < b.line ? -1 : 1);
  const open = lines.filter(({ open }) => open).toSorted(byPath);
  const closed = lines.filter(({ open }) => !open).toSorted(byPath);
  return [
    ...HEADING,
    ...open.map(({ line }) => `${line}  # ${reasons.get(line) ?? NO_REASON}`),
    '',
    ...closed.map(({ line }) => line),
    '',
  ].join('\n');
}

/** Lines of routes that anybody may call and nobody has given a reason for. */
export function findUnexplained(file: string): string[] {
  return file.split('\n').filter((line) => line.endsWith(`# ${NO_REASON}`));
}

function reasonsIn(file: string): Map<string, string> {
  const lines = file.split('\n').filter((line) => !line.startsWith('#') && line.includes('  # '));
  return new Map(lines.map((line) => line.split('  # ') as [string, string]));
}

/** Routes that answer the same method and path; parameters have no name here. */
export function findTwice(routes: readonly Listed[]): string[] {
  const keys = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, ':')}`);
  return [...new Set(keys.filter((key, i) => keys.indexOf(key) !== i))];
}

export function readRoutesFile(): string {
  try {
    return readFileSync(ROUTES_FILE, 'utf8');
  } catch {
    return '';
  }
}

/** The routes of every slice, as `src/main/wiring.ts` hands them to the server; nothing is called. */
export async function loadRoutes(): Promise<readonly Route[]> {
  const model = await loadOperatingModel(join(root, 'operating-model.yaml'));
  if (!model.ok) throw new Error(model.message);
  const installation = { id: '', kind: 'live', createdAt: new Date(0) } as const;
  const unused = { database: {}, seals: {}, live: {}, passkeyDomain: 'localhost' } as Product;
  const rules = { model: model.value, modelFile: '' };
  return productRoutes({ ...unused, ...rules, installation, origin: 'http://localhost' });
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(ROUTES_FILE, printRoutes(await loadRoutes(), readRoutesFile()));
}
