import type { Notification } from './notifications.ts';

/** A text from a phone to the service. */
export type ReceivedText = {
  readonly id: string;
  /** Microseconds. */
  readonly createdAt: number;
  /** E.164 without the plus, as the live service reports it. */
  readonly userNumber: string;
  readonly notifyNumber: string;
  readonly content: string;
};

export type HandsetMessage = Notification | ReceivedText;

export type Handset = {
  readonly number: string;
  /** Oldest first. */
  readonly messages: HandsetMessage[];
  lastAt: number;
};

export function isReply(message: HandsetMessage): message is ReceivedText {
  return 'content' in message;
}

const PAGE_SIZE = 250;

/** The simulated phones: one for each number that got or sent a text. */
export class Handsets {
  /** Kept in order of last use: a number that is used again moves to the end. */
  readonly #handsets = new Map<string, Handset>();
  readonly #received: ReceivedText[] = [];
  #textCount = 0;

  /** A test key's text never leaves the service, so no phone gets it. */
  addText(row: Notification): void {
    if (row.channel !== 'sms' || row.keyType === 'test') return;
    this.#textCount += 1;
    this.#add(row.normalisedTo, row, row.createdAt);
  }

  addReply(reply: ReceivedText): void {
    this.#received.push(reply);
    this.#add(reply.userNumber, reply, reply.createdAt);
  }

  find(number: string): Handset | undefined {
    return this.#handsets.get(number);
  }

  get count(): number {
    return this.#handsets.size;
  }

  get textCount(): number {
    return this.#textCount;
  }

  get replyCount(): number {
    return this.#received.length;
  }

  /** Handsets whose number holds `digits`, last used first. */
  search(digits: string): Handset[] {
    const found: Handset[] = [];
    for (const handset of this.#handsets.values()) {
      if (handset.number.includes(digits)) found.push(handset);
    }
    return found.reverse();
  }

  /** Up to 250 received texts, newest first, strictly older than the one named. */
  listReceived(olderThan: string | null): ReceivedText[] {
    const older = this.#received.find(({ id }) => id === olderThan);
    if (olderThan !== null && older === undefined) return [];
    const before = older?.createdAt ?? Infinity;
    return this.#received
      .filter(({ createdAt }) => createdAt < before)
      .slice(-PAGE_SIZE)
      .reverse();
  }

  #add(number: string, message: HandsetMessage, at: number): void {
    const handset = this.#handsets.get(number);
    if (handset === undefined) {
      // A literal takes the room of one message; the first push would take that of seventeen.
      this.#handsets.set(number, { number, messages: [message], lastAt: at });
      return;
    }
    handset.messages.push(message);
    handset.lastAt = at;
    this.#handsets.delete(number);
    this.#handsets.set(number, handset);
  }
}
