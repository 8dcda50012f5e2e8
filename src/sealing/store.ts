import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import type { Holder, KeyPurpose, KeyState } from './model.ts';

export type KeyRow = {
  readonly id: number;
  readonly purpose: KeyPurpose;
  readonly state: KeyState;
  readonly wrapped: Buffer;
  /** The id of the key in the file. */
  readonly wrappedBy: number;
  readonly createdAt: Date;
  readonly oldSince: Date | null;
};

/** By id. */
export async function listKeys(tx: Tx): Promise<KeyRow[]> {
  return await tx.rows<KeyRow>(sql`
    select id, purpose, state, wrapped, kernel.sealed_by(wrapped) as wrapped_by, created_at,
      old_since
    from kernel.sealing_key order by id`);
}

/** Until the end of the transaction nobody else changes keys; reading them goes on. */
export async function lockKeys(tx: Tx): Promise<void> {
  await tx.run(sql`lock table kernel.sealing_key in share row exclusive mode`);
}

/** Drawn before the key is wrapped, which is bound to its id. */
export async function drawKeyId(tx: Tx): Promise<number> {
  const { id } = await tx.one<{ id: number }>(sql`
    select nextval(pg_get_serial_sequence('kernel.sealing_key', 'id')) as id`);
  return id;
}

export async function insertKey(
  tx: Tx,
  key: Pick<KeyRow, 'id' | 'purpose' | 'state' | 'wrapped'>,
): Promise<void> {
  await tx.run(sql`
    insert into kernel.sealing_key (id, purpose, state, wrapped)
    values (${key.id}, ${key.purpose}, ${key.state}, ${key.wrapped})`);
}

export async function rewrapKey(
  tx: Tx,
  { id, wrapped }: Pick<KeyRow, 'id' | 'wrapped'>,
): Promise<void> {
  await tx.run(sql`update kernel.sealing_key set wrapped = ${wrapped} where id = ${id}`);
}

/** What was coming seals, and what sealed is old. Returns how many keys came into use. */
export async function exchangeKeys(tx: Tx, now: Date): Promise<number> {
  await tx.run(sql`
    update kernel.sealing_key set state = 'old', old_since = ${now}
    where state = 'current'
      and purpose in (select purpose from kernel.sealing_key where state = 'coming')`);
  return await tx.run(sql`
    update kernel.sealing_key set state = 'current' where state = 'coming'`);
}

export async function deleteKey(tx: Tx, id: number): Promise<void> {
  await tx.run(sql`delete from kernel.sealing_key where id = ${id} and state = 'old'`);
}

/** What a process says of itself. */
export async function upsertHolder(tx: Tx, { id, part, opens }: Holder): Promise<void> {
  await tx.run(sql`
    insert into kernel.key_holder (id, part, opens, seen_at)
    values (${id}, ${part}, ${opens}::smallint[], clock_timestamp())
    on conflict (id) do update set opens = excluded.opens, seen_at = excluded.seen_at`);
}

export async function deleteHolder(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`delete from kernel.key_holder where id = ${id}`);
}

/** Those that were seen lately. By the clock of the database, so that no other one matters. */
export async function listHolders(tx: Tx, goneAfterMs: number): Promise<Holder[]> {
  return await tx.rows<Holder>(sql`
    select id, part, opens from kernel.key_holder
    where seen_at > clock_timestamp() - ${goneAfterMs} * interval '1 millisecond'
    order by part, id`);
}

/** Those that ended without a word. */
export async function sweepHolders(tx: Tx, goneAfterMs: number): Promise<void> {
  await tx.run(sql`
    delete from kernel.key_holder
    where seen_at < clock_timestamp() - ${goneAfterMs} * interval '1 millisecond'`);
}
