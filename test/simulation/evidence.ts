/** What a run leaves for the judges: the ledgers, the rows, and the logs of what was done. */
import type { Entry } from './provider.ts';
import type { Scenario } from './scenario.ts';
import type { AttemptEndRow, AttemptRow, Base, LookupRow, Move } from './twin/rows.ts';

/** The database came back without what it had written last. */
export type Loss = {
  readonly at: number;
  /** How many attempts had been written before. */
  readonly after: number;
  /** Another server was promoted; else a disk was turned back, which shows no other timeline. */
  readonly isPromoted: boolean;
  /** The attempts that it still knew then. */
  readonly known: ReadonlySet<string>;
  /** How many attempts there were when a person let it go on. */
  goneOnAfter: number | undefined;
};

export type Evidence = {
  readonly scenario: Scenario;
  readonly base: Base;
  readonly ledgers: ReadonlyMap<string, readonly Entry[]>;
  readonly moves: Move[];
  /** Every attempt ever written, with the true time. */
  readonly attempts: (AttemptRow & { readonly at: number })[];
  /** Every answer of a provider about a reference, with the true time. */
  readonly lookups: LookupRow[];
  /** `after`: how many attempts were written before it; times may fall together. */
  readonly steering: { readonly dispatchId: string; readonly to: string; readonly after: number }[];
  readonly released: Map<string, number>;
  readonly approved: Map<string, string>;
  readonly answered: {
    readonly dispatchId: string;
    readonly organisationIds: readonly string[];
    readonly after: number;
  }[];
  readonly losses: Loss[];
  /** Ends of attempts that were lost with the database: they happened all the same. */
  readonly lostEnds: Map<string, AttemptEndRow>;
  /** When the list of each gateway that has one was read. */
  readonly readings: Map<string, readonly number[]>;
};
