/**
 * A real browser for tests of what only a browser does: scripts, layout, accessibility. Chromium
 * comes from npm, so a bare clone needs no apt; where it cannot run, the test says so and skips.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire, findPackageJSON } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Browser, type Page as BrowserPage } from 'playwright-core';

export type { Browser, BrowserPage };

/** Not the package's own arguments: they switch off the security that pages are tested for. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

export type BrowserOrReason =
  | { readonly browser: Browser; readonly reason?: undefined }
  | { readonly browser?: undefined; readonly reason: string };

/**
 * A browser, or the reason why there is none, for `t.skip(reason)`. `TOCSIN_CHROMIUM` names another
 * executable and must then work.
 */
export async function openBrowser(): Promise<BrowserOrReason> {
  const given = process.env['TOCSIN_CHROMIUM'];
  if (given) return { browser: await launch(given) };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { reason: 'no Chromium from npm for this platform: set TOCSIN_CHROMIUM to one' };
  }
  const executable = await unpackedChromium();
  try {
    return { browser: await launch(executable) };
  } catch (error) {
    const [why] = (error as Error).message.split('\n');
    return { reason: `Chromium does not start here (${why}): set TOCSIN_CHROMIUM to one` };
  }
}

async function launch(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: ARGUMENTS, headless: true });
}

/** Temporary files of this checkout's browser: pictures too. */
export function browserFolder(): string {
  const checkout = createHash('sha256')
    .update(import.meta.dirname)
    .digest('hex')
    .slice(0, 8);
  const folder = path.join(os.tmpdir(), `tocsin-browser-${process.getuid?.() ?? 0}-${checkout}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/**
 * Unpacks 209 MB once for each checkout and version. The package trusts any file called `chromium`
 * in the temporary folder, and two first runs at once would write it together: so each unpacks in a
 * folder of its own, and a rename decides.
 */
async function unpackedChromium(): Promise<string> {
  const manifest = findPackageJSON('@sparticuz/chromium', import.meta.url) ?? '';
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const ready = path.join(browserFolder(), `chromium-${version}`);
  const executable = path.join(ready, 'chromium');
  if (existsSync(executable)) return executable;
  const mine = path.join(browserFolder(), `unpacking-${process.pid}`);
  mkdirSync(mine, { recursive: true });
  const temporary = process.env['TMPDIR'];
  process.env['TMPDIR'] = mine;
  try {
    const { default: packed } = await import('@sparticuz/chromium');
    await packed.executablePath();
  } finally {
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
  }
  try {
    renameSync(mine, ready);
  } catch {
    rmSync(mine, { recursive: true, force: true });
    for (let i = 0; i < 50 && !existsSync(executable); i++) await delay(100);
  }
  return executable;
}

/**
 * Opens a page that fails the test when it breaks the content security policy, throws in a script
 * or asks anything of another host but those in `also`. Call `verify` at the end.
 */
export async function watchedPage(
  browser: Browser,
  origin: string,
  {
    also = [],
    ...options
  }: { readonly javaScriptEnabled?: boolean; readonly also?: readonly string[] } = {},
): Promise<{ page: BrowserPage; verify: () => void }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
  page.on('console', (line) => {
    if (/Content Security Policy|Refused to/.test(line.text())) faults.push(line.text());
  });
  page.on('request', (request) => {
    const asked = new URL(request.url()).origin;
    if (asked !== origin && !also.includes(asked) && !request.url().startsWith('data:')) {
      faults.push(`asked another host: ${request.url()}`);
    }
  });
  return { page, verify: () => assert.deepEqual(faults, []) };
}

/** Playwright waits for ever for what a page evaluates. */
const EVALUATE_WITHIN_MS = 120_000;

async function answered<T>(page: BrowserPage, expression: string): Promise<T> {
  const late = new AbortController();
  const refusal = delay(EVALUATE_WITHIN_MS, undefined, { signal: late.signal, ref: false }).then(
    () => Promise.reject(new Error(`${page.url()} does not evaluate ${expression.slice(0, 80)}`)),
  );
  try {
    return await Promise.race([page.evaluate<T>(expression), refusal]);
  } finally {
    refusal.catch(() => {});
    late.abort();
  }
}

let axeSource: string | undefined;

type AxeResult = {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
};

/**
 * Fails with every accessibility fault that axe finds. The policy of the page stays on. Contrast is
 * most of what axe costs, and the same at every width of a page.
 */
export async function assertAccessible(
  page: BrowserPage,
  { contrast = true }: { readonly contrast?: boolean } = {},
): Promise<void> {
  const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  axeSource ??= readFileSync(axeFile, 'utf8');
  // It is there already where the page is looked at a second time.
  if (!(await answered<boolean>(page, "'axe' in window"))) await answered(page, axeSource);
  // Only what fails is written out: of what holds, that would be most of the work.
  const result = await answered<AxeResult>(
    page,
    `axe.run({ resultTypes: ['violations'], preload: false, elementRef: false,
      rules: { 'color-contrast': { enabled: ${contrast} } } })`,
  );
  const faults = result.violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join('\n  ')}`,
  );
  assert.deepEqual(faults, [], `${page.url()} is not accessible`);
}

/**
 * Fails where axe finds a fault at 1280 or at 390 pixels, or the page scrolls sideways; leaves it
 * at the width of a phone.
 */
export async function lookAt(page: BrowserPage, name: string): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 900 });
  await assertAccessible(page, { contrast: false });
  await shoot(page, name);
  await assertAccessible(page);
  const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
  assert.equal(await page.evaluate(wide), false, `${name} scrolls sideways at 390`);
}

/**
 * Pictures at 1280 and 390 pixels in the temporary folder, where TOCSIN_PICTURES asks for them;
 * leaves the page at the last width.
 */
export async function shoot(page: BrowserPage, name: string): Promise<void> {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    if (process.env['TOCSIN_PICTURES'] === undefined) continue;
    const file = path.join(browserFolder(), `${name}-${width}.png`);
    await page.screenshot({ path: file, fullPage: true });
  }
}
