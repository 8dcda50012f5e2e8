/** Statements of asking providers by ourselves, where no callback can reach us. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type ToPoll = {
  gatewayId: string;
  what: 'statuses' | 'texts';
  /** What is older than the gateway itself is nobody's answer to us. */
  since: Date;
};

export type PollRequest = {
  /** The gateways this process can ask. */
  readonly gatewayIds: readonly string[];
  readonly owner: string;
  readonly leaseMs: number;
  /** Between two questions while something is live, and otherwise. */
  readonly liveMs: number;
  readonly idleMs: number;
  /** For how long after its release a dispatch keeps everything live: people answer late. */
  readonly liveForMs: number;
};

/** Takes what is due to be asked, under a lease: any number of workers ask once. */
export async function claimPolls(tx: Tx, request: PollRequest): Promise<ToPoll[]> {
  return await tx.rows<ToPoll>(sql`
    with pace as (
      select case when exists (select from dispatch.dispatch dispatch
          where dispatch.lane in (1, 2, 4) and dispatch.state <> 'held'
            and dispatch.released_at > now() - ${request.liveForMs} * interval '1 ms')
        then ${request.liveMs}::int else ${request.idleMs}::int end * interval '1 ms' as every
    ), wanted as (
      select gateway.id, asked.what
      from dispatch.gateway gateway, unnest(array['statuses', 'texts']) as asked (what)
      where gateway.id = any(${[...request.gatewayIds]}) and gateway.removed_at is null
        and (gateway.polls = 'always' or (gateway.polls = 'without_token'
          and cardinality(gateway.callback_token_hashes) = 0))
        and (asked.what = 'statuses' or gateway.takes_replies)
    )
    insert into dispatch.poll as poll (gateway_id, what, owner, lease_until)
    select wanted.id, wanted.what, ${request.owner}, now() + ${request.leaseMs} * interval '1 ms'
    from wanted
    on conflict (gateway_id, what) do update
      set owner = excluded.owner, lease_until = excluded.lease_until
      where (poll.lease_until is null or poll.lease_until < now())
        and (poll.polled_at is null or poll.polled_at <= now() - (select pace.every from pace))
    returning poll.gateway_id, poll.what, (select gateway.created_at
      from dispatch.gateway gateway where gateway.id = poll.gateway_id) as since`);
}

/** It was asked; whoever took it over after our lease keeps it. */
export async function finishPoll(
  tx: Tx,
  done: { gatewayId: string; what: string; owner: string },
): Promise<void> {
  await tx.run(sql`
    update dispatch.poll set polled_at = now(), lease_until = null
    where gateway_id = ${done.gatewayId} and what = ${done.what} and owner = ${done.owner}`);
}
