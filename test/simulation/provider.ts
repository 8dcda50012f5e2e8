/**
 * A provider with Notify's habits, good and bad, and the ledger that judges a run: what it took,
 * and what became of it. Nothing of the engine is asked here.
 */
import type { Found } from '#dispatch/model.ts';
import type { ReplyCallback } from '#dispatch/parse.ts';
import type { Random } from './random.ts';
import type { Answer, World } from './world.ts';

/** One request that reached the provider. */
export type Entry = {
  readonly reference: string;
  readonly messageId: string;
  readonly body: string;
  readonly at: number;
  readonly providerId: string;
  /** When it was stored; null: refused, or lost before. */
  storedAt: number | null;
  /** When it was taken out again: nothing was sent. */
  deletedAt: number | null;
  /** Statuses after `created`, each from a moment on. */
  statuses: { readonly status: string; readonly from: number }[];
};

/** What Notify has on a page. */
const NEWEST = 250;

/** Texts as the provider's list shows them. */
export type Listing = readonly {
  readonly reference: string | null;
  readonly providerId: string;
  readonly status: string;
  readonly createdAt: Date;
}[];

/** A text that somebody sent: which of ours it answers. */
export type Text = { readonly id: string; readonly at: number; readonly answers: Entry };

/** How bad a provider is: shares of requests, from 0 to 1. */
export type Habits = {
  /** Answers that take seconds. */
  readonly slow: number;
  readonly mishap: number;
  readonly lostReceipt: number;
  readonly lookupFails: number;
  /** A look-up sees what was stored so long ago, in ms; Notify's own reads the primary. */
  readonly lookupLagMs: number;
  /** Texts on a page of its list. */
  readonly pageSize: number;
  /** Pages after the first that do not come. */
  readonly pageFails: number;
  /** Its clock against true time, in ms: by it texts are dated. */
  readonly clockMs: number;
  /** How often somebody else sends a text by the same account, in ms. */
  readonly foreignEveryMs: number;
};

/** The longest that a request waits inside the provider before it is stored or dropped. */
const STORES_WITHIN_MS = 29_000;
const FINAL = [
  ...(['permanent-failure', 'technical-failure'] as const),
  ...(['temporary-failure', 'temporary-failure'] as const),
];

type Behaviour = (entry: Entry, give: (answer: Answer) => void) => void;

export class Provider {
  readonly ledger: Entry[] = [];
  /** Those to a handset of ours: nobody's messages, and on its list all the same. */
  readonly probes: Entry[] = [];
  /** Texts that people sent, in the order in which they came; kept where it is asked for them. */
  readonly texts: Text[] = [];
  /** What moment each reading of its list showed. */
  readonly readings: number[] = [];
  /** While so, nobody gets a connection, and what is written is lost. */
  isDown = false;
  /** While so, it has room for nobody: it refuses every request and answers no question. */
  isOverrun = false;
  /** While so, it takes most requests and answers none of them. */
  isMute = false;
  /** Told of every request that came. */
  onRequest: (entry: Entry) => void = () => {};
  /** Hands a callback over: id, status, reference. */
  onReceipt: (entry: Entry, status: string) => void = () => {};
  /** Told when a handset has it. */
  onDelivered: (entry: Entry) => void = () => {};
  #world: World;
  #random: Random;
  #habits: Habits;

  constructor(world: World, random: Random, habits: Habits) {
    this.#world = world;
    this.#random = random;
    this.#habits = habits;
  }

  receive(
    asked: { reference: string; messageId: string; body: string },
    give: (answer: Answer) => void,
  ): void {
    if (this.isDown) return give('refused');
    const entry = this.#note(this.ledger, asked);
    this.onRequest(entry);
    this.#behave(entry, give);
  }

  receiveProbe(asked: { reference: string; body: string }, give: (answer: Answer) => void): void {
    if (this.isDown) return give('refused');
    this.#behave(this.#note(this.probes, { ...asked, messageId: 'nobody' }), give);
  }

  #note(among: Entry[], asked: Pick<Entry, 'reference' | 'messageId' | 'body'>): Entry {
    const entry: Entry = {
      ...asked,
      at: this.#world.now,
      providerId: this.#random.uuid(),
      storedAt: null,
      deletedAt: null,
      statuses: [],
    };
    among.push(entry);
    return entry;
  }

  #behave(entry: Entry, give: (answer: Answer) => void): void {
    if (this.isOverrun) return this.#refuse(give);
    if (this.isMute) {
      if (this.#random.chance(0.7)) this.#store(entry);
      return;
    }
    const behave = this.#random.chance(this.#habits.mishap)
      ? this.#random.pick(this.#mishaps)
      : this.#accepts;
    behave(entry, give);
  }

  find(reference: string, give: (found: Found | 'refused') => void): void {
    const { lookupFails, lookupLagMs } = this.#habits;
    if (this.isDown) return give('refused');
    if (this.isOverrun || this.#random.chance(lookupFails)) return give({ answer: 'cannot_tell' });
    const seen = this.#world.now - this.#random.below(lookupLagMs + 1);
    const entry = this.ledger.find(
      (e) =>
        e.reference === reference &&
        e.storedAt !== null &&
        e.storedAt <= seen &&
        (e.deletedAt === null || e.deletedAt > seen),
    );
    this.#world.after(this.#latencyMs(), () =>
      give(
        entry === undefined
          ? { answer: 'absent' }
          : { answer: 'found', providerId: entry.providerId, status: statusAt(entry, seen) },
      ),
    );
  }

  /** Its recent texts, since then: all pages at once. */
  list(sinceMs: number, give: (listing: Listing | 'refused') => void): void {
    this.#list(sinceMs, (listing) => {
      if (listing !== 'refused') this.readings.push(this.#world.now);
      give(listing);
    });
  }

  /** The newest page alone: no reading of what was lost. */
  newest(give: (listing: Listing | 'refused') => void): void {
    this.#list(-Infinity, (listing) => {
      if (listing === 'refused') return give(listing);
      give(newestFirst(listing).slice(0, NEWEST));
    });
  }

  /** One page, newest first, of what is strictly older than that text; none where it is gone. */
  page(olderThan: string | undefined, give: (page: Listing | 'refused') => void): void {
    const { lookupFails, pageFails, pageSize } = this.#habits;
    const fails = olderThan === undefined ? lookupFails : pageFails;
    if (this.isDown || this.isOverrun || this.#random.chance(fails)) return give('refused');
    const all = newestFirst(this.#listed(-Infinity));
    const from = all.find(({ providerId }) => providerId === olderThan);
    const older = all.filter(({ createdAt }) => from !== undefined && createdAt < from.createdAt);
    const page = (olderThan === undefined ? all : older).slice(0, pageSize);
    this.#world.after(this.#latencyMs(), () => give(page));
  }

  takeText(answers: Entry): void {
    this.texts.push({ id: this.#random.uuid(), at: this.#world.now, answers });
  }

  /** One page of what people sent, in the same way. */
  textsPage(
    olderThan: string | undefined,
    give: (page: readonly ReplyCallback[] | 'refused') => void,
  ): void {
    const { lookupFails, pageFails, pageSize } = this.#habits;
    const fails = olderThan === undefined ? lookupFails : pageFails;
    if (this.isDown || this.isOverrun || this.#random.chance(fails)) return give('refused');
    const before = this.texts.findIndex(({ id }) => id === olderThan);
    const older = olderThan === undefined ? this.texts : this.texts.slice(0, Math.max(0, before));
    const page = older.toReversed().slice(0, pageSize);
    this.#world.after(this.#latencyMs(), () => give(page.map(asReply)));
  }

  #list(sinceMs: number, give: (listing: Listing | 'refused') => void): void {
    if (this.isDown || this.isOverrun || this.#random.chance(this.#habits.lookupFails))
      return give('refused');
    const listing = this.#listed(sinceMs);
    this.#world.after(this.#latencyMs(), () => give(listing));
  }

  #listed(sinceMs: number): Listing {
    const { clockMs, lookupLagMs } = this.#habits;
    const seen = this.#world.now - this.#random.below(lookupLagMs + 1);
    const own = [...this.ledger, ...this.probes].flatMap((entry) => {
      const { reference, providerId, storedAt, deletedAt } = entry;
      const isThere = storedAt !== null && storedAt <= seen && storedAt + clockMs >= sinceMs;
      if (!isThere || (deletedAt !== null && deletedAt <= seen)) return [];
      const createdAt = new Date(storedAt + clockMs);
      return [{ reference, providerId, status: statusAt(entry, seen), createdAt }];
    });
    return [...own, ...this.#foreign(Math.max(0, sinceMs - clockMs), seen)];
  }

  #foreign(from: number, until: number): Listing {
    const { clockMs, foreignEveryMs } = this.#habits;
    const first = Math.max(1, Math.ceil(from / foreignEveryMs));
    const count = Math.max(0, Math.floor(until / foreignEveryMs) - first + 1);
    return Array.from({ length: count }, (_, i) => ({
      reference: null,
      providerId: `foreign ${first + i}`,
      status: 'delivered',
      createdAt: new Date((first + i) * foreignEveryMs + clockMs),
    }));
  }

  /** A storm of refusals: too many requests, or an error of the server. */
  #refuse(give: (answer: Answer) => void): void {
    const tooMany = problem(429, 'RateLimitError', 'Exceeded rate limit');
    this.#answer(give, this.#random.pick([tooMany, { status: 503, body: undefined }]));
  }

  #accepts: Behaviour = (entry, give) => {
    this.#store(entry);
    this.#answer(give, { status: 201, body: { id: entry.providerId } });
  };

  /** The catalogue of faults: each is as likely as the others. */
  #mishaps: readonly Behaviour[] = [
    // Accepts, and the answer is lost, is an error, or cannot be read.
    (entry, give) => {
      this.#store(entry);
      this.#answer(give, 'reset');
    },
    (entry, give) => {
      this.#store(entry);
      this.#answer(give, { status: this.#random.pick([500, 502, 503, 504]), body: undefined });
    },
    (entry, give) => {
      this.#store(entry);
      this.#answer(give, { status: 201, body: 'cut o' });
    },
    // Accepts late: after our own limit, or just before it.
    (entry, give) => {
      this.#world.after(this.#random.between(15_000, STORES_WITHIN_MS), () => {
        this.#store(entry);
        this.#answer(give, { status: 201, body: { id: entry.providerId } });
      });
    },
    // Accepts, and keeps it as `created` for long.
    (entry, give) => {
      this.#store(entry, this.#random.between(60_000, 1_200_000));
      this.#answer(give, this.#random.pick(['reset', { status: 500, body: undefined }] as const));
    },
    // Inserts, cannot queue it, and deletes it again: an error, and nothing was sent.
    (entry, give) => {
      entry.storedAt = this.#world.now;
      entry.deletedAt = this.#world.now + this.#random.between(100, 150_000);
      this.#answer(give, { status: 500, body: undefined });
    },
    // An error or a broken connection before anything was stored.
    (_, give) => this.#answer(give, { status: 500, body: undefined }),
    (_, give) => this.#answer(give, 'reset'),
    () => {},
    (_, give) => this.#answer(give, problem(400, 'ValidationError', 'phone_number Not valid')),
    (_, give) => this.#answer(give, problem(429, 'RateLimitError', 'Exceeded rate limit')),
    (_, give) => this.#answer(give, problem(403, 'AuthError', 'Error: Your system clock')),
  ];

  #store(entry: Entry, createdForMs = this.#random.between(20, 2_000)): void {
    const sendingAt = this.#world.now + createdForMs;
    const finalAt = sendingAt + this.#random.between(200, 60_000);
    entry.storedAt = this.#world.now;
    entry.statuses.push({ status: 'sending', from: sendingAt });
    const status = this.#random.chance(0.7) ? 'delivered' : this.#random.pick(FINAL);
    // Some never come to an end.
    if (this.#random.chance(0.03)) return;
    this.#become(entry, status, finalAt);
    // A network may give up, and then bring it after all.
    if (status === 'temporary-failure' && this.#random.chance(0.5))
      this.#become(entry, 'delivered', finalAt + this.#random.between(100, 120_000));
  }

  #become(entry: Entry, status: string, from: number): void {
    entry.statuses.push({ status, from });
    this.#world.at(from, () => {
      if (status === 'delivered') this.onDelivered(entry);
    });
    const count = this.#random.chance(this.#habits.lostReceipt)
      ? 0
      : this.#random.chance(0.15)
        ? 2
        : 1;
    for (let i = 0; i < count; i++) {
      // Mostly at once, now and then so late that another one overtakes it.
      const lateMs = this.#random.chance(0.2)
        ? this.#random.between(1_000, 300_000)
        : this.#random.between(5, 500);
      this.#world.at(from + lateMs, () => this.onReceipt(entry, status));
    }
  }

  #answer(give: (answer: Answer) => void, answer: Answer): void {
    this.#world.after(this.#latencyMs(), () => give(answer));
  }

  /** Now and then so slow that a receipt comes before it, or that somebody else asks meanwhile. */
  #latencyMs(): number {
    return this.#random.chance(this.#habits.slow)
      ? this.#random.between(1_000, 28_000)
      : this.#random.between(10, 300);
  }
}

function asReply({ id, at, answers }: Text): ReplyCallback {
  return {
    id,
    sourceNumber: '447700900123',
    message: answers.messageId,
    dateReceived: new Date(at),
  };
}

function newestFirst(listing: Listing): Listing {
  return listing.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
}

export function statusAt(entry: Entry, at: number): string {
  return entry.statuses.filter(({ from }) => from <= at).at(-1)?.status ?? 'created';
}

/** True where the text counts as taken: stored, and not taken out again. */
export function isTaken(entry: Entry): boolean {
  return entry.storedAt !== null && entry.deletedAt === null;
}

function problem(status: number, error: string, message: string): Answer {
  return { status, body: { errors: [{ error, message }] } };
}
