/** The log: entries that wait, leaves, subtrees and checkpoints. One function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { StopReason } from './model.ts';
import type { Subtree } from './tree.ts';

/** "toca", as a number: whoever holds it writes the log, nobody else does. */
const LOG_LOCK = 0x746f6361;

/** Until the transaction ends; false where another sequencer is at work. */
export async function lockLog(tx: Tx): Promise<boolean> {
  const { locked } = await tx.one<{ locked: boolean }>(sql`
    select pg_try_advisory_xact_lock(${LOG_LOCK}) as locked`);
  return locked;
}

/**
 * Gives at most so many waiting entries their positions, in the order of their times; returns how
 * many. What a transaction that is still open wrote is not seen, and waits until it is.
 */
export async function insertLeaves(tx: Tx, most: number): Promise<number> {
  return await tx.run(sql`
    with taken as (
      delete from audit.waiting where entry_id in (
        select entry_id from audit.waiting order by entry_id limit ${most})
      returning entry_id
    ), placed as (
      select entry.id, entry.at, entry.actor_kind, entry.actor_id, entry.action,
        entry.subject_kind, entry.subject_id,
        sha256(entry.salt || convert_to(entry.detail::text, 'UTF8')) as detail_hash,
        (select coalesce(max(position) + 1, 0) from audit.leaf)
          + row_number() over (order by entry.at, entry.id) - 1 as position
      from taken join audit.entry entry on entry.id = taken.entry_id
      where not exists (select from audit.leaf where leaf.entry_id = entry.id)
    )
    insert into audit.leaf (position, entry_id, detail_hash, hash)
    select position, id, detail_hash, audit.leaf_hash('tocsin audit entry 1', position::text,
      id::text, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor_kind,
      actor_id, action, subject_kind, subject_id, encode(detail_hash, 'hex'))
    from placed`);
}

/** The subtrees of a level, from the pairs below them; `from` and `to` are their positions. */
export async function insertNodes(
  tx: Tx,
  { level, from, to }: { readonly level: number; readonly from: number; readonly to: number },
): Promise<number> {
  const below =
    level === 1
      ? sql`select position, hash from audit.leaf where true`
      : sql`select position, hash from audit.node where level = ${level - 1}`;
  return await tx.run(sql`
    insert into audit.node (level, position, hash)
    select ${level}::smallint, position / 2, audit.node_hash(hash, beside)
    from (
      select position, hash, lead(hash) over (order by position) as beside
      from (${below} and position >= ${2 * from} and position < ${2 * to}) half
    ) pair
    where position % 2 = 0`);
}

/** How many leaves there are. */
export async function readSize(tx: Tx): Promise<number> {
  const { size } = await tx.one<{ size: number }>(sql`
    select coalesce(max(position) + 1, 0) as size from audit.leaf`);
  return size;
}

/** The hashes of these subtrees; one that is not there is left out. */
export async function selectSubtrees(
  tx: Tx,
  subtrees: readonly Subtree[],
): Promise<(Subtree & { readonly hash: Buffer })[]> {
  const nodes = subtrees.filter(({ level }) => level > 0);
  const leaves = subtrees.filter(({ level }) => level === 0);
  return await tx.rows(sql`
    select 0 as level, position, hash from audit.leaf
    where position = any(${leaves.map(({ position }) => position)}::bigint[])
    union all
    select node.level, node.position, node.hash
    from unnest(${nodes.map(({ level }) => level)}::smallint[],
      ${nodes.map(({ position }) => position)}::bigint[]) as asked (level, position)
    join audit.node node on node.level = asked.level and node.position = asked.position`);
}

export type KeyEntry = { readonly publicKey: string; readonly position: number | null };

/** Which keys the log names, oldest first; those that wait have no position yet. */
export async function selectKeyEntries(tx: Tx): Promise<KeyEntry[]> {
  return await tx.rows<KeyEntry>(sql`
    select entry.detail->>'public_key' as public_key, leaf.position
    from audit.entry entry left join audit.leaf leaf on leaf.entry_id = entry.id
    where entry.action in ('audit.key_made', 'audit.key_rotated') and entry.detail is not null
    order by leaf.position nulls last, entry.at`);
}

export type Acceptance = {
  /** How many entries were left. */
  readonly kept: number;
  readonly exportedSize: number;
  /** In hex. */
  readonly exportedRoot: string;
};

/** The restores that somebody accepted, as far as they are in the log. */
export async function selectAcceptances(tx: Tx): Promise<Acceptance[]> {
  return await tx.rows<Acceptance>(sql`
    select (entry.detail->>'kept')::bigint as kept,
      (entry.detail->>'exported_size')::bigint as exported_size,
      entry.detail->>'exported_root' as exported_root
    from audit.entry entry join audit.leaf leaf on leaf.entry_id = entry.id
    where entry.action = 'audit.restore_accepted' and entry.detail is not null
    order by leaf.position`);
}

export type CheckpointRow = {
  readonly size: number;
  readonly root: Buffer;
  readonly note: string;
  readonly signedAt: Date;
};

export async function insertCheckpoint(
  tx: Tx,
  { size, root, note }: Omit<CheckpointRow, 'signedAt'>,
): Promise<number> {
  return await tx.run(sql`
    insert into audit.checkpoint (size, root, note) values (${size}, ${root}, ${note})
    on conflict do nothing`);
}

export async function selectLastCheckpoint(tx: Tx): Promise<CheckpointRow | undefined> {
  return await tx.maybe<CheckpointRow>(sql`
    select size, root, note, signed_at from audit.checkpoint order by signed_at desc limit 1`);
}

/** Why nothing is signed; null: it is. */
export async function markRun(tx: Tx, stoppedReason: StopReason | null): Promise<number> {
  return await tx.run(sql`
    update audit.sequencer set run_at = now(), stopped_reason = ${stoppedReason}::text,
      stopped_since = case when ${stoppedReason}::text is not null
        then coalesce(stopped_since, now()) end`);
}

export type HeadRow = {
  readonly size: number;
  readonly waiting: number;
  readonly oldestWaitingAt: Date | null;
  readonly runAt: Date | null;
  readonly stoppedSince: Date | null;
  readonly stoppedReason: StopReason | null;
};

export async function readHead(tx: Tx): Promise<HeadRow> {
  return await tx.one<HeadRow>(sql`
    select (select coalesce(max(position) + 1, 0) from audit.leaf) as size,
      (select count(*) from audit.waiting) as waiting,
      (select min(entry.at) from audit.waiting
        join audit.entry entry on entry.id = waiting.entry_id) as oldest_waiting_at,
      run_at, stopped_since, stopped_reason
    from audit.sequencer`);
}

/** A leaf with its entry, as both are hashed. */
export type LogRow = {
  readonly position: number;
  readonly entryId: string;
  /** As the log has it, 32 bytes. */
  readonly detailHash: Buffer;
  readonly hash: Buffer;
  /** Null where the entry is gone. */
  readonly entry: LoggedEntry | null;
};

export type LoggedEntry = {
  readonly id: string;
  /** UTC with microseconds, `2026-11-27T03:12:45.123456Z`. */
  readonly at: string;
  readonly actorKind: string;
  readonly actorId: string;
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  /** As PostgreSQL writes it; null where it was erased, with its salt. */
  readonly detail: string | null;
  readonly salt: Buffer | null;
};

type FlatRow = Omit<LogRow, 'entry'> & {
  readonly [Key in keyof LoggedEntry]: LoggedEntry[Key] | null;
};

const LOG_ROW = sql`
  select leaf.position, leaf.entry_id, leaf.detail_hash, leaf.hash, entry.id,
    to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
    entry.actor_kind, entry.actor_id, entry.action, entry.subject_kind, entry.subject_id,
    entry.detail::text as detail, entry.salt
  from audit.leaf leaf left join audit.entry entry on entry.id = leaf.entry_id`;

function nested(row: FlatRow): LogRow {
  const { position, entryId, detailHash, hash, ...entry } = row;
  return {
    position,
    entryId,
    detailHash,
    hash,
    entry: entry.id === null ? null : (entry as LoggedEntry),
  };
}

/** Leaves from a position on, in order. */
export async function selectLog(tx: Tx, from: number, most: number): Promise<LogRow[]> {
  const rows = await tx.rows<FlatRow>(sql`
    ${LOG_ROW} where leaf.position >= ${from} order by leaf.position limit ${most}`);
  return rows.map(nested);
}

/** The leaves of these entries; one that waits has none yet. */
export async function selectLeavesOf(tx: Tx, entryIds: readonly string[]): Promise<LogRow[]> {
  const rows = await tx.rows<FlatRow>(sql`
    ${LOG_ROW} where leaf.entry_id = any(${[...entryIds]}::uuid[])`);
  return rows.map(nested);
}

/** Where these entries are in the log, by id; one that waits is left out. */
export async function selectPositions(
  tx: Tx,
  entryIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await tx.rows<{ entryId: string; position: number }>(sql`
    select entry_id, position from audit.leaf where entry_id = any(${[...entryIds]}::uuid[])`);
  return new Map(rows.map(({ entryId, position }) => [entryId, position]));
}

/** Entries that neither are in the log nor wait for it: they were put there past the trigger. */
export async function selectStowaways(
  tx: Tx,
): Promise<{ readonly count: number; readonly first: string | null }> {
  return await tx.one(sql`
    select count(*) as count, min(entry.id::text) as first from audit.entry entry
    where not exists (select from audit.leaf where leaf.entry_id = entry.id)
      and not exists (select from audit.waiting where waiting.entry_id = entry.id)`);
}

/** False where it is not in the log yet, or was erased before. */
export async function eraseDetail(tx: Tx, entryId: string, reason: string): Promise<boolean> {
  const { erased } = await tx.one<{ erased: boolean }>(sql`
    select audit.erase_detail(${entryId}, ${reason}) as erased`);
  return erased;
}
