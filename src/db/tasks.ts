/**
 * Background tasks by graphile-worker: chores and news between slices, never messages (a queue
 * decides who may run, not whether a provider accepted). Jobs are written by `enqueue`, in the
 * transaction of what causes them.
 */
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { Pool, type ClientConfig } from 'pg';
import type { Log } from '#log.ts';

export type Tasks = Readonly<Record<string, (payload: unknown) => Promise<void>>>;

export type RunningTasks = { stop(): Promise<void> };

const CONCURRENCY = 4;
/** Times are UTC. */
const CRONTAB = [
  // Once a day, when little else happens.
  { at: '17 4 * * *', task: 'sweep' },
  { at: '47 4 * * *', task: 'keys' },
  // What begins on a day begins in its first minutes, in whichever zone the centre lives.
  { at: '1 * * * *', task: 'hourly' },
];

/**
 * Runs tasks until stopped. `owner` must be the owner of the tables: those of graphile-worker have
 * row-level security without a policy, so any other role would find no jobs and say nothing.
 */
export async function startTasks(
  owner: ClientConfig,
  tasks: Tasks,
  log: Log,
): Promise<RunningTasks> {
  const pool = new Pool({ ...owner, max: CONCURRENCY });
  pool.on('error', (error) => log.warn('tasks.connection_lost', { error }));
  pool.on('connect', (client) => client.on('error', () => {}));
  await unlockAfterCrash(pool);
  await forgetTimesAhead(pool);
  const runner = await run({
    pgPool: pool,
    taskList: { ...tasks },
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    pollInterval: 1_000,
    crontab: CRONTAB.filter(({ task }) => tasks[task] !== undefined)
      .map(({ at, task }) => `${at} ${task}`)
      .join('\n'),
    logger: namesOnly(log),
  });
  return {
    async stop() {
      await runner.stop();
      await pool.end();
    },
  };
}

/**
 * A killed worker's jobs stay locked for four hours (written in its SQL, no option). Whoever starts
 * after a crash frees them; a job that another live worker still runs may then run twice, which
 * every task bears: each looks first whether its work is done.
 */
async function unlockAfterCrash(pool: Pool): Promise<void> {
  const utils = await makeWorkerUtils({ pgPool: pool });
  const { rows } = await pool.query<{ lockedBy: string }>(
    `select distinct locked_by as "lockedBy" from graphile_worker.jobs where locked_by is not null`,
  );
  if (rows.length > 0) await utils.forceUnlockWorkers(rows.map((row) => row.lockedBy));
  await utils.release();
}

/**
 * What is done by the clock is done once for each time, and the last time is kept. A clock that ran
 * ahead for a while leaves one that is yet to come: until then nothing would be done.
 */
async function forgetTimesAhead(pool: Pool): Promise<void> {
  await pool.query(`
    update graphile_worker._private_known_crontabs set last_execution = null
    where last_execution > now()`);
}

/** Its sentences may repeat an error's message: only names are logged (P12). */
function namesOnly(log: Log): Logger {
  return new Logger(() => (level, _sentence, meta) => {
    if (level === 'error') log.error('tasks.failed', { error: meta?.['error'] });
  });
}
