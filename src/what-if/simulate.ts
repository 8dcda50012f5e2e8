/**
 * One release on a simulated clock. Nothing is decided here: when rounds open, whether a message is
 * still needed, when its number may have it, when the provider takes it, and who comes on the call
 * list are the functions that the live engine goes by (P1, P7). It differs from life in what it
 * leaves out: every message arrives at once, no gateway fails, nobody pauses. Pure: the same scene
 * gives the same run.
 */
import { isNeeded, spacedDue } from '#dispatch/index.ts';
import { takeTokens, type Capacity } from '#alerts/index.ts';
import { afterQuiet, nextQuiet } from '#kernel/quiet-hours.ts';
import {
  EXERCISE_LANE,
  expiryTimes,
  regionTime,
  roundTimes,
  stepsOf,
  type Channel,
} from '#operating-model/index.ts';
import { ringReason } from '#responses/index.ts';
import { drained, Line, restUntil, type Ready } from './line.ts';
import type { Ended, Ending, Fate, Planned, Run, Scene } from './model.ts';
import { Queue } from './queue.ts';

type Happening =
  | { readonly kind: 'round'; readonly atMs: number; readonly round: number }
  | { readonly kind: 'answer'; readonly atMs: number; readonly to: Planned }
  | { readonly kind: 'line'; readonly atMs: number; readonly line: Line }
  /** The hours of exercises end. */
  | { readonly kind: 'closing'; readonly atMs: number };

/** Of two in the same moment the one that was planned first comes first. */
type Event = Happening & { readonly order: number };

export function simulate(scene: Scene): Run {
  return new Simulation(scene).run();
}

class Simulation {
  #scene: Scene;
  #events = new Queue<Event>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  #order = 0;
  #rounds: Map<number, Planned[]>;
  #lines: Readonly<Record<Channel, Line | undefined>>;
  /** By round: when what has not left of it is not sent any more. */
  #expiresAtMs = new Map<number, number>();
  #textsTo: Map<string, number[]>;
  /** Texts of this release that are counted there and have not left yet. */
  #waitingTo = new Map<string, Set<Ready>>();
  #ended: Ended[] = [];
  #replies = 0;
  #answered = new Map<string, number>();
  /** By number or address and code: for whom an answer counts. */
  #credited = new Map<string, Set<string>>();

  constructor(scene: Scene) {
    const { releasedAtMs, lines } = scene;
    this.#scene = scene;
    this.#rounds = Map.groupBy(scene.messages, ({ round }) => round);
    this.#textsTo = scene.textsTo ?? new Map();
    const open = (capacity: Capacity | undefined) => capacity && new Line(capacity, releasedAtMs);
    const text = open(lines.text);
    this.#lines = { text, mail: lines.isShared ? text : open(lines.mail) };
  }

  run(): Run {
    const { severity, releasedAtMs } = this.#scene;
    const expires = expiryTimes(severity, releasedAtMs);
    const steps = stepsOf(severity);
    const rounds = roundTimes(severity, releasedAtMs).map((atMs, i) => ({
      round: i + 1,
      atMs,
      reminds: steps[i]!.reminds,
    }));
    for (const { round, atMs } of rounds) {
      this.#expiresAtMs.set(round, expires[round - 1]!);
      this.#plan({ kind: 'round', atMs, round });
    }
    this.#planClosing(releasedAtMs);
    for (let event = this.#events.take(); event; event = this.#events.take()) this.#happen(event);
    return {
      releasedAtMs,
      rounds,
      ended: this.#ended,
      fates: this.#fates(),
      replies: this.#replies,
      regions: this.#tellRegions(),
    };
  }

  #plan(event: Happening): void {
    this.#events.add({ ...event, order: (this.#order += 1) });
  }

  #planClosing(nowMs: number): void {
    const { lane, quietHours } = this.#scene.severity;
    if (lane !== EXERCISE_LANE || quietHours === undefined) return;
    this.#plan({ kind: 'closing', atMs: nextQuiet(nowMs, quietHours) });
  }

  /** What is ready of an exercise waits for its next hours, with as much time as it had left. */
  #close(nowMs: number): void {
    const untilMs = afterQuiet(nowMs, this.#scene.severity.quietHours);
    for (const line of new Set(Object.values(this.#lines))) {
      if (line === undefined) continue;
      const ready = [...drained(line.waiting), ...drained(line.later)];
      for (const one of ready) {
        const rested = restUntil(one, { nowMs, untilMs });
        line.later.add(rested);
        if (one.message.channel !== 'text') continue;
        this.#settle(one, false);
        this.#count(rested);
      }
      line.wakesAtMs = Infinity;
      this.#wake(line, nowMs);
    }
    if (this.#events.first !== undefined) this.#planClosing(untilMs);
  }

  #happen(event: Event): void {
    if (event.kind === 'closing') this.#close(event.atMs);
    else if (event.kind === 'round') this.#open(event.round, event.atMs);
    else if (event.kind === 'answer') this.#answer(event.to, event.atMs);
    else if (event.line.wakesAtMs === event.atMs) this.#send(event.line, event.atMs);
  }

  /** Its messages become ready, each when its number may have it. */
  #open(round: number, nowMs: number): void {
    for (const message of this.#rounds.get(round) ?? []) {
      const line = this.#lines[message.channel];
      if (!isNeeded(message, this.#hasAnswered)) this.#end(message, 'called_off', nowMs);
      else if (line === undefined) this.#end(message, 'no_gateway', nowMs);
      else this.#ready(line, message, nowMs);
    }
  }

  #ready(line: Line, message: Planned, nowMs: number): void {
    const due = this.#dueOf(message, nowMs);
    if (due === undefined) return this.#end(message, 'suppressed', nowMs);
    const expiresAtMs = this.#expiresAtMs.get(message.round)!;
    const ready = { message, dueMs: due, expiresAtMs, order: (this.#order += 1) };
    if (message.channel === 'text') this.#count(ready);
    (due > nowMs ? line.later : line.waiting).add(ready);
    this.#wake(line, nowMs);
  }

  /** It is one of the texts that its number gets. */
  #count(ready: Ready): void {
    const { contactPointId: id } = ready.message;
    const [times, waiting] = [this.#textsTo.get(id), this.#waitingTo.get(id)];
    if (times === undefined) this.#textsTo.set(id, [ready.dueMs]);
    else times.push(ready.dueMs);
    if (waiting === undefined) this.#waitingTo.set(id, new Set([ready]));
    else waiting.add(ready);
  }

  /** It has left, or never will, and then is none of those that its number got. */
  #settle(ready: Ready, hasLeft: boolean): void {
    const { contactPointId: id } = ready.message;
    if (this.#waitingTo.get(id)?.delete(ready) !== true || hasLeft) return;
    const times = this.#textsTo.get(id)!;
    times.splice(times.indexOf(ready.dueMs), 1);
  }

  #dueOf({ channel, contactPointId, round }: Planned, nowMs: number): number | undefined {
    for (const ready of this.#waitingTo.get(contactPointId) ?? [])
      if (!isNeeded(ready.message, this.#hasAnswered)) this.#settle(ready, false);
    const earlierMs = this.#textsTo.get(contactPointId);
    if (channel !== 'text' || earlierMs === undefined) return nowMs;
    const spaced = spacedDue(this.#scene.perNumber, {
      nowMs,
      expiresAtMs: this.#expiresAtMs.get(round)!,
      earlierMs,
    });
    return spaced === 'suppressed' ? undefined : spaced.dueMs;
  }

  /** The line is looked at when the next of it is due and the bucket has a token for it. */
  #wake(line: Line, nowMs: number): void {
    const next = line.waiting.first === undefined ? line.later.first?.dueMs : nowMs;
    if (next === undefined) return;
    const fromMs = Math.max(nowMs, next);
    const atMs = takeTokens(line.bucket, line.capacity, { count: 1, fromMs }).atMs;
    if (atMs >= line.wakesAtMs) return;
    line.wakesAtMs = atMs;
    this.#plan({ kind: 'line', atMs, line });
  }

  /** All that may leave in this moment. */
  #send(line: Line, nowMs: number): void {
    line.wakesAtMs = Infinity;
    while (line.later.first !== undefined && line.later.first.dueMs <= nowMs)
      line.waiting.add(line.later.take()!);
    for (let next = line.waiting.first; next; next = line.waiting.first) {
      const { message } = next;
      const isUsable = nowMs < next.expiresAtMs;
      if (!isUsable || !isNeeded(message, this.#hasAnswered)) {
        line.waiting.take();
        this.#settle(next, false);
        this.#end(message, isUsable ? 'called_off' : 'expired', nowMs);
        continue;
      }
      const after = takeTokens(line.bucket, line.capacity, { count: 1, fromMs: nowMs });
      if (after.atMs > nowMs) break;
      line.bucket = after;
      line.waiting.take();
      this.#settle(next, true);
      this.#leave(message, nowMs);
    }
    this.#wake(line, nowMs);
  }

  #leave(message: Planned, nowMs: number): void {
    this.#end(message, 'sent', nowMs);
    const credited = this.#credited.get(codeOf(message)) ?? new Set();
    for (const id of message.organisationIds) credited.add(id);
    this.#credited.set(codeOf(message), credited);
    const afterMs = this.#scene.answerAfterMs(message);
    if (afterMs !== null) this.#plan({ kind: 'answer', atMs: nowMs + afterMs, to: message });
  }

  /** Whoever answers, answers for all that their messages with this code stood for (P1). */
  #answer(message: Planned, nowMs: number): void {
    const line = this.#lines[message.channel];
    if (message.channel === 'text' && line !== undefined) {
      // Our answer to it leaves before anything else (lane 0).
      line.bucket = takeTokens(line.bucket, line.capacity, { count: 1, fromMs: nowMs });
      this.#replies += 1;
    }
    for (const id of this.#credited.get(codeOf(message)) ?? [])
      if (!this.#answered.has(id)) this.#answered.set(id, nowMs);
  }

  #hasAnswered = (organisationId: string): boolean => this.#answered.has(organisationId);

  #end(message: Planned, ending: Ending, atMs: number): void {
    this.#ended.push({ message, ending, atMs });
  }

  #fates(): Fate[] {
    const { organisations, releasedAtMs, severity } = this.#scene;
    const told = new Map<string, number>();
    const last = new Map<string, number>();
    for (const { message, ending, atMs } of this.#ended)
      for (const id of message.organisationIds) {
        if (ending === 'sent' && !told.has(id)) told.set(id, atMs);
        // Whoever is left to be reminded is rung all the same.
        if (message.round <= severity.rounds.length)
          last.set(id, Math.max(last.get(id) ?? 0, atMs));
      }
    return organisations.map((one) => {
      const { organisationId: id } = one;
      const toldAtMs = told.get(id) ?? null;
      const answeredAtMs = this.#answered.get(id) ?? null;
      const chainEndsAtMs = last.get(id) ?? releasedAtMs;
      // Whom nothing reached is rung at once.
      const endsAtMs =
        toldAtMs === null
          ? chainEndsAtMs
          : Math.max(chainEndsAtMs, releasedAtMs + (severity.callListAfterMs ?? 0));
      const isListed = one.mustAnswer && (answeredAtMs === null || answeredAtMs > endsAtMs);
      const standing = { isReached: toldAtMs !== null, isUncertain: false, moreToCome: false };
      return {
        ...one,
        toldAtMs,
        answeredAtMs,
        listedAtMs: isListed ? endsAtMs : null,
        why: isListed ? (ringReason(standing) ?? null) : null,
      };
    });
  }

  #tellRegions(): Run['regions'] {
    const { severity, releasedAtMs, organisations } = this.#scene;
    const atMs = regionTime(severity, releasedAtMs);
    if (atMs === undefined) return undefined;
    const silent: Record<string, number> = {};
    for (const { organisationId, mustAnswer, regionCode } of organisations) {
      if (!mustAnswer || regionCode === null) continue;
      if ((this.#answered.get(organisationId) ?? Infinity) > atMs)
        silent[regionCode] = (silent[regionCode] ?? 0) + 1;
    }
    return { atMs, silent };
  }
}

/** By number or address and the organisation whose code the message has. */
function codeOf({ contactPointId, organisationIds }: Planned): string {
  return `${contactPointId} ${organisationIds[0]}`;
}
