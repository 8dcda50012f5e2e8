import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { type Answer, NotifyError, json } from './answers.ts';
import {
  parseFaults,
  receiptBody,
  replyBody,
  settingsBody,
  templateBody,
} from './control-schema.ts';
import { Exchange } from './exchange.ts';
import { isReply } from './handsets.ts';
import type { LedgerEntry } from './ledger-entries.ts';
import { readLedger } from './ledger-reader.ts';
import { RateLimiter } from './limiter.ts';
import { addresseesOf, isSmtp } from './mailbox.ts';
import { serialiseNotification } from './notifications.ts';
import { parsePhoneNumber } from './phone-number.ts';
import type { Simulation } from './simulation.ts';
import { serialiseTemplate } from './templates.ts';
import { formatTimestamp } from './timestamps.ts';

type Call = {
  readonly simulation: Simulation;
  readonly query: URLSearchParams;
  readonly body: unknown;
};
type Handler = (call: Call) => Answer | Promise<Answer>;

const LEDGER_PAGE = 10_000;
const LONGEST_WAIT_MS = 60_000;

/** `/_control`: the levers a test or an operator of the simulation pulls. Not part of Notify. */
export class ControlApi {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response);
    const answer = await this.#answer(exchange);
    const doors = this.#simulation.doors;
    // Shutting the door this request came by would cut its own answer off.
    if (doors?.isNotify(request) === true) response.once('finish', () => void doors.settle());
    else await doors?.settle();
    exchange.answer(answer);
  }

  async #answer(exchange: Exchange): Promise<Answer> {
    const handler =
      HANDLERS[`${exchange.request.method} ${exchange.path.slice('/_control'.length)}`];
    if (handler === undefined) return json(404, { error: 'No such control.', known: KNOWN });
    try {
      const text = await exchange.body();
      const body: unknown = text === '' ? null : JSON.parse(text);
      const query = new URLSearchParams(exchange.query);
      return await handler({ simulation: this.#simulation, query, body });
    } catch (error) {
      if (error instanceof z.ZodError) return json(400, { error: z.prettifyError(error) });
      if (error instanceof SyntaxError) return json(400, { error: 'The body is not JSON.' });
      if (error instanceof NotifyError) return error.answer;
      throw error;
    }
  }
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  'GET /faults': ({ simulation }) => json(200, { faults: simulation.faults.list() }),
  'POST /faults': ({ simulation, body }) => {
    const added = parseFaults(body).map((fault) => simulation.addFault(fault));
    return json(201, { faults: added });
  },
  'DELETE /faults': ({ simulation, query }) => {
    simulation.faults.clear(query.has('id') ? Number(query.get('id')) : undefined);
    return json(200, { faults: simulation.faults.list() });
  },
  'GET /state': ({ simulation }) => json(200, stateOf(simulation)),
  'GET /ledger': readLedgerPage,
  'GET /idle': waitUntilIdle,
  'POST /reply': async ({ simulation, body }) => {
    const { number, text } = replyBody.parse(body);
    const reply = await simulation.reply(phoneNumber(number), text);
    return json(201, { id: reply.id, number: reply.userNumber, text });
  },
  'POST /receipts': async ({ simulation, body }) => {
    const { id, status } = receiptBody.parse(body);
    const row = simulation.notifications.find(id);
    if (row === undefined) return json(404, { error: 'No such notification.' });
    void simulation.lifeCycle.finish(row, status);
    return json(202, { id, status: row.status });
  },
  'GET /texts': listTexts,
  'GET /mail': listMail,
  'GET /templates': ({ simulation }) =>
    json(200, { templates: simulation.templates.list(null).map(serialiseTemplate) }),
  'POST /templates': ({ simulation, body }) =>
    json(201, serialiseTemplate(simulation.changeTemplate(templateBody.parse(body)))),
  'GET /settings': ({ simulation }) => json(200, settingsOf(simulation)),
  'PATCH /settings': ({ simulation, body }) => {
    changeSettings(simulation, settingsBody.parse(body));
    return json(200, settingsOf(simulation));
  },
};

const KNOWN = Object.keys(HANDLERS).map((route) => route.replace(' ', ' /_control'));

/** @throws NotifyError 400 when it is not a number. */
function phoneNumber(written: string): string {
  const phone = parsePhoneNumber(written);
  if (!phone.ok) throw new NotifyError(400, 'ValidationError', `number ${phone.message}`);
  return phone.normalised;
}

function stateOf(simulation: Simulation): object {
  const { notifications, handsets, mailbox, callbacks, limiter, counts, faults } = simulation;
  return {
    ...counts,
    stored: notifications.size,
    byStatus: notifications.countByStatus(),
    handsets: handsets.count,
    texts: handsets.textCount,
    replies: handsets.replyCount,
    mails: mailbox.count,
    callbacks: { pending: callbacks.pending, waitingToRetry: callbacks.waitingToRetry },
    scheduled: simulation.schedule.size,
    idle: simulation.isIdle,
    tokens: limiter.tokens(),
    faults: faults.list().length,
    megabytes: Math.round(process.memoryUsage().rss / 1_048_576),
  };
}

/** Entries from byte `after` on; `next` is where the following page, or the tail, begins. */
async function readLedgerPage({ simulation, query }: Call): Promise<Answer> {
  const { ledger } = simulation;
  if (ledger.path === null) return json(409, { error: 'The ledger is off.' });
  await ledger.synced();
  const limit = Math.min(Number(query.get('limit') ?? LEDGER_PAGE), LEDGER_PAGE);
  const type = query.get('type');
  let next = Number(query.get('after') ?? 0);
  const entries: LedgerEntry[] = [];
  for await (const { entry, end } of readLedger(ledger.path, next)) {
    next = end;
    if (type === null || entry.type === type) entries.push(entry);
    if (entries.length >= limit) break;
  }
  return json(200, { entries, next, more: next < ledger.sizeBytes, path: ledger.path });
}

/** Waits until no receipt is due or under way: what a test waits on instead of sleeping. */
async function waitUntilIdle({ simulation, query }: Call): Promise<Answer> {
  const asked = Number(query.get('timeoutMs') ?? 10_000);
  const until = performance.now() + Math.min(asked, LONGEST_WAIT_MS);
  while (!simulation.isIdle && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await simulation.ledger.synced();
  return json(simulation.isIdle ? 200 : 408, { idle: simulation.isIdle });
}

function listTexts({ simulation, query }: Call): Answer {
  const number = phoneNumber(query.get('number') ?? '');
  const messages = simulation.handsets.find(number)?.messages ?? [];
  return json(200, {
    number,
    messages: messages.map((message) =>
      isReply(message)
        ? {
            direction: 'from_handset',
            id: message.id,
            at: formatTimestamp(message.createdAt),
            text: message.content,
          }
        : {
            direction: 'to_handset',
            id: message.id,
            at: formatTimestamp(message.createdAt),
            text: message.body,
            status: message.status,
            fragments: message.fragments,
            reference: message.reference,
          },
    ),
  });
}

function listMail({ simulation, query }: Call): Answer {
  const found = simulation.mailbox.search(query.get('search') ?? '').slice(0, 250);
  return json(200, {
    mails: found.map((entry) =>
      isSmtp(entry)
        ? { via: 'smtp', ...entry, at: formatTimestamp(entry.at) }
        : { via: 'notify', to: addresseesOf(entry), ...serialiseNotification(entry, '') },
    ),
  });
}

function settingsOf(simulation: Simulation): object {
  const { callbacks, lifeCycle, settings, ledger } = simulation;
  return {
    serviceId: settings.serviceId,
    serviceName: settings.serviceName,
    prefixOn: settings.prefixOn,
    callbackUrls: callbacks.options.urls,
    callbackRetryMs: callbacks.options.retryMs,
    receiptDelayMs: lifeCycle.receiptDelayMs,
    ledger: ledger.path,
  };
}

function changeSettings(simulation: Simulation, change: z.infer<typeof settingsBody>): void {
  const { callbacks, lifeCycle } = simulation;
  if (change.callbackUrls !== undefined) {
    const merged = { ...callbacks.options.urls, ...change.callbackUrls };
    const urls = Object.fromEntries(
      Object.entries(merged).filter(([, value]) => typeof value === 'string'),
    );
    callbacks.configure({ urls });
  }
  if (change.callbackToken !== undefined) callbacks.configure({ token: change.callbackToken });
  if (change.callbackRetryMs !== undefined) {
    callbacks.configure({ retryMs: change.callbackRetryMs });
  }
  if (change.receiptDelayMs !== undefined) lifeCycle.receiptDelayMs = change.receiptDelayMs;
  if (change.limiter !== undefined) {
    simulation.limiter = new RateLimiter(
      change.limiter === 'off' ? null : change.limiter.perMinute,
    );
  }
}
