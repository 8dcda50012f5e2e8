/**
 * GOV.UK Notify, API v2: texts, or mail, of one service.
 *
 * The official client is not on this path: it has no time-out, and its errors do not say whether
 * the request left.
 */
import type { Found, Outgoing, ReceiptMeaning, SendResult, TemplateReading } from '../model.ts';
import type { Listed } from '../listing.ts';
import type { ReplyCallback } from '../parse.ts';
import type { Gateway } from './gateway.ts';
import { codeOf, deadlineIn, openHttp } from './http.ts';
import type { HttpWaits, Mark, Network, ProviderHttp, Request } from './http.ts';
import { capabilitiesOf } from './capabilities.ts';
import { foundIn, parseList, parseTexts } from './notify-list.ts';
import {
  classify,
  CLOCK_PAUSE_MS,
  contentDiffers,
  isPassThrough,
  mintToken,
  notifyStatuses,
  parseNotifyKey,
  parseTemplates,
  TEMPLATE_CODE,
  type NotifyKey,
} from './notify-contract.ts';

export type NotifySettings = {
  readonly baseUrl: string;
  /** `{name}-{service id}-{secret}`. */
  readonly apiKey: string;
  /** The name that Notify puts before each text, where the service has that switched on. */
  readonly serviceName?: string | undefined;
};

/** Shorter than Notify's own cap of 30 s: what is late is unknown either way, and looked up. */
const waits: HttpWaits = { connectMs: 5_000, headersMs: 20_000, bodyMs: 5_000 };

export type NotifyOptions = {
  /** Texts unless told. */
  readonly channel?: 'text' | 'mail';
  readonly now?: () => number;
  /** The longest waits of one request. Tests shorten them. */
  readonly waits?: Partial<HttpWaits>;
  readonly network?: Network | undefined;
};

const WINDOW = 64;
/**
 * The library rests a connection for one turn of the event loop after its answer. With no more of
 * them than requests each next request waited for that.
 */
const CONNECTIONS = 2 * WINDOW;
const NO_TEMPLATE = { class: 'not_sent', code: TEMPLATE_CODE, pauseMs: CLOCK_PAUSE_MS } as const;

class NotifyGateway implements Gateway {
  readonly window = WINDOW;
  readonly can;
  readonly sendMaxMs: number;
  readonly id: string;
  readonly channel: 'text' | 'mail';
  #http: ProviderHttp;
  #key: NotifyKey;
  #serviceName: string | undefined;
  #now: () => number;
  #token = { second: 0, text: '' };
  #templateId: string | undefined;

  constructor(id: string, settings: NotifySettings, key: NotifyKey, options: NotifyOptions) {
    const longest = { ...waits, ...options.waits };
    this.id = id;
    this.channel = options.channel ?? 'text';
    this.can = capabilitiesOf('notify', this.channel);
    this.sendMaxMs = longest.connectMs + longest.headersMs + longest.bodyMs;
    this.#key = key;
    this.#serviceName = settings.serviceName;
    this.#now = options.now ?? Date.now;
    this.#http = openHttp({
      baseUrl: settings.baseUrl,
      connections: CONNECTIONS,
      waits: longest,
      network: options.network,
    });
  }

  async send(message: Outgoing, mayStart = () => true): Promise<SendResult> {
    const mark: Mark = { started: false, mayStart };
    // Over all steps: each has a limit of its own, but the template is asked for first, a look-up
    // may hold the connection, and a body that drips never times out. The lease relies on it.
    const { signal, clear } = deadlineIn(this.sendMaxMs);
    try {
      if (this.#templateId === undefined) await this.#readTemplate(signal);
      if (this.#templateId === undefined) return NO_TEMPLATE;
      const { path, fields } = this.#addressed(message);
      const body = JSON.stringify({
        ...fields,
        template_id: this.#templateId,
        reference: message.reference,
      });
      const answer = await this.#request({ method: 'POST', path, body, mark, signal });
      const result = classify(answer);
      // Look again for the template at the next message: somebody may have mended it.
      if (result.class === 'not_sent' && result.code === TEMPLATE_CODE)
        this.#templateId = undefined;
      if (result.class !== 'accepted') return result;
      const as = { channel: this.channel, serviceName: this.#serviceName };
      if (!contentDiffers(answer, message, as)) return result;
      this.#templateId = undefined;
      return { ...result, contentDiffers: true };
    } catch (error) {
      const code = signal.aborted ? 'deadline' : codeOf(error);
      return mark.started ? { class: 'unknown', code } : { class: 'not_sent', code };
    } finally {
      clear();
    }
  }

  async find(reference: string): Promise<Found> {
    return foundIn(await this.#listed({ reference }));
  }

  async list(olderThan?: string): Promise<readonly Listed[] | undefined> {
    return await this.#listed({
      template_type: this.channel === 'text' ? 'sms' : 'email',
      ...(olderThan !== undefined && { older_than: olderThan }),
    });
  }

  async listTexts(olderThan?: string): Promise<readonly ReplyCallback[] | undefined> {
    const query = olderThan === undefined ? '' : `?older_than=${olderThan}`;
    return parseTexts(await this.#read(`/v2/received-text-messages${query}`));
  }

  /** The list of notifications, filtered so; undefined where there is no answer to believe. */
  async #listed(query: Record<string, string>): Promise<readonly Listed[] | undefined> {
    const parameters = new URLSearchParams(query).toString();
    return parseList(await this.#read(`/v2/notifications?${parameters}`));
  }

  /** What stands at a path; undefined where there is no answer of 200. */
  async #read(path: string): Promise<unknown> {
    const { signal, clear } = deadlineIn(this.sendMaxMs);
    try {
      const answer = await this.#request({ method: 'GET', path, signal });
      return answer.status === 200 ? answer.body : undefined;
    } catch {
      return undefined;
    } finally {
      clear();
    }
  }

  async readTemplate(): Promise<TemplateReading> {
    const { signal, clear } = deadlineIn(this.sendMaxMs);
    try {
      return await this.#readTemplate(signal);
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
    await this.#http.close();
  }

  /** The service's one template whose whole text is a blank; the one in use is kept while it is so. */
  async #readTemplate(signal: AbortSignal): Promise<TemplateReading> {
    const type = this.channel === 'text' ? 'sms' : 'email';
    const path = `/v2/templates?type=${type}`;
    const listed = parseTemplates(await this.#request({ method: 'GET', path, signal }));
    if (listed === undefined) return { answer: 'cannot_tell' };
    const fit = listed.filter((template) => isPassThrough(template, this.channel));
    const template = fit.find(({ id }) => id === this.#templateId) ?? fit[0];
    this.#templateId = template?.id;
    return template === undefined ? { answer: 'missing' } : { answer: 'pinned', template };
  }

  #addressed({ address, subject, body }: Outgoing): { path: string; fields: object } {
    if (this.channel === 'text')
      return {
        path: '/v2/notifications/sms',
        fields: { phone_number: address, personalisation: { body } },
      };
    return {
      path: '/v2/notifications/email',
      fields: { email_address: address, personalisation: { body, subject: subject ?? '' } },
    };
  }

  #request(request: Omit<Request, 'headers'>) {
    const headers = {
      authorization: `Bearer ${this.#tokenNow()}`,
      'content-type': 'application/json',
    };
    return this.#http.request({ ...request, headers });
  }

  #tokenNow(): string {
    const second = Math.floor(this.#now() / 1000);
    if (this.#token.second !== second) this.#token = { second, text: mintToken(this.#key, second) };
    return this.#token.text;
  }
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
