/** Reads of what is out, as far as row-level security lets whoever asks. */
import { ZONE } from '#kernel/day.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { PublicAlert, PublicVersion } from './model.ts';

/**
 * All versions under this number that were ever out. Undefined where what holds now is not the
 * reader's to see: what it took the place of must not pass for it.
 */
export async function findPublicAlert(tx: Tx, number: number): Promise<PublicAlert | undefined> {
  const [current, ...earlier] = await tx.rows<PublicVersion>(sql`
    select alert.number as alert_number, alert.exercise, version.number, version.kind,
      version.state, version.title, version.severity, version.marking, version.what, version.do_now,
      version.if_acted, version.not_known, version.next_update_at, version.body,
      version.asks_again, version.released_at, version.closed_at, version.content,
      version.kev, exists (select from alerts.alone where alone.alert_id = alert.id
        and alone.reviewed_at is null and alone.review_due_at < now()) as is_review_late,
      (select max(other.number) from alerts.v_words superseding
        join alerts.alert other on other.id = superseding.alert_id
        where superseding.state in ('released', 'closed')
          and (superseding.content ->> 'supersedes')::int = alert.number) as superseding
    from alerts.alert
    join alerts.v_words version on version.alert_id = alert.id
    where alert.number = ${number} and version.state in ('released', 'superseded', 'closed')
    order by version.number desc`);
  return current === undefined || current.state === 'superseded' ? undefined : { current, earlier };
}

export type PublicSearch = {
  readonly severity: string | undefined;
  /** Of the threat, as its operating model calls it. */
  readonly threatType: string | undefined;
  /** In which it was first out, in London. */
  readonly year: number | undefined;
  /** Each stands somewhere in title or text, whatever its case. */
  readonly words: readonly string[];
  /** Release and number of the last one seen. */
  readonly after: readonly [releasedAt: string, number: number] | undefined;
  readonly most: number;
};

export type PublicEntry = Omit<
  PublicVersion,
  'exercise' | 'asksAgain' | 'superseding' | 'isReviewLate'
> & {
  readonly threatType: string | null;
  /** When the first version was out that the reader may see. */
  readonly firstReleasedAt: Date;
};

/** What holds now of each live alert; what was released or changed last comes first. */
export async function listPublicAlerts(tx: Tx, search: PublicSearch): Promise<PublicEntry[]> {
  const { severity, threatType, year, words, after, most } = search;
  const isFound =
    words.length === 0
      ? sql`true`
      : sql`exists (
          -- Made once for all words: of long alerts it takes most of the time.
          select from (select lower(concat_ws(' ', alert.number, version.title, version.what,
            version.do_now, version.not_known, version.body)) as words offset 0) held
          where not exists (
            select from unnest(${[...words]}::text[]) word
            where position(lower(word) in held.words) = 0))`;
  return await tx.rows<PublicEntry>(sql`
    select * from (
      select alert.number as alert_number, version.number, version.kind, version.state,
        version.title, version.severity, version.marking, version.what, version.do_now,
        version.if_acted, version.not_known, version.next_update_at, version.body,
        version.closed_at, version.content, version.kev,
        version.content ->> 'threatType' as threat_type,
        -- As programs carry it in a cursor.
        date_trunc('milliseconds', version.released_at) as released_at,
        (select min(earlier.released_at) from alerts.version earlier
          where earlier.alert_id = alert.id) as first_released_at
      from alerts.alert
      join alerts.v_words version on version.alert_id = alert.id
      where version.state in ('released', 'closed') and not alert.exercise and ${isFound}
    ) shown
    where (${severity ?? null}::text is null or severity = ${severity ?? null})
      and (${threatType ?? null}::text is null or threat_type = ${threatType ?? null})
      and (${year ?? null}::int is null
        or extract(year from first_released_at at time zone ${ZONE}) = ${year ?? null})
      and (${after === undefined}
        or (released_at, alert_number)
          < (${after?.[0] ?? null}::timestamptz, ${after?.[1] ?? null}::int))
    order by released_at desc, alert_number desc
    limit ${most}`);
}

/** Years in which a live alert was first out that the reader may see, the newest first. */
export async function listPublicYears(tx: Tx): Promise<number[]> {
  const rows = await tx.rows<{ year: number }>(sql`
    select distinct extract(year from min(version.released_at) at time zone ${ZONE})::int as year
    from alerts.version
    join alerts.alert on alert.id = version.alert_id and not alert.exercise
    where version.state in ('released', 'superseded', 'closed')
    group by version.alert_id
    order by 1 desc`);
  return rows.map(({ year }) => year);
}
