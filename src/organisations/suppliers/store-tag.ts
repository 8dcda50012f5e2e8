/** Statements about tags: words of the centre for organisations. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AsAt } from '../as-at.ts';
import { isTaggedOn } from '../audiences/store-audience.ts';
import { spellingKey } from '../model.ts';
import { dayOf } from '../store-as-at.ts';

export type TagRow = {
  readonly id: string;
  readonly name: string;
  /** Organisations of today that have it. */
  readonly organisations: number;
};

export async function listTags(tx: Tx): Promise<TagRow[]> {
  return await tx.rows<TagRow>(sql`
    select tag.id, tag.name, coalesce(counted.organisations, 0) as organisations
    from organisations.tag
    left join (
      select tagged.tag_id, count(*) as organisations
      from organisations.organisation_tag tagged
      join organisations.v_organisation organisation
        on organisation.organisation_id = tagged.organisation_id
      where tagged.untagged_at is null
      group by tagged.tag_id
    ) counted on counted.tag_id = tag.id
    order by lower(tag.name), tag.id`);
}

export type NamedTag = { readonly id: string; readonly name: string };

export async function findTag(tx: Tx, id: string): Promise<NamedTag | undefined> {
  return await tx.maybe<NamedTag>(sql`select id, name from organisations.tag where id = ${id}`);
}

export async function findTagByName(tx: Tx, name: string): Promise<NamedTag | undefined> {
  return await tx.maybe<NamedTag>(sql`
    select tag.id, tag.name from organisations.tag_spelling spelling
    join organisations.tag on tag.id = spelling.tag_id
    where spelling.key = ${spellingKey(name)}`);
}

export async function insertTag(tx: Tx, { id, name }: NamedTag): Promise<void> {
  await tx.run(sql`insert into organisations.tag (id, name) values (${id}, ${name})`);
  await tx.run(sql`
    insert into organisations.tag_spelling (key, tag_id) values (${spellingKey(name)}, ${id})`);
}

/** Those it has on the day; undefined: now. */
export async function listTagsOfOrganisation(
  tx: Tx,
  organisationId: string,
  asAt?: AsAt,
): Promise<NamedTag[]> {
  return await tx.rows<NamedTag>(sql`
    select tag.id, tag.name from organisations.organisation_tag tagged
    join organisations.tag on tag.id = tagged.tag_id
    where tagged.organisation_id = ${organisationId} and ${isTaggedOn(dayOf(asAt))}
    order by lower(tag.name), tag.id`);
}

/** Which organisations have it now. */
export async function listTagged(tx: Tx, tagId: string): Promise<string[]> {
  const rows = await tx.rows<{ organisationId: string }>(sql`
    select tagged.organisation_id from organisations.organisation_tag tagged
    where tagged.tag_id = ${tagId} and tagged.untagged_at is null`);
  return rows.map(({ organisationId }) => organisationId);
}

/** False where it had it already. */
export async function insertTagging(
  tx: Tx,
  tagging: { organisationId: string; tagId: string; by: string; now: Date },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      insert into organisations.organisation_tag (organisation_id, tag_id, tagged_by, tagged_at)
      values (${tagging.organisationId}, ${tagging.tagId}, ${tagging.by}, ${tagging.now})
      on conflict do nothing`)) === 1
  );
}

/** False where it had it not. That it had it until now is kept. */
export async function endTagging(
  tx: Tx,
  { organisationId, tagId, now }: { organisationId: string; tagId: string; now: Date },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.organisation_tag set untagged_at = ${now}
      where organisation_id = ${organisationId} and tag_id = ${tagId} and untagged_at is null`)) ===
    1
  );
}

/** Gives a tag this word; its old spelling still leads to it. */
export async function renameTag(tx: Tx, { id, name }: NamedTag): Promise<void> {
  await tx.run(sql`update organisations.tag set name = ${name} where id = ${id}`);
  await tx.run(sql`
    insert into organisations.tag_spelling (key, tag_id) values (${spellingKey(name)}, ${id})
    on conflict (key) do nothing`);
}

/** Takes it from every organisation, and out of their past; says from how many. */
export async function deleteTag(tx: Tx, id: string): Promise<number> {
  const taken = await tx.one<{ taken: number }>(sql`
    with gone as (
      delete from organisations.organisation_tag where tag_id = ${id} returning untagged_at)
    select count(*) filter (where gone.untagged_at is null) as taken from gone`);
  await tx.run(sql`delete from organisations.tag_spelling where tag_id = ${id}`);
  await tx.run(sql`delete from organisations.tag where id = ${id}`);
  return taken.taken;
}

/** How a predecessor is tagged its successors are tagged from now on. */
export async function handOverTags(tx: Tx, successionId: string): Promise<number> {
  return await tx.run(sql`
    insert into organisations.organisation_tag (organisation_id, tag_id, tagged_by, tagged_at)
    select distinct on (part.successor_id, tagged.tag_id) part.successor_id, tagged.tag_id,
      tagged.tagged_by, now()
    from organisations.succession_part part
    join organisations.organisation_tag tagged on tagged.organisation_id = part.predecessor_id
      and tagged.untagged_at is null
    where part.succession_id = ${successionId} and part.predecessor_id <> part.successor_id
    order by part.successor_id, tagged.tag_id, tagged.tagged_at
    on conflict do nothing`);
}
