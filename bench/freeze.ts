/** Submitting an alert to an audience of 100,000 contact points: freeze, render, hash, ask. */
import type { Actor } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import type { AlertContext } from '#alerts/index.ts';
import { contextOf, readModel, submitToEverybody } from './alert.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import { CONTACT_POINTS, fillDirectory } from './directory.ts';
import type { BenchDatabase, Stage } from './stage.ts';

const TARGET_SECONDS = 2;

export async function measureFreeze(stage: Stage, runs: number): Promise<Measurement> {
  const context = contextOf(await readModel());
  const freezes: number[] = [];
  const copies: number[] = [];
  const database = await stage.freshDatabase();
  try {
    await fillDirectory(database.owner, stage.sealingKey);
    for (let run = 1; run <= runs; run += 1) {
      const frozen = await freezeOnce(database, context);
      freezes.push(frozen.seconds);
      copies.push(await copyOnce(database.owner, frozen.dispatchId));
      stage.say(
        `  run ${run}: ${rounded(frozen.seconds)} s, plain copy ${rounded(copies.at(-1)!)} s`,
      );
    }
  } finally {
    await database.drop();
  }
  return judge({
    id: 'freeze',
    title: `submitting to ${CONTACT_POINTS} contact points: one transaction with its commit`,
    unit: 's',
    value: median(freezes),
    limit: median(copies),
    limitIs: 'insert … select of the same messages into a copy of the table with its indexes',
    target: TARGET_SECONDS,
    better: 'less',
    runs: freezes,
    notes: [`plain copies: ${copies.map(rounded).join(', ')} s`],
  });
}

async function freezeOnce(database: BenchDatabase, context: AlertContext) {
  const submitted = await submitToEverybody(database.web, context);
  const { messages, submitter, dispatchId, seconds } = submitted;
  if (messages !== CONTACT_POINTS) throw new Error(`${messages} messages`);
  await checkCodes(database.owner, submitter);
  return { seconds, dispatchId };
}

/** A fast freeze that gives every organisation the same code would be worth nothing. */
async function checkCodes(owner: Database, actor: Actor): Promise<void> {
  const { codes } = await owner.withActor(actor, (tx) =>
    tx.one<{ codes: number }>(sql`
      select count(distinct code) as codes from alerts.recipient
      where submission_id = (select id from alerts.submission order by submitted_at desc limit 1)`),
  );
  if (codes < 1000) throw new Error(`only ${codes} different codes`);
}

/** The same rows once more into tables that only store and index them. */
async function copyOnce(owner: Database, dispatchId: string): Promise<number> {
  const actor = { kind: 'system', name: 'bench' } as const;
  await owner.withActor(actor, async (tx) => {
    await tx.run(sql`create table public.plain_message (like dispatch.message including indexes)`);
  });
  const startedAt = performance.now();
  await owner.withActor(actor, async (tx) => {
    await tx.run(sql`
      insert into public.plain_message
      select * from dispatch.message where dispatch_id = ${dispatchId}`);
  });
  const seconds = (performance.now() - startedAt) / 1000;
  await owner.withActor(actor, (tx) => tx.run(sql`drop table public.plain_message`));
  return seconds;
}
