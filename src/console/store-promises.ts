/** What officers did lately that all of them must know, and whom a broken promise woke. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type Announcement = {
  id: string;
  alertId: string;
  alertNumber: number;
  title: string;
  what: 'sent_alone' | 'corrected' | 'withdrawn' | 'closed';
  at: Date;
  byName: string;
  /** Of what was withdrawn: who was told of it by phone, and has to be rung. */
  toRing: number;
};

const ANNOUNCEMENTS_MAX = 20;

/** The newest first. */
export async function listAnnouncements(
  tx: Tx,
  { withinMs }: { readonly withinMs: number },
): Promise<Announcement[]> {
  return await tx.rows<Announcement>(sql`
    select id, alert_id, alert_number, title, what, at, by_name,
      case what when 'withdrawn' then (
        select count(*) from responses.v_to_ring to_ring
        where to_ring.alert_id = announcement.alert_id) else 0 end as to_ring
    from alerts.v_announcement announcement
    where at > now() - ${withinMs} * interval '1 ms' order by at desc limit ${ANNOUNCEMENTS_MAX}`);
}

export type OwedReview = {
  alertId: string;
  alertNumber: number;
  title: string;
  at: Date;
  byName: string;
  reviewDueAt: Date;
};

/** What one person let go and nobody else has looked at, the first that is due first. */
export async function listOwedReviews(tx: Tx): Promise<OwedReview[]> {
  return await tx.rows<OwedReview>(sql`
    select alert_id, alert_number, title, at, by_name, review_due_at from alerts.v_alone
    where reviewed_at is null order by review_due_at, alert_number`);
}

export type Woken = { subjectId: string; name: string; at: Date };

export type RegionTold = { name: string; at: Date };

/** The leads of regions who were told of silent organisations, in the order of names. */
export async function listRegionsTold(tx: Tx, alertId: string): Promise<RegionTold[]> {
  return await tx.rows<RegionTold>(sql`
    select name, max(at) as at from identity.v_woken
    where kind = 'region' and subject_id = ${alertId} group by name order by name`);
}

/** Who was woken for the next updates of these versions as they are promised now, last first. */
export async function listWokenForUpdates(tx: Tx, versionIds: readonly string[]): Promise<Woken[]> {
  return await tx.rows<Woken>(sql`
    select subject_id, name, max(at) as at from identity.v_woken
    where kind = 'next_update' and subject_id = any(${[...versionIds]}::uuid[])
    group by subject_id, name order by max(at) desc, name`);
}
