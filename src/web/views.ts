/**
 * Templates: `src/<slice>/views/<name>.njk` under the name `<slice>/<name>.njk`, and the macros of
 * nhsuk-frontend as `nhsuk/…`. All of ours are compiled when the server starts, so that a broken
 * one stops the start and not a page at three in the morning.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import nunjucks from 'nunjucks';
import { dialled, spacedNumber } from '#kernel/phone-number.ts';
import { nhsukTemplates, sliceNames, type Assets } from './assets.ts';
import {
  ago,
  clockOrDate,
  clockSeconds,
  clockTime,
  dateOnly,
  dateTime,
  due,
  duration,
} from './times.ts';

export type Views = {
  /** HTML of a template. Throws where it prints a name that the model does not hold. */
  render(template: string, model: object): string;
  readonly names: readonly string[];
};

export function loadViews(sourceFolder: string, assets: Assets): Views {
  const names = templateNames(sourceFolder);
  const environment = new nunjucks.Environment(new SliceLoader(sourceFolder), {
    autoescape: true,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  addFilters(environment);
  environment.addGlobal('asset', (name: string) => assets.url(name));
  for (const name of names) {
    environment.getTemplate(name, true);
    checkReferences(sourceFolder, name);
  }
  return { names, render: (template, model) => environment.render(template, model) };
}

class SliceLoader extends nunjucks.Loader implements nunjucks.ILoader {
  readonly #sourceFolder: string;

  constructor(sourceFolder: string) {
    super();
    this.#sourceFolder = sourceFolder;
  }

  getSource(name: string): nunjucks.LoaderSource {
    const file = templateFile(this.#sourceFolder, name);
    return { src: readFileSync(file, 'utf8'), path: file, noCache: false };
  }
}

const NAME = /^([a-z-]+)\/([a-z0-9/-]+\.njk)$/;

function templateFile(sourceFolder: string, name: string): string {
  const [, slice, rest] = NAME.exec(name) ?? [];
  if (slice === undefined || rest === undefined) throw new Error(`template name "${name}"`);
  const file =
    slice === 'nhsuk'
      ? path.join(nhsukTemplates, name)
      : path.join(sourceFolder, slice, 'views', rest);
  if (!existsSync(file)) throw new Error(`no template "${name}"`);
  return file;
}

function templateNames(sourceFolder: string): string[] {
  return sliceNames(sourceFolder).flatMap((slice) => {
    const folder = path.join(sourceFolder, slice, 'views');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((file) => file.endsWith('.njk'))
      .map((file) => `${slice}/${file}`);
  });
}

/** Nunjucks looks for extended and imported templates only when it prints; we look at start. */
function checkReferences(sourceFolder: string, name: string): void {
  const source = readFileSync(templateFile(sourceFolder, name), 'utf8');
  for (const [, , target] of source.matchAll(
    /\{%-?\s*(extends|from|import|include)\s+"([^"]+)"/g,
  )) {
    try {
      templateFile(sourceFolder, target ?? '');
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** `{{ at | clock }}` and kin print `<time datetime="…">`; see views/README in web/README.md. */
function addFilters(environment: nunjucks.Environment): void {
  const timeTag =
    (words: (at: Date, now: Date) => string, live?: string) => (at: Date, now: Date) =>
      timeElement(at, words(at, now), live);
  environment.addFilter('clock', timeTag(clockTime));
  environment.addFilter('clockSeconds', timeTag(clockSeconds));
  environment.addFilter('date', timeTag(dateOnly));
  environment.addFilter('dateTime', timeTag(dateTime));
  environment.addFilter('clockOrDate', timeTag(clockOrDate));
  environment.addFilter('due', timeTag(due, 'due'));
  environment.addFilter('ago', timeTag(ago, 'ago'));
  environment.addFilter('duration', (milliseconds: number) => duration(milliseconds));
  environment.addFilter('spaced', spacedNumber);
  environment.addFilter('dialled', dialled);
  environment.addFilter('number', (value: number) => value.toLocaleString('en-GB'));
  environment.addFilter(
    'plural',
    (count: number, one: string, many: string) =>
      `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`,
  );
}

/** `live` names how relative-time.js keeps the words fresh. All parts are ours, so it is safe. */
function timeElement(
  at: Date,
  words: string,
  live: string | undefined,
): nunjucks.runtime.SafeString {
  const iso = at.toISOString();
  const refresh = live === undefined ? '' : ` data-time="${live}" title="${dateTime(at)}"`;
  return new nunjucks.runtime.SafeString(`<time datetime="${iso}"${refresh}>${words}</time>`);
}
