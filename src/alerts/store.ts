/** Statements about alerts, their versions and submissions. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Marking } from '#kernel/marking.ts';
import type { Content } from './content/model.ts';
import type { KevSaid } from './kev/model.ts';
import type { VersionKind, VersionState, Wording } from './model.ts';
import type { ReaderWords } from './readers/model.ts';

/** The number of the new alert; undefined where there is one with this id. */
export async function insertAlert(
  tx: Tx,
  alert: { id: string; exercise: boolean; createdBy: string },
): Promise<number | undefined> {
  const made = await tx.maybe<{ number: number }>(sql`
    insert into alerts.alert (id, exercise, created_by)
    values (${alert.id}, ${alert.exercise}, ${alert.createdBy})
    on conflict (id) do nothing returning number`);
  return made?.number;
}

/** The number that the next alert will get, unless somebody saves another one first. */
export async function findNextNumber(tx: Tx): Promise<number> {
  const { number } = await tx.one<{ number: number }>(sql`
    select coalesce(max(number) + 1, 4901) as number from alerts.alert`);
  return number;
}

export type NewVersion = {
  readonly id: string;
  readonly alertId: string;
  readonly number: number;
  readonly kind: VersionKind;
  readonly wording: Wording;
  readonly audience: unknown;
  readonly modelVersion: string;
};

export async function insertVersion(tx: Tx, version: NewVersion): Promise<void> {
  const { wording } = version;
  await tx.run(sql`
    insert into alerts.version (id, alert_id, number, kind, severity, marking, clear_line,
      next_update_at, asks_again, audience, model_version)
    values (${version.id}, ${version.alertId}, ${version.number}, ${version.kind},
      ${wording.severity}, ${wording.marking}, ${wording.clearLine}, ${wording.nextUpdateAt},
      ${wording.asksAgain}, ${JSON.stringify(version.audience)}::jsonb, ${version.modelVersion})`);
  await tx.run(sql`
    insert into alerts.words (version_id, title, what, do_now, if_acted, not_known, body, own_text,
      reader_words, content)
    values (${version.id}, ${wording.title}, ${wording.what}, ${wording.doNow}, ${wording.ifActed},
      ${wording.notKnown}, ${wording.body}, ${wording.ownText},
      ${JSON.stringify(wording.readerWords)}::jsonb, ${JSON.stringify(wording.content)}::jsonb)`);
}

/** Saves a draft if nobody saved it since `revision` was read; false where somebody did. */
export async function updateDraft(
  tx: Tx,
  draft: { id: string; revision: number; wording: Wording; audience: unknown },
): Promise<boolean> {
  const { id, revision, wording, audience } = draft;
  return (
    (await tx.run(sql`
      with saved as (
        update alerts.version set revision = revision + 1, updated_at = now(),
          severity = ${wording.severity}, marking = ${wording.marking},
          clear_line = ${wording.clearLine}, next_update_at = ${wording.nextUpdateAt},
          asks_again = ${wording.asksAgain}, audience = ${JSON.stringify(audience)}::jsonb
        where id = ${id} and revision = ${revision} and state = 'draft' returning id
      )
      update alerts.words set title = ${wording.title}, what = ${wording.what},
        do_now = ${wording.doNow}, if_acted = ${wording.ifActed}, not_known = ${wording.notKnown},
        body = ${wording.body}, own_text = ${wording.ownText},
        reader_words = ${JSON.stringify(wording.readerWords)}::jsonb,
        content = ${JSON.stringify(wording.content)}::jsonb
      from saved where version_id = saved.id`)) === 1
  );
}

export async function listEditors(tx: Tx, versionId: string): Promise<string[]> {
  const rows = await tx.rows<{ personId: string }>(sql`
    select person_id from alerts.editor where version_id = ${versionId}`);
  return rows.map((row) => row.personId);
}

/** Null as no value, not as JSON's. */
const asJson = (kev: KevSaid | null) => (kev === null ? null : JSON.stringify(kev));

/** Moves a version along the table of moves; false where it was not in `from`. */
export async function moveVersion(
  tx: Tx,
  move: {
    id: string;
    from: VersionState;
    to: VersionState;
    revision?: number;
    /** Where it is frozen: the rules that hold for it from then on, and what is known by then. */
    frozen?: { readonly modelVersion: string; readonly kev: KevSaid | null };
  },
): Promise<boolean> {
  const atRevision: Sql =
    move.revision === undefined ? sql`` : sql`and revision = ${move.revision}`;
  const { frozen } = move;
  const pinned: Sql = frozen === undefined ? sql`` : sql`model_version = ${frozen.modelVersion},`;
  // In one statement: the words of what is no draft any more do not change.
  const completed: Sql =
    frozen === undefined
      ? sql``
      : sql`, completed as (update alerts.words set kev = ${asJson(frozen.kev)}::jsonb
          from moved where version_id = moved.id)`;
  return (
    (await tx.run(sql`
      with moved as (update alerts.version set state = ${move.to}, updated_at = now(), ${pinned}
        released_at = case ${move.to} when 'released' then now() when 'draft' then null
          else released_at end,
        asked_at = case when ${move.to} <> 'released' then
            case ${move.to} when 'draft' then null else asked_at end
          when asks_again then now()
          else (select max(earlier.asked_at) from alerts.version earlier
            where earlier.alert_id = version.alert_id) end,
        closed_at = case when ${move.to} = 'closed' then now() end,
        reader_set_id = case ${move.to}
          when 'released' then (select submission.reader_set_id from alerts.submission submission
            where submission.version_id = version.id and submission.state = 'released')
          when 'draft' then null else reader_set_id end
      where id = ${move.id} and state = ${move.from} ${atRevision} returning id)
      ${completed} select from moved`)) === 1
  );
}

export type VersionRow = {
  alertId: string;
  alertNumber: number;
  /** Of its alert, for ever. */
  exercise: boolean;
  /** A live alert, while an exercise is out. */
  besideExercise: boolean;
  id: string;
  number: number;
  kind: VersionKind;
  state: VersionState;
  revision: number;
  title: string;
  severity: string;
  marking: Marking;
  what: string;
  doNow: string;
  ifActed: string;
  clearLine: string;
  notKnown: string;
  nextUpdateAt: Date | null;
  body: string;
  ownText: string | null;
  readerWords: ReaderWords;
  asksAgain: boolean;
  content: Content;
  /** What the catalogue said of its CVEs when it was frozen last; null of what never was. */
  kev: KevSaid | null;
  audience: unknown;
  modelVersion: string;
  updatedAt: Date;
  releasedAt: Date | null;
  closedAt: Date | null;
};

/** Whether the version that is out went to anybody by text, or still may. */
export async function wentByText(tx: Tx, alertNumber: number): Promise<boolean> {
  const { isText } = await tx.one<{ isText: boolean }>(sql`
    select exists (
      select from alerts.v_live live
      join dispatch.v_message message
        on message.dispatch_id in (live.dispatch_id, live.correction_dispatch_id)
        and message.channel = 'text'
      where live.number = ${alertNumber}) as is_text`);
  return isText;
}

/** Whether an exercise is out and not over. */
const isExerciseOut = sql`exists (
  select from alerts.version out join alerts.alert rehearsed on rehearsed.id = out.alert_id
  where out.state = 'released' and rehearsed.exercise)`;

export async function readIsExerciseOut(tx: Tx): Promise<boolean> {
  return (await tx.one<{ isOut: boolean }>(sql`select ${isExerciseOut} as is_out`)).isOut;
}

const versionColumns = sql`alert.id as alert_id, alert.number as alert_number, alert.exercise,
  not alert.exercise and ${isExerciseOut} as beside_exercise, version.id,
  version.number, version.kind, version.state, version.revision, version.title, version.severity,
  version.marking, version.what, version.do_now, version.if_acted, version.clear_line,
  version.not_known, version.next_update_at, version.body, version.own_text, version.reader_words,
  version.asks_again, version.content, version.kev, version.audience, version.model_version,
  version.updated_at, version.released_at, version.closed_at`;

/** The newest version of an alert; one that was abandoned only where there is no other. */
export async function findVersion(tx: Tx, alertId: string): Promise<VersionRow | undefined> {
  return await tx.maybe<VersionRow>(sql`
    select ${versionColumns} from alerts.alert alert
    join alerts.v_words version on version.alert_id = alert.id
    where alert.id = ${alertId}
    order by version.state = 'abandoned', version.number desc limit 1`);
}

export async function findVersionById(tx: Tx, id: string): Promise<VersionRow | undefined> {
  return await tx.maybe<VersionRow>(sql`
    select ${versionColumns} from alerts.alert alert
    join alerts.v_words version on version.alert_id = alert.id
    where version.id = ${id}`);
}

/** The version that is out, whatever is written beside it; undefined where none is. */
export async function findLiveVersion(tx: Tx, alertId: string): Promise<VersionRow | undefined> {
  return await tx.maybe<VersionRow>(sql`
    select ${versionColumns} from alerts.alert alert
    join alerts.v_words version on version.alert_id = alert.id
    where alert.id = ${alertId} and version.state = 'released'`);
}

/** Every version that was ever out, the newest first, and who let it go. */
export async function listReleased(
  tx: Tx,
  alertId: string,
): Promise<(VersionRow & { decidedByName: string | null })[]> {
  return await tx.rows<VersionRow & { decidedByName: string | null }>(sql`
    select ${versionColumns}, submission.decided_by_name from alerts.alert alert
    join alerts.v_words version on version.alert_id = alert.id
    join alerts.submission submission on submission.version_id = version.id
      and submission.state = 'released'
    where alert.id = ${alertId} and version.released_at is not null
    order by version.number desc`);
}

/** A first draft without a word: somebody opened the form. */
export const isEmptyDraft = sql`version.state in ('draft', 'abandoned') and version.number = 1
  and concat(version.title, version.what, version.do_now, version.not_known, version.clear_line,
    version.body, version.own_text) = '' and version.reader_words = '{}'`;

/** Alerts, newest first: those at work, then those released. Drafts without a word are not there. */
export async function listVersions(tx: Tx, most: number): Promise<VersionRow[]> {
  return await tx.rows<VersionRow>(sql`
    select * from (
      select distinct on (alert.id) ${versionColumns} from alerts.alert alert
      join alerts.v_words version on version.alert_id = alert.id
      where version.state <> 'abandoned' and not (${isEmptyDraft})
      -- What is out comes first: a correction that is being written does not make it a draft.
      order by alert.id, version.state = 'released' desc, version.number desc
    ) newest order by alert_number desc limit ${most}`);
}
