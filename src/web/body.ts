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

const empty: ParsedBody = { raw: '', json: undefined, form: {}, files: {} };

export function bodyOf(request: FastifyRequest): ParsedBody {
  return (request.body as ParsedBody | undefined) ?? empty;
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
      const bytes = new Uint8Array(await value.arrayBuffer());
      if (value.name !== '') files[name] = { name: value.name, type: value.type, bytes };
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
