/** Statements about waking people of the centre: who can be woken, and who was. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { IN_FORCE, OF_CENTRE } from './store-held.ts';

export type Wakeable = { readonly id: string; readonly phoneSealed: Buffer };

/**
 * Active people with a number on file: these, and whoever holds one of these roles of the centre,
 * not for a region alone.
 */
export async function selectWakeable(
  tx: Tx,
  { roles, ids }: { readonly roles: readonly string[]; readonly ids: readonly string[] },
): Promise<Wakeable[]> {
  return await tx.rows<Wakeable>(sql`
    select person.id, person.phone_sealed from identity.person
    where person.active and person.phone_sealed is not null
      and (person.id::text = any(${[...ids]}::text[]) or exists (
        select from identity.role_grant held
        where held.person_id = person.id and held.role = any(${[...roles]}::text[])
          and ${OF_CENTRE} and held.region_code is null and ${IN_FORCE}))
    order by person.id`);
}

export type Colleague = Wakeable & { readonly name: string; readonly phoneIndex: Buffer };

/** Active people whose own number is one of these (by its blind index), in the order of names. */
export async function selectByPhone(tx: Tx, indexes: readonly Buffer[]): Promise<Colleague[]> {
  return await tx.rows<Colleague>(sql`
    select id, name, phone_sealed, phone_index from identity.person
    where active and phone_index = any(${[...indexes]}::bytea[]) order by name, id`);
}

export type WakeableOfRegion = Wakeable & { readonly regionCodes: readonly string[] };

/** Active people with a number on file who hold one of these roles for one of these regions. */
export async function selectWakeableOf(
  tx: Tx,
  {
    roles,
    regionCodes,
  }: { readonly roles: readonly string[]; readonly regionCodes: readonly string[] },
): Promise<WakeableOfRegion[]> {
  return await tx.rows<WakeableOfRegion>(sql`
    select person.id, person.phone_sealed,
      array_agg(distinct held.region_code order by held.region_code) as region_codes
    from identity.person
    join identity.role_grant held on held.person_id = person.id and ${IN_FORCE}
      and held.role = any(${[...roles]}::text[])
      and held.region_code = any(${[...regionCodes]}::text[])
    where person.active and person.phone_sealed is not null
    group by person.id, person.phone_sealed order by person.id`);
}

/** One after the other: what goes to one number is counted, and so is whom a step woke. */
export async function lockWaking(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('identity.woken', 0))`);
}

export type Woken = {
  readonly kind: string;
  readonly subjectId: string;
  readonly dueAt: Date;
  readonly step: number;
};

/**
 * Writes down who is woken by this step; says who was not yet, and not for another of this kind so
 * short a time ago.
 */
export async function insertWoken(
  tx: Tx,
  { kind, subjectId, dueAt, step }: Woken,
  who: { readonly personIds: readonly string[]; readonly againAfterMs: number },
): Promise<string[]> {
  const rows = await tx.rows<{ personId: string }>(sql`
    insert into identity.woken (kind, subject_id, due_at, step, person_id)
    select ${kind}, ${subjectId}, ${dueAt}, ${step}, person.id
    from unnest(${[...who.personIds]}::uuid[]) as person (id)
    where not exists (
      select from identity.woken lately
      where lately.person_id = person.id and lately.kind = ${kind}
        and lately.at > now() - ${who.againAfterMs} * interval '1 ms')
    on conflict do nothing returning person_id`);
  return rows.map(({ personId }) => personId);
}

export type WokenRow = { readonly step: number; readonly name: string; readonly at: Date };

/** Who was woken for this, in order. */
export async function selectWoken(tx: Tx, kind: string, subjectId: string): Promise<WokenRow[]> {
  return await tx.rows<WokenRow>(sql`
    select step, name, at from identity.v_woken
    where kind = ${kind} and subject_id = ${subjectId} order by at, name`);
}
