import type { CallbackEnd, CallbackSender } from './callbacks.ts';
import type { FaultOf, FaultSet } from './faults.ts';
import type { Ledger } from './ledger.ts';
import { FINAL_STATUSES, type Notification, type Status } from './notifications.ts';
import type { Schedule } from './schedule.ts';
import { type MicrosecondClock, formatTimestamp } from './timestamps.ts';

type Parts = {
  readonly schedule: Schedule;
  readonly clock: MicrosecondClock;
  readonly ledger: Ledger;
  readonly faults: FaultSet;
  readonly callbacks: CallbackSender;
  readonly random: () => number;
  readonly onChange: (row: Notification) => void;
};

/** A receipt as it was when the status was written: a later change does not reach into it. */
type Receipt = {
  readonly row: Notification;
  readonly status: Status;
  readonly completedAt: number;
};

/** Part of the way to the final status after which the provider has taken the message. */
const HAND_OVER_SHARE = 0.3;

/** Moves each accepted notification to its final status and tells the service. */
export class LifeCycle {
  readonly #parts: Parts;
  #delayMs: readonly [number, number];
  #held: { receipts: Receipt[]; batch: number } = { receipts: [], batch: 0 };

  constructor(parts: Parts, receiptDelayMs: readonly [number, number]) {
    this.#parts = parts;
    this.#delayMs = receiptDelayMs;
  }

  set receiptDelayMs(range: readonly [number, number]) {
    this.#delayMs = range;
  }

  get receiptDelayMs(): readonly [number, number] {
    return this.#delayMs;
  }

  /** Starts the clock of a row that is `created`; also for rows read back from the ledger. */
  begin(row: Notification): void {
    const { faults, random, schedule } = this.#parts;
    const [least, most] = this.#delayMs;
    const late = faults.take('receipt_delayed', subjectOf(row))?.delayMs ?? 0;
    const delayMs = least + random() * (most - least);
    schedule.after(delayMs * HAND_OVER_SHARE, () => this.#handOver(row));
    if (faults.take('never_final', subjectOf(row)) !== null) return;
    schedule.after(delayMs + late, () => void this.finish(row));
  }

  /**
   * Gives a row its final status and sends the receipt. Resolves when the receipt was taken, lost
   * or dropped. A row that has its final status already is left alone.
   */
  async finish(row: Notification, forced?: Status): Promise<void> {
    if (row.isDeleted || isSettled(row)) return;
    this.#handOver(row);
    const fault = this.#parts.faults.take('receipt_status', subjectOf(row));
    const status = forced ?? fault?.status ?? usualOutcome(row);
    // When handing over was given up, the live service never tells: only asking finds out.
    const tells = fault?.callback ?? status !== 'technical-failure';
    await this.#settle(row, status, tells);
  }

  /** Sends again what a stop of the program may have kept from being sent. */
  resend(row: Notification): void {
    void this.#send({ row, status: row.status, completedAt: row.updatedAt ?? row.createdAt });
  }

  #handOver(row: Notification): void {
    if (row.isDeleted || row.status !== 'created') return;
    row.status = row.isInternational ? 'sent' : 'sending';
    row.sentAt = this.#parts.clock.next();
    row.updatedAt = row.sentAt;
    this.#parts.onChange(row);
  }

  async #settle(row: Notification, status: Status, tells: boolean): Promise<void> {
    const { clock, ledger, faults, callbacks } = this.#parts;
    row.status = status;
    row.updatedAt = clock.next();
    const subject = subjectOf(row);
    const isSent =
      tells && callbacks.hasUrl('receipts') && faults.take('receipt_lost', subject) === null;
    ledger.append({
      type: 'status',
      at: formatTimestamp(row.updatedAt),
      id: row.id,
      status,
      callback: isSent,
    });
    this.#parts.onChange(row);
    if (!isSent) return;
    const receipt = { row, status, completedAt: row.updatedAt };
    const reordered = faults.take('receipt_reordered', subject);
    if (reordered !== null) {
      this.#hold(receipt, reordered);
      return;
    }
    await this.#sendWithCopies(receipt);
  }

  async #sendWithCopies(receipt: Receipt): Promise<void> {
    const { faults, schedule, clock } = this.#parts;
    const subject = subjectOf(receipt.row);
    const copies = faults.take('receipt_doubled', subject)?.copies ?? 1;
    const follower = faults.take('receipt_followed_by', subject);
    await Promise.all(Array.from({ length: copies }, () => this.#send(receipt)));
    if (follower === null) return;
    schedule.after(follower.delayMs, () => {
      void this.#send({ ...receipt, status: follower.status, completedAt: clock.next() });
    });
  }

  /** Keeps receipts back until there are enough to send in reverse. */
  #hold(receipt: Receipt, fault: FaultOf<'receipt_reordered'>): void {
    this.#held.receipts.push(receipt);
    this.#held.batch = fault.batch;
    if (this.#held.receipts.length >= fault.batch) {
      void this.#release();
      return;
    }
    const { receipts } = this.#held;
    this.#parts.schedule.after(fault.flushAfterMs, () => {
      if (this.#held.receipts === receipts) void this.#release();
    });
  }

  async #release(): Promise<void> {
    const receipts = this.#held.receipts;
    this.#held = { receipts: [], batch: 0 };
    // One after the other: in parallel, the network would decide the order.
    for (const receipt of receipts.reverse()) await this.#sendWithCopies(receipt);
  }

  async #send(receipt: Receipt): Promise<void> {
    const { callbacks, ledger, clock } = this.#parts;
    const end: CallbackEnd = await callbacks.send('receipts', () => receiptBody(receipt));
    if (end.outcome === 'unset') return;
    ledger.append({
      type: 'callback',
      at: formatTimestamp(clock.next()),
      kind: 'receipts',
      id: receipt.row.id,
      status: receipt.status,
      ...end,
    });
  }
}

export function subjectOf(row: Notification): { recipient: string; reference: string | null } {
  return { recipient: row.normalisedTo, reference: row.reference };
}

/** `sent` is final for reports yet still open: a country may report later. */
function isSettled(row: Notification): boolean {
  return row.status !== 'sent' && FINAL_STATUSES.has(row.status);
}

/** A test key's outcome is chosen by the recipient; everyone else's phone works. */
function usualOutcome(row: Notification): Status {
  if (row.keyType !== 'test') return 'delivered';
  if (row.channel === 'sms') {
    if (row.to.endsWith('7700900003')) return 'temporary-failure';
    return row.to.endsWith('7700900002') ? 'permanent-failure' : 'delivered';
  }
  if (row.to === 'temp-fail@simulator.notify') return 'temporary-failure';
  return row.to === 'perm-fail@simulator.notify' ? 'permanent-failure' : 'delivered';
}

function receiptBody({ row, status, completedAt }: Receipt): object {
  return {
    id: row.id,
    reference: row.reference,
    to: row.to,
    status,
    created_at: formatTimestamp(row.createdAt),
    completed_at: formatTimestamp(completedAt),
    sent_at: row.sentAt === null ? null : formatTimestamp(row.sentAt),
    notification_type: row.channel,
    template_id: row.template.id,
    template_version: row.template.version,
  };
}
