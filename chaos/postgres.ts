/** A PostgreSQL that may be killed and frozen: the embedded one, run without its keeper. */
import { rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { ClientConfig } from 'pg';
import { Client } from 'pg';
import type { DatabaseRole } from '#db/database.ts';
import type { Place } from '#db/postgres-place.ts';
import { readPostmasterPid, spawnServer, type ServerRun } from '#db/postgres-process.ts';
import { clearTheWay, socketConfig, superuserConfig, tryConnect } from '#db/postgres-takeover.ts';
import { listProcessesIn, signal, waitForEnd } from '#db/processes.ts';
import {
  cutOff,
  placeIn,
  prepareReplica,
  promote,
  untilFollowed,
} from '../test/support/postgres-replica.ts';
import { pause } from './part.ts';

const UP_WITHIN_MS = 60_000;
/** A replica that is being made still finds what was written meanwhile. */
const SETTINGS = { wal_keep_size: '256MB' };
/** What a process wrote before it was frozen has come to the server after so long. */
const SENT_WITHIN_MS = 20;
const silent = { info() {}, warn() {}, error() {} };

/** How long commits are lost before a promotion, and what is done around that. */
export type Lag = {
  readonly forMs: number;
  /** Called when a replica follows: from the moment it resolves on commits are lost. */
  readonly before: () => Promise<void>;
};

export class Postgres {
  readonly #folder: string;
  /** Leads to the sockets of the server that serves, whichever that is. */
  readonly #serving: string;
  #place: Place;
  #run: ServerRun | undefined;
  #replica: ServerRun | undefined;
  #replicas = 0;
  #busy = false;

  /** A stopped cluster at `place`; its replicas come to lie in `folder`. */
  constructor(place: Place, folder: string) {
    this.#folder = folder;
    this.#serving = path.join(folder, 'serving');
    this.#place = place;
    this.#lead();
  }

  get isFree(): boolean {
    return !this.#busy;
  }

  configFor(role: DatabaseRole): ClientConfig {
    return socketConfig(this.#serving, role, 'tocsin');
  }

  /** The path of its socket. */
  get socket(): string {
    return `${this.#serving}/.s.PGSQL.5432`;
  }

  /** Whether a process, by the name that it connects with, has no transaction open just now. */
  async isIdle(name: string): Promise<boolean> {
    await pause(SENT_WITHIN_MS);
    const client = await tryConnect(superuserConfig(this.#place.run));
    if (!(client instanceof Client)) return false;
    const { rows } = await client.query(
      'select from pg_stat_activity where application_name = $1 and xact_start is not null',
      [name],
    );
    await client.end();
    return rows.length === 0;
  }

  /** Starts it and waits until it takes connections; what an earlier run left is cleared away. */
  async start(): Promise<void> {
    const until = performance.now() + UP_WITHIN_MS;
    for (;;) {
      await clearTheWay(this.#place, silent);
      this.#run = spawnServer(this.#place, SETTINGS);
      if (await takesConnections(this.#place, this.#run)) return;
      if (performance.now() > until) throw new Error(`no PostgreSQL: ${this.#run.words()}`);
      await pause(200);
    }
  }

  async stop(): Promise<void> {
    this.#busy = true;
    await this.#replica?.stop();
    await this.#run?.stop();
  }

  /** `kill -9` of the whole server, and another start. */
  async kill(downMs: number): Promise<void> {
    await this.#struck(async () => {
      const pid = readPostmasterPid(this.#place.data);
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
        const client = await tryConnect(superuserConfig(this.#place.run));
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

  /**
   * `kill -9` of the whole server, and a replica that lacks its last commits takes its place. The
   * replica is made first, which takes some seconds; what it takes the place of is deleted.
   */
  async promoteReplica(lag: Lag): Promise<void> {
    await this.#struck(async () => {
      const [primary, replica] = [this.#place, this.#nextPlace()];
      await prepareReplica(primary, replica);
      this.#replica = spawnServer(replica, SETTINGS);
      if (!(await takesConnections(replica, this.#replica)))
        throw new Error(`no replica: ${this.#replica.words()}`);
      await untilFollowed(primary);
      await lag.before();
      await cutOff(primary, replica);
      await pause(lag.forMs);
      await this.#endAll();
      await promote(replica);
      [this.#place, this.#run, this.#replica] = [replica, this.#replica, undefined];
      this.#lead();
      rmSync(primary.data, { recursive: true, force: true });
    });
  }

  #nextPlace(): Place {
    this.#replicas += 1;
    return placeIn(this.#folder, `replica-${this.#replicas}`);
  }

  #lead(): void {
    rmSync(this.#serving, { force: true });
    symlinkSync(this.#place.run, this.#serving);
  }

  /** Also its backends: one that lived on could still commit what nobody will know of. */
  async #endAll(): Promise<void> {
    const ended = this.#processes();
    for (const { pid } of ended) signal(pid, 'SIGKILL');
    for (const { pid } of ended) await waitForEnd(pid, 5_000);
    await this.#run?.ended;
  }

  #processes() {
    return listProcessesIn(this.#place.data).filter(({ zombie }) => !zombie);
  }

  async #struck(act: () => Promise<void>): Promise<void> {
    this.#busy = true;
    await act().finally(() => (this.#busy = false));
  }
}

/** Waits until it does; false where it ended before. */
async function takesConnections(place: Place, run: ServerRun): Promise<boolean> {
  while (!run.hasEnded()) {
    const client = await tryConnect(superuserConfig(place.run));
    if (client instanceof Client) {
      await client.end();
      return true;
    }
    await pause(20);
  }
  return false;
}
