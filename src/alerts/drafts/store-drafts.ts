/** Statements about drafts: those that lie about, and those that were given up. */
import { actorId } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { isEmptyDraft } from '#alerts/store.ts';

export type DraftRow = {
  alertId: string;
  alertNumber: number;
  kind: 'first' | 'update' | 'correction';
  revision: number;
  title: string;
  what: string;
  /** Not a word in it. */
  isEmpty: boolean;
  /** The actor shaped it. */
  isOwn: boolean;
  /** Who shaped it, in the order in which they began. */
  editors: string;
  updatedAt: Date;
};

const draftColumns = sql`version.alert_id, alert.number as alert_number, alert.exercise,
  version.kind, version.revision, version.title, version.what, ${isEmptyDraft} as is_empty,
  coalesce((select string_agg(coalesce(person.name, 'a program'), ', '
      order by editor.first_edited_at)
    from alerts.editor left join identity.v_person person on person.id::text = editor.person_id
    where editor.version_id = version.id), '') as editors, version.updated_at`;

/** Written by this person too. */
const isOwnOf = (personId: string) => sql`exists (
  select from alerts.editor
  where editor.version_id = version.id and editor.person_id = ${personId})`;

/** Drafts, saved last first. */
export async function listDrafts(tx: Tx, most: number): Promise<DraftRow[]> {
  return await tx.rows<DraftRow>(sql`
    select ${draftColumns}, ${isOwnOf(actorId(tx.actor))} as is_own
    from alerts.v_words version join alerts.alert on alert.id = version.alert_id
    where version.state = 'draft' order by version.updated_at desc, version.id limit ${most}`);
}

/** Nothing came after it, what it would follow is out, and the actor may read its words. */
const mayBeTakenUp = sql`version.state = 'abandoned'
  and version.marking = any (kernel.actor_markings())
  and version.number = (
    select max(other.number) from alerts.version other where other.alert_id = version.alert_id)
  and (version.number = 1 or exists (
    select from alerts.version other
    where other.alert_id = version.alert_id and other.state = 'released'))`;

/** Drafts that this person shaped, gave up and may take up again, given up last first. */
export async function listGivenUp(tx: Tx, most: number): Promise<DraftRow[]> {
  return await tx.rows<DraftRow>(sql`
    select ${draftColumns}, true as is_own
    from alerts.v_words version join alerts.alert on alert.id = version.alert_id
    where ${mayBeTakenUp} and ${isOwnOf(actorId(tx.actor))}
    order by version.updated_at desc, version.id limit ${most}`);
}

export async function findGivenUp(tx: Tx, alertId: string): Promise<{ id: string } | undefined> {
  return await tx.maybe<{ id: string }>(sql`
    select version.id from alerts.version where version.alert_id = ${alertId} and ${mayBeTakenUp}`);
}

/** The draft of this alert, where the actor shaped it. */
export async function findOwnDraft(tx: Tx, alertId: string): Promise<{ id: string } | undefined> {
  return await tx.maybe<{ id: string }>(sql`
    select version.id from alerts.version
    where version.alert_id = ${alertId} and version.state = 'draft'
      and ${isOwnOf(actorId(tx.actor))}`);
}

export type DraftCounts = { drafts: number; own: number };

export async function countDrafts(tx: Tx): Promise<DraftCounts> {
  return await tx.one<DraftCounts>(sql`
    select count(*) as drafts, count(*) filter (where ${isOwnOf(actorId(tx.actor))}) as own
    from alerts.version where version.state = 'draft'`);
}
