import { closeSync, fdatasync, fstatSync, mkdirSync, openSync, write } from 'node:fs';
import { join } from 'node:path';

/**
 * The append-only record of what was accepted: one JSON object a line, on disk before the answer.
 *
 * All lines waiting are written and synced together (group commit), so a thousand requests cost
 * one sync. `fdatasync` suffices: it also writes the file's new length.
 */
export class Ledger {
  readonly path: string | null;
  readonly #file: number | null;
  #lines: string[] = [];
  #waiting: (() => void)[] = [];
  #isFlushing = false;
  #isScheduled = false;
  #idle: (() => void)[] = [];
  #failure: Error | null = null;

  /** `dataDir` null keeps no ledger at all: lines are dropped and every wait ends at once. */
  constructor(dataDir: string | null) {
    this.path = dataDir === null ? null : ledgerPath(dataDir);
    if (this.path === null) {
      this.#file = null;
      return;
    }
    mkdirSync(dataDir!, { recursive: true });
    this.#file = openSync(this.path, 'a', 0o600);
  }

  get isOn(): boolean {
    return this.#file !== null;
  }

  get sizeBytes(): number {
    return this.#file === null ? 0 : fstatSync(this.#file).size;
  }

  /** Adds one line; `done` is called once it is on disk. */
  append(entry: object, done?: () => void): void {
    if (this.#file === null) {
      if (done !== undefined) setImmediate(done);
      return;
    }
    if (this.#failure !== null) throw this.#failure;
    this.#lines.push(JSON.stringify(entry));
    if (done !== undefined) this.#waiting.push(done);
    if (this.#isFlushing || this.#isScheduled) return;
    // Not at once: every request of this turn of the loop shares the sync.
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  /** Resolves when everything appended so far is on disk. */
  synced(): Promise<void> {
    if (!this.#isFlushing && !this.#isScheduled) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async close(): Promise<void> {
    await this.synced();
    if (this.#file !== null) closeSync(this.#file);
  }

  #flush(): void {
    this.#isScheduled = false;
    this.#isFlushing = true;
    const waiting = this.#waiting;
    const bytes = Buffer.from(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
    this.#waiting = [];
    this.#write(bytes, 0, () => {
      fdatasync(this.#file!, (error) => {
        if (error !== null) this.#fail(error);
        for (const done of waiting) done();
        this.#isFlushing = false;
        if (this.#lines.length > 0) this.#flush();
        else this.#idle.splice(0).forEach((resolve) => resolve());
      });
    });
  }

  #write(bytes: Buffer, from: number, done: () => void): void {
    write(this.#file!, bytes, from, bytes.length - from, null, (error, written) => {
      if (error !== null) this.#fail(error);
      if (from + written < bytes.length) this.#write(bytes, from + written, done);
      else done();
    });
  }

  /** An answer without its line would be a lie, so a disk that fails ends the program. */
  #fail(error: Error): never {
    this.#failure = error;
    throw error;
  }
}

export function ledgerPath(dataDir: string): string {
  return join(dataDir, 'ledger.jsonl');
}
