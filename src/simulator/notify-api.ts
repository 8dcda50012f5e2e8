import { setTimeout as delay } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Answer,
  NotifyError,
  SchemaError,
  badRequest,
  errorAnswer,
  json,
  unknownUrl,
  wrongMethod,
} from './answers.ts';
import type { Caller } from './auth.ts';
import { Exchange } from './exchange.ts';
import type { Subject } from './faults.ts';
import {
  getNotification,
  getPdf,
  getTemplate,
  listNotifications,
  listReceivedTexts,
  listTemplates,
  postPreview,
} from './lookups.ts';
import { parsePhoneNumber } from './phone-number.ts';
import type { Draft } from './send.ts';
import type { Channel } from './settings.ts';
import type { Simulation } from './simulation.ts';
import { subjectOf } from './life-cycle.ts';

type Purpose = 'send' | 'get';

/** GOV.UK Notify's public API, `/v2` and `/_status`. */
export class NotifyApi {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const exchange = new Exchange(request, response);
    const channel = SEND_PATHS[exchange.path];
    if (channel === undefined) {
      void this.#look(exchange);
      return;
    }
    if (request.method !== 'POST') {
      exchange.answer(wrongMethod);
      return;
    }
    exchange.readBody((body) => {
      if (this.#simulation.faults.isEmpty) this.#send(exchange, channel, body);
      else void this.#sendUnderFaults(exchange, channel, body);
    });
  }

  #send(exchange: Exchange, channel: Channel | 'letter', body: string): void {
    try {
      const draft = this.#admit(exchange, channel, body, this.#pass(exchange));
      this.#simulation.accept(draft, () => {
        if (!draft.isSimulated) this.#simulation.dispatch(draft.row);
        exchange.answer(json(201, draft.response(exchange.origin)));
      });
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  /** The same, with every place where a fault may strike. */
  async #sendUnderFaults(exchange: Exchange, channel: Channel | 'letter', body: string) {
    const { faults } = this.#simulation;
    try {
      const subject = subjectOfBody(body);
      if (await this.#isStopped(exchange, 'send', subject)) return;
      const caller = this.#pass(exchange, subject);
      const late = faults.take('accept_after', subject);
      if (late !== null) await waitFor(late.delayMs);
      const changed = faults.take('content_changed', subject);
      const wanted = changed === null ? body : withPrefix(body, changed.prefix);
      const draft = this.#admit(exchange, channel, wanted, caller);
      await new Promise<void>((resolve) => this.#simulation.accept(draft, resolve));
      if (draft.isSimulated) exchange.answer(json(201, draft.response(exchange.origin)));
      else await this.#answerUnderFaults(exchange, draft);
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  async #answerUnderFaults(exchange: Exchange, draft: Draft): Promise<void> {
    const { faults, lifeCycle } = this.#simulation;
    const subject = subjectOf(draft.row);
    if (faults.take('insert_then_delete', subject) !== null) {
      this.#simulation.remove(draft.row);
      exchange.answer(serverError(500));
      return;
    }
    this.#simulation.dispatch(draft.row);
    if (faults.take('receipt_early', subject) !== null) await lifeCycle.finish(draft.row);
    const late = faults.take('answer_after', subject);
    if (late !== null) await waitFor(late.delayMs);
    if (faults.take('accept_then_drop', subject) !== null) {
      exchange.drop();
      return;
    }
    const broken = faults.take('accept_then_500', subject);
    if (broken !== null) answerBroken(exchange, broken.status);
    else exchange.answer(json(201, draft.response(exchange.origin)));
  }

  /** Authentication and both limits: what comes before the body is looked at. */
  #pass(exchange: Exchange, subject: Subject | null = null): Caller {
    const { authenticator, limiter, faults, settings } = this.#simulation;
    const nowMs = settings.now();
    const caller = authenticator.authenticate(exchange.request.headers.authorization, nowMs);
    limiter.check(caller.keyType, nowMs);
    if (faults.take('rate_limited', subject) !== null) throw limiter.refusal(caller.keyType);
    return caller;
  }

  #admit(exchange: Exchange, channel: Channel | 'letter', body: string, caller: Caller): Draft {
    const { dailyLimits, checks, settings } = this.#simulation;
    if (channel === 'letter') throw badRequest('Service is not allowed to send letters');
    const nowMs = settings.now();
    dailyLimits.check(channel, caller.keyType, nowMs);
    return checks.check(channel, body, caller, nowMs);
  }

  async #look(exchange: Exchange): Promise<void> {
    try {
      if (exchange.path === '/_status') {
        exchange.answer(json(200, { status: 'ok' }));
        return;
      }
      const subject = { recipient: '', reference: referenceIn(exchange.query) };
      if (await this.#isStopped(exchange, 'get', subject)) return;
      const body = exchange.request.method === 'POST' ? await exchange.body() : '';
      exchange.answer(this.#lookUp(exchange, body, subject));
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  #lookUp(exchange: Exchange, body: string, subject: Subject): Answer {
    const route = ROUTES.find(({ pattern }) => pattern.test(exchange.path));
    if (route === undefined) return unknownUrl;
    if (route.method !== exchange.request.method) return wrongMethod;
    const { authenticator, settings, faults } = this.#simulation;
    const nowMs = settings.now();
    const caller = authenticator.authenticate(exchange.request.headers.authorization, nowMs);
    const lag = faults.take('get_lag', subject);
    return route.handle({
      simulation: this.#simulation,
      caller,
      origin: exchange.origin,
      query: new URLSearchParams(exchange.query),
      parameters: route.pattern.exec(exchange.path)!.slice(1),
      body,
      // The row may be a microsecond ahead of the clock; without lag everything is visible.
      visibleBefore: lag === null ? Number.MAX_SAFE_INTEGER - 1 : (nowMs - lag.lagMs) * 1000,
    });
  }

  /** Applies the faults that strike before anything is read; true when they answered. */
  async #isStopped(exchange: Exchange, purpose: Purpose, subject: Subject): Promise<boolean> {
    const { faults } = this.#simulation;
    if (faults.isEmpty) return false;
    const isMeant = (fault: { on: 'any' | Purpose }) => fault.on === 'any' || fault.on === purpose;
    const slow = faults.takeIf('slow', subject, isMeant);
    if (slow !== null) await waitFor(slow.delayMs);
    if (faults.takeIf('down', subject, ({ mode }) => mode === 'unavailable') !== null) {
      exchange.html(503, 'Service Unavailable');
      return true;
    }
    if (faults.takeIf('drop', subject, isMeant) !== null) {
      exchange.drop();
      return true;
    }
    const error = faults.takeIf('error', subject, isMeant);
    if (error !== null) answerBroken(exchange, error.status);
    return error !== null;
  }

  #refuse(exchange: Exchange, error: unknown): void {
    this.#simulation.counts.refused += 1;
    if (error instanceof NotifyError || error instanceof SchemaError) {
      exchange.answer(error.answer);
      return;
    }
    // A bug of the simulator: said aloud, and answered as the live service answers its own.
    process.stderr.write(`${String((error as Error).stack)}\n`);
    exchange.answer(serverError(500));
  }
}

const SEND_PATHS: Readonly<Record<string, Channel | 'letter'>> = {
  '/v2/notifications/sms': 'sms',
  '/v2/notifications/email': 'email',
  '/v2/notifications/letter': 'letter',
};

const ROUTES = [
  { method: 'GET', pattern: /^\/v2\/notifications$/, handle: listNotifications },
  { method: 'GET', pattern: /^\/v2\/notifications\/([^/]+)$/, handle: getNotification },
  { method: 'GET', pattern: /^\/v2\/notifications\/([^/]+)\/pdf$/, handle: getPdf },
  { method: 'GET', pattern: /^\/v2\/templates$/, handle: listTemplates },
  { method: 'GET', pattern: /^\/v2\/template\/([^/]+)$/, handle: getTemplate },
  { method: 'GET', pattern: /^\/v2\/template\/([^/]+)\/version\/(\d+)$/, handle: getTemplate },
  { method: 'POST', pattern: /^\/v2\/template\/([^/]+)\/preview$/, handle: postPreview },
  { method: 'GET', pattern: /^\/v2\/received-text-messages$/, handle: listReceivedTexts },
] as const;

function referenceIn(query: string): string | null {
  return query === '' ? null : new URLSearchParams(query).get('reference');
}

/** Whom a request is for, as far as its body can be read; only faults ask. */
function subjectOfBody(body: string): Subject {
  try {
    const fields = JSON.parse(body) as Record<string, unknown>;
    const given = fields['phone_number'] ?? fields['email_address'];
    const to = typeof given === 'string' ? given : '';
    const reference = fields['reference'];
    const phone = parsePhoneNumber(to);
    return {
      recipient: phone.ok ? phone.normalised : to.toLowerCase(),
      reference: typeof reference === 'string' ? reference : null,
    };
  } catch {
    return { recipient: '', reference: null };
  }
}

/** 500 and 504 come from the application and are JSON, 502 and 503 from the edge and are not. */
function answerBroken(exchange: Exchange, status: 500 | 502 | 503 | 504): void {
  if (status === 502) exchange.html(502, 'Bad Gateway');
  else if (status === 503) exchange.html(503, 'Service Unavailable');
  else exchange.answer(serverError(status));
}

function serverError(status: 500 | 504): Answer {
  return status === 500
    ? errorAnswer(500, [{ error: 'OperationalError', message: 'Internal server error' }])
    : errorAnswer(504, [{ error: 'SoftEventletTimeout', message: 'Timeout serving request' }]);
}

/** The request as if the template began with these words. */
function withPrefix(body: string, prefix: string): string {
  const request = JSON.parse(body) as { personalisation: Record<string, string> };
  const personalisation = Object.fromEntries(
    Object.entries(request.personalisation).map(([name, value]) => [name, prefix + value]),
  );
  return JSON.stringify({ ...request, personalisation });
}

/** For hours, where a fault says so: it must not keep a process alive whose server was closed. */
async function waitFor(delayMs: number): Promise<void> {
  await delay(delayMs, undefined, { ref: false });
}
