/**
 * What a sender has claimed and not requested yet, in the order in which it leaves. What belongs to
 * a dispatch that only begins stands beside it until its approval was proved and the provider's
 * template was read: what is slow must not hold up another dispatch.
 */
import type { Held } from './held.ts';

/** What is looked at before a dispatch begins, side by side; undefined where it was before. */
type Check = { before(first: Held): Promise<unknown> | undefined };

export class Line {
  #checks: readonly Check[];
  /** Told when what stood beside it has joined it. */
  #onJoined: () => void;
  #queue: Held[] = [];
  #beginning = new Map<string, Held[]>();

  constructor(checks: readonly Check[], onJoined: () => void) {
    this.#checks = checks;
    this.#onJoined = onJoined;
  }

  /** Of those that may leave: what only begins is bounded by one claim for each dispatch. */
  get length(): number {
    return this.#queue.length;
  }

  /** The dispatches of which nothing more is to be claimed yet. */
  get beginning(): string[] {
    return [...this.#beginning.keys()];
  }

  get dispatchIds(): string[] {
    return [...this.beginning, ...this.#queue.map(({ dispatchId }) => dispatchId)];
  }

  /** What one claim took, all of one dispatch. */
  add(held: readonly Held[]): void {
    const [first] = held;
    if (first === undefined) return;
    const looks = this.#checks.flatMap((check) => check.before(first) ?? []);
    if (looks.length === 0) {
      this.#queue.push(...held);
      return;
    }
    const { dispatchId } = first;
    this.#beginning.set(dispatchId, [...held]);
    void Promise.all(looks).then(() => {
      this.#queue.push(...this.#beginning.get(dispatchId)!);
      this.#beginning.delete(dispatchId);
      this.#onJoined();
    });
  }

  next(): Held | undefined {
    return this.#queue.shift();
  }

  /** Empties it, and returns what was in it. */
  takeAll(): Held[] {
    return [this.#queue, ...this.#beginning.values()].flatMap((held) => held.splice(0));
  }
}
