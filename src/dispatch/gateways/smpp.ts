/**
 * Texts by SMPP 3.4, to any aggregator. It cannot be asked what it has, so a text whose answer did
 * not come is certain only by its receipt; a short validity lets it die rather than come tomorrow.
 *
 * All parts of one text are one attempt: they go one after the other, any without an answer makes
 * it unknown, and none is ever sent again alone.
 */
import { createHash } from 'node:crypto';
import type { PDU, ShortMessage } from 'smpp';
import { readSeptets } from '#kernel/sms-parts.ts';
import type { Outgoing, ReceiptMeaning, SendResult } from '../model.ts';
import { capabilitiesOf } from './capabilities.ts';
import type { Gateway, GatewayInbox } from './gateway.ts';
import { SmppLink, type LinkWaits, type Submitted } from './smpp-link.ts';
import {
  addressKind,
  classifySubmit,
  isReceipt,
  packetsOf,
  plainId,
  readReceipt,
  smppStatuses,
  validityPeriod,
  type IdForm,
} from './smpp-contract.ts';

export type SmppSettings = {
  readonly url: string;
  /** What texts come from: letters, a short code, or a number that takes answers. */
  readonly from: string;
  readonly systemType: string;
  /** One session for both ways, or, where the centre has no such bind, one for each. */
  readonly bind: 'transceiver' | 'pair';
  /** Requests under way at once, as the provider allows. */
  readonly window: number;
  /** How the centre writes its message ids, in answers and in receipts. */
  readonly submitIds: IdForm;
  readonly receiptIds: IdForm;
};

export type SmppOptions = {
  /** Tests shorten them. */
  readonly waits?: Partial<LinkWaits & { readonly sendMs: number }>;
  readonly now?: () => number;
};

const waits = {
  connectMs: 5_000,
  answerMs: 10_000,
  sendMs: 25_000,
  enquireMs: 30_000,
  againMs: 16_000,
};
const NOT_BOUND_PAUSE_MS = 1_000;
/** Answers that did not come are remembered for so long, to know their receipts by the number. */
const UNANSWERED_MS = 3_600_000;
/** The same words from the same number within this time are one delivery that was repeated. */
const REPEAT_MS = 60_000;

type Unanswered = {
  readonly reference: string;
  readonly part: number;
  readonly parts: number;
  readonly at: number;
};

class SmppGateway implements Gateway {
  readonly channel = 'text';
  readonly can = capabilitiesOf('smpp', 'text');
  readonly window: number;
  readonly sendMaxMs: number;
  readonly id: string;
  #settings: SmppSettings;
  #waits: typeof waits;
  #now: () => number;
  /** By which texts go, and by which receipts and answers come: perhaps the same. */
  #link: SmppLink;
  #receiver: SmppLink;
  #inbox: GatewayInbox | undefined;
  #joinNumber = Math.floor(Math.random() * 256);
  /** By the number it went to. */
  #unanswered = new Map<string, Unanswered[]>();

  constructor(id: string, settings: SmppSettings, options: SmppOptions) {
    this.id = id;
    this.window = settings.window;
    this.#settings = settings;
    this.#waits = { ...waits, ...options.waits };
    this.#now = options.now ?? Date.now;
    this.sendMaxMs = this.#waits.connectMs + this.#waits.sendMs;
    const events = { onDeliver: (packet: PDU) => this.#keep(packet) };
    const isPair = settings.bind === 'pair';
    const [out, back] = isPair
      ? (['transmitter', 'receiver'] as const)
      : (['transceiver'] as const);
    this.#link = new SmppLink(out, settings, this.#waits, events);
    this.#receiver = back ? new SmppLink(back, settings, this.#waits, events) : this.#link;
  }

  receive(inbox: GatewayInbox): void {
    this.#inbox = inbox;
    this.#link.open();
    this.#receiver.open();
  }

  async send(message: Outgoing, mayStart = () => true): Promise<SendResult> {
    if (!(await this.#link.whenBound(this.#waits.connectMs)))
      return { class: 'not_sent', code: this.#link.why, pauseMs: NOT_BOUND_PAUSE_MS };
    if (!mayStart()) return { class: 'not_sent', code: 'too_late' };
    this.#joinNumber = (this.#joinNumber + 1) & 0xff;
    const packets = packetsOf(message.body, this.#joinNumber);
    const until = performance.now() + this.#waits.sendMs;
    let first: string | null = null;
    for (const [i, packet] of packets.entries()) {
      const place = { reference: message.reference, part: i + 1, parts: packets.length };
      const fields = { ...this.#addressed(message), ...packet };
      const result = await this.#submit(message.address, fields, place, until);
      // The first one decides; after it a part of the text is there, whatever the others come to.
      if (result.class !== 'accepted')
        return i === 0 ? result : { class: 'unknown', code: `part ${i + 1}: ${result.code}` };
      first ??= result.providerId;
    }
    return { class: 'accepted', providerId: first };
  }

  meaningOf(status: string): ReceiptMeaning | undefined {
    return smppStatuses[status];
  }

  async close(): Promise<void> {
    await Promise.all([this.#link.close(), this.#receiver.close()]);
  }

  async #submit(
    address: string,
    fields: Readonly<Record<string, unknown>>,
    place: Omit<Unanswered, 'at'>,
    until: number,
  ): Promise<SendResult> {
    const onLate = (late: Submitted) => this.#heard(address, place, late);
    const mostMs = Math.max(0, until - performance.now());
    const submitted = await this.#link.submit(fields, mostMs, onLate);
    if (submitted.answer === 'not_written') return { class: 'not_sent', code: 'not_written' };
    if (submitted.answer === 'none') {
      this.#remember(address, place);
      return { class: 'unknown', code: 'no_answer' };
    }
    return this.#heard(address, place, submitted);
  }

  /** What an answer means; its id is kept, so that its receipt will be known, however late. */
  #heard(address: string, place: Omit<Unanswered, 'at'>, submitted: Submitted): SendResult {
    this.#forget(address, place);
    if (submitted.answer !== 'status') return { class: 'unknown', code: 'no_answer' };
    const result = classifySubmit(submitted.status, submitted.messageId);
    if (result.class !== 'accepted' || result.providerId === null) return result;
    const providerId = plainId(result.providerId, this.#settings.submitIds);
    void this.#inbox?.part({ ...place, providerId });
    return { class: 'accepted', providerId };
  }

  #addressed({ address, expiresAt }: Outgoing): Record<string, unknown> {
    const source = addressKind(this.#settings.from);
    const destination = addressKind(address);
    const validity = expiresAt && validityPeriod(expiresAt.getTime() - this.#now());
    return {
      source_addr_ton: source.ton,
      source_addr_npi: source.npi,
      source_addr: this.#settings.from.replace(/^\+/, ''),
      dest_addr_ton: destination.ton,
      dest_addr_npi: destination.npi,
      destination_addr: address,
      registered_delivery: 1,
      ...(validity && { validity_period: validity }),
    };
  }

  /** Keeps a receipt or a text; false where that failed, so that the centre brings it again. */
  async #keep(packet: PDU): Promise<boolean> {
    const inbox = this.#inbox;
    if (inbox === undefined) return false;
    const words = wordsOf(packet);
    const from = fieldOf(packet, 'source_addr').replace(/^\+/, '');
    if (!isReceipt(Number(packet['esm_class'] ?? 0)))
      return await this.#keepText(packet, from, words);
    const receipt = readReceipt(packet, words);
    // One that says nothing is taken, or it would come for ever.
    if (receipt === undefined) return true;
    const providerId = plainId(receipt.messageId, this.#settings.receiptIds);
    const meaning = smppStatuses[receipt.status] ?? 'retained';
    const kept = await inbox.partEnded({ providerId, status: receipt.status, meaning });
    if (kept === 'nobodys') this.#adopt(from, providerId);
    return kept !== 'failed';
  }

  async #keepText(packet: PDU, from: string, words: string): Promise<boolean> {
    const minute = Math.floor(this.#now() / REPEAT_MS);
    const to = fieldOf(packet, 'destination_addr');
    const id = createHash('sha256')
      .update(JSON.stringify([from, to, words, minute]))
      .digest('hex');
    return await this.#inbox!.reply({
      id: `mo-${id.slice(0, 32)}`,
      sourceNumber: from,
      message: words,
      dateReceived: null,
    });
  }

  /**
   * A receipt with an id that nobody told us: where exactly one packet to that number has no
   * answer, it is about that one.
   */
  #adopt(address: string, providerId: string): void {
    const list = this.#unanswered.get(address) ?? [];
    const fresh = list.filter(({ at }) => this.#now() - at < UNANSWERED_MS);
    if (fresh.length !== 1) return;
    this.#unanswered.delete(address);
    const { at: _, ...place } = fresh[0]!;
    void this.#inbox?.part({ ...place, providerId });
  }

  #remember(address: string, place: Omit<Unanswered, 'at'>): void {
    const at = this.#now();
    for (const [other, list] of this.#unanswered)
      if (list.every((one) => at - one.at >= UNANSWERED_MS)) this.#unanswered.delete(other);
    this.#unanswered.set(address, [...(this.#unanswered.get(address) ?? []), { ...place, at }]);
  }

  #forget(address: string, { reference, part }: Omit<Unanswered, 'at'>): void {
    const list = this.#unanswered.get(address);
    const rest = list?.filter((one) => one.reference !== reference || one.part !== part) ?? [];
    if (rest.length === 0) this.#unanswered.delete(address);
    else this.#unanswered.set(address, rest);
  }
}

function fieldOf(packet: PDU, name: string): string {
  const value = packet[name];
  return typeof value === 'string' ? value : '';
}

/** The words of a packet, of whatever alphabet; what cannot be read is read as Latin. */
function wordsOf(packet: PDU): string {
  const { short_message: short, message_payload: long, data_coding: coding } = packet;
  const isShort = (short as ShortMessage | undefined)?.message.length ?? 0;
  const { message = '' } = ((isShort ? short : long) ?? {}) as Partial<ShortMessage>;
  if (typeof message === 'string') return message;
  return Number(coding) === 0 ? readSeptets(message) : message.toString('latin1');
}

/** Opens the gateway; it connects when the engine lets it receive, or with the first text. */
export function openSmppGateway(
  id: string,
  settings: SmppSettings,
  options: SmppOptions = {},
): Gateway {
  return new SmppGateway(id, settings, options);
}
