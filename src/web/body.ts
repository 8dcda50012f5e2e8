/** Bodies as they come in: JSON, forms, and files; each with a limit, none with surprises. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Form, Upload } from './route.ts';

export type ParsedBody = {
  readonly raw: string;
  readonly json: unknown;
  readonly form: Form;
  readonly files: Readonly<Record<string, Upload>>;
};

export const BODY_BYTES_MAX = 1024 * 1024;
/** More fields than any page of ours has; a form of a million names would only burn time. */
const FIELDS_MAX = 5000;

/** A page takes one file; a second is somebody trying. */
const FILES_MAX = 1;

const empty: ParsedBody = { raw: '', json: undefined, form: {}, files: {} };

/** PostgreSQL keeps no NUL in a text, and nobody types one. */
export function hasNul(text: string): boolean {
  return text.includes('\0');
}

/**
 * The path of the first text or name with a NUL in a parsed JSON value or query, '' at the top.
 * Without recursion: a megabyte of brackets is deeper than the stack.
 */
export function findNul(value: unknown): string | undefined {
  const open: [string, unknown][] = [['', value]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [path, at] = next;
    if (typeof at === 'string' && hasNul(at)) return path;
    if (typeof at !== 'object' || at === null) continue;
    for (const [name, inner] of Object.entries(at)) {
      if (hasNul(name)) return path;
      // Deep paths are cut: they are for people, and a megabyte of them would not be read.
      open.push([path === '' ? name : `${path}.${name}`.slice(0, 200), inner]);
    }
  }
  return undefined;
}

export function bodyOf(request: FastifyRequest): ParsedBody {
  return (request.body as ParsedBody | undefined) ?? empty;
}

/** A form as it was posted to a page, to be kept for another try. */
export type Posted = {
  readonly path: string;
  readonly form: Form;
  /** Of the files with it, which no page can give back. */
  readonly fileNames: readonly string[];
};

export function postedBy(request: FastifyRequest): Posted {
  const { form, files } = bodyOf(request);
  return { path: request.url, form, fileNames: Object.values(files).map(({ name }) => name) };
}

export function registerBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>(
    /^application\/(json|[a-z.-]+\+json)$/,
    { parseAs: 'string' },
    (_request, raw, done) => {
      try {
        done(null, { ...empty, raw, json: JSON.parse(raw) as unknown });
      } catch {
        done(badRequest('The body is not JSON.'));
      }
    },
  );
  app.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, raw, done) => {
      try {
        done(null, { ...empty, raw, form: toForm(new URLSearchParams(raw)) });
      } catch (error) {
        done(error as Error);
      }
    },
  );
  app.addContentTypeParser<Buffer>(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, raw: Buffer) =>
      await parseMultipart(request.headers['content-type'] ?? '', raw),
  );
}

/** The platform's own multi-part parser (undici) instead of a package with a stream machine. */
async function parseMultipart(contentType: string, raw: Buffer): Promise<ParsedBody> {
  const headers = { 'content-type': contentType };
  const data = await new Response(new Uint8Array(raw), { headers }).formData().catch(() => {
    throw badRequest('The form came in broken.');
  });
  const fields: [string, string][] = [];
  const files: Record<string, Upload> = Object.create(null) as Record<string, Upload>;
  for (const [name, value] of data) {
    if (typeof value === 'string') fields.push([name, value]);
    else {
      if (hasNul(name + value.name + value.type)) throw badRequest('The form holds a NUL.');
      const bytes = new Uint8Array(await value.arrayBuffer());
      if (value.name === '') continue;
      if (Object.keys(files).length >= FILES_MAX) throw badRequest('Send one file at a time.');
      files[name] = { name: value.name, type: value.type, bytes };
    }
  }
  return { ...empty, form: toForm(fields), files };
}

/** Names given twice become lists. Browsers send CRLF for line ends; inside there is only LF. */
export function toForm(entries: Iterable<[string, string]>): Form {
  const form = Object.create(null) as Record<string, string | string[]>;
  let count = 0;
  for (const [name, typed] of entries) {
    if (++count > FIELDS_MAX) throw badRequest('The form has too many fields.');
    if (hasNul(name) || hasNul(typed)) throw badRequest('The form holds a NUL.');
    const value = typed.replaceAll('\r\n', '\n');
    const before = form[name];
    if (before === undefined) form[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else form[name] = [before, value];
  }
  return form;
}

export function badRequest(message: string): Error & { statusCode: number } {
  return Object.assign(new Error(message), { statusCode: 400 });
}
