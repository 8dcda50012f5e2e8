/**
 * GOV.UK Notify, API v2. The wire contract was read in its source, not only in its documents.
 *
 * The official client is not on this path: it has no time-out, and its errors do not say whether
 * the request left. An interceptor marks the moment a connected socket takes the request; before
 * it a failure means "not sent", after it "unknown".
 */
import { createHmac } from 'node:crypto';
import { Pool, type Dispatcher } from 'undici';
import { z } from 'zod';
import type { Found, Outgoing, ReceiptMeaning, SendResult } from '../model.ts';
import type { Gateway } from './gateway.ts';

const UUID_LENGTH = 36;

export type NotifySettings = {
  readonly baseUrl: string;
  /** `{name}-{service id}-{secret}`; the name may hold hyphens, so it is read from the right. */
  readonly apiKey: string;
};

export type NotifyKey = { readonly serviceId: string; readonly secret: string };

/** The two parts of a key that count; undefined where it has not the form of one. */
export function parseNotifyKey(apiKey: string): NotifyKey | undefined {
  const serviceId = apiKey.slice(-2 * UUID_LENGTH - 1, -UUID_LENGTH - 1);
  const secret = apiKey.slice(-UUID_LENGTH);
  const isId = (text: string) => z.uuid().safeParse(text).success;
  return isId(serviceId) && isId(secret) ? { serviceId, secret } : undefined;
}

/** Shorter than Notify's own cap of 30 s: what is late is unknown either way, and looked up. */
const waits = { connectMs: 5_000, headersMs: 20_000, bodyMs: 5_000 };

export type NotifyOptions = {
  readonly now?: () => number;
  /** The longest waits of one request. Tests shorten them. */
  readonly waits?: Readonly<Partial<typeof waits>>;
};

/** Below the idle limit of common load balancers: a stale socket is the commonest reset. */
const KEEP_ALIVE_MS = 4_000;
const RATE_PAUSE_MS = 2_000;
const CLOCK_PAUSE_MS = 5_000;
/** A day's limit is not over in two seconds, and every refused request costs a token. */
const DAY_LIMIT_PAUSE_MS = 60_000;
const WINDOW = 64;

const accepted = z.object({ id: z.uuid() });
const problem = z.object({
  errors: z.array(z.object({ error: z.string(), message: z.string() })).min(1),
});
const list = z.object({
  notifications: z.array(z.object({ id: z.uuid(), status: z.string() })),
});
const templates = z.object({
  templates: z.array(z.object({ id: z.uuid(), version: z.number(), body: z.string() })),
});

/** Statuses of a text in Notify's words, and what they mean to us. */
export const notifyStatuses: Readonly<Record<string, ReceiptMeaning>> = {
  created: 'retained',
  sending: 'retained',
  pending: 'retained',
  // International texts end here unless the country reports; it is not a proof of delivery.
  sent: 'retained',
  delivered: 'delivered',
  'permanent-failure': 'undelivered',
  'temporary-failure': 'undelivered',
  'technical-failure': 'undelivered',
};

type Answer = { readonly status: number; readonly body: unknown };
type Mark = { started: boolean; readonly mayStart: () => boolean };

const TEMPLATE_REFUSED = /^(?:Template (?:not found|has been deleted)|Missing personalisation)/;
const TEMPLATE_CODE = 'no_pass_through_template';

/** What an answer of the send call means (the table in docs/adding-a-gateway.md, cell by cell). */
export function classify(answer: Answer): SendResult {
  const { status, body } = answer;
  if (status === 201 || status === 200) {
    const parsed = accepted.safeParse(body);
    return parsed.success
      ? { class: 'accepted', providerId: parsed.data.id }
      : { class: 'unknown', code: 'unreadable_answer' };
  }
  const first = problem.safeParse(body).data?.errors[0];
  const code = `${status} ${first?.error ?? 'no_detail'}`;
  if (status === 429) {
    const isDayLimit = first?.error === 'TooManyRequestsError';
    return { class: 'not_sent', code, pauseMs: isDayLimit ? DAY_LIMIT_PAUSE_MS : RATE_PAUSE_MS };
  }
  // A template that is gone or has other blanks would refuse every message: no message's fault.
  if (status === 400 && first !== undefined && TEMPLATE_REFUSED.test(first.message))
    return { class: 'not_sent', code: TEMPLATE_CODE, pauseMs: CLOCK_PAUSE_MS };
  // The same holds for a key that is refused, or a clock that is wrong.
  if (status === 401 || status === 403) return { class: 'not_sent', code, pauseMs: CLOCK_PAUSE_MS };
  if (status >= 400 && status < 500 && first !== undefined) return { class: 'rejected', code };
  return { class: 'unknown', code };
}

/** A token good for requests of this second; it is bound to nothing else, so they may share it. */
export function mintToken(key: NotifyKey, nowSeconds: number): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const content = `${encode({ typ: 'JWT', alg: 'HS256' })}.${encode({
    iss: key.serviceId,
    iat: nowSeconds,
  })}`;
  return `${content}.${createHmac('sha256', key.secret).update(content).digest('base64url')}`;
}

/**
 * Marks the request as started when a connected socket takes it, or stops it there: measured, a
 * worker that was frozen past its lease sent what had waited for a connection inside the pool.
 */
const track: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(
    options,
    new Proxy(handler, {
      get(target, property: keyof Dispatcher.DispatchHandler) {
        const value = target[property];
        if (typeof value !== 'function') return value;
        if (property !== 'onRequestStart') return value.bind(target);
        return (...parameters: unknown[]) => {
          const { mark } = options as { mark?: Mark };
          if (mark?.mayStart() === false) {
            const [controller] = parameters as [Dispatcher.DispatchController];
            controller.abort(Object.assign(new Error('too late'), { code: 'too_late' }));
            return undefined;
          }
          if (mark) mark.started = true;
          return Reflect.apply(value, target, parameters) as unknown;
        };
      },
    }),
  );

class NotifyGateway implements Gateway {
  readonly channel = 'text';
  readonly window = WINDOW;
  readonly sendMaxMs: number;
  readonly id: string;
  #pool: Dispatcher;
  #key: NotifyKey;
  #path: string;
  #now: () => number;
  #token = { second: 0, text: '' };
  #templateId: string | undefined;

  constructor(id: string, settings: NotifySettings, key: NotifyKey, options: NotifyOptions) {
    const { connectMs, headersMs, bodyMs } = { ...waits, ...options.waits };
    this.id = id;
    this.sendMaxMs = connectMs + headersMs + bodyMs;
    this.#key = key;
    this.#now = options.now ?? Date.now;
    const url = new URL(settings.baseUrl);
    this.#path = url.pathname.replace(/\/$/, '');
    this.#pool = new Pool(url.origin, {
      connections: WINDOW,
      pipelining: 1,
      connect: { timeout: connectMs },
      headersTimeout: headersMs,
      bodyTimeout: bodyMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    }).compose(track);
  }

  async send(message: Outgoing, mayStart = () => true): Promise<SendResult> {
    const mark: Mark = { started: false, mayStart };
    // Over all steps: each has a limit of its own, but the template is asked for first, a look-up
    // may hold the connection, and a body that drips never times out. The lease relies on it.
    const { signal, clear } = deadlineIn(this.sendMaxMs);
    try {
      const templateId = await this.#template(signal);
      if (templateId === undefined)
        return { class: 'not_sent', code: TEMPLATE_CODE, pauseMs: CLOCK_PAUSE_MS };
      const body = JSON.stringify({
        phone_number: message.address,
        template_id: templateId,
        personalisation: { body: message.body },
        reference: message.reference,
      });
      const path = '/v2/notifications/sms';
      const result = classify(await this.#request('POST', path, { body, mark, signal }));
      // Look again for the template at the next message: somebody may have mended it.
      if (result.class === 'not_sent' && result.code === TEMPLATE_CODE)
        this.#templateId = undefined;
      return result;
    } catch (error) {
      const code = signal.aborted ? 'deadline' : codeOf(error);
      return mark.started ? { class: 'unknown', code } : { class: 'not_sent', code };
    } finally {
      clear();
    }
  }

  async find(reference: string): Promise<Found> {
    const { signal, clear } = deadlineIn(this.sendMaxMs);
    try {
      const path = `/v2/notifications?reference=${encodeURIComponent(reference)}`;
      const answer = await this.#request('GET', path, { signal });
      const parsed = answer.status === 200 ? list.safeParse(answer.body) : undefined;
      if (!parsed?.success) return { answer: 'cannot_tell' };
      // The oldest comes last: if there were two, the first is the one that counts.
      const found = parsed.data.notifications.at(-1);
      if (found === undefined) return { answer: 'absent' };
      return { answer: 'found', providerId: found.id, status: found.status };
    } catch {
      return { answer: 'cannot_tell' };
    } finally {
      clear();
    }
  }

  meaningOf(status: string): ReceiptMeaning | undefined {
    return Object.hasOwn(notifyStatuses, status) ? notifyStatuses[status] : undefined;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  /** Texts use the service's one template whose whole body is `((body))`. */
  async #template(signal: AbortSignal): Promise<string | undefined> {
    if (this.#templateId === undefined) {
      const answer = await this.#request('GET', '/v2/templates?type=sms', { signal });
      const parsed = templates.safeParse(answer.body);
      this.#templateId = parsed.data?.templates.find(({ body }) => body.trim() === '((body))')?.id;
    }
    return this.#templateId;
  }

  async #request(
    method: 'GET' | 'POST',
    path: string,
    options: { body?: string; mark?: Mark; signal: AbortSignal },
  ): Promise<Answer> {
    const { statusCode, body } = await this.#pool.request({
      method,
      path: this.#path + path,
      headers: { authorization: `Bearer ${this.#tokenNow()}`, 'content-type': 'application/json' },
      ...options,
    });
    let text = '';
    try {
      text = await body.text();
    } catch {
      // The status is known and decides; without a body a 201 is unreadable, so unknown.
    }
    return { status: statusCode, body: parseJson(text) };
  }

  #tokenNow(): string {
    const second = Math.floor(this.#now() / 1000);
    if (this.#token.second !== second) this.#token = { second, text: mintToken(this.#key, second) };
    return this.#token.text;
  }
}

/**
 * A limit over several steps. Not `AbortSignal.timeout`: that cannot be taken back, so each request
 * stayed in memory for all of its 30 s.
 */
function deadlineIn(timeoutMs: number): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'no_code';
}

/** Opens the gateway; throws where the key has not the form of a Notify key. */
export function openNotifyGateway(
  id: string,
  settings: NotifySettings,
  options: NotifyOptions = {},
): Gateway {
  const key = parseNotifyKey(settings.apiKey);
  if (key === undefined) throw new TypeError('the Notify key is not {name}-{service id}-{secret}');
  return new NotifyGateway(id, settings, key, options);
}
