/** Messages that stand in no dispatch of an alert, with what each kept of why it went. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { SingleReason } from '#operating-model/index.ts';

export type SingleRow = SingleReason & {
  id: string;
  channel: 'text' | 'mail';
  state: string;
  /** When it was to leave: at once. */
  dueAt: Date;
  /** When a provider took it, or its fate was known. */
  endedAt: Date | null;
  /** Of the centre; null where it went to a contact. */
  person: string | null;
  /** Whose number or address it is now; a contact may have changed it since. */
  organisations: string[];
};

/** The newest first; `after`: the id of the last one seen. */
export async function listSingles(
  tx: Tx,
  { after, most }: { readonly after: string | undefined; readonly most: number },
): Promise<SingleRow[]> {
  return await tx.rows<SingleRow>(sql`
    select page.id, page.channel, page.state, page.due_at, page.ended_at, page.rule,
      page.rule_version as version, page.rule_fact as fact,
      (select person.name from identity.v_person person
        where person.id = page.contact_point_id) as person,
      array(select owner.short_name from organisations.v_contact_point_owner owner
        where owner.contact_point_id = page.contact_point_id
        order by owner.short_name) as organisations
    from (
      select id, contact_point_id, channel, state, due_at, ended_at, rule, rule_version, rule_fact
      from dispatch.v_single
      where ${after === undefined ? sql`true` : sql`id < ${after}`}
      order by id desc limit ${most}) page
    order by page.id desc`);
}
