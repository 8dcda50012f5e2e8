/** Requests as they go over the wire: nothing of a browser or client mends them on the way. */
import http from 'node:http';
import type { Twist } from './hostile.ts';
import type { Right } from './right-requests.ts';

export type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | undefined;
};

export type Received = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
};

/** A stream is looked at so far, and left. */
const STREAM_BYTES = 1;
const HANG_MS = 20_000;

export async function exchange(
  address: string,
  sent: Sent,
  options: { readonly agent: http.Agent; readonly isStream: boolean },
): Promise<Received> {
  return await new Promise((resolve, reject) => {
    const url = new URL(address);
    const request = http.request(
      {
        host: url.hostname,
        port: url.port,
        method: sent.method,
        path: sent.path,
        agent: options.agent,
        headers: [['host', url.host], lengthOf(sent), ...sent.headers].flat(),
        timeout: HANG_MS,
      },
      (response) => {
        const chunks: Buffer[] = [];
        const end = () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          });
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          if (!options.isStream || chunk.length < STREAM_BYTES) return;
          end();
          response.destroy();
        });
        response.on('end', end);
        response.on('error', reject);
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer in ${HANG_MS} ms`)));
    request.on('error', reject);
    request.end(sent.body);
  });
}

function lengthOf({ method, body }: Sent): string[] {
  return method === 'GET' ? [] : ['content-length', String(body?.byteLength ?? 0)];
}

/** The request with everything wrong that is wished. */
export function send(
  right: Right,
  kind: { readonly method: string; readonly isJson: boolean },
  twists: readonly Twist[],
): Sent {
  const headers = new Map<string, string>();
  let { path } = right;
  const query = right.query.map(([name, value]): [string, string] => [name, value]);
  const fields = right.fields.map(([name, value]): [string, string] => [name, value]);
  const json = new Places(right.json);
  let file = { name: 'list.csv', content: 'code,name\nZZ-0001,Northmoor\n' as string | Uint8Array };
  let whole: { body: string | Uint8Array; type: string } | undefined;
  let type: string | undefined;
  for (const twist of twists) {
    switch (twist.at) {
      case 'parameter':
        path = withParameter(path, twist.which, twist.value);
        break;
      case 'query':
      case 'field':
        twistField(twist.at === 'query' ? query : fields, twist);
        break;
      case 'more':
        (kind.method === 'GET' ? query : fields).push([twist.name, twist.value]);
        break;
      case 'json':
        json.put(twist.which, twist.json);
        break;
      case 'body':
        whole = twist;
        break;
      case 'type':
        ({ type } = twist);
        break;
      case 'header':
        headers.set(twist.name, twist.value);
        break;
      case 'file':
        file = twist;
        break;
      default:
        twist satisfies never;
    }
  }
  const asked = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
  const made = bodyOf(kind, { right, fields, json, file, whole });
  const sentType = type ?? whole?.type ?? made?.type ?? '';
  if (kind.method !== 'GET' && sentType !== '') headers.set('content-type', latin1(sentType));
  return {
    method: kind.method,
    path: asked === '' ? path : `${path}?${asked}`,
    headers: [...headers].map(([name, value]) => [name, latin1(value)]),
    body: kind.method === 'GET' ? undefined : made?.body,
  };
}

type Made = { readonly body: Buffer; readonly type: string };

function bodyOf(
  { method, isJson }: { readonly method: string; readonly isJson: boolean },
  parts: {
    readonly right: Right;
    readonly fields: readonly (readonly [string, string])[];
    readonly json: Places;
    readonly file: { readonly name: string; readonly content: string | Uint8Array };
    readonly whole: { readonly body: string | Uint8Array; readonly type: string } | undefined;
  },
): Made | undefined {
  if (method === 'GET') return undefined;
  if (parts.whole !== undefined)
    return { body: Buffer.from(parts.whole.body as string), type: parts.whole.type };
  if (isJson) {
    const text = parts.json.text();
    // An act without a body has no type either.
    return text === '' ? undefined : { body: Buffer.from(text), type: 'application/json' };
  }
  if (!parts.right.isMultipart) {
    const form = parts.fields.map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
    return { body: Buffer.from(form.join('&')), type: 'application/x-www-form-urlencoded' };
  }
  const boundary = 'tocsin-fuzz';
  const head = (name: string, rest = '') =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n`;
  const { name, content } = parts.file;
  const body = Buffer.concat([
    ...parts.fields.map(([field, value]) => Buffer.from(`${head(field)}${value}\r\n`)),
    Buffer.from(head('file', `; filename="${name}"`)),
    Buffer.from(content as string),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

/** As a browser does, and half surrogates as one that is broken would. */
function encoded(text: string): string {
  const bytes = Buffer.from(text);
  return Array.from(bytes, (byte) =>
    /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`,
  ).join('');
}

/** What a header may hold at all: the rest no client can send. */
function latin1(text: string): string {
  return text.replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '');
}

/** Rubbish in percent signs, which is no text at all. */
const RUBBISH = ['%', '%zz', '%ff', '%C0%80', '%ED%A0%80', '%00', '%2e%2e%2f', '%252e', '..', '.'];

function withParameter(path: string, which: number, value: string): string {
  const parts = path.split('/');
  const at = parts.flatMap((part, i) => (/\d|^[A-Za-z0-9_-]{20,}$/.test(part) ? [i] : []));
  const place = at[which % Math.max(1, at.length)] ?? parts.length - 1;
  parts[place] = which % 3 === 0 ? RUBBISH[which % RUBBISH.length]! : encoded(value);
  return parts.join('/');
}

function twistField(fields: [string, string][], twist: Twist & { at: 'query' | 'field' }): void {
  if (fields.length === 0) return;
  const at = twist.which % fields.length;
  const [name] = fields[at]!;
  if (twist.how === 'left out') fields.splice(at, 1);
  else if (twist.how === 'set') fields[at] = [name, twist.value];
  else if (twist.how === 'twice') fields.push([name, twist.value]);
  else fields[at] = [`${name}[]`, twist.value];
}

/** A JSON value in each place of which any text may stand. */
class Places {
  readonly #value: unknown;
  readonly #put = new Map<number, string>();

  constructor(value: unknown) {
    this.#value = value;
  }

  put(which: number, json: string): void {
    this.#put.set(which, json);
  }

  /** The places are counted from the outside in, so that most of what is put is in a field. */
  text(): string {
    if (this.#value === undefined && this.#put.size === 0) return '';
    const total = count(this.#value);
    const at = new Map([...this.#put].map(([which, json]) => [which % total, json]));
    let next = 0;
    const write = (value: unknown): string => {
      const here = next;
      next += 1;
      const inner = Array.isArray(value)
        ? `[${value.map(write).join()}]`
        : isObject(value)
          ? `{${Object.entries(value)
              .map(([name, one]) => `${JSON.stringify(name)}:${write(one)}`)
              .join()}}`
          : (JSON.stringify(value) ?? 'null');
      return at.get(here) ?? inner;
    };
    return write(this.#value);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function count(value: unknown): number {
  if (!isObject(value)) return 1;
  return 1 + Object.values(value).reduce((sum: number, one) => sum + count(one), 0);
}
