/** Spaces and who reads in them: one function per statement. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type Space = {
  readonly id: string;
  readonly name: string;
  /** What it is for, in a sentence. */
  readonly purpose: string;
};

export type SpaceRow = Space & {
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly closedByName: string | null;
  /** Of this moment, those who lead it too. */
  readonly readers: number;
  /** True where the actor reads in it. */
  readonly isReader: boolean;
};

const SPACE = sql`
  select space.id, space.name, space.purpose, space.opened_at, space.closed_at,
    coalesce(closer.name, space.closed_by) as closed_by_name,
    (select count(*)::int from identity.readers_of_space(space.id)) as readers,
    space.id = any ((select identity.readable_sets())::uuid[]) as is_reader
  from identity.space
  left join identity.person closer on closer.id::text = space.closed_by`;

/** Open ones first, by name: those that the actor reads in, or all that it may see. */
export async function selectSpaces(tx: Tx, which: 'own' | 'all'): Promise<SpaceRow[]> {
  const own: Sql = sql`where space.id = any ((select identity.readable_sets())::uuid[])`;
  return await tx.rows<SpaceRow>(sql`${SPACE} ${which === 'own' ? own : sql``}
    order by space.closed_at desc nulls first, lower(space.name), space.id`);
}

/** Undefined where there is none, or none that the actor may see. */
export async function selectSpace(tx: Tx, id: string): Promise<SpaceRow | undefined> {
  return await tx.maybe<SpaceRow>(sql`${SPACE} where space.id = ${id}`);
}

/** For a change of it or of who reads in it: others who change it wait. Undefined: none, or closed. */
export async function lockOpenSpace(tx: Tx, id: string): Promise<Space | undefined> {
  return await tx.maybe<Space>(sql`
    select id, name, purpose from identity.space where id = ${id} and closed_at is null
    for no key update`);
}

/** True of one that is open, until the commit: who closes it waits, others who ask this do not. */
export async function holdOpenSpace(tx: Tx, id: string): Promise<boolean> {
  const open = await tx.maybe(sql`
    select id from identity.space where id = ${id} and closed_at is null for share`);
  return open !== undefined;
}

export type NewSpace = Space & { readonly openedAt: Date; readonly openedBy: string };

/** The set of its readers and the space, by one id; 0 where the id is taken. */
export async function insertSpace(tx: Tx, space: NewSpace): Promise<number> {
  const made = await tx.run(sql`
    insert into identity.reader_set (id, kind) values (${space.id}, 'space')
    on conflict (id) do nothing`);
  if (made === 0) return 0;
  return await tx.run(sql`
    insert into identity.space (id, name, purpose, opened_at, opened_by)
    values (${space.id}, ${space.name}, ${space.purpose}, ${space.openedAt}, ${space.openedBy})`);
}

export async function updateSpace(tx: Tx, { id, name, purpose }: Space): Promise<number> {
  return await tx.run(sql`
    update identity.space set name = ${name}, purpose = ${purpose}
    where id = ${id} and (name, purpose) <> (${name}, ${purpose})`);
}

export async function markSpaceClosed(
  tx: Tx,
  id: string,
  closed: { readonly at: Date; readonly by: string },
): Promise<number> {
  return await tx.run(sql`
    update identity.space set closed_at = greatest(${closed.at}, opened_at),
      closed_by = ${closed.by}
    where id = ${id} and closed_at is null`);
}

export type Reader = {
  readonly personId: string;
  readonly name: string;
  readonly active: boolean;
  readonly leads: boolean;
  /** Until a role ends, for who leads without a planned end: null. */
  readonly readsUntil: Date | null;
};

/** Who reads in it now: who leads first, then by name. Nobody for whom may not know of it. */
export async function selectReaders(tx: Tx, spaceId: string): Promise<Reader[]> {
  return await tx.rows<Reader>(sql`
    select reader.person_id, person.name, person.active, reader.leads, reader.reads_until
    from identity.readers_of_space(${spaceId}) reader
    join identity.person on person.id = reader.person_id
    order by reader.leads desc, lower(person.name), person.id`);
}

type Reading = { readonly spaceId: string; readonly personId: string };

/** Lets somebody in who does not read in it, from now on. */
export async function insertReader(tx: Tx, of: Reading & { readonly until: Date }): Promise<void> {
  await tx.run(sql`
    insert into identity.reader_set_member (set_id, reader_kind, reader_id, reads_until)
    values (${of.spaceId}, 'person', ${of.personId}, ${of.until})`);
}

/** Another end for somebody who was let in and reads still; 0 where there is nobody such. */
export async function updateReadsUntil(
  tx: Tx,
  { spaceId, personId, until }: Reading & { readonly until: Date },
): Promise<number> {
  return await tx.run(sql`
    update identity.reader_set_member set reads_until = ${until}
    where set_id = ${spaceId} and reader_id = ${personId} and reader_kind = 'person'
      and reads_until > now() and reads_from < ${until}`);
}

/** Ends reading now, by being let in: of one person, or of all. */
export async function markReadingEnded(
  tx: Tx,
  { spaceId, personId }: { readonly spaceId: string; readonly personId: string | null },
): Promise<number> {
  return await tx.run(sql`
    update identity.reader_set_member
    set reads_until = greatest(now(), reads_from + interval '1 microsecond')
    where set_id = ${spaceId} and reads_until > now()
      and (${personId}::uuid is null or reader_id = ${personId}::uuid)`);
}

/** Ends the roles of those who lead it. */
export async function markLeadsEnded(
  tx: Tx,
  spaceId: string,
  ended: { readonly at: Date; readonly by: string },
): Promise<{ personId: string; role: string }[]> {
  return await tx.rows<{ personId: string; role: string }>(sql`
    update identity.role_grant
    set ended_at = greatest(given_at, least(${ended.at}, ends_at)), ended_by = ${ended.by}
    where space_id = ${spaceId} and ended_at is null returning person_id, role`);
}
