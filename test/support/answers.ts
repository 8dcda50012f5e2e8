/** Alerts that are out, and what came of the answers to them. */
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { deliverAll, messagesOf, releaseAlert, type Centre } from './centre.ts';

type Answered = { organisation: string; evidence: string; affected: string | null; help: boolean };

export function answersAt(centre: () => Centre) {
  /** Released and delivered; with the code that each number was sent. */
  async function liveAlert() {
    const alert = await releaseAlert(centre());
    await deliverAll(centre(), alert.dispatchId);
    const messages = await messagesOf(centre(), alert.dispatchId);
    const codeOf = (number: string) =>
      messages.find((message) => message.number === number && message.round === 1)!.code;
    return { ...alert, codeOf };
  }

  async function responsesTo(alertId: string): Promise<Answered[]> {
    return await centre().db.owner.withActor(system('test'), (tx) =>
      tx.rows<Answered>(sql`
        select organisation.short_name as organisation, evidence, affected,
          help_asked_at is not null as help
        from responses.response response
        join organisations.organisation organisation on organisation.id = response.organisation_id
        where alert_id = ${alertId} order by 1`),
    );
  }

  async function answersTo(alertId: string): Promise<number> {
    const { count } = await centre().db.owner.withActor(system('test'), (tx) =>
      tx.one<{ count: number }>(sql`
        select count(*) from responses.answer where alert_id = ${alertId}`),
    );
    return count;
  }

  async function deskItems(): Promise<{ kind: string; organisation: string | null }[]> {
    return await centre().db.owner.withActor(system('test'), (tx) =>
      tx.rows(sql`
        select kind, organisation.short_name as organisation from responses.desk_item item
        left join organisations.organisation organisation on organisation.id = item.organisation_id
        where state <> 'closed' order by item.created_at`),
    );
  }

  /** Ends what waits, so that the next test starts with an empty desk and no live alert. */
  async function tidy(alertId: string): Promise<void> {
    await centre().db.owner.withActor(system('test'), async (tx) => {
      await tx.run(sql`update alerts.version set state = 'closed', closed_at = now()
        where alert_id = ${alertId} and state = 'released'`);
      await tx.run(sql`update responses.desk_item set state = 'closed', claimed_at = now(),
        closed_at = now() where state <> 'closed'`);
    });
  }

  /** What we texted back, newest last. */
  async function answersSent(number: string): Promise<string[]> {
    const all = await messagesOf(centre(), '00000000-0000-4000-8000-000000000000');
    return all.filter((message) => message.number === number).map(({ body }) => body);
  }
  return { liveAlert, responsesTo, answersTo, deskItems, tidy, answersSent };
}
