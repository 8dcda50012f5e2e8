/** The work on a file, in the thread that is made for it: read, compare, write. */
import type { Actor } from '#kernel/actor.ts';
import type { Outcome } from '#kernel/outcome.ts';
import { seal } from '#kernel/sealed.ts';
import type { Database, Tx } from '#db/database.ts';
import { importContacts, importOrganisations } from './actions.ts';
import type {
  DirectorySecrets,
  ImportFile,
  ImportOptions,
  ImportProgress,
  RefusedLine,
} from './import-options.ts';
import { openRunFile } from './import-run.ts';
import type { ImportKind, ImportResult, ImportRules, PlannedRow } from '../model.ts';
import type { Run, RunResult } from './run.ts';
import { deleteRows, endRun, findRun, insertRows, type NewRow } from './store-run.ts';
import { RowsDigest, takesTwo, tooMuchForOne } from './two-persons.ts';
import { undoImport } from './undo.ts';

/** What every work needs, as it travels to the thread. */
export type WorkContext = Pick<ImportOptions, 'secrets' | 'textPermissions'> & {
  readonly rules: ImportRules;
};

/** A file that somebody waits for: the command line, or a program. */
export type FileWork = {
  readonly as: 'file';
  readonly kind: ImportKind;
  readonly file: ImportFile;
  readonly actor: Actor;
  readonly dryRun: boolean;
  readonly allOrNothing: boolean;
  readonly mapping?: ImportOptions['mapping'];
  /** Gives back what becomes of each row. */
  readonly wantsRows: boolean;
  readonly startedAt: Date;
};

/** A run of the import page. */
export type RunWork = {
  readonly as: 'run';
  readonly runId: string;
  readonly attempt: number;
  readonly startedAt: Date;
};

export type FileDone = {
  readonly outcome: Outcome<ImportResult>;
  readonly rows: readonly PlannedRow[];
};

type Tell = (progress: ImportProgress) => void;

const importers = { organisations: importOrganisations, contacts: importContacts } as const;

export async function workOnFile(
  database: Database,
  work: FileWork,
  { onProgress, ...context }: WorkContext & { readonly onProgress: Tell },
): Promise<FileDone> {
  const rows: PlannedRow[] = [];
  const { kind, file, actor, wantsRows, ...options } = work;
  const outcome = await database.attempt(actor, async (tx) => {
    const done = await importers[kind](tx, file, {
      ...context,
      ...options,
      onProgress,
      ...(wantsRows && { onRows: async (part: readonly PlannedRow[]) => void rows.push(...part) }),
    });
    if (!done.ok || done.value.importId === undefined) return done;
    const { counts, importId } = done.value;
    const asked = { counts, importId, rules: context.rules, now: work.startedAt };
    return (await takesTwo(tx, asked)) ? tooMuchForOne(context.rules) : done;
  });
  return { outcome, rows };
}

const sweeper: Actor = { kind: 'system', name: 'organisations' };

/** Carries out of a transaction that the run is not ours any more. */
class NotOurs extends Error {}

/**
 * Checks, imports or takes back, as the run says. Its end is written in the transaction of the
 * work: where the run was cancelled or begun anew meanwhile, nothing is.
 */
export async function workOnRun(
  database: Database,
  work: RunWork,
  { onProgress, ...context }: WorkContext & { readonly onProgress: Tell },
): Promise<void> {
  const { runId, attempt } = work;
  const run = await database.withActor(sweeper, (tx) => findRun(tx, runId, new Date(0)));
  if (run === undefined || run.attempt !== attempt) return;
  const uploader: Actor = {
    kind: run.uploadedByKind,
    id: run.uploadedBy,
    name: '',
    // Asked for when the button was pressed.
    permissions: new Set(['directory.read', 'directory.write']),
  };
  const options = { ...context, onProgress };
  try {
    if (run.undoes === null) await takeFile(database, work, { run, uploader, ...options });
    else await takeBack(database, work, { run, uploader, ...options });
  } catch (error) {
    if (error instanceof NotOurs) return;
    if (!(error instanceof Unreadable)) throw error;
    const reason = error.message;
    await database.withActor(uploader, (tx) =>
      endRun(tx, runId, { attempt, to: 'failed', reason }),
    );
  }
}

type RunGiven = WorkContext & {
  readonly run: Run;
  readonly uploader: Actor;
  readonly onProgress: Tell;
};

async function takeFile(
  database: Database,
  { runId, attempt, startedAt }: RunWork,
  { run, uploader, onProgress, ...context }: RunGiven,
): Promise<void> {
  const isCheck = run.state === 'checking';
  const file = await database.withActor(sweeper, (tx) => openRunFile(tx, runId, context.secrets));
  await database.withActor(uploader, async (tx) => {
    const report = isCheck ? reportOf(tx, runId, context.secrets) : undefined;
    if (isCheck) await deleteRows(tx, runId);
    const digest = new RowsDigest(file, run.mapping);
    const outcome = await importers[run.kind](tx, file, {
      ...context,
      startedAt,
      approvalId: run.approvalId,
      dryRun: isCheck,
      allOrNothing: run.allOrNothing,
      ...(run.mapping && { mapping: run.mapping }),
      onProgress,
      async onRows(rows) {
        digest.add(rows);
        await report?.onRows(rows);
      },
      onRefused: report?.onRefused,
    });
    if (!outcome.ok) throw new Unreadable(outcome.message);
    const { counts, notes, withheld, importId } = outcome.value;
    const at = startedAt.toISOString();
    const result: RunResult = { counts, notes, withheld, at, digest: digest.end() };
    if (importId !== undefined) await askAgain(tx, run, { result, importId, ...context });
    const to = isCheck || withheld ? 'checked' : 'imported';
    const header = report?.header();
    const end = { attempt, to, result, importId, headerSealed: header } as const;
    if (!(await endRun(tx, runId, end))) throw new NotOurs();
  });
}

type Written = WorkContext & { readonly result: RunResult; readonly importId: string };

/** Whether what was written is what the one may alone, or exactly what two agreed to. */
async function askAgain(
  tx: Tx,
  run: Run,
  { result: { counts, digest, at }, importId, rules }: Written,
): Promise<void> {
  if (run.approvalId !== null) {
    if (digest !== run.result?.digest) throw new Unreadable(CHANGED_SINCE);
  } else if (await takesTwo(tx, { counts, importId, rules, now: new Date(at) })) {
    throw new Unreadable(tooMuchForOne(rules).message);
  }
}

const CHANGED_SINCE =
  'The directory has changed since two persons agreed, and this would do something else now. Nothing was written: start again, and propose it as it is then.';

async function takeBack(
  database: Database,
  { runId, attempt, startedAt }: RunWork,
  { run, uploader, onProgress }: RunGiven,
): Promise<void> {
  await database.withActor(uploader, async (tx) => {
    const importId = run.undoes!;
    const outcome = await undoImport(tx, { importId, now: startedAt, onProgress });
    if (!outcome.ok) throw new Unreadable(outcome.message);
    const { left: leftNames } = outcome.value;
    if (!(await endRun(tx, runId, { attempt, to: 'undone', leftNames }))) throw new NotOurs();
  });
}

/** A sentence about the file or its undo, past everything that was written in the transaction. */
class Unreadable extends Error {}

/** Writes what becomes of each row beside the run, the refused ones with their cells, sealed. */
function reportOf(tx: Tx, runId: string, { addressKey }: DirectorySecrets) {
  let header: Buffer | undefined;
  const sealed = (line: number, cells: readonly string[]) =>
    seal(addressKey, `import_row|${runId}|${line}`, JSON.stringify(cells));
  return {
    header: () => header,
    onRows: async (rows: readonly PlannedRow[]) => {
      await insertRows(
        tx,
        runId,
        rows.map(({ changes, ...row }): NewRow => ({ ...row, details: changes })),
      );
    },
    onRefused: async (lines: readonly RefusedLine[], first: readonly string[]) => {
      header = seal(addressKey, `import_header|${runId}`, JSON.stringify(first));
      for (let i = 0; i < lines.length; i += REFUSED_AT_ONCE) {
        const rows = lines
          .slice(i, i + REFUSED_AT_ONCE)
          .map(({ line, cells, reasons }): NewRow => ({
            outcome: 'refused',
            line,
            label: '',
            details: reasons,
            cellsSealed: sealed(line, cells),
          }));
        await insertRows(tx, runId, rows);
      }
    },
  };
}

const REFUSED_AT_ONCE = 4_000;
