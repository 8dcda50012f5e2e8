/** How long a dead worker and a wave of lost answers leave anything in doubt. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { inTheatre } from './engine.ts';
import { judge, rounded, type Measurement } from './figure.ts';
import { checkAllAccepted, makeDispatch, openBucket, readStates, release } from './scene.ts';
import { untilSettled } from './scene.ts';
import { addFault, readState, type Stage } from './stage.ts';

const TIMEOUT_MS = 200_000;

/** Of production: the lease, the quiet period and the second of two look-ups, in seconds. */
export const LEASE_S = 62;
export const QUIET_S = 35;
export const GAP_S = 15;
export const CERTAIN_WITHIN_S = 120;
const DEATH_TEXTS = 2_000;
const DEATH_DELAY_MS = 200;
/** In *created* for a minute, before the first look-up; final after all is over. */
const HANDED_OVER = '--receipt-delay-ms=200000,200000';

export async function measureWorkerDeath(stage: Stage): Promise<Measurement> {
  const { seconds, doubtful, accepted } = await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-limiter', '--no-ledger', HANDED_OVER] },
    async ({ database, simulator, startEngine }) => {
      await addFault(simulator, { fault: 'slow', delayMs: DEATH_DELAY_MS, on: 'send' });
      const id = await makeDispatch(database.owner, stage.sealingKey, DEATH_TEXTS);
      const victim = await startEngine();
      await release(database.web, id);
      await delay(1_500);
      await victim.kill();
      const diedAt = performance.now();
      const doubtful = (await readStates(database.owner, id))['claimed'] ?? 0;
      await startEngine();
      await untilNoDoubt(database.owner, id);
      const seconds = (performance.now() - diedAt) / 1_000;
      await untilSettled(database.owner, id, TIMEOUT_MS);
      await checkAllAccepted(database.owner, id);
      return { seconds, doubtful, ...(await readState(simulator)) };
    },
  );
  const limit = LEASE_S + QUIET_S + GAP_S;
  return judge({
    id: 'worker_death',
    title: 'from the kill -9 of a worker until every message it held is certain, production waits',
    unit: 's',
    value: seconds,
    limit,
    limitIs: `lease ${LEASE_S} s, quiet ${QUIET_S} s, second look-up ${GAP_S} s`,
    target: CERTAIN_WITHIN_S,
    better: 'less',
    runs: [seconds],
    alsoNeeds: accepted === DEATH_TEXTS && doubtful > 0,
    notes: [`${doubtful} in doubt at its death; the provider accepted ${accepted}`],
  });
}

const UNKNOWNS = 5_000;
const RECONCILED_WITHIN_S = 60;
/** Single questions at 8 at once and 20 ms each. */
const LOOKUP_DELAY_MS = 20;

export async function measureReconcile(stage: Stage): Promise<Measurement> {
  const seconds = await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-limiter', '--no-ledger', '--receipt-delay-ms=0,0'] },
    async ({ database, simulator, startEngine }) => {
      const { owner, web } = database;
      const id = await makeDispatch(owner, stage.sealingKey, UNKNOWNS);
      const first = await startEngine();
      await release(web, id);
      await untilSettled(owner, id, TIMEOUT_MS);
      await first.stop();
      await forgetAnswers(owner, id);
      await addFault(simulator, { fault: 'slow', delayMs: LOOKUP_DELAY_MS, on: 'get' });
      const startedAt = performance.now();
      await startEngine();
      await untilNoDoubt(owner, id);
      return (performance.now() - startedAt) / 1_000;
    },
  );
  return judge({
    id: 'reconcile',
    title: `${UNKNOWNS} unknowns whose time has come, all found at the provider`,
    unit: 's',
    value: seconds,
    limit: (UNKNOWNS / 250) * (LOOKUP_DELAY_MS / 1_000),
    limitIs: `pages of 250, one after the other, ${LOOKUP_DELAY_MS} ms each`,
    target: RECONCILED_WITHIN_S,
    better: 'less',
    runs: [seconds],
    notes: [`${rounded(UNKNOWNS / seconds)} a second`],
  });
}

/** As if no answer had come: what a lost database or a dead worker leaves. */
async function forgetAnswers(owner: Database, dispatchId: string): Promise<void> {
  await owner.withActor(system('bench'), (tx) =>
    tx.run(sql`
      update dispatch.message set state = 'unknown', check_at = now(), checks = 0,
        provider_id = null, accepted_at = null, final_at = null
      where dispatch_id = ${dispatchId}`),
  );
}

export async function untilNoDoubt(owner: Database, dispatchId: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const { doubtful } = await owner.withActor(system('bench'), (tx) =>
      tx.one<{ doubtful: boolean }>(sql`
        select exists (select from dispatch.message
          where dispatch_id = ${dispatchId} and state in ('ready', 'claimed', 'unknown'))
          as doubtful`),
    );
    if (!doubtful) return;
    if (performance.now() > deadline) throw new Error('still in doubt');
    await delay(50);
  }
}
