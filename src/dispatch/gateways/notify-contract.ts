/**
 * The wire contract of GOV.UK Notify, API v2, as pure decisions. It was read in Notify's source,
 * not only in its documents.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { smsText } from '#kernel/sms-text.ts';
import type { Outgoing, ReceiptMeaning, SendResult, Template } from '../model.ts';
import type { Answer } from './http.ts';

/** Notify's ids have this form; any version and variant, as its keys are only compared as text. */
const ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const KEY = new RegExp(`^(?<name>.+)-(?<serviceId>${ID})-(?<secret>${ID})$`, 'i');

export type NotifyKey = { readonly serviceId: string; readonly secret: string };

/**
 * The parts of a key `{name}-{service id}-{secret}`, read from the right, because the name may hold
 * hyphens; undefined where it has not the form of one. The name alone is no secret.
 */
export function parseNotifyKey(
  apiKey: string,
): (NotifyKey & { readonly name: string }) | undefined {
  const { name, serviceId, secret } = KEY.exec(apiKey)?.groups ?? {};
  if (name === undefined || serviceId === undefined || secret === undefined) return undefined;
  return { name, serviceId, secret };
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

const RATE_PAUSE_MS = 2_000;
export const CLOCK_PAUSE_MS = 5_000;
/** A day's limit is not over in two seconds, and every refused request costs a token. */
const DAY_LIMIT_PAUSE_MS = 60_000;

const accepted = z.object({ id: z.uuid() });
const problem = z.object({
  errors: z.array(z.object({ error: z.string(), message: z.string() })).min(1),
});
const templates = z.object({
  templates: z.array(
    z.object({
      id: z.uuid(),
      version: z.number(),
      body: z.string(),
      subject: z.string().nullish(),
    }),
  ),
});

/** Statuses of a text or mail in Notify's words, and what they mean to us. */
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

const TEMPLATE_REFUSED = /^(?:Template (?:not found|has been deleted)|Missing personalisation)/;
export const TEMPLATE_CODE = 'no_pass_through_template';
const CLOCK_REFUSED = /system clock/i;
const CLOCK_CODE = 'clock_is_wrong';

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
    if (first?.error === 'TooManyRequestsError')
      return { class: 'not_sent', code, pauseMs: DAY_LIMIT_PAUSE_MS };
    return { class: 'not_sent', code, pauseMs: RATE_PAUSE_MS, tooFast: true };
  }
  // A template that is gone or has other blanks would refuse every message: no message's fault.
  if (status === 400 && first !== undefined && TEMPLATE_REFUSED.test(first.message))
    return { class: 'not_sent', code: TEMPLATE_CODE, pauseMs: CLOCK_PAUSE_MS };
  // The same holds for a key that is refused, or a clock that is wrong.
  if (status === 403 && first !== undefined && CLOCK_REFUSED.test(first.message))
    return { class: 'not_sent', code: CLOCK_CODE, pauseMs: CLOCK_PAUSE_MS };
  if (status === 401 || status === 403) return { class: 'not_sent', code, pauseMs: CLOCK_PAUSE_MS };
  if (status >= 400 && status < 500 && first !== undefined) return { class: 'rejected', code };
  return { class: 'unknown', code };
}

/** The templates of the service; undefined where the answer holds none. */
export function parseTemplates(answer: Answer): Template[] | undefined {
  if (answer.status !== 200) return undefined;
  const parsed = templates.safeParse(answer.body);
  return parsed.data?.templates.map(({ subject, ...template }) => ({
    ...template,
    subject: subject ?? null,
  }));
}

/** True where the template sends what it is given, and nothing else. */
export function isPassThrough({ body, subject }: Template, channel: 'text' | 'mail'): boolean {
  return body.trim() === '((body))' && (channel === 'text' || subject?.trim() === '((subject))');
}

const content = z.object({ content: z.object({ body: z.string() }) });

/**
 * True where the provider says that it sends other words than we asked for: somebody changed the
 * template since it was read. Of a text it answers with what its replacing of characters leaves,
 * without the name of the service; where the settings name it, it may stand before. Of a mail the
 * body is compared: the subject comes back with its quotes turned. Another implementation of the
 * API may not repeat the words; that proves nothing.
 */
export function contentDiffers(
  answer: Answer,
  asked: Pick<Outgoing, 'body'>,
  { channel, serviceName }: { channel: 'text' | 'mail'; serviceName?: string | undefined },
): boolean {
  const returned = content.safeParse(answer.body).data?.content.body;
  // Nearly always the same, letter for letter; what Notify replaces takes longer to tell.
  if (returned === undefined || returned === asked.body) return false;
  if (channel === 'mail') return lines(returned) !== lines(asked.body);
  const words = smsText(asked.body).text;
  if (returned === words) return false;
  return serviceName === undefined || returned !== smsText(words, { prefix: serviceName }).text;
}

function lines(text: string): string {
  return text.replaceAll('\r\n', '\n').trim();
}
