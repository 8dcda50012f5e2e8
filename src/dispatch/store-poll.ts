/** Statements of asking providers by ourselves, where no callback can reach us. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** What is asked of a provider. */
export type Polled = { readonly gatewayId: string; readonly what: 'statuses' | 'texts' };

export type ToPoll = {
  /** What is older than the gateway itself is nobody's answer to us. */
  since: Date;
  /** Where the last turn stopped, and this one goes on; null where it begins with the newest. */
  olderThan: string | null;
};

export type PollRequest = Polled & {
  readonly owner: string;
  readonly leaseMs: number;
  /** Between two questions while something is live, and otherwise. */
  readonly liveMs: number;
  readonly idleMs: number;
  /** For how long after its release a dispatch keeps everything live: people answer late. */
  readonly liveForMs: number;
};

/**
 * Takes the turn to ask, where it is due, under a lease: any number of workers ask once. A list
 * that was not read to its end goes on at once.
 */
export async function claimPoll(tx: Tx, request: PollRequest): Promise<ToPoll | undefined> {
  return await tx.maybe<ToPoll>(sql`
    with pace as (
      select case when exists (select from dispatch.dispatch dispatch
          where dispatch.lane in (1, 2, 4) and dispatch.state <> 'held'
            and dispatch.released_at > now() - ${request.liveForMs} * interval '1 ms')
        then ${request.liveMs}::int else ${request.idleMs}::int end * interval '1 ms' as every
    )
    insert into dispatch.poll as poll (gateway_id, what, owner, lease_until)
    select gateway.id, ${request.what}, ${request.owner},
      now() + ${request.leaseMs} * interval '1 ms'
    from dispatch.gateway gateway
    where gateway.id = ${request.gatewayId} and gateway.removed_at is null
      and (gateway.polls = 'always' or (gateway.polls = 'without_token'
        and cardinality(gateway.callback_token_hashes) = 0))
      and (${request.what} = 'statuses' or gateway.takes_replies)
    on conflict (gateway_id, what) do update
      set owner = excluded.owner, lease_until = excluded.lease_until
      where (poll.lease_until is null or poll.lease_until < now())
        and (poll.polled_at is null or poll.older_than is not null
          or poll.polled_at <= now() - (select pace.every from pace))
    returning poll.older_than, (select gateway.created_at
      from dispatch.gateway gateway where gateway.id = poll.gateway_id) as since`);
}

export type PollEnd = Polled & {
  readonly owner: string;
  /** Where the next turn goes on; null where this one came to the end. */
  readonly olderThan: string | null;
};

/** It was asked; whoever took it over after our lease keeps it. */
export async function finishPoll(tx: Tx, done: PollEnd): Promise<void> {
  await tx.run(sql`
    update dispatch.poll set polled_at = now(), lease_until = null, older_than = ${done.olderThan}
    where gateway_id = ${done.gatewayId} and what = ${done.what} and owner = ${done.owner}`);
}
