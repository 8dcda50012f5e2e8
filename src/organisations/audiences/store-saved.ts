/** Statements about saved audiences and their versions. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AudienceQuestion } from '../model.ts';
import { matchesOrganisation } from './store-audience.ts';

/** A saved audience as it is today. */
export type AudienceRow = {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly retiredAt: Date | null;
  readonly question: AudienceQuestion;
  readonly savedAt: Date;
  readonly savedByName: string;
  /** How many organisations it meant when it was saved. */
  readonly organisations: number;
};

const current = sql`
  select audience.id, audience.name, audience.version, audience.retired_at, saved.question,
    saved.saved_at, saved.saved_by_name, saved.organisations
  from organisations.audience
  join organisations.audience_version saved
    on saved.audience_id = audience.id and saved.number = audience.version`;

export async function findAudience(tx: Tx, id: string): Promise<AudienceRow | undefined> {
  return await tx.maybe<AudienceRow>(sql`${current} where audience.id = ${id}`);
}

/** The id of whoever saved this version: a person, or what acted by itself. */
export async function findSaver(
  tx: Tx,
  { id, version }: { readonly id: string; readonly version: number },
): Promise<string | undefined> {
  const saved = await tx.maybe<{ savedBy: string }>(sql`
    select saved_by from organisations.audience_version
    where audience_id = ${id} and number = ${version}`);
  return saved?.savedBy;
}

/**
 * Whoever saved one of these versions, or one that they are made of: who chose whom it means had a
 * hand in what goes to it (P5). Ids of people, keys, or what acted by itself.
 */
export async function listSavers(
  tx: Tx,
  chosen: readonly { readonly id: string; readonly version: number }[],
): Promise<string[]> {
  if (chosen.length === 0) return [];
  const rows = await tx.rows<{ savedBy: string }>(sql`
    with recursive part (id, number) as (
      select chosen.id, chosen.number
      from unnest(${chosen.map(({ id }) => id)}::uuid[],
        ${chosen.map(({ version }) => version)}::int[]) as chosen (id, number)
      union
      select (inner_part ->> 'id')::uuid, (inner_part ->> 'version')::int
      from part
      join organisations.audience_version saved
        on saved.audience_id = part.id and saved.number = part.number
      cross join jsonb_array_elements(saved.question -> 'audiences') as inner_part
    )
    select distinct saved.saved_by from part
    join organisations.audience_version saved
      on saved.audience_id = part.id and saved.number = part.number`);
  return rows.map(({ savedBy }) => savedBy);
}

/** By name; those that are retired last. */
export async function listAudiences(tx: Tx): Promise<AudienceRow[]> {
  return await tx.rows<AudienceRow>(sql`
    ${current} order by audience.retired_at is not null, audience.name_key`);
}

export type AudienceVersionRow = {
  readonly audienceId: string;
  readonly number: number;
  readonly name: string;
  readonly question: AudienceQuestion;
  readonly savedAt: Date;
  readonly savedByName: string;
  /** The audience that changed and brought it about; null where somebody changed it. */
  readonly followedName: string | null;
  readonly organisations: number;
};

/** All versions, the newest first. */
export async function listAudienceVersions(tx: Tx, id: string): Promise<AudienceVersionRow[]> {
  return await tx.rows<AudienceVersionRow>(sql`
    select saved.audience_id, saved.number, audience.name, saved.question, saved.saved_at,
      saved.saved_by_name, followed.name as followed_name, saved.organisations
    from organisations.audience_version saved
    join organisations.audience on audience.id = saved.audience_id
    left join organisations.audience followed on followed.id = saved.followed_id
    where saved.audience_id = ${id}
    order by saved.number desc`);
}

export type PartVersion = {
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly question: AudienceQuestion;
};

/** Audiences at these versions, or of today where there is no version. */
export async function listParts(
  tx: Tx,
  asked: readonly { readonly id: string; readonly version?: number | undefined }[],
): Promise<PartVersion[]> {
  return await tx.rows<PartVersion>(sql`
    select audience.id, saved.number as version, audience.name, saved.question
    from unnest(${asked.map(({ id }) => id)}::uuid[],
      ${asked.map(({ version }) => version ?? null)}::int[]) as asked (id, version)
    join organisations.audience on audience.id = asked.id
    join organisations.audience_version saved on saved.audience_id = audience.id
      and saved.number = coalesce(asked.version, audience.version)`);
}

/** Saving one may save those that build on it: two at once would each miss the other. */
export async function lockAudiences(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtext('organisations.audience'))`);
}

/** The audience that has this name, in whatever case; retired ones too. */
export async function findAudienceByKey(
  tx: Tx,
  nameKey: string,
): Promise<{ id: string; name: string; retiredAt: Date | null } | undefined> {
  return await tx.maybe(sql`
    select id, name, retired_at from organisations.audience where name_key = ${nameKey}`);
}

export async function insertAudience(
  tx: Tx,
  audience: { id: string; name: string; nameKey: string; now: Date },
): Promise<void> {
  await tx.run(sql`
    insert into organisations.audience (id, name, name_key, version, created_at)
    values (${audience.id}, ${audience.name}, ${audience.nameKey}, 1, ${audience.now})`);
}

export async function insertAudienceVersion(
  tx: Tx,
  saved: {
    audienceId: string;
    number: number;
    question: AudienceQuestion;
    now: Date;
    by: string;
    byName: string;
    followedId: string | null;
    organisations: number;
  },
): Promise<void> {
  await tx.run(sql`
    insert into organisations.audience_version (audience_id, number, question, saved_at, saved_by,
      saved_by_name, followed_id, organisations)
    values (${saved.audienceId}, ${saved.number}, ${JSON.stringify(saved.question)}::jsonb,
      ${saved.now}, ${saved.by}, ${saved.byName}, ${saved.followedId}, ${saved.organisations})`);
}

/** Goes on to the next version, with this name; false where it is at another version by now. */
export async function raiseAudience(
  tx: Tx,
  raised: { id: string; from: number; to: number; name: string; nameKey: string },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.audience
      set version = ${raised.to}, name = ${raised.name}, name_key = ${raised.nameKey}
      where id = ${raised.id} and version = ${raised.from}`)) === 1
  );
}

/** Retires an audience, or brings it back (null); false where it was so already. */
export async function setRetired(tx: Tx, id: string, at: Date | null): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.audience set retired_at = ${at}
      where id = ${id} and (retired_at is null) = ${at !== null}`)) === 1
  );
}

/** Keeps whom the question means now, and what they are; says how many. */
export async function keepMembers(
  tx: Tx,
  audienceId: string,
  question: AudienceQuestion,
): Promise<number> {
  await tx.run(sql`
    delete from organisations.audience_member where audience_id = ${audienceId}`);
  return await tx.run(sql`
    insert into organisations.audience_member
      (audience_id, organisation_id, type, region_code, system_code, must_answer)
    select ${audienceId}, organisation.organisation_id, organisation.type,
      organisation.region_code, organisation.system_code, organisation.must_answer
    from organisations.v_organisation organisation
    where ${matchesOrganisation(question)}`);
}
