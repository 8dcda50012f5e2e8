import type { Listed } from '../listing.ts';
import type { Found, Outgoing, ReceiptMeaning, SendResult, TemplateReading } from '../model.ts';
import type { ReplyCallback } from '../parse.ts';
import type { Capabilities } from './capabilities.ts';

/**
 * What every adapter to a provider does. `send` never throws: each failure has a class, because
 * the engine may retry only what surely did not leave.
 */
export type Gateway = {
  readonly id: string;
  readonly channel: 'text' | 'mail';
  /** Declared, kept on its row, and shown: what the engine may rely on. */
  readonly can: Capabilities;
  /** Requests under way at once. */
  readonly window: number;
  /** Upper bound of one `send`, in ms: the lease must outlast it. */
  readonly sendMaxMs: number;
  /**
   * `mayStart` is asked in the last moment before the provider can have it: a request may have
   * waited for a connection while the process stood still, and then it must not leave.
   */
  send(message: Outgoing, mayStart?: () => boolean): Promise<SendResult>;
  /** Asks the provider for a reference; absent where a provider cannot be asked. */
  find?(reference: string): Promise<Found>;
  /**
   * Reads the provider's own frame around each message and remembers which one to use; absent where
   * there is none.
   */
  readTemplate?(): Promise<TemplateReading>;
  /**
   * One page of what the provider has of this service and kind of key, newest first: of all, or of
   * what is strictly older than that text. Undefined where it cannot be told; absent where a
   * provider has no such list.
   */
  list?(olderThan?: string): Promise<readonly Listed[] | undefined>;
  /** One page of the texts that people sent, newest first, in the same way. */
  listTexts?(olderThan?: string): Promise<readonly ReplyCallback[] | undefined>;
  /** What a status in the provider's words means; undefined where it has no such word. */
  meaningOf(status: string): ReceiptMeaning | undefined;
  /** Begins to take what comes in by the gateway's own connection; absent where callbacks bring it. */
  receive?(inbox: GatewayInbox): void;
  close(): Promise<void>;
};

/** One part of a text as a provider knows it; a text that is not cut has one. */
export type PartTaken = {
  readonly reference: string;
  readonly providerId: string;
  readonly part: number;
  readonly parts: number;
};

export type PartEnded = {
  readonly providerId: string;
  /** In the provider's words. */
  readonly status: string;
  readonly meaning: ReceiptMeaning;
};

/** Where a gateway brings what came in. Nothing throws: what could not be kept is said. */
export type GatewayInbox = {
  /** The provider's id of a part: whose its receipt will be. */
  part(taken: PartTaken): Promise<boolean>;
  /** The receipt of a part; `nobodys` where no part has this id yet: it waits for its owner. */
  partEnded(ended: PartEnded): Promise<'kept' | 'nobodys' | 'failed'>;
  /** A text from a person; false where it could not be kept. */
  reply(reply: ReplyCallback): Promise<boolean>;
};
