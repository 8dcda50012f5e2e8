/** A PostgreSQL that may be killed and frozen: the embedded one, run without its keeper. */
import type { ClientConfig } from 'pg';
import { Client } from 'pg';
import type { DatabaseRole } from '#db/database.ts';
import type { Place } from '#db/postgres-place.ts';
import { readPostmasterPid, spawnServer, type ServerRun } from '#db/postgres-process.ts';
import { clearTheWay, socketConfig, superuserConfig, tryConnect } from '#db/postgres-takeover.ts';
import { listProcessesIn, signal, waitForEnd } from '#db/processes.ts';
import { pause } from './part.ts';

const UP_WITHIN_MS = 60_000;
const silent = { info() {}, warn() {}, error() {} };

export class Postgres {
  readonly place: Place;
  #run: ServerRun | undefined;
  #busy = false;

  constructor(place: Place) {
    this.place = place;
  }

  get isFree(): boolean {
    return !this.#busy;
  }

  configFor(role: DatabaseRole): ClientConfig {
    return socketConfig(this.place.run, role, 'tocsin');
  }

  superuser(): ClientConfig {
    return superuserConfig(this.place.run, 'tocsin');
  }

  /** The path of its socket. */
  get socket(): string {
    return `${this.place.run}/.s.PGSQL.5432`;
  }

  /** Starts it and waits until it takes connections; what an earlier run left is cleared away. */
  async start(): Promise<void> {
    const until = performance.now() + UP_WITHIN_MS;
    for (;;) {
      await clearTheWay(this.place, silent);
      this.#run = spawnServer(this.place, {});
      while (!this.#run.hasEnded()) {
        const client = await tryConnect(this.superuser());
        if (client instanceof Client) return await client.end();
        await pause(20);
      }
      if (performance.now() > until) throw new Error(`no PostgreSQL: ${this.#run.words()}`);
      await pause(200);
    }
  }

  async stop(): Promise<void> {
    this.#busy = true;
    await this.#run?.stop();
  }

  /** `kill -9` of the whole server, and another start. */
  async kill(downMs: number): Promise<void> {
    await this.#struck(async () => {
      const pid = readPostmasterPid(this.place.data);
      if (pid !== undefined && signal(pid, 'SIGKILL')) await waitForEnd(pid, 5_000);
      await pause(downMs);
      await this.start();
    });
  }

  /** `kill -9` of one backend: the server ends every session and repairs itself. */
  async killBackend(): Promise<void> {
    await this.#struck(async () => {
      const backend = this.#processes().find(({ command }) =>
        command.some((word) => word.includes('tocsin_worker')),
      );
      if (backend !== undefined) signal(backend.pid, 'SIGKILL');
      for (;;) {
        const client = await tryConnect(this.superuser());
        if (client instanceof Client) return await client.end();
        await pause(20);
      }
    });
  }

  /** SIGSTOP of every process of the server for so long. */
  async freeze(forMs: number): Promise<void> {
    await this.#struck(async () => {
      const frozen = this.#processes();
      for (const { pid } of frozen) signal(pid, 'SIGSTOP');
      await pause(forMs);
      for (const { pid } of frozen) signal(pid, 'SIGCONT');
    });
  }

  #processes() {
    return listProcessesIn(this.place.data).filter(({ zombie }) => !zombie);
  }

  async #struck(act: () => Promise<void>): Promise<void> {
    this.#busy = true;
    await act().finally(() => (this.#busy = false));
  }
}
