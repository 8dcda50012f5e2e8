/** What every fetched page is held to, and how tests look into it. */
import assert from 'node:assert/strict';
import type { Document, Element } from 'domhandler';
import { findAll, getAttributeValue as attribute, innerText, isTag } from 'domutils';
import { HtmlValidate, StaticConfigLoader } from 'html-validate';
import { parseDocument } from 'htmlparser2';

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

/** Its rules are the same for each page; looked up each time they were half of what a check took. */
class RulesOnce extends StaticConfigLoader {
  #rules: ReturnType<StaticConfigLoader['getConfigFor']> | undefined;

  override getConfigFor(...of: Parameters<StaticConfigLoader['getConfigFor']>) {
    return (this.#rules ??= super.getConfigFor(...of));
  }
}

const validator = new HtmlValidate(
  new RulesOnce({
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

/** Names, `.class`, `#id`, `[attribute]` or `[attribute="value"]`, one or several with commas. */
export function select(root: Document | Element, selector: string): Element[] {
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

export function textIn(node: Document | Element | undefined): string {
  if (node === undefined) return '';
  if (isTag(node) && /^(script|style|template)$/.test(node.name)) return '';
  return innerText(node).replaceAll(/\s+/g, ' ').trim();
}

function asElement(document: Document): Element {
  return findAll(() => true, document.children)[0] ?? assert.fail('an empty page');
}

export function brief(body: string): string {
  return body
    .replaceAll(/<(script|style|head)[\s\S]*?<\/\1>|<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 300);
}
