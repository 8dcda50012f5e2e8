type Entry = { readonly at: number; readonly order: number; readonly run: () => void };

/**
 * Things to do later, in order of time and then of asking. One timer serves all: a timer for each
 * of 100,000 receipts would cost more than the receipts.
 */
export class Schedule {
  readonly #heap: Entry[] = [];
  #order = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Infinity;

  get size(): number {
    return this.#heap.length;
  }

  /** Runs `run` after `delayMs` of real time. */
  after(delayMs: number, run: () => void): void {
    const entry = { at: performance.now() + delayMs, order: this.#order++, run };
    this.#heap.push(entry);
    this.#siftUp(this.#heap.length - 1);
    if (entry.at < this.#timerAt) this.#arm();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#heap.length = 0;
    this.#timerAt = -Infinity;
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const next = this.#heap[0];
    this.#timerAt = next?.at ?? Infinity;
    if (next === undefined) return;
    this.#timer = setTimeout(() => this.#runDue(), Math.max(next.at - performance.now(), 0));
  }

  #runDue(): void {
    const now = performance.now();
    while (this.#heap.length > 0 && this.#heap[0]!.at <= now) this.#pop().run();
    this.#arm();
  }

  #pop(): Entry {
    const first = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#siftDown(0);
    }
    return first;
  }

  #siftUp(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #siftDown(start: number): void {
    let index = start;
    for (;;) {
      let first = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, first)) first = child;
      }
      if (first === index) return;
      this.#swap(index, first);
      index = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a]!, this.#heap[b]!];
    return left.at < right.at || (left.at === right.at && left.order < right.order);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}
