/** Submitting an alert to an audience of 100,000 contact points: freeze, render, hash, ask. */
import { newId } from '#kernel/ids.ts';
import { permissions, type Actor, type Permission } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { createAlert, submitAlert, type AlertContext, type Wording } from '#alerts/index.ts';
import { loadOperatingModel, type OperatingModel } from '#operating-model/index.ts';
import { everybody } from '#organisations/index.ts';
import path from 'node:path';
import { judge, median, rounded, type Measurement } from './figure.ts';
import { CONTACT_POINTS, fillDirectory } from './directory.ts';
import type { BenchDatabase, Stage } from './stage.ts';

const TARGET_SECONDS = 2;

const wording: Wording = {
  title: 'Ransomware through Citrix gateways',
  severity: 'critical',
  marking: 'CLEAR',
  what: 'Ransomware via Citrix',
  doNow: 'Isolate Citrix gateways now',
  notKnown: 'Who is behind it.',
  nextUpdateAt: new Date(Date.now() + 3_600_000),
  body: 'Three organisations report encrypted file servers since 02:10. '.repeat(10),
  ownText: null,
};

export async function measureFreeze(stage: Stage, runs: number): Promise<Measurement> {
  const model = await loadOperatingModel(path.join(import.meta.dirname, '../operating-model.yaml'));
  if (!model.ok) throw new Error(model.message);
  const freezes: number[] = [];
  const copies: number[] = [];
  const database = await stage.freshDatabase();
  try {
    await fillDirectory(database.owner, stage.sealingKey);
    for (let run = 1; run <= runs; run += 1) {
      const frozen = await freezeOnce(database, model.value);
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

async function freezeOnce(database: BenchDatabase, model: OperatingModel) {
  const actor = officer();
  const context: AlertContext = {
    model,
    origin: 'https://cyber.example',
    formatTime: (at) => at.toISOString(),
    clockOf: (at) => at.toISOString().slice(11, 16),
  };
  const draft = { wording, audience: everybody };
  const created = await database.web.attempt(actor, (tx) => createAlert(tx, model, draft));
  if (!created.ok) throw new Error(created.message);
  const alertId = created.value.id;
  const startedAt = performance.now();
  const submitted = await database.web.attempt(actor, (tx) =>
    submitAlert(tx, context, { alertId, revision: 1, now: new Date() }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  if (!submitted.ok) throw new Error(submitted.message);
  if (submitted.value.messages !== CONTACT_POINTS)
    throw new Error(`${submitted.value.messages} messages`);
  await checkCodes(database.owner, actor);
  return { seconds, dispatchId: await newestDispatch(database.owner, actor) };
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

function officer(): Actor {
  const all = new Set(Object.keys(permissions) as Permission[]);
  return { kind: 'person', id: newId(), name: 'Bench officer', permissions: all };
}

async function newestDispatch(owner: Database, actor: Actor): Promise<string> {
  const { id } = await owner.withActor(actor, (tx) =>
    tx.one<{ id: string }>(sql`
      select dispatch_id as id from alerts.submission order by submitted_at desc limit 1`),
  );
  return id;
}
