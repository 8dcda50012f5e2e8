/** Whom a question would have reached with the directory as it was on a past day. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AsAt } from '../as-at.ts';
import type { AudienceQuestion } from '../model.ts';
import { contactsOn, dayOf, linksOn, organisationsOn } from '../store-as-at.ts';
import { existsOn, matchesOrganisation, matchesRole, type Counted } from './store-audience.ts';

/**
 * Counted one by one: the sums that are kept for today have no past. A number that several had is
 * one number.
 */
export async function countOn(tx: Tx, question: AudienceQuestion, asAt: AsAt): Promise<Counted> {
  const over = { id: sql`organisation.id`, on: dayOf(asAt) };
  return await tx.one<Counted>(sql`
    with chosen as materialized (
      select organisation.id, organisation.must_answer from ${organisationsOn(asAt)}
      where ${matchesOrganisation(question, over)} and ${existsOn(over.on)}
    ), told as materialized (
      select reachable.id, reachable.organisation_id
      from (select contact.id, contact.organisation_id, contact.active, contact.role, contact.rank
        from ${contactsOn(asAt)}) reachable
      where reachable.active and ${matchesRole(question)}
        and (reachable.organisation_id in (select chosen.id from chosen)) is true
    ), link as materialized (
      select told.organisation_id, link.point_id, link.channel
      from ${linksOn(asAt)} link join told on told.id = link.contact_id
      where link.channel in ('text', 'mail')
    )
    select (select count(*) from chosen) as organisations,
      (select count(*) from chosen where chosen.must_answer) as must_answer,
      (select count(*) from told) as contacts,
      count(distinct link.point_id) filter (where link.channel = 'text') as texts,
      count(distinct link.point_id) filter (where link.channel = 'mail') as mails,
      count(distinct link.organisation_id) as reached,
      count(distinct link.organisation_id) filter (where link.channel = 'text') as reached_by_text
    from link`);
}
