/** Statements about who shapes a version, and which parts of it. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

type Editing = { readonly versionId: string; readonly personId: string };

/** Whoever saved once has shaped it for ever (P5); `parts` are added to those of before. */
export async function addEditor(
  tx: Tx,
  { versionId, personId, parts }: Editing & { readonly parts: readonly string[] },
): Promise<void> {
  await tx.run(sql`
    insert into alerts.editor (version_id, person_id, parts)
    values (${versionId}, ${personId}, ${[...parts]}::text[])
    on conflict (version_id, person_id) do update set last_edited_at = now(),
      parts = array(
        select distinct part from unnest(editor.parts || excluded.parts) as part order by 1)`);
}

/**
 * Whether this person saved it last, not longer ago, and nothing was asked over it since: then
 * another save belongs to the same stretch of editing.
 */
export async function isStillEditing(
  tx: Tx,
  { versionId, personId, withinMs }: Editing & { readonly withinMs: number },
): Promise<boolean> {
  const last = await tx.maybe<{ isSame: boolean }>(sql`
    select editor.person_id = ${personId}
      and editor.last_edited_at > now() - ${withinMs} * interval '1 ms'
      and not exists (
        select from alerts.submission
        where submission.version_id = ${versionId}
          and submission.submitted_at >= editor.last_edited_at) as is_same
    from alerts.editor where version_id = ${versionId}
    order by last_edited_at desc limit 1`);
  return last?.isSame ?? false;
}

/** Who saved a version last, and when; without a name where it was no person. */
export async function findLastEditor(
  tx: Tx,
  versionId: string,
): Promise<{ id: string; name: string | null; at: Date } | undefined> {
  return await tx.maybe<{ id: string; name: string | null; at: Date }>(sql`
    select editor.person_id as id, person.name, editor.last_edited_at as at
    from alerts.editor editor
    left join identity.v_person person on person.id::text = editor.person_id
    where editor.version_id = ${versionId} order by editor.last_edited_at desc limit 1`);
}

export type Shaper = { id: string; name: string | null; parts: string[] };

/** Everybody who shaped a version, in order, with the names of those who are people. */
export async function listShapers(tx: Tx, versionId: string): Promise<Shaper[]> {
  return await tx.rows<Shaper>(sql`
    select editor.person_id as id, person.name, editor.parts from alerts.editor editor
    left join identity.v_person person on person.id::text = editor.person_id
    where editor.version_id = ${versionId} order by editor.first_edited_at, editor.person_id`);
}
