/** What an import is given, and what it tells while it works. */
import type { SealingKey } from '#kernel/sealed.ts';
import type { Mapping } from './columns.ts';
import type { ContactRules, PlannedRow } from '../model.ts';
import type { TextPermissions } from './parse-contact.ts';

export type DirectorySecrets = {
  /** What addresses are sealed by now. Read anew each time: keys are exchanged. */
  readonly addressKey: SealingKey;
  /** What they may be sealed by, `addressKey` among them. */
  readonly openingKeys: readonly SealingKey[];
  /** 32 bytes. */
  readonly blindIndexKey: Buffer;
};

export type ImportFile = { readonly name: string; readonly bytes: Uint8Array };

export type ImportProgress = {
  readonly phase: 'reading' | 'comparing' | 'writing';
  /** Of all that is to be done, 0 to 1. */
  readonly share: number;
};

/** A refused row as it stood in the file, and what is wrong with it. */
export type RefusedLine = {
  readonly line: number;
  readonly cells: readonly string[];
  readonly reasons: readonly { readonly field: string; readonly reason: string }[];
};

export type ImportOptions = {
  readonly rules: ContactRules;
  readonly secrets: DirectorySecrets;
  readonly startedAt: Date;
  /** By the word of two persons. */
  readonly approvalId?: string | null;
  /** Says what would change and changes nothing. */
  readonly dryRun?: boolean;
  /** Changes nothing either where a row is refused. */
  readonly allOrNothing?: boolean;
  readonly textPermissions?: TextPermissions;
  /** Which column is which, where their names do not say so. */
  readonly mapping?: Mapping | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Gets what becomes of each row, some thousand at a time. */
  readonly onRows?: ((rows: readonly PlannedRow[]) => Promise<void>) | undefined;
  /** Gets the refused rows, once, with the names of the columns. */
  readonly onRefused?:
    | ((lines: readonly RefusedLine[], first: readonly string[]) => Promise<void>)
    | undefined;
};

/** Rows that are written by one statement: each takes less than half a second. */
export const ROWS_AT_ONCE = 4_000;

/** Reading a file of organisations is about a third of the work. */
const READING_SHARE = 0.3;

export function tellRead(options: ImportOptions): (share: number) => void {
  return (share) => options.onProgress?.({ phase: 'reading', share: share * READING_SHARE });
}

/** `share`: of the rows, once all of them are read. */
export function tellDone(options: ImportOptions, isWriting: boolean, share: number): void {
  tellShare(options, isWriting, READING_SHARE + share * (1 - READING_SHARE));
}

/** `share`: of all, where rows are taken while the file is read. */
export function tellShare(options: ImportOptions, isWriting: boolean, share: number): void {
  options.onProgress?.({ phase: isWriting ? 'writing' : 'comparing', share });
}
