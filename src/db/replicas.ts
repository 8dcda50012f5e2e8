/**
 * Commits, and a site's synchronous replicas (`synchronous_standby_names`). Where PostgreSQL waits
 * for a replica that is away it waits for ever, its row locks held, and neither `statement_timeout`
 * nor the end of the client ends that. So every connection of ours commits on this server alone,
 * and what must not be lost with it asks afterwards, holding nothing, whether the replicas have it.
 */
import type { Pool } from 'pg';

/** A setting of every connection of ours, as PostgreSQL's command line takes it. */
export const COMMITS_HERE = '-c synchronous_commit=local';

/** After a release a replica may be seconds behind; a claim that waits for longer is given back. */
const WAIT_MAX_MS = 5_000;

/**
 * Commits a mark of some bytes as `synchronous_commit = on` does: when that returns, the replicas
 * have flushed it and all that was committed before. A stricter setting of the site
 * (`remote_apply`) adds nothing: what is flushed is not lost. In a DO block, because only there
 * `statement_timeout` runs on during the commit. What it ends is committed here, and PostgreSQL
 * does no more than warn that the replica may lack it.
 */
const COMMIT_THERE = `do $$ begin
  perform set_config('synchronous_commit', 'on', true);
  perform set_config('client_min_messages', 'warning', true);
  perform pg_logical_emit_message(true, 'tocsin', '');
  commit;
end $$`;

const CANCELLED = '57014';

/** Whether the replicas that the server waits for have all that was committed before. */
export async function isReplicated(pool: Pool): Promise<boolean> {
  const client = await pool.connect();
  let broken: Error | undefined;
  let isWarned = false;
  const warn = () => (isWarned = true);
  client.on('notice', warn);
  try {
    await client.query(`set statement_timeout = ${WAIT_MAX_MS}`);
    await client.query(COMMIT_THERE);
    await client.query('reset statement_timeout');
    return !isWarned;
  } catch (error) {
    broken = error as Error;
    if ((error as { code?: string }).code === CANCELLED) return false;
    throw error;
  } finally {
    client.off('notice', warn);
    client.release(broken);
  }
}
