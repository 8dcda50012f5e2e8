/**
 * Works on the runs of the import page, one after the other: a second file at once would take
 * memory and a core from what is sent meanwhile. While it works it says twice a second that it
 * lives, and hears by the same statement that somebody cancelled.
 */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { ImportProgress } from './import-options.ts';
import { IMPORT_TASK, type RunJob } from './import-run.ts';
import { Ended, runInThread } from './in-thread.ts';
import type { RunPhase } from './run.ts';
import { beatRun, claimRun, endRun } from './store-run.ts';
import type { WorkContext } from './work.ts';

const BEAT_MS = 400;
const actor = system('organisations');

export type RunnerOptions = WorkContext & {
  readonly database: Database;
  readonly onError: (error: unknown) => void;
};

/** The tasks of this slice by name. */
export function importTasks(
  options: RunnerOptions,
): Record<string, (payload: unknown) => Promise<void>> {
  const runner = new Runner(options);
  return { [IMPORT_TASK]: (payload) => runner.accept(payload as RunJob) };
}

export class Runner {
  readonly #options: RunnerOptions;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Takes the run on and comes back at once: those who wait for their turn hold no worker. */
  async accept({ runId, attempt }: RunJob): Promise<void> {
    const { database } = this.#options;
    const state = await database.withActor(actor, (tx) => claimRun(tx, runId, attempt));
    if (state === undefined) return;
    const watch = new Watch(database, { runId, attempt });
    this.#turn = this.#turn.then(() => this.#work(watch));
  }

  /** Resolves when everything that was accepted is over. */
  async idle(): Promise<void> {
    await this.#turn;
  }

  async #work(watch: Watch): Promise<void> {
    const { database, onError, ...context } = this.#options;
    const { runId, attempt } = watch.job;
    try {
      await watch.begin();
      const work = { as: 'run', runId, attempt, startedAt: new Date() } as const;
      await runInThread(
        { config: database.config, work, context },
        {
          onProgress: (progress) => watch.note(progress),
          signal: watch.signal,
          holdsProcess: false,
        },
      );
    } catch (error) {
      if (error instanceof Ended && watch.signal.aborted) return;
      onError(error);
      await this.#fail(watch.job, reasonOf(error)).catch(onError);
    } finally {
      watch.end();
    }
  }

  async #fail({ runId, attempt }: RunJob, reason: string): Promise<void> {
    await this.#options.database.withActor(actor, (tx) =>
      endRun(tx, runId, { attempt, to: 'failed', reason }),
    );
  }
}

function reasonOf(error: unknown): string {
  const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
  return isTooLarge
    ? 'The file needs more memory than an import may take: split it. Nothing was written.'
    : 'Something broke on our side, and nothing was written. Start again.';
}

/** Says that a run is worked on, and hears that it is not to be any more. */
class Watch {
  readonly job: RunJob;
  readonly #database: Database;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #phase: RunPhase = 'waiting';
  #progress = 0;
  #isBeating = false;

  constructor(database: Database, job: RunJob) {
    this.job = job;
    this.#database = database;
    this.#timer = setInterval(() => void this.#beat(), BEAT_MS);
    this.#timer.unref();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  async begin(): Promise<void> {
    this.note({ phase: 'reading', share: 0 });
    await this.#beat();
    if (this.signal.aborted) throw new Ended();
  }

  note({ phase, share }: ImportProgress): void {
    this.#phase = phase;
    this.#progress = Math.min(1, share);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    const beat = { attempt: this.job.attempt, phase: this.#phase, progress: this.#progress };
    try {
      const isOurs = await this.#database.withActor(actor, (tx) =>
        beatRun(tx, this.job.runId, beat),
      );
      if (!isOurs) this.#abort.abort();
    } catch {
      // A database that is away for a moment: the next beat tells.
    } finally {
      this.#isBeating = false;
    }
  }
}
