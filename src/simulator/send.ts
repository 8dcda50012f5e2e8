import { randomUUID } from 'node:crypto';
import { NotifyError, badRequest } from './answers.ts';
import type { Caller } from './auth.ts';
import type { DailyLimits } from './limiter.ts';
import type { Notification } from './notifications.ts';
import { type Personalisation, namesInclude, sanitise } from './personalisation.ts';
import { type Phone, parsePhoneNumber } from './phone-number.ts';
import { type SendRequest, parseSendRequest } from './request-schema.ts';
import type { Channel, Settings } from './settings.ts';
import { SMS_CHARACTER_LIMIT, countFragments, normaliseSmsText } from './sms-text.ts';
import {
  type FilledTemplate,
  type Template,
  type TemplateStore,
  fillTemplate,
  isEmptyMessage,
} from './templates.ts';
import { stripObscureWhitespace } from './whitespace.ts';

const EMAIL_BYTE_LIMIT = 2_000_000;
const SIMULATED_NUMBERS = new Set(['447700900000', '447700900111', '447700900222']);
const SIMULATED_ADDRESSES = new Set(
  ['simulate-delivered', 'simulate-delivered-2', 'simulate-delivered-3'].map(
    (local) => `${local}@notifications.service.gov.uk`,
  ),
);
/** Multipliers given in the public price list for some prefixes; others count as an average 5. */
const RATE_MULTIPLIERS: ReadonlyMap<string, number> = new Map(
  '1:1 7:10 20:7 33:2 44:2 49:5 62:12 92:12 94:12 230:4 234:8 261:12 353:2 998:12 1664:6'
    .split(' ')
    .map((pair) => [pair.split(':')[0]!, Number(pair.split(':')[1])]),
);

type Parts = {
  readonly settings: Settings;
  readonly templates: TemplateStore;
  readonly dailyLimits: DailyLimits;
};

/** A request that passed every check: a row that is not stored yet, and what to answer. */
export type Draft = {
  readonly row: Notification;
  /** One of Notify's own smoke numbers: answered, never stored. */
  readonly isSimulated: boolean;
  readonly response: (origin: string) => object;
};

type Recipient = { readonly normalisedTo: string; readonly phone: Phone | null };
type Checked = {
  readonly channel: Channel;
  readonly request: SendRequest;
  readonly caller: Caller;
  readonly template: Template;
  readonly filled: FilledTemplate;
  readonly recipient: Recipient;
};
type Sanitised = Record<string, { unsanitised: unknown; sanitised: string }>;

/** The checks of one send after authentication and limits, in the live service's order. */
export class SendChecks {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws NotifyError or SchemaError with the answer of the first check that fails. */
  check(channel: Channel, body: string, caller: Caller, nowMs: number): Draft {
    const request = parseSendRequest(channel, parseJson(body), nowMs);
    const { personalisation, sanitised } = sanitiseChosen(request);
    const template = this.#template(channel, request.templateId);
    const filled = fillTemplate(template, personalisation);
    if (isEmptyMessage(template, filled)) throw badRequest('Your message is empty.');
    this.#checkFiles(channel, personalisation);
    const sender = this.#sender(channel, request.senderId);
    const recipient = this.#recipient(channel, request, caller, nowMs);
    checkLength(channel, filled);
    const row = this.#row({ channel, request, caller, template, filled, recipient });
    return {
      row,
      isSimulated:
        SIMULATED_NUMBERS.has(row.normalisedTo) || SIMULATED_ADDRESSES.has(row.normalisedTo),
      response: (origin) => this.#response(row, origin, sender, sanitised),
    };
  }

  #template(channel: Channel, id: string): Template {
    const template = this.#parts.templates.find(id);
    if (template === undefined) throw badRequest('Template not found');
    if (template.type !== channel) {
      throw badRequest(`${template.type} template is not suitable for ${channel} notification`);
    }
    if (template.archived) throw badRequest('Template has been deleted');
    return template;
  }

  #checkFiles(channel: Channel, personalisation: Personalisation): void {
    const hasFile = Object.values(personalisation).some(
      (value) => typeof value === 'object' && value !== null && 'file' in value,
    );
    if (!hasFile) return;
    if (channel === 'sms') throw badRequest('Can only send a file by email');
    const { serviceId } = this.#parts.settings;
    throw badRequest(
      `Send files by email has not been set up - add contact details for your service at https://www.notifications.service.gov.uk/services/${serviceId}/service-settings/send-files-by-email`,
    );
  }

  #sender(channel: Channel, senderId: string | null): string {
    const { settings } = this.#parts;
    if (senderId === null) return settings.smsSender;
    const known = channel === 'sms' ? settings.smsSenders : settings.emailReplyTos;
    const sender = known[senderId];
    if (sender !== undefined) return sender;
    const field = channel === 'sms' ? 'sms_sender_id' : 'email_reply_to_id';
    throw badRequest(
      `${field} ${senderId} does not exist in database for service id ${settings.serviceId}`,
    );
  }

  #recipient(channel: Channel, request: SendRequest, caller: Caller, nowMs: number): Recipient {
    this.#checkAllowed(channel, request.recipient, caller);
    if (channel === 'email') {
      return {
        normalisedTo: stripObscureWhitespace(request.recipient).toLowerCase(),
        phone: null,
      };
    }
    const phone = parsePhoneNumber(request.recipient);
    if (!phone.ok) throw badRequest(phone.message);
    const { settings, dailyLimits } = this.#parts;
    if (!phone.isUk && !settings.internationalSms) {
      throw badRequest('Cannot send to international mobile numbers');
    }
    if (phone.isUkLandline && !settings.ukLandlines) {
      throw new NotifyError(400, 'InvalidPhoneError', 'Not a UK mobile number');
    }
    if (!phone.isUk) dailyLimits.check('international_sms', caller.keyType, nowMs);
    return { normalisedTo: phone.normalised, phone };
  }

  #checkAllowed(channel: Channel, recipient: string, caller: Caller): void {
    const { trialMode, teamRecipients } = this.#parts.settings;
    const isOpen = caller.keyType === 'test' || (caller.keyType === 'live' && !trialMode);
    if (isOpen) return;
    const wanted = recipientKey(channel, recipient);
    if (teamRecipients.some((allowed) => recipientKey(channel, allowed) === wanted)) return;
    throw badRequest(
      caller.keyType === 'team'
        ? 'Can’t send to this recipient using a team-only API key'
        : 'Can’t send to this recipient when service is in trial mode – see https://www.notifications.service.gov.uk/trial-mode',
    );
  }

  #row({ channel, request, caller, template, filled, recipient }: Checked): Notification {
    const { prefixOn, serviceName } = this.#parts.settings;
    const { normalisedTo, phone } = recipient;
    const sent = prefixOn ? normaliseSmsText(filled.body, serviceName) : filled.body;
    const isInternational = phone?.isInternational ?? false;
    return {
      id: randomUUID(),
      channel,
      keyType: caller.keyType,
      reference: request.reference,
      to: stripObscureWhitespace(request.recipient),
      normalisedTo,
      template,
      body: filled.body,
      subject: filled.subject,
      unsubscribeUrl: request.unsubscribeUrl,
      fragments: channel === 'sms' ? countFragments(sent) : 0,
      isInternational,
      rateMultiplier: isInternational ? (RATE_MULTIPLIERS.get(phone!.prefix) ?? 5) : 1,
      createdAt: 0,
      status: 'created',
      sentAt: null,
      updatedAt: null,
      isDeleted: false,
    };
  }

  #response(row: Notification, origin: string, sender: string, sanitised: Sanitised): object {
    const { serviceId, serviceName } = this.#parts.settings;
    const common = {
      id: row.id,
      reference: row.reference,
      uri: `${origin}/v2/notifications/${row.id}`,
      template: {
        id: row.template.id,
        version: row.template.version,
        uri: `${origin}/services/${serviceId}/templates/${row.template.id}`,
      },
      scheduled_for: null,
    };
    if (row.channel === 'sms') {
      return { ...common, content: { from_number: sender, body: row.body } };
    }
    return {
      ...common,
      content: {
        from_email: `${localPartOf(serviceName)}@notifications.service.gov.uk`,
        body: row.body,
        subject: row.subject,
        one_click_unsubscribe_url: row.unsubscribeUrl,
      },
      sanitised_content: sanitised,
    };
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw badRequest('Invalid JSON supplied in POST data');
  }
}

function sanitiseChosen(request: SendRequest): {
  personalisation: Personalisation;
  sanitised: Sanitised;
} {
  const changed: Sanitised = {};
  if (request.sanitiseContentFor.length === 0) {
    return { personalisation: request.personalisation, sanitised: changed };
  }
  const personalisation = Object.fromEntries(
    Object.entries(request.personalisation).map(([name, value]) => {
      if (typeof value !== 'string' || !namesInclude(request.sanitiseContentFor, name)) {
        return [name, value];
      }
      const clean = sanitise(value);
      if (clean !== value) changed[name] = { unsanitised: value, sanitised: clean };
      return [name, clean];
    }),
  );
  return { personalisation, sanitised: changed };
}

function checkLength(channel: Channel, filled: FilledTemplate): void {
  if (channel === 'sms' && filled.body.length > SMS_CHARACTER_LIMIT) {
    throw badRequest(
      `Your message is too long. Text messages cannot be longer than ${SMS_CHARACTER_LIMIT} characters. Your message is ${filled.body.length} characters long.`,
    );
  }
  const bytes = channel === 'email' ? Buffer.byteLength(filled.body) : 0;
  if (bytes > EMAIL_BYTE_LIMIT) {
    throw badRequest(
      `Your message is too long. Emails cannot be longer than ${EMAIL_BYTE_LIMIT} bytes. Your message is ${bytes} bytes.`,
    );
  }
}

function recipientKey(channel: Channel, recipient: string): string {
  if (channel === 'email') return stripObscureWhitespace(recipient).toLowerCase();
  const phone = parsePhoneNumber(recipient);
  return phone.ok ? phone.normalised : recipient;
}

/** The part before the @ of the service's address: its name in lower case with dots. */
export function localPartOf(serviceName: string): string {
  return serviceName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '.')
    .replace(/^\.+|\.+$/g, '');
}
