/**
 * Our gateway at another implementation of Notify's API: a server of a page, written from the
 * contract alone, below a path of its own. Only NOTIFY_BASE_URL and the key differ.
 */
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { parseConfig } from '#config.ts';
import { openNotifyGateway } from '#dispatch/index.ts';
import { cloneDatabase, type Clone } from '../support/database.ts';
import {
  makeDispatch,
  release,
  seedNotify,
  startEngine,
  statesOf,
  until,
} from '../support/dispatch.ts';

const SERVICE = '0fd40d3e-5a4b-4bd9-8d3e-5b7c1f2f6a10';
const SECRET = 'c1f2b3a4-95d6-4e07-8a9b-1c2d3e4f5a6b';
const TEMPLATE = '5f2a7c1e-0d3b-4f6a-9e8c-7b6a5d4c3b2a';
const PATH = '/some/where';

type Row = { id: string; reference: string | null; phone_number: string; body: string };

/** The answers of the contract to what Tocsin asks; 403 and 404 to everything else. */
class OtherNotify {
  readonly rows: Row[] = [];
  /** Takes the next text and drops the connection instead of answering. */
  dropsNext = false;
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then((answer) => {
      if (answer === undefined) return request.socket.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      return response.end(JSON.stringify(answer.body));
    });
  });

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${PATH}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage) {
    const url = new URL(request.url ?? '', 'http://localhost');
    if (!isSigned(request.headers.authorization)) return problem(403, 'AuthError');
    switch (`${request.method} ${url.pathname}`) {
      case `GET ${PATH}/v2/templates`:
        return { status: 200, body: { templates: [template] } };
      case `GET ${PATH}/v2/notifications`: {
        const reference = url.searchParams.get('reference');
        const found = this.rows.filter((row) => reference === null || row.reference === reference);
        return { status: 200, body: { notifications: found.map(serialise), links: {} } };
      }
      case `POST ${PATH}/v2/notifications/sms`:
        return this.#take(JSON.parse(await textOf(request)) as Sent);
      default:
        return problem(404, 'NoResultFound');
    }
  }

  #take(sent: Sent) {
    const { phone_number, reference, personalisation, template_id } = sent;
    if (template_id !== TEMPLATE) return problem(400, 'BadRequestError');
    const row = { id: randomUUID(), reference, phone_number, body: personalisation.body };
    this.rows.push(row);
    if (this.dropsNext) {
      this.dropsNext = false;
      return undefined;
    }
    const uri = `https://other.test/v2/notifications/${row.id}`;
    const content = { body: row.body, from_number: 'OTHER' };
    const body = { id: row.id, reference, content, uri, template, scheduled_for: null };
    return { status: 201, body };
  }
}

type Sent = {
  phone_number: string;
  reference: string;
  template_id: string;
  personalisation: { body: string };
};

const template = { id: TEMPLATE, type: 'sms', name: 'Any', version: 7, body: '((body))' };

function serialise({ id, reference, phone_number, body }: Row) {
  const created_at = '2026-11-26T03:00:00.000000Z';
  return { id, reference, phone_number, body, status: 'delivered', type: 'sms', created_at };
}

function problem(status: number, error: string) {
  return { status, body: { status_code: status, errors: [{ error, message: error }] } };
}

/** HS256 over the two parts, by the secret; issued by the service, now. */
function isSigned(authorization: string | undefined): boolean {
  const [head, claims, signature] = (authorization ?? '').replace('Bearer ', '').split('.');
  if (head === undefined || claims === undefined) return false;
  const made = createHmac('sha256', SECRET).update(`${head}.${claims}`).digest('base64url');
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
  const age = Math.abs(Number(said['iat']) - Date.now() / 1_000);
  return signature === made && said['iss'] === SERVICE && age < 30;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

describe('another implementation of the API of Notify', () => {
  const other = new OtherNotify();
  let db: Clone;
  let baseUrl: string;

  before(async () => {
    db = await cloneDatabase();
    baseUrl = await other.listen();
    await seedNotify(db.worker);
  });

  after(async () => {
    other.close();
    await db.drop();
  });

  it('is reached by its address and key alone', async () => {
    const config = parseConfig({
      NOTIFY_BASE_URL: baseUrl,
      NOTIFY_API_KEY: `any-name-${SERVICE}-${SECRET}`,
      NOTIFY_CALLBACK_TOKEN: 'a-token-of-at-least-ten-characters',
    });
    assert.ok(config.ok && config.value.notify !== undefined);
    const engine = startEngine(db.worker, [openNotifyGateway('notify', config.value.notify)], {
      quietMs: 300,
      lookupGapMs: 300,
    });
    try {
      other.dropsNext = true;
      const id = await makeDispatch(db.owner, { messages: 40 });
      await release(db.web, id);
      const gone = ({ accepted = 0, delivered = 0 }: Record<string, number>) =>
        accepted + delivered === 40;
      await until(() => statesOf(db.owner, id), gone, 30_000);
    } finally {
      await engine.stop();
    }
    // The answer that was dropped was looked up and found there: nothing went twice.
    assert.equal(other.rows.length, 40);
    assert.equal(new Set(other.rows.map(({ phone_number }) => phone_number)).size, 40);
    assert.ok(other.rows.every(({ body }) => body.startsWith('Northmoor: test')));
  });
});
