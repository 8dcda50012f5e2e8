/**
 * The auditor: each minute one worker asks the tables whether what must hold does hold
 * (notification-peers 6.14). It shares no statement with the engine; a breach is loud: in the log,
 * in a metric, on the duty desk, in `doctor`. A dead-man switch outside is told only while all
 * holds, so that silence is news too.
 */
import { newId } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import type { Log } from '#log.ts';
import { deadlineIn, openHttp, type Network } from './gateways/http.ts';
import { Signal } from './signal.ts';
import {
  countAcceptedTwice,
  countHeld,
  countMiscounted,
  countMislaned,
  countMovedBack,
  countOverheld,
  countOverspent,
  countAway,
  countStranded,
  countUnfinished,
  countUnheard,
  countUnopened,
  countUnresolved,
  countUntimed,
  type Breaches,
} from './store-audit.ts';
import {
  endTurn,
  listInvariants,
  notifyAudit,
  readAuditor,
  recordInvariant,
  takeTurn,
  type AuditorRow,
  type InvariantRow,
} from './store-auditor.ts';

type Invariant = {
  /** What must hold, in one sentence. */
  readonly holds: string;
  /** What to do where it does not. */
  readonly mend: string;
  readonly count: (tx: Tx) => Promise<Breaches>;
  /** A timer that is late mends itself: it counts only where it is late twice in a row. */
  readonly isTimer?: true;
};

const WORKER = 'See that a worker runs and that its log has no errors; then restart it.';
const REPORT = 'Pause the dispatch, keep the database as it is, and report a fault of Tocsin.';

/** What must hold, and what to do where it does not. */
export const invariants = {
  counted: {
    holds: 'every dispatch has exactly the messages that were approved',
    mend: REPORT,
    count: countMiscounted,
  },
  leased: {
    holds: 'no message is held by a worker past its lease',
    mend: WORKER,
    count: countOverheld,
    isTimer: true,
  },
  certain: {
    holds: 'no message is unknown past its use',
    mend: `${WORKER} Where the provider does not answer, ring it.`,
    count: countUnresolved,
    isTimer: true,
  },
  opened: {
    holds: 'every round and escalation that is due is open',
    mend: WORKER,
    count: countUnopened,
    isTimer: true,
  },
  accepted_once: {
    holds: 'no message was accepted twice by a provider',
    mend: 'Somebody had the same text twice. Look at the history of the message, and report it.',
    count: countAcceptedTwice,
  },
  timed: {
    holds: 'every accepted message has a time at which its receipt is asked for',
    mend: REPORT,
    count: countUntimed,
  },
  finished: {
    holds: 'nothing of a dispatch that is done is unfinished',
    mend: REPORT,
    count: countUnfinished,
  },
  forward: {
    holds: 'no receipt was taken back',
    mend: REPORT,
    count: countMovedBack,
  },
  laned: {
    holds: 'no exercise is in a live lane',
    mend: 'Stop that dispatch now, and report a fault of Tocsin.',
    count: countMislaned,
  },
  paced: {
    holds: 'no bucket was overspent',
    mend: 'The provider may refuse texts for some seconds. Report a fault of Tocsin.',
    count: countOverspent,
  },
  leaving: {
    holds: 'what is due of a live alert leaves: a provider took some of it in the last minute',
    mend: `Look at the page of gateways: switch one on, or ring the provider; else tell people by another way. ${WORKER}`,
    count: countStranded,
    isTimer: true,
  },
  whole: {
    holds: 'sending is not held because history was lost',
    mend: 'Nothing leaves until a person lets it go on: bin/tocsin history status says what was found.',
    count: countHeld,
  },
  replicated: {
    holds: 'the replicas answer that this server waits for before anything leaves',
    mend: 'Start the replica, or see its network. Nothing leaves meanwhile unless a person lets it: the page /replica, or bin/tocsin history.',
    count: countAway,
  },
  heard: {
    holds: 'every receipt and reply was dealt with within a minute',
    mend: WORKER,
    count: countUnheard,
    isTimer: true,
  },
} as const satisfies Record<string, Invariant>;

export type InvariantId = keyof typeof invariants;

const EVERY_MS = 60_000;
/** Long enough for a beat of the engine, however busy. */
const AGAIN_MS = 3_000;
const PING_MS = 5_000;

export type AuditorOptions = {
  readonly database: Database;
  readonly log: Log;
  /** Told while all holds, such as `https://hc-ping.example/…`; absent: nobody. */
  readonly deadmanUrl?: string;
  /** The way out, where there is a proxy. */
  readonly network?: Network;
  /** Tests shorten these waits. */
  readonly everyMs?: number;
  readonly againMs?: number;
  readonly pingMs?: number;
};

export class Auditor {
  readonly #options: AuditorOptions;
  readonly #owner = newId();
  readonly #signal = new Signal();
  #isStopping = false;
  #loop: Promise<void> | undefined;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#signal.wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { log, everyMs = EVERY_MS } = this.#options;
    while (!this.#isStopping) {
      try {
        if ((await this.audit()) === true) await this.#ping();
      } catch (error) {
        // Loud elsewhere too: without a whole round the time of the last one grows old.
        log.error('dispatch.audit_failed', { error });
      }
      if (!this.#isStopping) await this.#signal.wait(Math.min(everyMs, 10_000));
    }
  }

  /** One round, if it is our turn: whether all holds; undefined where another worker has it. */
  async audit(): Promise<boolean | undefined> {
    const { everyMs = EVERY_MS } = this.#options;
    const isOurs = await this.#act((tx) => takeTurn(tx, this.#owner, everyMs));
    if (!isOurs) return undefined;
    let broken = 0;
    for (const id of Object.keys(invariants) as InvariantId[])
      if (!(await this.#check(id))) broken += 1;
    await this.#act(async (tx) => {
      await endTurn(tx, this.#owner);
      await notifyAudit(tx);
    });
    return broken === 0;
  }

  /** Each in a transaction of its own: one that fails must not hide the others. */
  async #check(id: InvariantId): Promise<boolean> {
    const { log, againMs = AGAIN_MS } = this.#options;
    const { count, isTimer, holds, mend }: Invariant = invariants[id];
    let found = await this.#act(count);
    if (found.breaches > 0 && isTimer) {
      await this.#signal.wait(againMs);
      found = await this.#act(count);
    }
    await this.#act((tx) => recordInvariant(tx, { id, holds, mend, ...found }));
    if (found.breaches === 0) return true;
    log.error('dispatch.invariant_broken', { part: id, count: found.breaches });
    return false;
  }

  async #act<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return await this.#options.database.withActor(system('auditor'), work);
  }

  async #ping(): Promise<void> {
    const { deadmanUrl, network, log, pingMs = PING_MS } = this.#options;
    if (deadmanUrl === undefined) return;
    const { origin: baseUrl, pathname, search } = new URL(deadmanUrl);
    const waits = { connectMs: pingMs, headersMs: pingMs, bodyMs: pingMs };
    const http = openHttp({ baseUrl, connections: 1, waits, network });
    const { signal, clear } = deadlineIn(pingMs);
    try {
      const path = pathname + search;
      const { status } = await http.request({ method: 'GET', path, headers: {}, signal });
      if (status >= 400) log.warn('dispatch.deadman_refused', { status });
    } catch (error) {
      log.warn('dispatch.deadman_unreachable', { error });
    } finally {
      clear();
      await http.close();
    }
  }
}

export type AuditReport = AuditorRow & {
  readonly checked: readonly InvariantRow[];
  /** Those that do not hold. */
  readonly broken: readonly InvariantRow[];
};

/** How the last round found it, for pages, programs and `doctor`. */
export async function readAudit(tx: Tx): Promise<AuditReport> {
  const auditor = await readAuditor(tx);
  const checked = await listInvariants(tx);
  return { ...auditor, checked, broken: checked.filter(({ breaches }) => breaches > 0) };
}
