import { z } from 'zod';

/** Fields every fault has: when it strikes. */
const WHEN = {
  /** Strikes this often, then is gone; for ever when absent. */
  times: z.int().min(1).optional(),
  /** Lets this many pass first. */
  after: z.int().min(0).default(0),
  probability: z.number().min(0).max(1).default(1),
  /** Only this number or address; `*` stands for any run of characters. */
  number: z.string().min(1).optional(),
  /** Only requests with this reference; `*` as above. */
  reference: z.string().min(1).optional(),
};

const DELAY = z.int().min(0).max(3_600_000);
const FINAL = z.enum(['delivered', 'permanent-failure', 'temporary-failure', 'technical-failure']);

function fault<Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) {
  return z.strictObject({ fault: z.literal(name), ...WHEN, ...shape });
}

/** Every fault this simulator knows, by the moment at which it strikes. */
const known = [
  // Before anything is accepted.
  fault('down', {
    mode: z.enum(['refuse', 'unavailable']).default('refuse'),
    forMs: DELAY.optional(),
  }),
  fault('slow', { delayMs: DELAY, on: z.enum(['any', 'send', 'get']).default('any') }),
  fault('drop', { on: z.enum(['any', 'send', 'get']).default('send') }),
  fault('error', {
    status: z.union([z.literal(500), z.literal(502), z.literal(503), z.literal(504)]).default(500),
    on: z.enum(['any', 'send', 'get']).default('send'),
  }),
  fault('rate_limited', {}),
  fault('accept_after', { delayMs: DELAY.default(29_000) }),
  // Other words leave than were asked for, as where somebody edits the template meanwhile.
  fault('content_changed', { prefix: z.string().min(1).max(100).default('Changed: ') }),
  // After the row is stored, before the answer.
  fault('insert_then_delete', {}),
  fault('accept_then_drop', {}),
  fault('accept_then_500', {
    status: z.union([z.literal(500), z.literal(502), z.literal(504)]).default(500),
  }),
  fault('answer_after', { delayMs: DELAY.default(29_000) }),
  // Receipts.
  fault('receipt_lost', {}),
  fault('receipt_doubled', { copies: z.int().min(2).max(20).default(2) }),
  fault('receipt_reordered', {
    batch: z.int().min(2).max(1_000).default(2),
    flushAfterMs: DELAY.default(1_000),
  }),
  fault('receipt_early', {}),
  fault('receipt_delayed', { delayMs: DELAY }),
  fault('receipt_status', { status: FINAL, callback: z.boolean().optional() }),
  fault('receipt_followed_by', { status: FINAL, delayMs: DELAY.default(0) }),
  fault('never_final', {}),
  // Texts from handsets to the service.
  fault('reply_lost', {}),
  fault('reply_doubled', { copies: z.int().min(2).max(20).default(2) }),
  // Reading.
  fault('get_lag', { lagMs: DELAY }),
  // Mail by SMTP.
  fault('mail_refused', { code: z.int().min(500).max(599).default(550) }),
  fault('mail_deferred', { code: z.int().min(400).max(499).default(451) }),
  fault('mail_dropped', {}),
  fault('mail_bounced', { delayMs: DELAY.default(0) }),
] as const;

const names = known.map(({ shape }) => shape.fault.value).join(', ');

export const faultSchema = z.discriminatedUnion('fault', known, {
  error: ({ code }) => (code === 'invalid_union' ? `The faults are ${names}` : undefined),
});

export type Fault = z.infer<typeof faultSchema>;
export type FaultName = Fault['fault'];
export type FaultOf<Name extends FaultName> = Extract<Fault, { fault: Name }>;
export type ActiveFault = Fault & { readonly id: number; readonly struck: number };

/** What a fault may look at. */
export type Subject = { readonly recipient: string; readonly reference: string | null };

type Held = { readonly id: number; readonly fault: Fault; seen: number; struck: number };

/** The faults in force. With a seed and one caller, the same requests meet the same faults. */
export class FaultSet {
  readonly #random: () => number;
  #held: Held[] = [];
  #nextId = 1;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(fault: Fault): ActiveFault {
    const held = { id: this.#nextId, fault, seen: 0, struck: 0 };
    this.#nextId += 1;
    this.#held.push(held);
    return { ...fault, id: held.id, struck: 0 };
  }

  list(): ActiveFault[] {
    return this.#held.map(({ id, fault, struck }) => ({ ...fault, id, struck }));
  }

  clear(id?: number): void {
    this.#held = id === undefined ? [] : this.#held.filter((held) => held.id !== id);
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** True while the API's door is to be shut. */
  get isRefusing(): boolean {
    return this.#held.some(({ fault }) => fault.fault === 'down' && fault.mode === 'refuse');
  }

  /** Gives the first fault of this name that strikes `subject`, and counts the strike. */
  take<Name extends FaultName>(name: Name, subject: Subject | null): FaultOf<Name> | null {
    // Nearly always empty, and asked several times for each request.
    if (this.#held.length === 0) return null;
    return this.takeIf(name, subject, () => true);
  }

  takeIf<Name extends FaultName>(
    name: Name,
    subject: Subject | null,
    isMeant: (fault: FaultOf<Name>) => boolean,
  ): FaultOf<Name> | null {
    for (const held of this.#held) {
      const fault = held.fault;
      if (fault.fault !== name || !isMeant(fault as FaultOf<Name>)) continue;
      if (!concerns(fault, subject)) continue;
      held.seen += 1;
      if (held.seen <= fault.after) continue;
      if (fault.probability < 1 && this.#random() >= fault.probability) continue;
      held.struck += 1;
      if (held.struck === fault.times) this.clear(held.id);
      return fault as FaultOf<Name>;
    }
    return null;
  }
}

function concerns(fault: Fault, subject: Subject | null): boolean {
  if (fault.number !== undefined) {
    if (subject === null || !matchesRecipient(fault.number, subject.recipient)) return false;
  }
  if (fault.reference === undefined) return true;
  const reference = subject?.reference ?? null;
  return reference !== null && matchesPattern(fault.reference, reference);
}

/** Numbers match however they are written: 07700 900123, +447700900123, 447700900123. */
function matchesRecipient(pattern: string, recipient: string): boolean {
  if (pattern.includes('@') || pattern === '*') return matchesPattern(pattern, recipient);
  const digits = pattern.replace(/[^\d*]/g, '').replace(/^0(?!0)/, '44');
  return matchesPattern(digits, recipient);
}

function matchesPattern(pattern: string, text: string): boolean {
  if (!pattern.includes('*')) return pattern.toLowerCase() === text.toLowerCase();
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`, 'i').test(text);
}

/** A small seeded generator (mulberry32): enough for delays and dice. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
