/** One process of the play that can be killed, frozen and started again. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Who never comes to the moment is frozen in another one. */
const TRIES_MAX = 100;
const BETWEEN_TRIES_MS = 7;

export class Part {
  readonly name: string;
  readonly #spawn: () => Promise<ChildProcess>;
  #child: ChildProcess | undefined;
  #busy = false;

  /** `spawn` resolves when the process is ready for work. */
  constructor(name: string, spawn: () => Promise<ChildProcess>) {
    this.name = name;
    this.#spawn = spawn;
  }

  /** False while a fault holds it: one fault at a time strikes a process. */
  get isFree(): boolean {
    return !this.#busy;
  }

  async start(): Promise<void> {
    this.#child = await this.#spawn();
  }

  /** `kill -9`, and another start `downMs` later. */
  async kill(downMs: number): Promise<void> {
    await this.#struck(async () => {
      await this.#end();
      await pause(downMs);
      await this.start();
    });
  }

  /** SIGSTOP for as long as `lasts`, in a moment that `isMoment` chooses while it stands. */
  async freeze(lasts: () => Promise<void>, isMoment = () => Promise.resolve(true)): Promise<void> {
    await this.#struck(async () => {
      for (let tries = 1; ; tries += 1) {
        this.#child?.kill('SIGSTOP');
        if (tries === TRIES_MAX || (await isMoment())) break;
        this.#child?.kill('SIGCONT');
        await pause(BETWEEN_TRIES_MS);
      }
      await lasts();
      this.#child?.kill('SIGCONT');
    });
  }

  async stop(): Promise<void> {
    this.#busy = true;
    await this.#end();
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async #struck(act: () => Promise<void>): Promise<void> {
    this.#busy = true;
    await act().finally(() => (this.#busy = false));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
