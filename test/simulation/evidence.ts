/** What a run leaves for the judges: the ledgers, the rows, and the logs of what was done. */
import type { Entry, Text } from './provider.ts';
import type { Correction } from './corrections.ts';
import type { Scenario } from './scenario.ts';
import type { StepFault } from './world.ts';
import type { AttemptEndRow, AttemptRow, Base, LookupRow, Move } from './twin/rows.ts';

/** The database came back without what it had written last. */
export type Loss = {
  readonly at: number;
  /** How many attempts had been written before. */
  readonly after: number;
  /** It shows that it is another server or another timeline; a disk turned back does not. */
  readonly isElsewhere: boolean;
  /** The attempts that it still knew then. */
  readonly known: ReadonlySet<string>;
  /** How many attempts there were when a person let it go on. */
  goneOnAfter: number | undefined;
};

export type Steered = {
  readonly dispatchId: string;
  readonly to: string;
  readonly after: number;
  readonly at: number;
};

export type Evidence = {
  readonly scenario: Scenario;
  /** Those of the scenario, and those that were put in. */
  readonly stepFaults: ReadonlyMap<number, StepFault>;
  readonly base: Base;
  readonly ledgers: ReadonlyMap<string, readonly Entry[]>;
  /** What people sent to each provider. */
  readonly texts: ReadonlyMap<string, readonly Text[]>;
  readonly probes: ReadonlyMap<string, readonly Entry[]>;
  readonly moves: Move[];
  /** Every attempt ever written, with the true time. */
  readonly attempts: (AttemptRow & { readonly at: number })[];
  /** Every answer of a provider about a reference, with the true time. */
  readonly lookups: LookupRow[];
  /** `after`: how many attempts were written before it; times may fall together. */
  readonly steering: Steered[];
  readonly released: Map<string, number>;
  readonly approved: Map<string, string>;
  readonly answered: {
    readonly dispatchId: string;
    readonly organisationIds: readonly string[];
    readonly after: number;
  }[];
  /** Corrections that went. */
  readonly corrected: Correction[];
  /** Decisions of a person to risk second copies, by the clock of the database. */
  readonly risked: { readonly dispatchId: string; readonly at: number }[];
  /** Messages that became ready before their round opened, and whether that was in order. */
  readonly toldEarly: { readonly messageId: string; readonly isInDoubt: boolean }[];
  /** When no number could be opened. */
  readonly keysAway: { readonly from: number; readonly until: number }[];
  readonly losses: Loss[];
  /** Ends of attempts that were lost with the database: they happened all the same. */
  readonly lostEnds: Map<string, AttemptEndRow>;
  /** When the list of each gateway that has one was read. */
  readonly readings: Map<string, readonly number[]>;
};

/** Remembers how long the logs are; what is given back takes out what a transaction added since. */
export function keepLogs(evidence: Evidence): () => void {
  const { moves, attempts, lookups, steering, answered, corrected, risked, toldEarly } = evidence;
  const logs = [moves, attempts, lookups, steering, answered, corrected, risked, toldEarly];
  const lengths = logs.map((log) => log.length);
  const released = [...evidence.released];
  return () => {
    logs.forEach((log, i) => log.splice(lengths[i]!));
    evidence.released.clear();
    for (const [id, at] of released) evidence.released.set(id, at);
  };
}

/** By how much the clock of the database jumped, in all: its waits may be so much shorter. */
export function jumpsMsOf({ scenario }: Evidence): number {
  return scenario.faults.reduce(
    (sum, fault) => sum + (fault.kind === 'database_jumps' ? Math.abs(fault.ms) : 0),
    0,
  );
}
