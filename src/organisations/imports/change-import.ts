/** A file that is too large for one person: proposed by one, agreed to by another (ADR 0035). */
import { z } from 'zod';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { changeKind, findChange, proposeChange, type ChangeRow } from '#identity/index.ts';
import { kindLabels } from './form-import.ts';
import { beginImport } from './confirm-run.ts';
import { findMine, gone, movedOn } from './import-run.ts';
import type { ImportCounts } from '../model.ts';
import { findLastState } from './store-import.ts';
import { findRun, markProposed } from './store-run.ts';

const payload = z.strictObject({
  runId: z.uuid(),
  /** Of what becomes of each row, as the check found it. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  goodRowsOnly: z.boolean(),
});

/** More would push the numbers out of sight. */
const NOTES_MAX = 20;

export const importChange = changeKind(payload, {
  id: 'directory_import',
  title: 'A large file for the directory',
  proposes: 'directory.write',
  approves: 'directory.write',
  look: async (tx, { runId, digest }, now) => {
    const run = await findRun(tx, runId, now);
    if (run?.state !== 'checked' || run.result?.digest !== digest) return otherwise;
    const { counts, notes } = run.result;
    const lines = [
      {
        what: `${kindLabels[run.kind]} of a file`,
        after: `${wordsOf(counts)}: see each row`,
        href: `/organisations/import/${runId}`,
      },
      ...(counts.refused === 0
        ? []
        : [
            {
              what: 'Rows refused',
              after: `${counts.refused.toLocaleString('en-GB')}, not imported`,
            },
          ]),
      ...notes.slice(0, NOTES_MAX).map((note) => ({ what: 'Note', after: note })),
    ];
    // Another file in between is another directory; what people change by hand is found when it is
    // written, row by row.
    return ok({ base: { directory: await findLastState(tx) }, lines });
  },
  carryOut: async (tx, { runId, goodRowsOnly }, { approvalId, now }) =>
    await beginImport(tx, runId, { goodRowsOnly, approvalId, now }),
});

const otherwise = refused(
  'conflict',
  'The file is gone, or it was cancelled or checked anew since it was proposed.',
);

const verbs = {
  added: 'to add',
  changed: 'to change',
  moved: 'to move',
  closed: 'to close',
} as const satisfies Partial<Record<keyof ImportCounts, string>>;

function wordsOf(counts: ImportCounts): string {
  return Object.entries(verbs)
    .map(([outcome, verb]) => [counts[outcome as keyof typeof verbs], verb] as const)
    .filter(([count]) => count > 0)
    .map(([count, verb]) => `${count.toLocaleString('en-GB')} ${verb}`)
    .join(', ');
}

export type Proposing = {
  /** That of the form: sent twice it is one. */
  readonly changeId: string;
  readonly goodRowsOnly: boolean;
  readonly reason: string;
  readonly now: Date;
};

/** Asks a second person; the file is kept for as long as they may take. */
export async function proposeRun(
  tx: Tx,
  id: string,
  { changeId, goodRowsOnly, reason, now }: Proposing,
): Promise<Outcome<void>> {
  const run = await findMine(tx, id, now);
  if (run === undefined) return gone;
  if (run.state !== 'checked') return movedOn;
  const { digest } = run.result!;
  const asked = { id: changeId, payload: { runId: id, digest, goodRowsOnly }, reason, now };
  const proposed = await proposeChange(tx, importChange, asked);
  if (!proposed.ok) return proposed;
  const { expiresAt } = (await findChange(tx, changeId))!;
  await markProposed(tx, id, { changeId, expiresAt });
  return ok(undefined);
}

/** What was proposed of a run, and what came of it. */
export async function findProposed(
  tx: Tx,
  { changeId }: { readonly changeId: string | null },
): Promise<ChangeRow | undefined> {
  return changeId === null ? undefined : await findChange(tx, changeId);
}
