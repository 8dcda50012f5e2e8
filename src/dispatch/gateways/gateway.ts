import type { Found, Outgoing, ReceiptMeaning, SendResult } from '../model.ts';

/**
 * What every adapter to a provider does. `send` never throws: each failure has a class, because
 * the engine may retry only what surely did not leave.
 */
export type Gateway = {
  readonly id: string;
  readonly channel: 'text' | 'mail';
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
  /** What a status in the provider's words means; undefined where it has no such word. */
  meaningOf(status: string): ReceiptMeaning | undefined;
  close(): Promise<void>;
};
