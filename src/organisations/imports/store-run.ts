/** Runs of the import page. Row-level security shows each to its uploader, and to the system. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Mapping } from './columns.ts';
import type { FieldChange, ImportKind, RowOutcome } from '../model.ts';
import {
  statesBefore,
  workingStates,
  type Run,
  type RunPhase,
  type RunResult,
  type RunState,
} from './run.ts';

export type NewRun = {
  readonly id: string;
  readonly kind: ImportKind;
  readonly state: 'choosing_columns' | 'checking' | 'undoing';
  readonly nameSealed: Buffer;
  /** Null: it takes back the import `undoes`. */
  readonly fileSealed: Buffer | null;
  readonly undoes: string | null;
  readonly uploadedBy: string;
  readonly uploadedAt: Date;
  readonly expiresAt: Date;
  readonly allOrNothing: boolean;
  readonly mapping: Mapping | null;
};

/** False where it is there already: the form was sent twice. */
export async function insertRun(tx: Tx, run: NewRun): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into organisations.import_run (id, kind, state, name_sealed, file_sealed, undoes,
      uploaded_by, uploaded_at, expires_at, all_or_nothing, mapping)
    values (${run.id}, ${run.kind}, ${run.state}, ${run.nameSealed}, ${run.fileSealed},
      ${run.undoes}, ${run.uploadedBy}, ${run.uploadedAt}, ${run.expiresAt}, ${run.allOrNothing},
      ${run.mapping && JSON.stringify(run.mapping)}::jsonb)
    on conflict (id) do nothing`);
  return inserted === 1;
}

const columns = sql`id, kind, state, expires_at, all_or_nothing, mapping, attempt, phase, progress,
  result, reason, import_id, change_id, approval_id, undoes, uploaded_by, uploaded_by_kind,
  left_names,
  (extract(epoch from clock_timestamp() - started_at) * 1000)::int as elapsed_ms,
  (extract(epoch from clock_timestamp() - beat_at) * 1000)::int as silent_ms`;

export type NamedRun = Run & { readonly nameSealed: Buffer };

/**
 * Undefined where it never was, has expired, or is somebody else's who has not proposed it to a
 * second person.
 */
export async function findRun(tx: Tx, id: string, now: Date): Promise<NamedRun | undefined> {
  return await tx.maybe<NamedRun>(sql`
    select ${columns}, name_sealed from organisations.import_run
    where id = ${id} and expires_at > ${now}`);
}

/** Those of the actor that are not over, newest first. */
export async function listOpenRuns(tx: Tx, now: Date): Promise<NamedRun[]> {
  return await tx.rows<NamedRun>(sql`
    select ${columns}, name_sealed from organisations.import_run
    where uploaded_by = kernel.actor_id() and expires_at > ${now}
      and state not in ('imported', 'undone', 'cancelled')
    order by id desc`);
}

export type RunFile = {
  readonly nameSealed: Buffer;
  /** How long the sealed file is. */
  readonly bytes: number;
};

export async function getRunFile(tx: Tx, id: string): Promise<RunFile> {
  return await tx.one<RunFile>(sql`
    select name_sealed, octet_length(file_sealed) as bytes from organisations.import_run
    where id = ${id} and file_sealed is not null`);
}

/** `length` bytes of the sealed file from `at`, counted from 0. */
export async function getRunFilePiece(
  tx: Tx,
  id: string,
  { at, length }: { readonly at: number; readonly length: number },
): Promise<Buffer> {
  const { piece } = await tx.one<{ piece: Buffer }>(sql`
    select substring(file_sealed from ${at + 1}::int for ${length}::int) as piece
    from organisations.import_run where id = ${id}`);
  return piece;
}

/** Undefined until it was checked, and where no row was refused. */
export async function findRunHeader(tx: Tx, id: string): Promise<Buffer | undefined> {
  const row = await tx.maybe<{ headerSealed: Buffer | null }>(sql`
    select header_sealed from organisations.import_run where id = ${id}`);
  return row?.headerSealed ?? undefined;
}

export type RunMove = {
  readonly to: RunState;
  /** Where it may come from here, narrower than the table of moves. */
  readonly from?: readonly RunState[];
  readonly expiresAt: Date;
};

/** Moves a run that is in one of the states before; says whether it was. */
export async function moveRun(
  tx: Tx,
  id: string,
  { to, from = statesBefore(to), expiresAt }: RunMove,
): Promise<boolean> {
  const moved = await tx.run(sql`
    update organisations.import_run
    set state = ${to}, expires_at = ${expiresAt}, beat_at = null, started_at = null, phase = null,
      progress = null, reason = null
      ${to === 'choosing_columns' ? sql`, change_id = null` : sql``}
    where id = ${id} and state = any(${from}::text[])`);
  return moved === 1;
}

/** Makes work of it: the next attempt. Undefined where it is in no state before. */
export async function startRun(
  tx: Tx,
  id: string,
  {
    to,
    expiresAt,
    mapping,
    allOrNothing,
    approvalId = null,
  }: {
    readonly to: 'checking' | 'importing';
    readonly expiresAt: Date;
    readonly mapping?: Mapping;
    readonly allOrNothing?: boolean;
    /** By whose word it is written, where it takes two persons. */
    readonly approvalId?: string | null;
  },
): Promise<number | undefined> {
  const row = await tx.maybe<{ attempt: number }>(sql`
    update organisations.import_run
    set state = ${to}, expires_at = ${expiresAt}, attempt = attempt + 1, beat_at = null,
      started_at = null, phase = null, progress = null, reason = null, approval_id = ${approvalId}
      ${to === 'checking' ? sql`, change_id = null` : sql``}
      ${mapping === undefined ? sql`` : sql`, mapping = ${JSON.stringify(mapping)}::jsonb`}
      ${allOrNothing === undefined ? sql`` : sql`, all_or_nothing = ${allOrNothing}`}
    where id = ${id} and state = any(${statesBefore(to)}::text[])
    returning attempt`);
  return row?.attempt;
}

/** Somebody who may agree sees it from now on. */
export async function markProposed(
  tx: Tx,
  id: string,
  { changeId, expiresAt }: { readonly changeId: string; readonly expiresAt: Date },
): Promise<void> {
  await tx.run(sql`
    update organisations.import_run set change_id = ${changeId}, expires_at = ${expiresAt}
    where id = ${id} and state = 'checked'`);
}

/** Taken by a process, once for each attempt. */
export async function claimRun(tx: Tx, id: string, attempt: number): Promise<RunState | undefined> {
  const row = await tx.maybe<{ state: RunState }>(sql`
    update organisations.import_run set beat_at = clock_timestamp(), phase = 'waiting'
    where id = ${id} and attempt = ${attempt} and beat_at is null
      and state = any(${workingStates}::text[])
    returning state`);
  return row?.state;
}

export type Beat = {
  readonly attempt: number;
  readonly phase: RunPhase;
  readonly progress: number;
};

/** Says that it is worked on, and how far; false where it was cancelled or begun anew. */
export async function beatRun(tx: Tx, id: string, beat: Beat): Promise<boolean> {
  const beaten = await tx.run(sql`
    update organisations.import_run set beat_at = clock_timestamp(), phase = ${beat.phase},
      progress = ${beat.progress},
      started_at = case when ${beat.phase} = 'waiting' then null
        else coalesce(started_at, clock_timestamp()) end
    where id = ${id} and attempt = ${beat.attempt} and state = any(${workingStates}::text[])`);
  return beaten === 1;
}

export type RunEnd = {
  readonly attempt: number;
  readonly to: 'checked' | 'imported' | 'undone' | 'failed' | 'interrupted';
  readonly result?: RunResult;
  readonly reason?: string;
  readonly importId?: string | undefined;
  readonly headerSealed?: Buffer | undefined;
  readonly leftNames?: readonly string[];
};

/** Ends the work of this attempt; false where it is not its any more: then nothing may be written. */
export async function endRun(tx: Tx, id: string, end: RunEnd): Promise<boolean> {
  const ended = await tx.run(sql`
    update organisations.import_run
    set state = ${end.to}, beat_at = null, phase = null, progress = null,
      result = coalesce(${end.result === undefined ? null : JSON.stringify(end.result)}::jsonb,
        result),
      reason = ${end.reason ?? null}, import_id = ${end.importId ?? null},
      header_sealed = coalesce(${end.headerSealed ?? null}, header_sealed),
      left_names = ${[...(end.leftNames ?? [])]}::text[]
    where id = ${id} and attempt = ${end.attempt} and state = any(${statesBefore(end.to)}::text[])
      and state = any(${workingStates}::text[])`);
  return ended === 1;
}

export type ReportedRow = {
  readonly outcome: RowOutcome;
  readonly line: number;
  readonly label: string;
  readonly details: readonly (FieldChange | { readonly field: string; readonly reason: string })[];
};

export type NewRow = ReportedRow & { readonly cellsSealed?: Buffer };

export async function deleteRows(tx: Tx, runId: string): Promise<void> {
  await tx.run(sql`delete from organisations.import_row where run_id = ${runId}`);
}

export async function insertRows(tx: Tx, runId: string, rows: readonly NewRow[]): Promise<void> {
  await tx.run(sql`
    insert into organisations.import_row (run_id, outcome, line, label, details, cells_sealed)
    select ${runId}, told.outcome, told.line, told.label, told.details, told.cells_sealed
    from unnest(${rows.map((row) => row.outcome)}::text[], ${rows.map((row) => row.line)}::int[],
      ${rows.map((row) => row.label)}::text[],
      ${rows.map((row) => JSON.stringify(row.details))}::jsonb[],
      ${rows.map((row) => row.cellsSealed ?? null)}::bytea[])
      as told (outcome, line, label, details, cells_sealed)`);
}

export type RowPage = {
  readonly outcomes: readonly RowOutcome[];
  /** The line of the last one seen. */
  readonly after?: number;
  readonly limit: number;
};

/** Rows of these outcomes by line. */
export async function listRows(tx: Tx, runId: string, page: RowPage): Promise<ReportedRow[]> {
  return await tx.rows<ReportedRow>(sql`
    select outcome, line, label, details from organisations.import_row
    where run_id = ${runId} and outcome = any(${page.outcomes}::text[])
      and line > ${page.after ?? 0}
    order by line limit ${page.limit}`);
}

/** Refused rows as they stood in the file, by line. */
export async function listRefusedCells(
  tx: Tx,
  runId: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<(Pick<ReportedRow, 'line' | 'details'> & { cellsSealed: Buffer })[]> {
  return await tx.rows(sql`
    select line, details, cells_sealed from organisations.import_row
    where run_id = ${runId} and outcome = 'refused' and line > ${after}
    order by line limit ${limit}`);
}

/** What has expired, and of each person all but the newest ones. For the system only. */
export async function deleteOldRuns(
  tx: Tx,
  { now, keptPerPerson }: { readonly now: Date; readonly keptPerPerson: number },
): Promise<number> {
  return await tx.run(sql`
    delete from organisations.import_run
    where expires_at <= ${now} or id in (
      select ranked.id from (
        select run.id, row_number() over (
          partition by run.uploaded_by order by run.id desc) as place
        from organisations.import_run run
        where run.state <> all(${workingStates}::text[]) and run.change_id is null
      ) ranked
      where ranked.place > ${keptPerPerson})`);
}
