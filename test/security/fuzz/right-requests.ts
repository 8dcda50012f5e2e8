/**
 * Right requests of every route: what the pages themselves link to and post, and what the schemas
 * of the API say. A walk collects them, so that a new page or field is tried without a line here.
 */
import type { Element } from 'domhandler';
import { getAttributeValue as attribute, innerText } from 'domutils';
import { parseDocument } from 'htmlparser2';
import { z } from 'zod';
import type { Route } from '#web/index.ts';
import { select } from '../../support/page-checks.ts';

/** What is sent when nothing is wrong with it. */
export type Right = {
  readonly path: string;
  /** Names and values, as a page has them. */
  readonly query: readonly (readonly [string, string])[];
  readonly fields: readonly (readonly [string, string])[];
  readonly isMultipart: boolean;
  readonly json: unknown;
};

const OF_A_ROUTE_MAX = 12;

/** Where a path may stand in: the first route that fits, as the router would choose. */
export function matcherOf(routes: readonly Route[]): (method: string, path: string) => Route[] {
  const patterns = routes.map((route) => ({
    route,
    // A word before a parameter, as the router does.
    weight: route.path.split('/').filter((part) => !part.startsWith(':')).length,
    pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`),
  }));
  const sorted = patterns.toSorted((a, b) => b.weight - a.weight);
  return (method, path) =>
    sorted
      .filter(({ route, pattern }) => route.method === method && pattern.test(path))
      .map(({ route }) => route)
      .slice(0, 1);
}

export function keyOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

/** Everything known so far, by route. */
export class RightRequests {
  readonly #known = new Map<string, Right[]>();
  readonly #seen = new Set<string>();
  readonly #match: ReturnType<typeof matcherOf>;

  constructor(routes: readonly Route[]) {
    this.#match = matcherOf(routes);
  }

  of(route: Route): readonly Right[] {
    return this.#known.get(keyOf(route)) ?? [];
  }

  /** Notes the request where it is new and there are not enough; true where it was noted. */
  add(method: string, right: Right): boolean {
    const [route] = this.#match(method, right.path);
    if (route === undefined) return false;
    const names = right.fields.map(([name]) => name).join();
    const asked = right.query.map(([name]) => name).join();
    const shape = `${method} ${right.path} ${asked} ${names} ${JSON.stringify(right.json)}`;
    const known = this.#known.get(keyOf(route)) ?? [];
    if (this.#seen.has(shape) || known.length >= OF_A_ROUTE_MAX) return false;
    this.#seen.add(shape);
    this.#known.set(keyOf(route), [...known, right]);
    return true;
  }

  /** Notes what this page links to and posts; gives what was new. */
  readPage(body: string, here: string): { links: Right[]; forms: Right[] } {
    const document = parseDocument(body);
    const rights = (method: string, all: readonly Right[]) =>
      all.filter((right) => this.add(method, right));
    const links = select(document, 'a').flatMap((link) =>
      pathIn(attribute(link, 'href') ?? '', here),
    );
    const forms = select(document, 'form');
    const asked = forms.filter((form) => attribute(form, 'method') !== 'post');
    const posted = forms.filter((form) => attribute(form, 'method') === 'post');
    return {
      links: [
        ...rights('GET', links),
        ...rights(
          'GET',
          asked.flatMap((form) => askedBy(form, here)),
        ),
      ],
      forms: rights(
        'POST',
        posted.flatMap((form) => postedBy(form, here)),
      ),
    };
  }
}

function pathIn(href: string, here: string): Right[] {
  const url = new URL(href, new URL(here, 'http://here.test'));
  if (url.host !== 'here.test') return [];
  const query = [...url.searchParams].map(([name, value]): [string, string] => [name, value]);
  return [{ path: url.pathname, query, fields: [], isMultipart: false, json: undefined }];
}

function askedBy(form: Element, here: string): Right[] {
  const fields = fieldsOf(form);
  return pathIn(attribute(form, 'action') ?? here, here).map((right) => ({
    ...right,
    query: fields,
  }));
}

function postedBy(form: Element, here: string): Right[] {
  const isMultipart = attribute(form, 'enctype') === 'multipart/form-data';
  return pathIn(attribute(form, 'action') ?? here, here).map((right) => ({
    ...right,
    fields: fieldsOf(form),
    isMultipart,
  }));
}

/** Every name with a value that somebody might give it. */
function fieldsOf(form: Element): [string, string][] {
  const named = select(form, 'input,textarea,select,button').filter((one) =>
    attribute(one, 'name'),
  );
  const fields = new Map<string, string>();
  for (const control of named) {
    const name = attribute(control, 'name') ?? '';
    if (fields.has(name) && !('checked' in control.attribs)) continue;
    if (attribute(control, 'type') !== 'file') fields.set(name, valueOf(control, name));
  }
  return [...fields];
}

function valueOf(control: Element, name: string): string {
  const value = attribute(control, 'value') ?? '';
  if (control.name === 'select') {
    const options = select(control, 'option');
    const filled = options.find((one) => (attribute(one, 'value') ?? '') !== '');
    const chosen = options.find((one) => 'selected' in one.attribs) ?? filled ?? options[0];
    return chosen === undefined ? '' : (attribute(chosen, 'value') ?? '');
  }
  if (control.name === 'textarea') return innerText(control).trim() || likely(name);
  return value === '' ? likely(name) : value;
}

/** What a person would type into an empty field of this name. */
function likely(name: string): string {
  const word = name.toLowerCase();
  if (/mail|^address/.test(word)) return `kim.${name}@centre.test`;
  if (/mobile|phone|number/.test(word)) return '07700 900555';
  if (/predecessor|organisations?codes?|^codes?$/.test(word)) return 'ZZ-0004';
  if (/successor/.test(word)) return 'ZZ-0005';
  if (/(date|day|^on)/.test(word)) return '2027-03-01';
  if (/(from|until|^at$|time)/.test(word)) return '2027-03-01T09:30';
  if (/rank|count|share|weight|minutes|seed/.test(word)) return '3';
  return `Some ${name}`;
}

type Schema = Record<string, unknown>;

export function jsonSchemaOf(schema: z.ZodType | undefined): Schema {
  if (schema === undefined) return {};
  try {
    return z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as Schema;
  } catch {
    // What only code can say has no schema: its names are found on pages.
    return {};
  }
}

/** The names of the query of a route, with what is right for each. */
export function queryOf(route: Route): [string, string][] {
  const { properties = {} } = jsonSchemaOf(route.query) as { properties?: Record<string, Schema> };
  return Object.entries(properties).map(([name, schema]) => {
    const value = exampleOf(schema, name, { idOf: () => undefined, isShort: true });
    return [name, typeof value === 'string' ? value : (JSON.stringify(value) ?? '')];
  });
}

export type Known = {
  /** An id for a field of this name. */
  readonly idOf: (name: string) => string | undefined;
  /** Only what has to be there. */
  readonly isShort: boolean;
};

/** A right body of this schema, as far as a schema says what is right. */
export function exampleOf(schema: Schema, name: string, known: Known): unknown {
  const of = (inner: unknown, as = name) => exampleOf((inner ?? {}) as Schema, as, known);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return (schema['enum'] as unknown[])[0];
  const choice = (schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf']) as Schema[] | undefined;
  if (choice !== undefined) return of(choice[0]);
  switch (schema['type']) {
    case 'object': {
      const required = (schema['required'] ?? []) as string[];
      const properties = Object.entries(
        (schema['properties'] ?? {}) as Record<string, Schema>,
      ).filter(([key]) => !known.isShort || required.includes(key));
      return Object.fromEntries(properties.map(([key, inner]) => [key, of(inner, key)]));
    }
    case 'array':
      return Number(schema['minItems'] ?? 0) > 0 ? [of(schema['items'])] : [];
    case 'integer':
    case 'number':
      return Math.max(1, Number(schema['minimum'] ?? 1));
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return exampleText(schema, name, known.idOf(name));
  }
}

function exampleText(schema: Schema, name: string, id: string | undefined): string {
  if (schema['format'] === 'uuid') return id ?? '01a00000-0000-7000-8000-000000000000';
  if (schema['format'] === 'date-time') return '2027-03-01T09:30:00Z';
  if (schema['format'] === 'date') return '2027-03-01';
  if (/sha256|^(to|hash)$/.test(name)) return 'f'.repeat(64);
  const [example] = (schema['examples'] ?? []) as unknown[];
  if (typeof example === 'string') return example;
  return likely(name).slice(0, Number(schema['maxLength'] ?? 1_000));
}
