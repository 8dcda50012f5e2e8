/** The judgement: what the provider's ledger says, beside what the database believes. Pure. */
import { parseReference, type MessageState } from '#dispatch/model.ts';

/** A line of the simulator's ledger, as far as it counts here. */
export type LedgerLine = {
  readonly type: string;
  readonly id: string;
  readonly reference: string | null;
};

export type MessageRow = { readonly id: string; readonly state: MessageState };

export type Judgement = {
  readonly messages: number;
  /** Messages the provider never accepted. */
  readonly lost: readonly string[];
  /** Messages it accepted more than once; what it deleted again does not count. */
  readonly acceptedTwice: readonly string[];
  /** Messages of which the database does not know what became. */
  readonly unknown: readonly string[];
  /** Messages that count as never sent, though the provider has them. */
  readonly misstated: readonly string[];
};

const UNCERTAIN: ReadonlySet<MessageState> = new Set([
  'held',
  'ready',
  'claimed',
  'unknown',
  'uncertain_closed',
]);

const NEVER_SENT: ReadonlySet<MessageState> = new Set([
  'rejected',
  'cancelled',
  'expired',
  'suppressed',
]);

/** How often the provider accepted each message, by the id that the reference holds. */
export class AcceptedCounts {
  readonly #messageOf = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  add(line: LedgerLine): void {
    if (line.type === 'accepted') {
      const message = parseReference(line.reference ?? '')?.messageId;
      if (message === undefined) return;
      this.#messageOf.set(line.id, message);
      this.#counts.set(message, this.of(message) + 1);
    } else if (line.type === 'deleted') {
      const message = this.#messageOf.get(line.id);
      if (message !== undefined) this.#counts.set(message, this.of(message) - 1);
    }
  }

  of(message: string): number {
    return this.#counts.get(message) ?? 0;
  }

  /** Everything the provider has more than once, whether the database knows it or not. */
  moreThanOnce(): string[] {
    return [...this.#counts].filter(([, count]) => count > 1).map(([message]) => message);
  }
}

export function judge(accepted: AcceptedCounts, rows: readonly MessageRow[]): Judgement {
  return {
    messages: rows.length,
    lost: rows.filter(({ id }) => accepted.of(id) === 0).map(({ id }) => id),
    acceptedTwice: accepted.moreThanOnce(),
    unknown: rows.filter(({ state }) => UNCERTAIN.has(state)).map(({ id }) => id),
    misstated: rows
      .filter(({ id, state }) => NEVER_SENT.has(state) && accepted.of(id) > 0)
      .map(({ id }) => id),
  };
}
