/**
 * Many small pieces of work in few transactions: what comes while others are being written waits
 * and shares the next one. Nothing waits for company: alone, a piece begins at once. Each is
 * answered after its commit.
 *
 * One transaction for each receipt took four round trips and a flush to disk; one statement for
 * each, in a shared one, still was more than a process can do at 2,000 a second.
 */
import type { Actor } from '#kernel/actor.ts';
import { isDatabaseRefusal, type Database, type Tx } from './database.ts';

/** At once: a lock that one of them waits for must not stop the others. */
const TRANSACTIONS_MAX = 3;
const PIECES_MAX = 200;

type Waiting<Piece, Answer> = {
  readonly piece: Piece;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
};

export type TogetherOptions<Piece, Answer> = {
  readonly database: Database;
  /** Only pieces of one actor share a transaction. */
  readonly actorOf: (piece: Piece) => Actor & { kind: 'system' };
  /**
   * Does them all and answers each, in their order. Must do no harm when done again: after a
   * refusal each piece is tried alone.
   */
  readonly act: (tx: Tx, pieces: readonly Piece[]) => Promise<readonly Answer[]>;
};

export class Together<Piece, Answer> {
  readonly #options: TogetherOptions<Piece, Answer>;
  #waiting: Waiting<Piece, Answer>[] = [];
  #running = 0;

  constructor(options: TogetherOptions<Piece, Answer>) {
    this.#options = options;
  }

  /** Resolves when it is committed; throws what the database threw. */
  do(piece: Piece): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ piece, resolve, reject });
      if (this.#running < TRANSACTIONS_MAX) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running += 1;
    while (this.#waiting.length > 0) await this.#write(this.#takeBatch());
    this.#running -= 1;
  }

  /** The first that waits, and those of its actor. */
  #takeBatch(): Waiting<Piece, Answer>[] {
    const { actorOf } = this.#options;
    const { name } = actorOf(this.#waiting[0]!.piece);
    const batch: Waiting<Piece, Answer>[] = [];
    this.#waiting = this.#waiting.filter((one) => {
      if (batch.length >= PIECES_MAX || actorOf(one.piece).name !== name) return true;
      batch.push(one);
      return false;
    });
    return batch;
  }

  async #write(batch: Waiting<Piece, Answer>[]): Promise<void> {
    const { database, actorOf, act } = this.#options;
    try {
      const pieces = batch.map(({ piece }) => piece);
      const answers = await database.withActor(actorOf(pieces[0]!), (tx) => act(tx, pieces));
      batch.forEach(({ resolve }, i) => resolve(answers[i]!));
    } catch (error) {
      // One that the database will not have undoes all: then each shows by itself what it is.
      if (batch.length > 1 && isDatabaseRefusal(error))
        for (const one of batch) await this.#write([one]);
      else for (const { reject } of batch) reject(error);
    }
  }
}
