/**
 * A world in one thread: virtual time, processes made of steps, one database, and faults at steps.
 *
 * A process runs generators. What they yield is what a real one would await: a wait, a transaction,
 * a request. Each transaction and each request is a numbered step, and a fault may strike before or
 * after any of them. The same seed and the same faults give the same run.
 */
import type { Clocks } from '#dispatch/lease.ts';
import { EventQueue } from './event-queue.ts';
import { Random } from './random.ts';
import { Base, type Tables } from './twin/rows.ts';

/** How a request ended, as the process that made it sees it. */
export type Answer =
  | { readonly status: number; readonly body: unknown }
  /** No connection was made. */
  | 'refused'
  /** The connection broke after the request was written. */
  | 'reset';

/** Something at the other end of a wire: takes a request, answers later or never. */
export type Request = {
  readonly label: string;
  /** Asked in the moment of writing; false: nothing is written. */
  readonly mayStart: () => boolean;
  /** The longest wait for an answer, in ms. */
  readonly mostMs: number;
  readonly receive: (answer: (answer: unknown) => void) => void;
};

export type Effect =
  | { readonly kind: 'wait'; readonly ms: number; readonly bell: Bell | undefined }
  | { readonly kind: 'transact'; readonly label: string; readonly run: (base: Base) => unknown }
  | ({ readonly kind: 'request' } & Request);

export type Steps<Result> = Generator<Effect, Result, unknown>;

/** The transaction may or may not have happened; on a full disk it did not. */
export class ConnectionLost extends Error {
  constructor(what: string) {
    // Thousands in a run, and nobody reads where from: the stacks were a twelfth of its time.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(what);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A request that was not written: the process was too late. */
export const TOO_LATE = 'too_late';
/** No answer in time. */
export const SILENCE = 'silence';

export type StepFault =
  | { readonly kind: 'crash_before' | 'crash_after' }
  /** The connection breaks: before it is done, or after it but before the answer. */
  | { readonly kind: 'lost_before' | 'lost_after' }
  | { readonly kind: 'freeze_before' | 'freeze_after'; readonly ms: number };

/** What becomes of a fault that strikes one of many. */
const milder: Readonly<Record<StepFault['kind'], StepFault>> = {
  crash_before: { kind: 'lost_before' },
  crash_after: { kind: 'lost_after' },
  lost_before: { kind: 'lost_before' },
  lost_after: { kind: 'lost_after' },
  freeze_before: { kind: 'lost_before' },
  freeze_after: { kind: 'lost_after' },
};

/** Wakes one waiting loop; a ring before the wait is not lost. */
export class Bell {
  rung = false;
  waiter: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.waiter?.();
  }
}

/** What hosts steps: a process of the operating system, or several that are one to us. */
export class Host {
  readonly name: string;
  isAlive = true;
  frozenUntil = 0;
  /** The wall clock against true time, in ms. */
  wallOffsetMs = 0;
  readonly clocks: Clocks;
  /** Told when it died, however. */
  onEnd: () => void = () => {};

  /** Stands for people and for many processes: where one would die, only its connection breaks. */
  readonly isMany: boolean;

  constructor(name: string, now: () => number, isMany = false) {
    this.name = name;
    this.isMany = isMany;
    this.clocks = { monotonicMs: now, wallMs: () => now() + this.wallOffsetMs };
  }
}

/** Longer than anything that is waited for; a bell ends it. */
const TOGETHER_MS = 3_600_000;

export type WorldOptions = {
  readonly seed: number;
  readonly faults: ReadonlyMap<number, StepFault>;
  /** Keeps a readable line for each step. */
  readonly traces: boolean;
};

export class World {
  now = 0;
  readonly random: Random;
  readonly base: Base;
  readonly trace: string[] = [];
  /** Steps so far; `effective` holds those that changed something, where a crash is of interest. */
  steps = 0;
  readonly effective: number[] = [];
  readonly faulted: string[] = [];
  /** The clock of the database against true time, in ms. */
  databaseOffsetMs = 0;
  /** While so, every transaction fails. */
  isDatabaseDown = false;
  /** While so, a transaction that writes fails, and all it did is taken back. */
  isDiskFull = false;
  /** While so, no number can be opened and none sealed. */
  areKeysAway = false;
  /** Remembers what transactions leave beside the tables; gives back how that is taken back. */
  keepLogs: () => () => void = () => () => {};
  /** Goes up when the database starts again: what was under way is lost. */
  #incarnation = 0;
  /** Told of each notification of a committed transaction. */
  onNotify: (channel: string, payload: string) => void = () => {};
  #events = new EventQueue();
  #copied: { readonly writes: number; readonly of: Tables; readonly tables: Tables } | undefined;
  #options: WorldOptions;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
    this.base = new Base(() => this.random.uuid());
  }

  /** Does something at a time, or now where that is past. */
  at(time: number, act: () => void): void {
    this.#events.add(Math.max(time, this.now), act);
  }

  after(ms: number, act: () => void): void {
    this.at(this.now + ms, act);
  }

  /** Lets time pass until `isOver` says so, nothing happens any more, or it is `until`. */
  run(until: number, isOver: () => boolean): void {
    for (;;) {
      const next = this.#events.next();
      if (next === undefined || next.time > until || isOver()) return;
      this.now = next.time;
      next.act();
    }
  }

  start(host: Host, steps: Steps<unknown>): void {
    this.#resume(host, steps, () => steps.next());
  }

  /** The process is gone; what it wrote to a socket is on its way all the same. */
  crash(host: Host): void {
    if (!host.isAlive) return;
    this.say(host, 'dies');
    host.isAlive = false;
    host.onEnd();
  }

  freeze(host: Host, ms: number): void {
    this.say(host, `stands still for ${ms} ms`);
    host.frozenUntil = Math.max(host.frozenUntil, this.now + ms);
  }

  /** Another start of the database: transactions under way are lost. */
  startDatabaseAgain(): void {
    this.#incarnation += 1;
    this.base.server = { ...this.base.server, startedAt: this.now };
  }

  say(host: Host | undefined, what: string): void {
    if (!this.#options.traces) return;
    const time = (this.now / 1000).toFixed(3).padStart(10);
    this.trace.push(`${time} s  ${(host?.name ?? 'world').padEnd(10)} ${what}`);
  }

  #resume(host: Host, steps: Steps<unknown>, go: () => IteratorResult<Effect, unknown>): void {
    if (!host.isAlive) return;
    if (host.frozenUntil > this.now) {
      this.at(host.frozenUntil, () => this.#resume(host, steps, go));
      return;
    }
    const result = go();
    if (result.done === true || !host.isAlive) return;
    const effect = result.value;
    if (effect.kind === 'wait') this.#wait(host, steps, effect);
    else this.#step(host, steps, effect);
  }

  #wait(host: Host, steps: Steps<unknown>, wait: Effect & { kind: 'wait' }): void {
    const { bell } = wait;
    let isOver = false;
    const wake = () => {
      if (isOver) return;
      isOver = true;
      if (bell !== undefined) Object.assign(bell, { rung: false, waiter: undefined });
      this.#resume(host, steps, () => steps.next());
    };
    this.after(bell?.rung === true ? 0 : wait.ms, wake);
    if (bell !== undefined) bell.waiter = () => this.after(0, wake);
  }

  #step(host: Host, steps: Steps<unknown>, effect: Exclude<Effect, { kind: 'wait' }>): void {
    const step = ++this.steps;
    const planned = this.#options.faults.get(step);
    const fault = host.isMany && planned !== undefined ? milder[planned.kind] : planned;
    this.say(host, `${step} ${effect.label}${fault === undefined ? '' : `  ← ${fault.kind}`}`);
    if (fault !== undefined) this.faulted.push(`${step}:${fault.kind}`);
    if (fault?.kind === 'crash_before') return this.crash(host);
    if (fault?.kind === 'freeze_before') this.freeze(host, fault.ms);
    const perform = () => {
      if (effect.kind === 'transact') this.#transact({ host, steps, step, fault }, effect);
      else this.#request({ host, steps, step, fault }, effect);
    };
    if (host.frozenUntil > this.now) this.at(host.frozenUntil, perform);
    else perform();
  }

  #transact(
    { host, steps, step, fault }: Doing,
    { run, label }: Effect & { kind: 'transact' },
  ): void {
    const fail = () => this.#resume(host, steps, () => steps.throw(new ConnectionLost(label)));
    if (fault?.kind === 'lost_before') return this.after(this.#databaseMs(), fail);
    const incarnation = this.#incarnation;
    this.after(this.#databaseMs(), () => {
      if (this.isDatabaseDown || incarnation !== this.#incarnation) return fail();
      const { result, isDone } = this.#commit(run, step);
      if (!isDone) return fail();
      this.#strikeAfter(host, fault);
      if (fault?.kind === 'lost_after') return this.after(1, fail);
      this.after(1, () => this.#resume(host, steps, () => steps.next(result)));
    });
  }

  #commit(run: (base: Base) => unknown, step: number): { result: unknown; isDone: boolean } {
    const { base } = this;
    base.now = this.now + this.databaseOffsetMs;
    base.told = [];
    const writes = base.writes;
    const takeBack = this.isDiskFull ? this.#keep() : undefined;
    const result = run(base);
    if (base.writes > writes) {
      if (takeBack !== undefined) {
        takeBack();
        return { result, isDone: false };
      }
      this.effective.push(step);
    }
    for (const { channel, payload } of base.told)
      this.after(this.random.between(1, 5), () => this.onNotify(channel, payload));
    return { result, isDone: true };
  }

  /** A copy holds until something is written: most transactions only look. */
  #keep(): () => void {
    const { base } = this;
    const { writes, tables: of } = base;
    if (this.#copied?.writes !== writes || this.#copied.of !== of)
      this.#copied = { writes, of, tables: base.copy() };
    const { tables } = this.#copied;
    const takeBackLogs = this.keepLogs();
    return () => {
      base.tables = tables;
      base.writes = writes;
      this.#copied = undefined;
      takeBackLogs();
    };
  }

  #request({ host, steps, step, fault }: Doing, request: Effect & { kind: 'request' }): void {
    const give = (answer: unknown) => this.#resume(host, steps, () => steps.next(answer));
    if (!host.isAlive) return;
    if (fault?.kind === 'lost_before') return this.after(5, () => give('refused'));
    if (!request.mayStart()) return this.after(0, () => give(TOO_LATE));
    this.effective.push(step);
    let isOver = false;
    const once = (answer: unknown) => {
      if (isOver) return;
      isOver = true;
      give(answer);
    };
    this.after(this.random.between(1, 20), () => request.receive(once));
    this.after(request.mostMs, () => once(SILENCE));
    this.#strikeAfter(host, fault);
    if (fault?.kind === 'lost_after') this.after(2, () => once('reset'));
  }

  #strikeAfter(host: Host, fault: StepFault | undefined): void {
    if (fault?.kind === 'crash_after') this.crash(host);
    if (fault?.kind === 'freeze_after') this.freeze(host, fault.ms);
  }

  /** Most transactions take a few milliseconds, a few much longer. */
  #databaseMs(): number {
    return this.random.chance(0.02) ? this.random.between(50, 1_500) : this.random.between(1, 4);
  }
}

type Doing = {
  readonly host: Host;
  readonly steps: Steps<unknown>;
  readonly step: number;
  readonly fault: StepFault | undefined;
};

export function* wait(ms: number, bell?: Bell): Steps<void> {
  yield { kind: 'wait', ms, bell };
}

type Results<All> = { -readonly [K in keyof All]: All[K] extends Steps<infer One> ? One : never };

/** Does all of it at once, each on its own, and waits for the last; fails as the first that failed. */
export function* together<All extends readonly Steps<unknown>[]>(
  world: World,
  host: Host,
  all: All,
): Steps<Results<All>> {
  const bell = new Bell();
  const results: unknown[] = [];
  const done = new Set<number>();
  let failure: Error | undefined;
  const run = function* (steps: Steps<unknown>, place: number): Steps<void> {
    try {
      results[place] = yield* steps;
    } catch (error) {
      failure ??= error as Error;
    }
    done.add(place);
    bell.ring();
  };
  all.forEach((steps, place) => world.start(host, run(steps, place)));
  while (done.size < all.length) yield* wait(TOGETHER_MS, bell);
  if (failure !== undefined) throw failure;
  return results as Results<All>;
}

export function* transact<T>(label: string, run: (base: Base) => T): Steps<T> {
  return (yield { kind: 'transact', label, run }) as T;
}

export function* request<T>(asked: Request): Steps<T> {
  return (yield { kind: 'request', ...asked }) as T;
}
