/**
 * What a sender has claimed and not requested yet, in the order in which it leaves. What belongs to
 * a dispatch that only begins stands beside it until the provider's template was read: a provider
 * that is slow to say so must not hold up another dispatch.
 */
import type { Held } from './held.ts';
import type { TemplateCheck } from './templates.ts';

export class Line {
  #template: Pick<TemplateCheck, 'before'>;
  /** Told when what stood beside it has joined it. */
  #onJoined: () => void;
  #queue: Held[] = [];
  #beginning = new Map<string, Held[]>();

  constructor(template: Pick<TemplateCheck, 'before'>, onJoined: () => void) {
    this.#template = template;
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
    const isRead = this.#template.before(first);
    if (isRead === undefined) {
      this.#queue.push(...held);
      return;
    }
    const { dispatchId } = first;
    this.#beginning.set(dispatchId, [...held]);
    void isRead.then(() => {
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
