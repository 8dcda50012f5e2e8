import { SchemaError } from './answers.ts';
import { isEmailAddress } from './email-address.ts';
import type { Personalisation } from './personalisation.ts';
import { parsePhoneNumber } from './phone-number.ts';
import { pythonRepr } from './python-text.ts';
import type { Channel } from './settings.ts';

/** A send request whose shape is right; what it asks for is checked later. */
export type SendRequest = {
  readonly recipient: string;
  readonly templateId: string;
  readonly personalisation: Personalisation;
  readonly reference: string | null;
  /** `sms_sender_id` or `email_reply_to_id`. */
  readonly senderId: string | null;
  readonly unsubscribeUrl: string | null;
  readonly sanitiseContentFor: readonly unknown[];
};

type Check = (value: unknown, nowMs: number) => string | null;
type Fields = Readonly<Record<string, Check>>;

const REFERENCE_LIMIT = 1_000;

const uuid: Check = (value) =>
  typeof value === 'string' && isLooseUuid(value) ? null : 'is not a valid UUID';

const reference: Check = (value) => {
  if (typeof value !== 'string') return `${pythonRepr(value)} is not of type string`;
  return Array.from(value).length > REFERENCE_LIMIT ? `${pythonRepr(value)} is too long` : null;
};

const personalisation: Check = (value) =>
  isObject(value) ? null : `${pythonRepr(value)} is not of type object`;

const phoneNumber: Check = (value) => {
  if (typeof value !== 'string') return `${pythonRepr(value)} is not of type string`;
  const phone = parsePhoneNumber(value);
  return phone.ok ? null : phone.message;
};

const emailAddress: Check = (value) => {
  if (typeof value !== 'string') return `${pythonRepr(value)} is not of type string`;
  return isEmailAddress(value) ? null : 'Not a valid email address';
};

const httpsUrl: Check = (value) =>
  typeof value === 'string' && value.startsWith('https') ? null : 'is not a valid https url';

const arrayOrNull: Check = (value) =>
  value === null || Array.isArray(value) ? null : `${pythonRepr(value)} is not of type array, null`;

/** Accepted, checked, and then ignored: the live service sends at once. */
const scheduledFor: Check = (value, nowMs) => {
  if (value === null) return null;
  if (typeof value !== 'string') return `${pythonRepr(value)} is not of type string, null`;
  const at = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(value) ? value : `${value}Z`);
  if (Number.isNaN(at)) {
    return 'datetime format is invalid. It must be a valid ISO8601 date time format, https://en.wikipedia.org/wiki/ISO_8601';
  }
  if (at < nowMs) return 'datetime can not be in the past';
  return at > nowMs + 86_400_000 ? 'datetime can only be 24 hours in the future' : null;
};

/** In the order in which the live service reports them. */
const FIELDS: Readonly<Record<Channel, Fields>> = {
  sms: {
    reference,
    phone_number: phoneNumber,
    template_id: uuid,
    personalisation,
    scheduled_for: scheduledFor,
    sms_sender_id: uuid,
  },
  email: {
    reference,
    email_address: emailAddress,
    template_id: uuid,
    personalisation,
    scheduled_for: scheduledFor,
    email_reply_to_id: uuid,
    one_click_unsubscribe_url: httpsUrl,
    sanitise_content_for: arrayOrNull,
  },
};

/**
 * Checks a decoded body against the schema of `channel`.
 * @throws SchemaError with every fault, properties first, then the missing, then the unknown.
 */
export function parseSendRequest(channel: Channel, decoded: unknown, nowMs: number): SendRequest {
  // Python's `request_json or {}`: every empty value counts as an empty object.
  const body = isEmpty(decoded) ? {} : decoded;
  if (!isObject(body))
    throw new SchemaError([unquote(`${pythonRepr(body)} is not of type object`)]);
  const recipientField = channel === 'sms' ? 'phone_number' : 'email_address';
  checkObject(body, FIELDS[channel], [recipientField, 'template_id'], nowMs);
  const sender = body[channel === 'sms' ? 'sms_sender_id' : 'email_reply_to_id'];
  return {
    recipient: body[recipientField] as string,
    templateId: normaliseUuid(body['template_id'] as string),
    personalisation: (body['personalisation'] as Personalisation | undefined) ?? {},
    reference: (body['reference'] as string | undefined) ?? null,
    senderId: (sender as string | undefined) ?? null,
    unsubscribeUrl: (body['one_click_unsubscribe_url'] as string | undefined) ?? null,
    sanitiseContentFor: (body['sanitise_content_for'] as unknown[] | null | undefined) ?? [],
  };
}

function checkObject(
  body: Readonly<Record<string, unknown>>,
  fields: Fields,
  required: readonly string[],
  nowMs: number,
): void {
  const faults: string[] = [];
  for (const name of Object.keys(fields)) {
    if (!(name in body)) continue;
    const fault = fields[name]!(body[name], nowMs);
    if (fault !== null) faults.push(unquote(`${name} ${fault}`));
  }
  for (const name of required) {
    if (!(name in body)) faults.push(`${name} is a required property`);
  }
  const unknown = Object.keys(body).filter((name) => !(name in fields));
  if (unknown.length > 0) faults.push(unexpected(unknown));
  if (faults.length > 0) throw new SchemaError(faults);
}

/** The live service's words for properties it does not know. */
export function unexpected(names: readonly string[]): string {
  const verb = names.length === 1 ? 'was' : 'were';
  return `Additional properties are not allowed (${[...names].sort().join(', ')} ${verb} unexpected)`;
}

/** It strips single quotes from every schema message. */
export function unquote(message: string): string {
  return message.replaceAll("'", '');
}

/** Python's `UUID()` takes braces, a urn prefix, and any hyphens or none. */
export function isLooseUuid(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(bareUuid(text));
}

/** The canonical form of a UUID that passed `isLooseUuid`. */
export function normaliseUuid(text: string): string {
  if (CANONICAL_UUID.test(text)) return text;
  return bareUuid(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function bareUuid(text: string): string {
  return text.toLowerCase().replace('urn:', '').replace('uuid:', '').replace(/[{}-]/g, '');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === false || value === 0 || value === '';
}
