/** A file on its way in by the import page, or out again: its states, and how long it takes. Pure. */
import type { Mapping } from './columns.ts';
import type { ImportCounts, ImportKind } from '../model.ts';

/**
 * From which state it may go to which. Work is done in *checking*, *importing* and *undoing* alone;
 * whatever ends it there, nothing is written unless it ends as *imported* or *undone*.
 */
export const runMoves = {
  /** Its columns are not named as ours: somebody says which is which. */
  choosing_columns: ['checking', 'cancelled'],
  /** It is read and compared with the directory; nothing is written. */
  checking: ['checked', 'failed', 'cancelled', 'interrupted'],
  /** Somebody looks at what it would do. */
  checked: ['importing', 'choosing_columns', 'cancelled'],
  importing: ['imported', 'checked', 'failed', 'cancelled', 'interrupted'],
  imported: [],
  /** What an import did is taken back; it begins here, and where it ends another is begun. */
  undoing: ['undone', 'failed', 'cancelled', 'interrupted'],
  undone: [],
  cancelled: ['checking'],
  /** It cannot be read, or something of ours broke; the reason is a sentence. */
  failed: ['checking', 'choosing_columns'],
  /** The process that worked on it is gone. */
  interrupted: ['checking'],
} as const satisfies Record<string, readonly string[]>;

export type RunState = keyof typeof runMoves;

/** The states from which it may come to this one: what an update has in its `where`. */
export function statesBefore(state: RunState): RunState[] {
  return (Object.keys(runMoves) as RunState[]).filter((from) =>
    (runMoves[from] as readonly string[]).includes(state),
  );
}

export const workingStates = [
  'checking',
  'importing',
  'undoing',
] as const satisfies readonly RunState[];

export type RunPhase = 'waiting' | 'reading' | 'comparing' | 'writing';

export type RunResult = {
  readonly counts: ImportCounts;
  readonly notes: readonly string[];
  /** ISO 8601. */
  readonly at: string;
  /** All or nothing was chosen, and rows were refused. */
  readonly withheld: boolean;
  /** SHA-256 in hex over what becomes of each row: the same where the directory is as it was. */
  readonly digest: string;
};

export type Run = {
  readonly id: string;
  readonly kind: ImportKind;
  readonly state: RunState;
  readonly expiresAt: Date;
  readonly allOrNothing: boolean;
  readonly mapping: Mapping | null;
  readonly attempt: number;
  readonly phase: RunPhase | null;
  readonly progress: number | null;
  readonly result: RunResult | null;
  readonly reason: string | null;
  readonly importId: string | null;
  /** What it would change, proposed to a second person. */
  readonly changeId: string | null;
  /** Of that, once it is carried out. */
  readonly approvalId: string | null;
  /** The import that it takes back; null: it is a file on its way in. */
  readonly undoes: string | null;
  /** Id of the person, or of the key of a program; and which of the two. */
  readonly uploadedBy: string;
  readonly uploadedByKind: 'person' | 'key';
  /** Of an undo that is done: the first of those that somebody changed since, by name. */
  readonly leftNames: readonly string[];
  /** Since the work began; null where it has not. */
  readonly elapsedMs: number | null;
  /** Since the process that works on it was last heard of; null where none has taken it. */
  readonly silentMs: number | null;
};

/** A process says twice a second that it lives. */
export const SILENT_MAX_MS = 15_000;

export function isAbandoned({ state, silentMs }: Pick<Run, 'state' | 'silentMs'>): boolean {
  const isWorking = (workingStates as readonly RunState[]).includes(state);
  return isWorking && silentMs !== null && silentMs > SILENT_MAX_MS;
}

/** Less of the work says too little of the rest. */
const SHARE_MIN = 0.03;

/** What is left of the work, in seconds; undefined while nothing can be said. */
export function secondsLeft({ progress, elapsedMs }: Pick<Run, 'progress' | 'elapsedMs'>) {
  if (progress === null || elapsedMs === null || progress < SHARE_MIN) return undefined;
  return Math.max(1, Math.round((elapsedMs * (1 - progress)) / progress / 1000));
}
