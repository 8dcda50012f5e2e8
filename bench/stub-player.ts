/**
 * The least a provider can be: it takes every text, posts the receipt that it was delivered, and
 * keeps its reference, as it may be asked for. For runs in which the simulator's own memory and
 * work would be what is measured.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { playOrders } from './player.ts';

export type StubOrder = {
  /** Where its receipts go, and the bearer token that they show. */
  readonly receipts: { readonly url: string; readonly token: string };
};

export type StubAnswer = { readonly url: string };

/** As many receipts at once; more wait in line until the door takes them. */
const CONNECTIONS = 64;

const TEMPLATE = { id: randomUUID(), type: 'sms', version: 1, body: '((body))' };

let server: Server | undefined;
let door: Pool | undefined;

playOrders<StubOrder>(
  async ({ receipts }) => {
    const { origin, pathname } = new URL(receipts.url);
    const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
    door = pool;
    const headers = {
      authorization: `Bearer ${receipts.token}`,
      'content-type': 'application/json',
    };
    server = createServer((request, response) => {
      void answerTo(request).then(({ status, body, receipt }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
        if (receipt !== undefined) void post(pool, { path: pathname, headers, body: receipt });
      });
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}` } satisfies StubAnswer;
  },
  async () => {
    server?.closeAllConnections();
    await door?.destroy();
  },
);

type Answer = { readonly status: number; readonly body: object; readonly receipt?: string };

async function post(
  pool: Pool,
  request: { path: string; headers: Readonly<Record<string, string>>; body: string },
): Promise<void> {
  const { body, statusCode } = await pool.request({ method: 'POST', ...request });
  await body.dump();
  if (statusCode !== 200) throw new Error(`a receipt was refused: ${statusCode}`);
}

async function answerTo(request: IncomingMessage): Promise<Answer> {
  if (request.method === 'GET' && request.url?.startsWith('/v2/templates') === true)
    return { status: 200, body: { templates: [TEMPLATE] } };
  if (request.method === 'GET') return { status: 200, body: { notifications: listed(request) } };
  const sent = JSON.parse(await textOf(request)) as {
    reference: string;
    personalisation: { body: string };
  };
  const text = keep(sent.reference);
  return {
    status: 201,
    body: {
      id: text.id,
      reference: sent.reference,
      content: { body: sent.personalisation.body, from_number: 'TOCSIN' },
      uri: `/v2/notifications/${text.id}`,
      template: { id: TEMPLATE.id, version: TEMPLATE.version, uri: '' },
    },
    receipt: JSON.stringify({ ...text, to: '07700900001', notification_type: 'sms' }),
  };
}

/** What was taken, in its order; the id of a text says its place. */
const references: string[] = [];
const takenAt: number[] = [];
const places = new Map<string, number>();
const PAGE = 250;

type Text = Readonly<Record<string, string | number>> & { readonly id: string };

function keep(reference: string): Text {
  const place = references.push(reference) - 1;
  takenAt.push(Date.now());
  places.set(reference, place);
  return textAt(place);
}

function textAt(place: number): Text {
  const at = new Date(takenAt[place]!).toISOString();
  return {
    id: `00000000-0000-4000-8000-${String(place).padStart(12, '0')}`,
    reference: references[place]!,
    status: 'delivered',
    type: 'sms',
    created_at: at,
    sent_at: at,
    completed_at: at,
    template_id: TEMPLATE.id,
    template_version: TEMPLATE.version,
  };
}

/** By reference, or a page of the list, newest first. */
function listed(request: IncomingMessage): object[] {
  const asked = new URL(request.url!, 'http://stub').searchParams;
  const reference = asked.get('reference');
  if (reference !== null) {
    const place = places.get(reference);
    return place === undefined ? [] : [textAt(place)];
  }
  const olderThan = asked.get('older_than');
  const end = olderThan === null ? references.length : Number(olderThan.slice(-12));
  const start = Math.max(0, end - PAGE);
  return Array.from({ length: end - start }, (_, i) => textAt(end - 1 - i));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}
