/**
 * A file that changes more than one person may alone within a day takes a second one (ADR 0035).
 * Asked for when somebody presses the button, and again by whoever writes, before it is committed.
 */
import { createHash } from 'node:crypto';
import { refused, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import type { Mapping } from './columns.ts';
import { changesIn } from './finish-import.ts';
import type { ImportFile } from './import-options.ts';
import type { ImportCounts, ImportRules, PlannedRow } from '../model.ts';
import { countChangedAlone } from './store-import.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export type Asked = {
  readonly counts: ImportCounts;
  readonly rules: Pick<ImportRules, 'importedAloneADay'>;
  readonly now: Date;
  /** Its own entry in the log, where it is written already. */
  readonly importId?: string | undefined;
};

/** Whether it is more than the actor may change alone; whoever runs the server may. */
export async function takesTwo(tx: Tx, { counts, rules, now, importId }: Asked): Promise<boolean> {
  if (tx.actor.kind === 'system' || changesIn(counts) === 0) return false;
  const since = new Date(now.getTime() - DAY_MS);
  const before = await countChangedAlone(tx, { since, but: importId });
  return before + changesIn(counts) > rules.importedAloneADay;
}

export function tooMuchForOne({ importedAloneADay }: Asked['rules']): Refused {
  const most = importedAloneADay.toLocaleString('en-GB');
  return refused(
    'forbidden',
    `Files that change more than ${most} organisations or contacts within a day take two persons: import this one by page, propose it there, and somebody else agrees.`,
  );
}

/**
 * Of the file, which column is which, and what becomes of each row, in the order in which they are
 * told. Rows alone would not do: of one that is added only the label is told, and of a number its
 * ends, so that other columns of the same file could pass for what somebody agreed to.
 */
export class RowsDigest {
  readonly #hash = createHash('sha256');

  constructor({ bytes }: ImportFile, mapping: Mapping | null) {
    this.#hash.update(bytes).update(`\n${JSON.stringify(mapping)}\n`);
  }

  add(rows: readonly PlannedRow[]): void {
    for (const { line, outcome, label, changes } of rows)
      this.#hash.update(`${JSON.stringify([line, outcome, label, changes])}\n`);
  }

  /** In hex; once. */
  end(): string {
    return this.#hash.digest('hex');
  }
}
