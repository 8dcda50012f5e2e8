/**
 * A visitor without JavaScript: an HTTP client with a cookie jar that reads every page as strictly
 * as a browser and an auditor together. Whatever a test fetches is checked, so no page needs a test
 * of its own for titles, labels, unique ids or the content security policy.
 */
import assert from 'node:assert/strict';
import type { Element } from 'domhandler';
import { getAttributeValue as attribute, innerText } from 'domutils';
import { nobody, type Actor } from '#kernel/actor.ts';
import { createServer, type ServerOptions, type Session } from '#web/index.ts';
import { brief, readPage, select, textIn, type Answer, type Page } from './page-checks.ts';

export type { Answer, Page } from './page-checks.ts';

export type Files = Readonly<Record<string, { readonly name: string; readonly content: string }>>;

export type Values = Readonly<Record<string, string | readonly string[]>>;

export type Site = {
  /** The address to fetch from; the configured origin is `http://localhost`. */
  readonly address: string;
  /** A new visitor with an empty cookie jar. */
  visitor(): PageClient;
  /** A visitor with the session of this person, where `sessions` was not given. */
  visitorAs(actor: Actor & { kind: 'person' }): PageClient;
  close(): Promise<void>;
};

/** The real server on a free port with these routes; a demonstration unless told. */
export async function startSite(
  options: Partial<ServerOptions> & Pick<ServerOptions, 'routes'>,
): Promise<Site> {
  const people = new Map<string, Actor & { kind: 'person' }>();
  const expiresAt = new Date('2099-01-01');
  const findSession = async (token: string): Promise<Session | undefined> => {
    const actor = people.get(token);
    return actor && { id: token, actor, name: actor.name, expiresAt };
  };
  const server = await createServer({
    installation: { name: 'Test sector', kind: 'demonstration' },
    origin: 'http://localhost',
    sessions: { findSession },
    apiKeys: { findApiKey: async () => nobody },
    log: { info: () => {}, error: (event, fields) => console.error(event, fields) },
    ...options,
  });
  const address = await server.listen({ port: 0 });
  return {
    address,
    visitor: () => new PageClient(address),
    visitorAs(actor) {
      people.set(actor.id, actor);
      const client = new PageClient(address);
      client.setCookie('tocsin', actor.id);
      return client;
    },
    close: () => server.close(),
  };
}

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

  setCookie(name: string, value: string): void {
    this.#cookies.set(name, value);
  }

  forgetCookies(): void {
    this.#cookies.clear();
  }

  /** Fetches a page, follows redirects, checks it. `status` is what the last answer must have. */
  async get(path: string, options: { status?: number } = {}): Promise<Page> {
    return await this.#follow(await this.request('GET', path), path, options.status ?? 200);
  }

  /** Follows the link beginning with this text on the page fetched last; in `main` first. */
  async click(text: string, options: { status?: number } = {}): Promise<Page> {
    const [main] = this.page.elements('main');
    const all = [...(main === undefined ? [] : select(main, 'a')), ...this.page.elements('a')];
    const links = all.filter((a) => textIn(a).startsWith(text));
    assert.ok(links[0] !== undefined, `no link "${text}" on ${this.page.path}`);
    return await this.get(this.#resolve(attribute(links[0], 'href') ?? ''), options);
  }

  /**
   * Sends the form with this `action`, id (`#id`) or button text. Fields are as the page has them;
   * `values` replaces some and must name fields that exist.
   */
  async submit(
    which: string,
    values: Values = {},
    options: { status?: number; files?: Files } = {},
  ): Promise<Page> {
    const form = this.#form(which);
    const isMultipart = attribute(form, 'enctype') === 'multipart/form-data';
    const fields = isMultipart ? new FormData() : new URLSearchParams();
    for (const [name, value] of fieldsOf(form, which, values)) fields.append(name, value);
    for (const [name, { name: fileName, content }] of Object.entries(options.files ?? {})) {
      assert.ok(fields instanceof FormData, `form "${which}" is not multi-part`);
      fields.append(name, new File([content], fileName));
    }
    const action = this.#resolve(attribute(form, 'action') ?? this.page.path);
    const answer = await this.request('POST', action, { form: fields });
    return await this.#follow(answer, action, options.status ?? 200);
  }

  /** One exchange as a browser would have it, with cookies, without following or checking. */
  async request(
    method: string,
    path: string,
    options: { form?: URLSearchParams | FormData; headers?: Readonly<Record<string, string>> } = {},
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
    // A list of several sends nothing where nothing is chosen.
    const first = 'multiple' in control.attribs ? undefined : options[0];
    const chosen = options.find((one) => 'selected' in one.attribs) ?? first;
    return chosen && (attribute(chosen, 'value') ?? textIn(chosen));
  }
  if ((type === 'checkbox' || type === 'radio') && !('checked' in control.attribs))
    return undefined;
  return attribute(control, 'value') ?? (type === 'checkbox' ? 'on' : '');
}
