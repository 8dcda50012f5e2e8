/** Statements of single messages (lane 0): to somebody who just texted us, or is asked to answer. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { homeOf, ways } from './store-home.ts';

/** The standing dispatch of migrations/0004. */
const ANSWERS = '00000000-0000-4000-8000-000000000000';

export type AnswerText = {
  readonly contactPointId: string;
  readonly addressSealed: Buffer;
  readonly code: string;
  readonly body: string;
  /** Of a mail; a text has none. */
  readonly subject?: string;
  /** Where their text came in: the answer leaves by the same gateway, if it is on. Else null. */
  readonly gatewayId: string | null;
  /** No more than so many in an hour to one number: two machines must not talk for ever. */
  readonly perHourMax: number;
};

/** Queues the text; false where the number had its share. */
export async function insertAnswer(tx: Tx, answer: AnswerText): Promise<boolean> {
  const { subject } = answer;
  const channel = subject === undefined ? 'text' : 'mail';
  return (
    (await tx.run(sql`
      with ${ways}
      insert into dispatch.message (dispatch_id, contact_point_id, channel, round, rank, code,
        subject, body, address_sealed, state, due_at, expires_at, home_gateway_id)
      select ${ANSWERS}, ${answer.contactPointId}, ${channel}, coalesce(max(earlier.round), 0) + 1,
        1, ${answer.code}, ${subject ?? null}, ${answer.body}, ${answer.addressSealed}, 'ready',
        now(), now() + (select expires_after from dispatch.dispatch where id = ${ANSWERS}),
        coalesce(
          (select way.id from way where way.id = ${answer.gatewayId} and way.channel = ${channel}),
          (select ${homeOf} from (values (${answer.contactPointId}::uuid, ${channel}::text))
            as message (contact_point_id, channel)))
      from dispatch.message earlier
      where earlier.dispatch_id = ${ANSWERS} and earlier.contact_point_id = ${answer.contactPointId}
      having count(*) filter (where earlier.due_at > now() - interval '1 hour')
        < ${answer.perHourMax}`)) === 1
  );
}

/** Engines look for new answers at once. */
export async function notifyAnswers(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_notify('tocsin_steer', ${ANSWERS})`);
}
