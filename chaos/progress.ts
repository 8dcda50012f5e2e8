/** Where a run stands, in a line every few seconds: a run that stops moving says what it waits for. */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { pause } from './part.ts';

const EVERY_MS = 10_000;

/** Tells until `isOver`. */
export async function tellProgress(
  owner: Database,
  isOver: () => boolean,
  say: (sentence: string) => void,
): Promise<void> {
  const startedAt = performance.now();
  while (!isOver()) {
    const line = await readProgress(owner).catch(() => 'the database does not answer');
    say(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(5)} s: ${line}`);
    for (let waitedMs = 0; waitedMs < EVERY_MS && !isOver(); waitedMs += 500) await pause(500);
  }
}

type Standing = {
  ready: number;
  claimed: number;
  unknown: number;
  ended: number;
  hold: string | null;
  isProven: boolean;
  breaker: string;
  openings: number;
  pauseReason: string | null;
};

async function readProgress(owner: Database): Promise<string> {
  const now = await owner.withActor(system('chaos'), (tx) =>
    tx.one<Standing>(sql`
      select counted.ready, counted.claimed, counted.unknown, counted.ended,
        continuity.held_reason as hold,
        continuity.proven_start = pg_postmaster_start_time() as is_proven,
        breaker.state as breaker, breaker.openings,
        case when bucket.paused_until > clock_timestamp() then bucket.pause_reason end
          as pause_reason
      from (
        select count(*) filter (where message.state = 'ready') as ready,
          count(*) filter (where message.state = 'claimed') as claimed,
          count(*) filter (where message.state = 'unknown') as unknown,
          count(*) filter (where message.state not in ('ready', 'claimed', 'unknown')) as ended
        from dispatch.message message
        join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
        where dispatch.released_at is not null
      ) counted
      cross join dispatch.continuity continuity
      join dispatch.breaker breaker on breaker.gateway_id = 'notify'
      join dispatch.gateway gateway on gateway.id = breaker.gateway_id
      join dispatch.bucket bucket on bucket.id = gateway.bucket_id`),
  );
  return [
    `${now.ended} ended, ${now.ready} ready, ${now.claimed} claimed, ${now.unknown} unknown`,
    ...(now.breaker === 'closed' ? [] : [`breaker ${now.breaker} (opening ${now.openings})`]),
    ...(now.pauseReason === null ? [] : [`paused: ${now.pauseReason}`]),
    ...(now.hold === null ? [] : [`held: ${now.hold}`]),
    ...(now.isProven ? [] : ['history not compared yet']),
  ].join('; ');
}
