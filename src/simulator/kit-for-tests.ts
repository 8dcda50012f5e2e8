import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  DEFAULT_API_KEYS,
  DEFAULT_TEMPLATES,
  type FaultInput,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from './index.ts';

export const SMS_TEMPLATE = DEFAULT_TEMPLATES[0].id;
export const EMAIL_TEMPLATE = DEFAULT_TEMPLATES[1].id;
export const LIVE_KEY = DEFAULT_API_KEYS.live;

/** A simulator for one test: any free ports, no ledger unless asked, receipts at once. */
export async function startForTest(
  context: Pick<TestContext, 'after'>,
  options: SimulatorOptions = {},
): Promise<Simulator> {
  const simulator = await startSimulator({ ledger: 'off', receiptDelayMs: [0, 0], ...options });
  context.after(() => simulator.close());
  return simulator;
}

export function temporaryFolder(context: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

type TokenParts = {
  readonly key?: string;
  readonly header?: object;
  readonly claims?: object;
  readonly secret?: string;
};

/** A bearer header as a client makes it, or wrong in one part. */
export function bearer({ key = LIVE_KEY, header, claims, secret }: TokenParts = {}): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = [
    encode(header ?? { typ: 'JWT', alg: 'HS256' }),
    encode(claims ?? { iss: key.slice(-73, -37), iat: Math.floor(Date.now() / 1000) }),
  ].join('.');
  const signature = createHmac('sha256', secret ?? key.slice(-36)).update(signed);
  return `Bearer ${signed}.${signature.digest('base64url')}`;
}

export type Reply = { readonly status: number; readonly body: Record<string, unknown> };

/** One request to the API with a good token unless told otherwise. */
export async function call(
  simulator: Pick<Simulator, 'notifyUrl'>,
  path: string,
  { body, authorization = bearer(), method }: CallOptions = {},
): Promise<Reply> {
  const response = await fetch(`${simulator.notifyUrl}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: authorization === null ? {} : { authorization },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    body: isJson ? (JSON.parse(text) as Record<string, unknown>) : { text },
  };
}

type CallOptions = {
  readonly body?: unknown;
  readonly authorization?: string | null;
  readonly method?: string;
};

export function smsBody(fields: object = {}): Record<string, unknown> {
  return {
    phone_number: '07700 900123',
    template_id: SMS_TEMPLATE,
    personalisation: { body: 'Hello' },
    reference: randomUUID(),
    ...fields,
  };
}

export async function sendSms(simulator: Simulator, fields: object = {}): Promise<Reply> {
  return call(simulator, '/v2/notifications/sms', { body: smsBody(fields) });
}

/** The first error of an answer, as `status type: message`. */
export function firstError({ status, body }: Reply): string {
  const [error] = body['errors'] as { error: string; message: string }[];
  return `${status} ${error!.error}: ${error!.message}`;
}

export type Delivery = {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
};

/** A service that takes callbacks; it answers the statuses given, then 200 for ever. */
export class CallbackReceiver {
  readonly deliveries: Delivery[] = [];
  readonly #server = createServer((request, response) => {
    void readBody(request).then((body) => {
      this.deliveries.push({
        path: request.url!,
        authorization: request.headers.authorization,
        body,
      });
      const status = this.#answers.shift() ?? 200;
      if (status === 'drop') request.socket.destroy();
      else if (status !== 'silence') response.writeHead(status).end();
      for (const wake of this.#waiting.splice(0)) wake();
    });
  });
  readonly #waiting: (() => void)[] = [];
  readonly #answers: (number | 'drop' | 'silence')[];

  private constructor(answers: (number | 'drop' | 'silence')[]) {
    this.#answers = answers;
  }

  static async start(
    context: Pick<TestContext, 'after'>,
    answers: (number | 'drop' | 'silence')[] = [],
  ): Promise<CallbackReceiver> {
    const receiver = new CallbackReceiver(answers);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    context.after(() => {
      receiver.#server.close();
      receiver.#server.closeAllConnections();
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get options(): Pick<SimulatorOptions, 'callbackUrls' | 'callbackToken'> {
    return {
      callbackUrls: { receipts: `${this.url}/receipts`, texts: `${this.url}/texts` },
      callbackToken: 'a-token-we-chose',
    };
  }

  /** Resolves when `count` deliveries have come in. */
  async received(count: number): Promise<Delivery[]> {
    while (this.deliveries.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.deliveries;
  }
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}

/** Waits until no receipt is due or under way. */
export async function settled(simulator: Simulator): Promise<void> {
  const response = await fetch(`${simulator.controlUrl}/_control/idle`);
  if (!response.ok) throw new Error('The simulator did not come to rest.');
}

/** What the API knows of a reference. */
export async function rowsOf(
  simulator: Simulator,
  reference: string,
): Promise<Record<string, unknown>[]> {
  const { body } = await call(simulator, `/v2/notifications?reference=${reference}`);
  return body['notifications'] as Record<string, unknown>[];
}

/** Puts a fault in force as another program would. */
export async function withFault(simulator: Simulator, fault: FaultInput): Promise<void> {
  const response = await fetch(`${simulator.controlUrl}/_control/faults`, {
    method: 'POST',
    body: JSON.stringify(fault),
  });
  assert.equal(response.status, 201, await response.text());
}
