/**
 * A visitor without JavaScript: an HTTP client with a cookie jar that reads every page as strictly
 * as a browser and an auditor together. Whatever a test fetches is checked, so no page needs a test
 * of its own for titles, labels, unique ids or the content security policy.
 */
import assert from 'node:assert/strict';
import type { Document, Element } from 'domhandler';
import { findAll, getAttributeValue as attribute, innerText, isTag } from 'domutils';
import { HtmlValidate, StaticConfigLoader } from 'html-validate';
import { parseDocument } from 'htmlparser2';

export type Values = Readonly<Record<string, string | readonly string[]>>;

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
};

/** A page as fetched, past all checks. */
export type Page = Answer & {
  /** Path and query, after redirects. */
  readonly path: string;
  readonly title: string;
  readonly heading: string;
  /** All visible text, white space folded. */
  readonly text: string;
  /** Text of the first element that fits, such as `.tocsin-notice` or `#total`; '' where none does. */
  textOf(selector: string): string;
  elements(selector: string): readonly Element[];
};

export class PageClient {
  readonly origin: string;
  readonly #cookies = new Map<string, string>();
  #page: Page | undefined;

  constructor(origin: string) {
    this.origin = origin;
  }

  /** The page that was fetched last. */
  get page(): Page {
    assert.ok(this.#page !== undefined, 'no page was fetched yet');
    return this.#page;
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  forgetCookies(): void {
    this.#cookies.clear();
  }

  /** Fetches a page, follows redirects, checks it. `status` is what the last answer must have. */
  async get(path: string, options: { status?: number } = {}): Promise<Page> {
    return await this.#follow(await this.request('GET', path), path, options.status ?? 200);
  }

  /** Follows the link with this text (or beginning with it) on the page fetched last. */
  async click(text: string, options: { status?: number } = {}): Promise<Page> {
    const links = this.page.elements('a').filter((a) => textIn(a).startsWith(text));
    assert.ok(links[0] !== undefined, `no link "${text}" on ${this.page.path}`);
    return await this.get(this.#resolve(attribute(links[0], 'href') ?? ''), options);
  }

  /**
   * Sends the form with this `action`, id (`#id`) or button text. Fields start as the page has them;
   * `values` replaces some and must name fields that exist.
   */
  async submit(
    which: string,
    values: Values = {},
    options: { status?: number } = {},
  ): Promise<Page> {
    const form = this.#form(which);
    const fields = new URLSearchParams(fieldsOf(form, which, values));
    const action = this.#resolve(attribute(form, 'action') ?? this.page.path);
    const answer = await this.request('POST', action, { form: fields });
    return await this.#follow(answer, action, options.status ?? 200);
  }

  /** One exchange as a browser would have it, with cookies, without following or checking. */
  async request(
    method: string,
    path: string,
    options: { form?: URLSearchParams; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Answer> {
    const response = await fetch(new URL(path, this.origin), {
      method,
      redirect: 'manual',
      headers: {
        ...(this.#cookies.size > 0 && { cookie: this.#cookieHeader() }),
        ...(method !== 'GET' && { 'sec-fetch-site': 'same-origin' }),
        ...options.headers,
      },
      ...(options.form !== undefined && { body: options.form }),
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  async #follow(first: Answer, path: string, status: number): Promise<Page> {
    let [answer, here] = [first, path];
    for (let hop = 0; answer.status === 303 || answer.status === 302; hop++) {
      assert.ok(hop < 5, `redirects without end at ${here}`);
      here = this.#resolve(answer.headers.get('location') ?? '');
      answer = await this.request('GET', here);
    }
    assert.equal(answer.status, status, `${here} answered ${answer.status}: ${brief(answer.body)}`);
    this.#page = readPage(answer, here);
    return this.#page;
  }

  #form(which: string): Element {
    const forms = this.page.elements('form').filter((form) => attribute(form, 'method') === 'post');
    const fits = (form: Element) =>
      which.startsWith('#')
        ? attribute(form, 'id') === which.slice(1)
        : attribute(form, 'action') === which ||
          select(form, 'button').some((button) => textIn(button).startsWith(which));
    const found = forms.filter(fits);
    assert.ok(found[0] !== undefined, `no form "${which}" on ${this.page.path}`);
    return found[0];
  }

  #resolve(href: string): string {
    const url = new URL(href, new URL(this.#page?.path ?? '/', this.origin));
    assert.equal(url.origin, new URL(this.origin).origin, `leads away: ${url.href}`);
    return url.pathname + url.search;
  }

  #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const [name = '', value = ''] = pair.split('=');
    const isOver = attributes.some((one) => /^(max-age=0|expires=thu, 01 jan 1970.*)$/i.test(one));
    if (isOver) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}

/** Checks an HTML answer and reads it. Throws with every fault found on the page. */
export function readPage(answer: Answer, path: string): Page {
  const type = answer.headers.get('content-type') ?? '';
  assert.match(type, /^text\/html/, `${path} is ${type}, not a page: ${brief(answer.body)}`);
  const document = parseDocument(answer.body);
  const faults = [...markupFaults(answer.body), ...pageFaults(document), ...policyFaults(answer)];
  assert.deepEqual(faults, [], `${path} has faults`);
  const elements = (selector: string) => select(document, selector);
  const main = elements('main')[0];
  return {
    ...answer,
    path,
    elements,
    title: textIn(elements('title')[0]),
    heading: textIn(elements('h1')[0]),
    text: textIn(main ?? document),
    textOf: (selector) => textIn(elements(selector)[0]),
  };
}

const validator = new HtmlValidate(
  new StaticConfigLoader({
    root: true,
    extends: ['html-validate:standard'],
    rules: {
      'no-inline-style': 'error',
      'require-csp-nonce': 'error',
      'no-dup-id': 'error',
      'input-missing-label': 'error',
      // nhsuk-frontend writes these on purpose, for older browsers and readers.
      'no-redundant-role': 'off',
      'long-title': 'off',
      'prefer-native-element': 'off',
      'require-sri': 'off',
      'tel-non-breaking': 'off',
      // The charset is first in our head; the rule is about files without headers.
      'valid-autocomplete': 'error',
    },
  }),
);

function markupFaults(body: string): string[] {
  const report = validator.validateStringSync(body);
  return report.results.flatMap(({ messages }) =>
    messages.map((one) => `${one.ruleId} at ${one.line}: ${one.message}`),
  );
}

function pageFaults(document: Document): string[] {
  const faults: string[] = [];
  const check = (isRight: boolean, fault: string) => isRight || faults.push(fault);
  const one = (selector: string) => select(document, selector);
  check(attribute(one('html')[0] ?? asElement(document), 'lang') === 'en', 'html without lang');
  check(one('h1').length === 1, `${one('h1').length} h1 instead of one`);
  const [title, heading] = [textIn(one('title')[0]), textIn(one('h1')[0])];
  check(title.includes(heading), `title "${title}" does not hold the h1 "${heading}"`);
  for (const form of one('form')) {
    check(attribute(form, 'action') !== undefined, 'form without action');
    check(/^(get|post)$/.test(attribute(form, 'method') ?? ''), 'form without method');
  }
  const ids = new Set(one('*').map((element) => attribute(element, 'id')));
  for (const link of one('a')) {
    const href = attribute(link, 'href') ?? '';
    check(href !== '', `link "${textIn(link)}" leads nowhere`);
    check(!href.startsWith('#') || ids.has(href.slice(1)), `link to ${href}, which is not there`);
    check(textIn(link) !== '' || attribute(link, 'aria-label') !== undefined, 'link without text');
  }
  for (const button of one('button')) check(textIn(button) !== '', 'button without text');
  for (const element of one('*')) {
    for (const name of Object.keys(element.attribs)) {
      check(name !== 'style' && !name.startsWith('on'), `<${element.name} ${name}=…>`);
    }
  }
  return faults;
}

/** The NHS logo's path data begins so; no page may draw it. */
const NHS_LOGO = 'M200 0v80H0V0h200Z';

function policyFaults({ headers, body }: Answer): string[] {
  const faults: string[] = [];
  const policy = headers.get('content-security-policy') ?? '';
  if (!policy.includes("default-src 'none'")) faults.push('no content security policy');
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
  for (const [script] of body.matchAll(/<script\b[^>]*>/g)) {
    if (!script.includes(`nonce="${nonce}"`)) faults.push(`not this answer's nonce: ${script}`);
  }
  for (const header of [
    'x-content-type-options',
    'referrer-policy',
    'cross-origin-opener-policy',
  ]) {
    if (!headers.has(header)) faults.push(`no ${header}`);
  }
  for (const foreign of ['nhs.uk', 'Frutiger', NHS_LOGO, 'undefined', '[object Object]']) {
    if (body.includes(foreign)) faults.push(`the page holds "${foreign}"`);
  }
  return faults;
}

/** Name and value pairs that a browser would send, with `values` put in. */
function fieldsOf(form: Element, which: string, values: Values): [string, string][] {
  const controls = select(form, 'input,textarea,select,button').filter((one) =>
    attribute(one, 'name'),
  );
  const names = new Set(controls.map((control) => attribute(control, 'name')));
  for (const name of Object.keys(values)) {
    assert.ok(names.has(name), `form "${which}" has no field "${name}"`);
  }
  const kept = controls
    .filter((control) => !((attribute(control, 'name') ?? '') in values))
    .flatMap((control): [string, string][] => {
      const value = valueOf(control);
      return value === undefined ? [] : [[attribute(control, 'name') ?? '', value]];
    });
  const typed = Object.entries(values).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one): [string, string] => [name, one]),
  );
  return [...kept, ...typed];
}

function valueOf(control: Element): string | undefined {
  const type = attribute(control, 'type') ?? '';
  if (control.name === 'button' || type === 'submit' || type === 'file') return undefined;
  if (control.name === 'textarea') return innerText(control).replace(/^\n/, '');
  if (control.name === 'select') {
    const options = select(control, 'option');
    const chosen = options.find((one) => 'selected' in one.attribs) ?? options[0];
    return chosen && (attribute(chosen, 'value') ?? textIn(chosen));
  }
  if ((type === 'checkbox' || type === 'radio') && !('checked' in control.attribs))
    return undefined;
  return attribute(control, 'value') ?? (type === 'checkbox' ? 'on' : '');
}

/** Names, `.class`, `#id`, `[attribute]` or `[attribute="value"]`, one or several with commas. */
function select(root: Document | Element, selector: string): Element[] {
  const tests = selector.split(',').map((part) => matcher(part.trim()));
  return findAll((element) => tests.some((test) => test(element)), root.children);
}

function matcher(selector: string): (element: Element) => boolean {
  if (selector === '*') return () => true;
  const [, name = '', kind = '', rest = ''] =
    /^([a-z0-9]*)(?:([.#[])(.+))?$/.exec(selector) ?? assert.fail(`selector ${selector}`);
  const isNamed = (element: Element) => name === '' || element.name === name;
  if (kind === '#') return (one) => isNamed(one) && attribute(one, 'id') === rest;
  if (kind === '.') {
    return (one) => isNamed(one) && (attribute(one, 'class') ?? '').split(/\s+/).includes(rest);
  }
  if (kind === '[') {
    const [, key = '', value] = /^([a-z-]+)(?:="([^"]*)")?\]$/.exec(rest) ?? [];
    return (one) =>
      isNamed(one) && key in one.attribs && (value === undefined || one.attribs[key] === value);
  }
  return isNamed;
}

function textIn(node: Document | Element | undefined): string {
  if (node === undefined) return '';
  if (isTag(node) && /^(script|style|template)$/.test(node.name)) return '';
  return innerText(node).replaceAll(/\s+/g, ' ').trim();
}

function asElement(document: Document): Element {
  return findAll(() => true, document.children)[0] ?? assert.fail('an empty page');
}

function brief(body: string): string {
  return body
    .replaceAll(/<(script|style|head)[\s\S]*?<\/\1>|<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 300);
}
