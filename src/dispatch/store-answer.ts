/** Statements of single messages (lane 0): to somebody who just texted us, asked for a code, or is woken. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { homeOf, ways } from './store-home.ts';

/** The standing dispatch of migrations/0004. */
const ANSWERS = '00000000-0000-4000-8000-000000000000';

export type SingleMessage = {
  readonly contactPointId: string;
  readonly addressSealed: Buffer;
  readonly code: string;
  readonly body: string;
  /** Of a mail; a text has none. */
  readonly subject?: string;
  /** The rule that sends it, the version of the operating model that has it, and its facts. */
  readonly because: { readonly rule: string; readonly version: string; readonly fact: string };
  /** Where their text came in: the answer leaves by the same gateway, if it is on. Else null. */
  readonly gatewayId: string | null;
  /** No more than so many in an hour to one number: two machines must not talk for ever. */
  readonly perHourMax: number;
};

/**
 * Queues these, each to another contact point, but for numbers that had their share; says how many.
 */
export async function insertSingleMessages(
  tx: Tx,
  messages: readonly (SingleMessage & { readonly id: string })[],
): Promise<number> {
  return await tx.run(sql`
    with ${ways}
    insert into dispatch.message (id, dispatch_id, contact_point_id, channel, round, rank, code,
      subject, body, address_sealed, state, due_at, expires_at, home_gateway_id,
      rule, rule_version, rule_fact)
    select message.id, ${ANSWERS}, message.contact_point_id, message.channel,
      earlier.last_round + 1, 1, message.code, message.subject, message.body,
      message.address_sealed, 'ready', now(),
      now() + (select expires_after from dispatch.dispatch where id = ${ANSWERS}),
      coalesce((select way.id from way
        where way.id = message.gateway_id and way.channel = message.channel), ${homeOf}),
      message.rule, message.rule_version, message.rule_fact
    from unnest(${messages.map((m) => m.id)}::uuid[],
      ${messages.map((m) => m.contactPointId)}::uuid[],
      ${messages.map((m) => (m.subject === undefined ? 'text' : 'mail'))}::text[],
      ${messages.map((m) => m.code)}::text[], ${messages.map((m) => m.subject ?? null)}::text[],
      ${messages.map((m) => m.body)}::text[], ${messages.map((m) => m.addressSealed)}::bytea[],
      ${messages.map((m) => m.gatewayId)}::text[], ${messages.map((m) => m.perHourMax)}::int[],
      ${messages.map((m) => m.because.rule)}::text[],
      ${messages.map((m) => m.because.version)}::text[],
      ${messages.map((m) => m.because.fact)}::text[])
      as message (id, contact_point_id, channel, code, subject, body, address_sealed, gateway_id,
        per_hour_max, rule, rule_version, rule_fact)
    cross join lateral (
      select coalesce(max(sent.round), 0) as last_round,
        count(*) filter (where sent.due_at > now() - interval '1 hour') as lately
      from dispatch.message sent
      where sent.dispatch_id = ${ANSWERS} and sent.contact_point_id = message.contact_point_id
    ) earlier
    where earlier.lately < message.per_hour_max`);
}

/** Engines look for new answers at once. */
export async function notifyAnswers(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_notify('tocsin_steer', ${ANSWERS})`);
}
