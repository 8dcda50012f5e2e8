/**
 * SMPP 3.4 as pure decisions: what a status means for one message, what a receipt says, how a text
 * becomes packets. Sections are those of the specification, issue 1.2.
 */
import { smsParts } from '#kernel/sms-parts.ts';
import type { ReceiptMeaning, SendResult } from '../model.ts';

const BUSY_PAUSE_MS = 2_000;
const OURS_PAUSE_MS = 5_000;

type StatusClass =
  /** This message, and no other, is refused for good. */
  | 'rejected'
  /** Not now: everybody on this account waits. */
  | 'busy'
  /** Not taken, for a reason that may pass. */
  | 'not_sent'
  /** Our account, sender or settings: every message would be refused, so an operator mends it. */
  | 'ours';

/** `command_status` of an answer to `submit_sm` (section 5.1.3). What is not here is unknown. */
export const submitStatuses: Readonly<Record<number, StatusClass>> = {
  0x01: 'rejected', // message length is invalid
  0x02: 'ours', // command length is invalid
  0x03: 'ours', // invalid command
  0x04: 'not_sent', // not bound for this command: the session is bound anew
  0x06: 'ours', // priority flag
  0x07: 'ours', // registered delivery flag
  0x0a: 'ours', // source address
  0x0b: 'rejected', // destination address
  0x0d: 'ours', // bind failed
  0x0e: 'ours', // password
  0x0f: 'ours', // system id
  0x14: 'busy', // message queue full
  0x15: 'ours', // service type
  0x33: 'rejected', // number of destinations
  0x34: 'rejected', // distribution list
  0x40: 'rejected', // destination flag
  0x43: 'ours', // esm_class
  0x45: 'not_sent', // submit failed
  0x48: 'ours', // source TON
  0x49: 'ours', // source NPI
  0x50: 'rejected', // destination TON
  0x51: 'rejected', // destination NPI
  0x53: 'ours', // system type
  0x54: 'ours', // replace flag
  0x58: 'busy', // throttled
  0x61: 'ours', // scheduled time
  0x62: 'ours', // validity period
  0x63: 'ours', // predefined message
  0x64: 'not_sent', // receiver: temporary error
  0x65: 'rejected', // receiver: permanent error
  0x66: 'rejected', // receiver: message refused
  0xc0: 'ours', // optional part of the packet
  0xc1: 'ours', // optional parameter not allowed
  0xc2: 'ours', // parameter length
  0xc3: 'ours', // expected parameter missing
  0xc4: 'ours', // parameter value
  0xfe: 'rejected', // delivery failure
  0x101: 'rejected', // SMPP 5.0: prohibited destination
  0x104: 'rejected', // SMPP 5.0: data coding
};

/**
 * What the answer to one packet means. System error (0x08), unknown error (0xff) and the codes that
 * vendors add do not say what became of the message: nothing is sent again on a guess.
 */
export function classifySubmit(status: number, messageId: unknown): SendResult {
  if (status === 0) {
    const providerId = typeof messageId === 'string' ? messageId : '';
    // Without an id no receipt could be matched, but it was taken.
    return { class: 'accepted', providerId: providerId === '' ? null : providerId };
  }
  const code = `smpp 0x${status.toString(16)}`;
  const meaning = submitStatuses[status];
  if (meaning === undefined) return { class: 'unknown', code };
  if (meaning === 'rejected') return { class: 'rejected', code };
  if (meaning === 'not_sent') return { class: 'not_sent', code };
  if (meaning === 'busy') return { class: 'not_sent', code, pauseMs: BUSY_PAUSE_MS, tooFast: true };
  return { class: 'not_sent', code, pauseMs: OURS_PAUSE_MS };
}

/** States of a message in the words of receipts (appendix B). */
export const smppStatuses: Readonly<Record<string, ReceiptMeaning>> = {
  ENROUTE: 'retained',
  ACCEPTD: 'retained',
  // The centre does not know it: no proof of anything.
  UNKNOWN: 'retained',
  DELIVRD: 'delivered',
  EXPIRED: 'undelivered',
  DELETED: 'undelivered',
  UNDELIV: 'undelivered',
  REJECTD: 'undelivered',
};

/** `message_state` (section 5.2.28) in the same words, by its number. */
const states = [
  'UNKNOWN',
  'ENROUTE',
  'DELIVRD',
  'EXPIRED',
  'DELETED',
  'UNDELIV',
  'ACCEPTD',
  'UNKNOWN',
  'REJECTD',
];

/** True where a `deliver_sm` is a receipt (section 5.2.12: bits 2 to 5 of `esm_class`). */
export function isReceipt(esmClass: number): boolean {
  return (esmClass & 0x3c) === 0x04;
}

export type SmppReceipt = { readonly messageId: string; readonly status: string };

/** Which message a receipt is about and how it ended: by its parameters, else by its words. */
export function readReceipt(packet: Readonly<Record<string, unknown>>, words: string) {
  const { receipted_message_id: id, message_state: state } = packet;
  const said = /\bid:\s*([^\s]{1,65})/i.exec(words)?.[1];
  const stat = /\bstat:\s*([A-Z]{3,10})/i.exec(words)?.[1]?.toUpperCase();
  const messageId = typeof id === 'string' && id !== '' ? id : said;
  const status = (typeof state === 'number' ? states[state] : undefined) ?? stat;
  if (messageId === undefined || status === undefined) return undefined;
  return { messageId, status } satisfies SmppReceipt;
}

/** How a centre writes its message ids; many answer in one form and report in the other. */
export type IdForm = 'text' | 'hex' | 'dec';

/** One form for both; an id that is not of the form it should have stays as it is. */
export function plainId(id: string, form: IdForm): string {
  const digits = form === 'hex' ? /^[0-9a-f]+$/i : /^\d+$/;
  if (form === 'text' || !digits.test(id)) return id;
  return BigInt(form === 'hex' ? `0x${id}` : id).toString();
}

/** Type and numbering plan of an address (sections 5.2.5 and 5.2.6). */
export function addressKind(address: string): { ton: number; npi: number } {
  if (!/^\+?\d+$/.test(address)) return { ton: 5, npi: 0 };
  // A short code belongs to its network.
  return address.length <= 6 ? { ton: 3, npi: 0 } : { ton: 1, npi: 1 };
}

const DAY_SECONDS = 86_400;

/**
 * A relative time as `validity_period` has it (section 7.1.1.2): after it the network stops trying.
 * Undefined beyond 30 days: months have no fixed length.
 */
export function validityPeriod(ms: number): string | undefined {
  const seconds = Math.max(1, Math.floor(ms / 1000));
  if (seconds > 30 * DAY_SECONDS) return undefined;
  const fields = [
    Math.floor(seconds / DAY_SECONDS),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  return `0000${fields.map((value) => String(value).padStart(2, '0')).join('')}000R`;
}

export type Packet = {
  readonly data_coding: 0 | 8;
  readonly esm_class: 0 | 0x40;
  readonly short_message: Buffer;
};

/** A text as packets; several carry their place in a header (3GPP TS 23.040, section 9.2.3.24.1). */
export function packetsOf(body: string, joinNumber: number): Packet[] {
  const { encoding, parts } = smsParts(body);
  const data_coding = encoding === 'gsm' ? 0 : 8;
  if (parts.length === 1) return [{ data_coding, esm_class: 0, short_message: parts[0]! }];
  return parts.map((part, i) => {
    const header = Buffer.of(5, 0, 3, joinNumber & 0xff, parts.length, i + 1);
    return { data_coding, esm_class: 0x40, short_message: Buffer.concat([header, part]) };
  });
}
