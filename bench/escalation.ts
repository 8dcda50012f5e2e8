/** How long it takes until 10,000 organisations that fall due in one second are dealt with. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database, Tx } from '#db/database.ts';
import { standDown } from '#dispatch/index.ts';
import { inTheatre, NO_RECEIPTS, type Theatre } from './engine.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import { makeDispatch, openBucket, release, untilSettled } from './scene.ts';
import type { Stage } from './stage.ts';

const ORGANISATIONS = 10_000;
/** Some answer in the very second in which their next in line falls due. */
const ANSWER = 1_000;
const ANSWERS_TOGETHER = 50;
const RUNS = 3;
const TARGET_S = 5;
const DUE_IN_MS = 1_500;
const TIMEOUT_MS = 60_000;

export async function measureEscalation(stage: Stage): Promise<Measurement> {
  const runs: Escalated[] = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await escalateOnce(stage));
  const told = (of: (run: Escalated) => number) => runs.map((run) => rounded(of(run))).join(', ');
  return judge({
    id: 'escalation',
    title: `${ORGANISATIONS} organisations fall due in one second: until each is dealt with`,
    unit: 's',
    value: median(runs.map(({ seconds }) => seconds)),
    limit: median(runs.map(({ bareSeconds }) => bareSeconds)),
    limitIs: 'one statement that makes as many held messages ready, and asks nothing',
    target: TARGET_S,
    better: 'less',
    runs: runs.map(({ seconds }) => seconds),
    notes: [
      `the last of them was taken by the provider ${told(({ sentSeconds }) => sentSeconds)} s after it fell due`,
      `of ${ANSWER} that answered in that second ${told(({ calledOff }) => calledOff)} were called off, all others told; none was both`,
    ],
  });
}

type Escalated = {
  readonly seconds: number;
  readonly sentSeconds: number;
  readonly bareSeconds: number;
  readonly calledOff: number;
};

async function escalateOnce(stage: Stage): Promise<Escalated> {
  return await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS] },
    async ({ database, startEngine }) => {
      const id = await makeDispatch(database.owner, stage.sealingKey, ORGANISATIONS, { rounds: 2 });
      await startEngine();
      await release(database.web, id);
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const bareSeconds = await timeBare(database.owner, id);
      const dueAt = await fallDue(database.owner, id);
      await delay(dueAt - Date.now());
      const answering = answer(database.web, id);
      while ((await countRound(database.owner, id, 'held')) > 0) {
        if (Date.now() > dueAt + TIMEOUT_MS) throw new Error('round 2 is still held');
        await delay(20);
      }
      const seconds = (Date.now() - dueAt) / 1_000;
      await answering;
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const sentSeconds = (Date.now() - dueAt) / 1_000;
      const calledOff = await countRound(database.owner, id, 'cancelled');
      const gone = await countRound(database.owner, id, 'accepted');
      if (gone + calledOff !== ORGANISATIONS || calledOff > ANSWER)
        throw new Error(`${gone} gone and ${calledOff} called off of ${ORGANISATIONS}`);
      return { seconds, sentSeconds, bareSeconds, calledOff };
    },
  );
}

const own = <T>(database: Database, act: (tx: Tx) => Promise<T>) =>
  database.withActor(system('bench'), act);

/** Says when, in epoch ms. */
async function fallDue(owner: Database, id: string): Promise<number> {
  const { opensAt } = await own(owner, (tx) =>
    tx.one<{ opensAt: Date }>(sql`
      update dispatch.round set opens_at = now() + ${DUE_IN_MS} * interval '1 ms'
      where dispatch_id = ${id} and round = 2 returning opens_at`),
  );
  return opensAt.getTime();
}

async function countRound(owner: Database, id: string, state: string): Promise<number> {
  const { count } = await own(owner, (tx) =>
    tx.one<{ count: number }>(sql`
      select count(*) from dispatch.message
      where dispatch_id = ${id} and round = 2 and state = ${state}`),
  );
  return count;
}

/** As answers are dealt with: together, in transactions of their own. */
async function answer(web: Theatre['database']['web'], dispatchId: string): Promise<void> {
  const rows = await own(web, (tx) =>
    tx.rows<{ id: string }>(sql`
      select organisation_id as id from dispatch.v_credit
      where dispatch_id = ${dispatchId} and round = 2 order by 1 limit ${ANSWER}`),
  );
  for (let from = 0; from < rows.length; from += ANSWERS_TOGETHER) {
    const organisationIds = rows.slice(from, from + ANSWERS_TOGETHER).map(({ id }) => id);
    await own(web, (tx) => standDown(tx, { dispatchId, organisationIds }));
  }
}

/** Taken back at once: the real ones come after it. */
async function timeBare(owner: Database, id: string): Promise<number> {
  let seconds = 0;
  await own(owner, async (tx) => {
    await tx.run(sql`savepoint bare`);
    const began = performance.now();
    await tx.run(sql`
      update dispatch.message set state = 'ready', due_at = now(),
        expires_at = now() + interval '1 hour' where dispatch_id = ${id} and round = 2`);
    seconds = (performance.now() - began) / 1_000;
    await tx.run(sql`rollback to savepoint bare`);
  });
  return seconds;
}
