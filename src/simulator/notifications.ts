import { noResult } from './answers.ts';
import type { Channel, KeyType } from './settings.ts';
import type { Template } from './templates.ts';
import { formatTimestamp } from './timestamps.ts';

export type Status =
  | 'created'
  | 'sending'
  | 'sent'
  | 'delivered'
  | 'permanent-failure'
  | 'temporary-failure'
  | 'technical-failure';

export const FINAL_STATUSES: ReadonlySet<Status> = new Set([
  'sent',
  'delivered',
  'permanent-failure',
  'temporary-failure',
  'technical-failure',
]);

/** One accepted text or e-mail. Times are microseconds. */
export type Notification = {
  readonly id: string;
  readonly channel: Channel;
  readonly keyType: KeyType;
  readonly reference: string | null;
  /** As the caller wrote it, outer white space aside. */
  readonly to: string;
  /** E.164 without the plus, or the address in lower case. */
  readonly normalisedTo: string;
  readonly template: Template;
  readonly body: string;
  readonly subject: string | null;
  readonly unsubscribeUrl: string | null;
  /** What it is charged as, prefix included; 0 for e-mails. */
  readonly fragments: number;
  readonly isInternational: boolean;
  readonly rateMultiplier: number;
  createdAt: number;
  status: Status;
  sentAt: number | null;
  updatedAt: number | null;
  isDeleted: boolean;
};

export type ListFilter = {
  readonly keyType: KeyType;
  readonly channels: ReadonlySet<string> | null;
  readonly statuses: ReadonlySet<string> | null;
  readonly reference: string | null;
  readonly olderThan: string | null;
  /** Rows younger than this are not seen yet (the fault `get_lag`); microseconds. */
  readonly visibleBefore: number;
};

export const PAGE_SIZE = 250;
/** Pounds for one fragment inside the country, from April 2026. */
const SMS_RATE = 0.024;

/** All rows in memory, found by id, by reference, or newest first. */
export class NotificationStore {
  readonly #byId = new Map<string, Notification>();
  /** The usual reference has one row; an array is made only for the second. */
  readonly #byReference = new Map<string, Notification | Notification[]>();
  #inOrder: Notification[] = [];

  insert(row: Notification): void {
    this.#byId.set(row.id, row);
    this.#inOrder.push(row);
    if (row.reference === null) return;
    const held = this.#byReference.get(row.reference);
    if (held === undefined) this.#byReference.set(row.reference, row);
    else if (Array.isArray(held)) held.push(row);
    else this.#byReference.set(row.reference, [held, row]);
  }

  delete(row: Notification): void {
    row.isDeleted = true;
    this.#byId.delete(row.id);
  }

  find(id: string): Notification | undefined {
    return this.#byId.get(id);
  }

  /** @throws NotifyError 404, also for rows too young to be seen. */
  get(id: string, visibleBefore: number): Notification {
    const row = this.#byId.get(id);
    if (row === undefined || row.createdAt > visibleBefore) throw noResult();
    return row;
  }

  /** Up to 250 rows, newest first, strictly older than `olderThan`; none when that is unknown. */
  list(filter: ListFilter): Notification[] {
    const before = this.#startOf(filter);
    if (before === null) return [];
    const source =
      filter.reference === null ? this.#inOrder : this.#withReference(filter.reference);
    const page: Notification[] = [];
    for (let index = lastBefore(source, before); index >= 0; index -= 1) {
      const row = source[index]!;
      if (!isListed(row, filter)) continue;
      page.push(row);
      if (page.length === PAGE_SIZE) break;
    }
    return page;
  }

  /** Every row that still exists, oldest first. */
  *all(): Generator<Notification> {
    for (const row of this.#inOrder) if (!row.isDeleted) yield row;
  }

  countByStatus(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const row of this.all()) counts[row.status] = (counts[row.status] ?? 0) + 1;
    return counts;
  }

  get size(): number {
    return this.#byId.size;
  }

  #withReference(reference: string): Notification[] {
    const held = this.#byReference.get(reference);
    if (held === undefined) return [];
    return Array.isArray(held) ? held : [held];
  }

  #startOf(filter: ListFilter): number | null {
    if (filter.olderThan === null) return filter.visibleBefore + 1;
    const from = this.#byId.get(filter.olderThan);
    return from === undefined ? null : Math.min(from.createdAt, filter.visibleBefore + 1);
  }
}

function isListed(row: Notification, filter: ListFilter): boolean {
  return (
    !row.isDeleted &&
    row.keyType === filter.keyType &&
    (filter.channels === null || filter.channels.has(row.channel)) &&
    (filter.statuses === null || filter.statuses.has(row.status))
  );
}

/** The index of the last row created before `micros`, or -1: rows are in order of creation. */
function lastBefore(rows: readonly Notification[], micros: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]!.createdAt < micros) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** A row as GET shows it; `origin` is the scheme and host the caller used. */
export function serialiseNotification(row: Notification, origin: string): Record<string, unknown> {
  const isFinal = FINAL_STATUSES.has(row.status);
  return {
    id: row.id,
    reference: row.reference,
    email_address: row.channel === 'email' ? row.to : null,
    phone_number: row.channel === 'sms' ? row.to : null,
    line_1: null,
    line_2: null,
    line_3: null,
    line_4: null,
    line_5: null,
    line_6: null,
    postcode: null,
    type: row.channel,
    status: row.status,
    template: {
      version: row.template.version,
      id: row.template.id,
      uri: `${origin}/v2/template/${row.template.id}/version/${row.template.version}`,
    },
    body: row.body,
    subject: row.subject,
    created_at: formatTimestamp(row.createdAt),
    created_by_name: null,
    sent_at: row.sentAt === null ? null : formatTimestamp(row.sentAt),
    completed_at: isFinal && row.updatedAt !== null ? formatTimestamp(row.updatedAt) : null,
    scheduled_for: null,
    postage: null,
    one_click_unsubscribe_url: row.unsubscribeUrl,
    ...costOf(row),
  };
}

function costOf(row: Notification): Record<string, unknown> {
  if (row.channel === 'email') {
    return { cost_details: {}, cost_in_pounds: 0, is_cost_data_ready: true };
  }
  if (row.status === 'created') {
    return { cost_details: {}, cost_in_pounds: null, is_cost_data_ready: false };
  }
  // Nothing of a test key leaves the service, so nothing is charged.
  const fragments = row.keyType === 'test' ? 0 : row.fragments;
  return {
    cost_details: {
      billable_sms_fragments: fragments,
      international_rate_multiplier: row.rateMultiplier,
      sms_rate: SMS_RATE,
    },
    cost_in_pounds: Number((fragments * row.rateMultiplier * SMS_RATE).toFixed(4)),
    is_cost_data_ready: true,
  };
}
