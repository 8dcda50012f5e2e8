/** What the undo does to each image, kind by kind: rows go back inside the database. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Fate } from '../model.ts';
import { hashOf, regionImage, systemImage } from './store-image.ts';
import { thisDay } from '../store-day.ts';

/** Over all rows of the import: of 100,000 a statement may take more than a minute. */
export async function overAll(tx: Tx, statement: Sql): Promise<void> {
  await tx.run(statement, { withinMs: 10 * 60_000 });
}

function fated(importId: string, kind: string, fate: Fate): Sql {
  return sql`image.import_id = ${importId} and image.kind = ${kind} and image.fate = ${fate}`;
}

/** What something else refers to stays, and is ended by the next statement. */
export async function removeContacts(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    update organisations.import_image image set fate = 'ended'
    where image.import_id = ${importId} and image.contact_id in (
      select kept from organisations.remove_contacts(array(
        select image.contact_id from organisations.import_image image
        where ${fated(importId, 'contact', 'removed')})) kept)`,
  );
}

export async function endContacts(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    update organisations.contact set active = false, updated_at = now()
    from organisations.import_image image
    where ${fated(importId, 'contact', 'ended')} and contact.id = image.contact_id`,
  );
}

/** The columns that an import of contacts may change. */
export async function putBackContacts(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    update organisations.contact set name = old.name, is_post = old.is_post, rank = old.rank,
      reader_kind = old.reader_kind, language = old.language, active = old.active,
      updated_at = now()
    from organisations.import_image image
    cross join lateral jsonb_populate_record(null::organisations.contact, image.before) old
    where ${fated(importId, 'contact', 'put_back')} and contact.id = image.contact_id`,
  );
}

export async function unlinkPutBack(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    delete from organisations.contact_contact_point link
    using organisations.import_image image
    where ${fated(importId, 'contact', 'put_back')} and link.contact_id = image.contact_id`,
  );
}

export async function relinkPutBack(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    insert into organisations.contact_contact_point (contact_id, contact_point_id, channel,
      position)
    select image.contact_id, old.contact_point_id, old.channel, old.position
    from organisations.import_image image
    cross join lateral jsonb_to_recordset(image.before -> 'links')
      as old (contact_point_id uuid, channel text, position smallint)
    where ${fated(importId, 'contact', 'put_back')}`,
  );
}

/** Before organisations are removed: one of those may be the parent that the import gave. */
export async function unparentPutBack(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    delete from organisations.parenthood held
    using organisations.import_image image, organisations.organisation
    where ${fated(importId, 'organisation', 'put_back')} and organisation.code = image.code
      and held.child_id = organisation.id
      and not image.before -> 'parents' @> jsonb_build_array(to_jsonb(held))`,
  );
}

/** What stayed all the time was never taken away. */
export async function reparentPutBack(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    insert into organisations.parenthood (id, child_id, parent_id, began_on, ended_on, said_by,
      recorded_by, recorded_at)
    select old.id, old.child_id, old.parent_id, old.began_on, old.ended_on, old.said_by,
      old.recorded_by, old.recorded_at
    from organisations.import_image image
    cross join lateral jsonb_populate_recordset(null::organisations.parenthood,
      image.before -> 'parents') old
    where ${fated(importId, 'organisation', 'put_back')}
    on conflict (id) do nothing`,
  );
}

export async function removeOrganisations(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    update organisations.import_image image set fate = 'ended'
    where image.import_id = ${importId} and image.kind = 'organisation' and image.code in (
      select kept from organisations.remove_organisations(array(
        select image.code from organisations.import_image image
        where ${fated(importId, 'organisation', 'removed')})) kept)`,
  );
}

/** From today on nothing is sent to it. */
export async function endOrganisations(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    update organisations.organisation
    set closed_on = least(organisation.closed_on, ${thisDay} - 1), updated_at = now()
    from organisations.import_image image
    where ${fated(importId, 'organisation', 'ended')} and organisation.code = image.code`,
  );
}

/** The columns that an import of organisations may change. */
export async function putBackOrganisations(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    update organisations.organisation set name = old.name, short_name = old.short_name,
      short_name_chosen = old.short_name_chosen, type = old.type, region_code = old.region_code,
      system_code = old.system_code, must_answer = old.must_answer,
      address_lines = old.address_lines, postcode = old.postcode, telephone = old.telephone,
      latitude = old.latitude, longitude = old.longitude, serves = old.serves,
      population = old.population, population_on = old.population_on,
      opened_on = old.opened_on, closed_on = old.closed_on, source = old.source,
      updated_at = now()
    from organisations.import_image image
    cross join lateral jsonb_populate_record(null::organisations.organisation, image.before) old
    where ${fated(importId, 'organisation', 'put_back')} and organisation.code = image.code`,
  );
}

/** Names go back where nobody gave another since; what was added goes where nothing is in it. */
export async function putBackSystems(tx: Tx, importId: string): Promise<number> {
  const named = await tx.run(sql`
    update organisations.system set name = old.name, region_code = old.region_code
    from organisations.import_image image
    cross join lateral jsonb_populate_record(null::organisations.system, image.before) old
    where image.import_id = ${importId} and image.kind = 'system' and image.before is not null
      and system.code = image.code and ${hashOf(systemImage)} = image.after_hash`);
  const gone = await tx.run(sql`
    delete from organisations.system using organisations.import_image image
    where image.import_id = ${importId} and image.kind = 'system' and image.before is null
      and system.code = image.code and ${hashOf(systemImage)} = image.after_hash
      and not exists (select from organisations.organisation
        where organisation.system_code = system.code)`);
  return named + gone;
}

export async function putBackRegions(tx: Tx, importId: string): Promise<number> {
  const named = await tx.run(sql`
    update organisations.region set name = old.name
    from organisations.import_image image
    cross join lateral jsonb_populate_record(null::organisations.region, image.before) old
    where image.import_id = ${importId} and image.kind = 'region' and image.before is not null
      and region.code = image.code and ${hashOf(regionImage)} = image.after_hash`);
  const gone = await tx.run(sql`
    delete from organisations.region using organisations.import_image image
    where image.import_id = ${importId} and image.kind = 'region' and image.before is null
      and region.code = image.code and ${hashOf(regionImage)} = image.after_hash
      and not exists (select from organisations.organisation
        where organisation.region_code = region.code)
      and not exists (select from organisations.system where system.region_code = region.code)`);
  return named + gone;
}
