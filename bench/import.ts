/** 100,000 contacts with a number and an address each, by the command line and by the page. */
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import type { ImportAnswer, ImportOrder } from './import-player.ts';
import { startPlayer } from './player.ts';
import { numberOf } from './scene.ts';
import type { Stage } from './stage.ts';

const ORGANISATIONS = 20_000;
const RANKS = 5;
const CONTACTS = ORGANISATIONS * RANKS;
const TARGET_SECONDS = 20;
const TARGET_MEGABYTES = 512;
const actor = system('bench');

type Tried = ImportAnswer & { readonly copySeconds: number };

export async function measureImport(stage: Stage, runs: number): Promise<Measurement[]> {
  const file = fileOfContacts();
  const tried: Record<ImportOrder['way'], Tried[]> = { command: [], page: [] };
  for (let run = 1; run <= runs; run += 1) {
    for (const way of ['command', 'page'] as const) {
      const one = await tryOnce(stage, way, file);
      tried[way].push(one);
      const { seconds, checkSeconds, residentMaxMegabytes, copySeconds } = one;
      stage.say(
        `  ${way} ${run}: ${rounded(seconds)} s (check ${rounded(checkSeconds)} s), ` +
          `${rounded(residentMaxMegabytes)} MB, plain copy ${rounded(copySeconds)} s`,
      );
    }
  }
  return [
    secondsOf('import', 'bin/tocsin import', tried.command),
    secondsOf('import_page', 'the import page, after its check', tried.page),
    memoryOf([...tried.command, ...tried.page]),
  ];
}

function secondsOf(id: string, way: string, tried: readonly Tried[]): Measurement {
  return judge({
    id,
    title: `${CONTACTS} contacts with a number and an address each by ${way}`,
    unit: 's',
    value: median(tried.map(({ seconds }) => seconds)),
    limit: median(tried.map(({ copySeconds }) => copySeconds)),
    limitIs: 'insert … select of the same rows into copies of the three tables with their indexes',
    target: TARGET_SECONDS,
    better: 'less',
    runs: tried.map(({ seconds }) => seconds),
    notes: [`check alone ${tried.map(({ checkSeconds }) => rounded(checkSeconds)).join(', ')} s`],
  });
}

function memoryOf(tried: readonly Tried[]): Measurement {
  const most = tried.map(({ residentMaxMegabytes }) => residentMaxMegabytes);
  const before = tried.map(({ idleMegabytes }) => idleMegabytes);
  return judge({
    id: 'import_memory',
    title: `largest resident memory of the process that imports ${CONTACTS} contacts`,
    unit: 'MB',
    value: Math.max(...most),
    limit: median(before),
    limitIs: 'the same process before',
    target: TARGET_MEGABYTES,
    better: 'less',
    runs: most,
  });
}

async function tryOnce(stage: Stage, way: ImportOrder['way'], file: string): Promise<Tried> {
  const database = await stage.freshDatabase();
  const player = startPlayer<ImportAnswer>('import-player.ts');
  try {
    await fillOrganisations(database.owner);
    const order: ImportOrder = {
      way,
      file,
      actorId: newId(),
      database: database.workerConfig,
      sealingKey: stage.sealingKey,
    };
    const answer = await player.ask(order);
    await checkContacts(database.owner);
    return { ...answer, copySeconds: await copyOnce(database.owner) };
  } finally {
    await player.stop();
    await database.drop();
  }
}

function fileOfContacts(): string {
  const lines = ['organisation_code,name,kind,role,rank,mobile,email'];
  for (let i = 0; i < CONTACTS; i += 1) {
    const rank = (i % RANKS) + 1;
    const code = `BENCH-${Math.floor(i / RANKS) + 1}`;
    lines.push(`${code},Person ${i},person,ciso,${rank},+${numberOf(i)},person-${i}@bench.test`);
  }
  return `${lines.join('\n')}\n`;
}

async function fillOrganisations(owner: Database): Promise<void> {
  await owner.withActor(actor, (tx) =>
    tx.run(sql`
      insert into organisations.organisation (code, name, short_name, type, must_answer, source)
      select 'BENCH-' || n, 'Bench organisation ' || n, 'Bench ' || n, 'trust', true, 'csv'
      from generate_series(1, ${ORGANISATIONS}) n`),
  );
}

async function checkContacts(owner: Database): Promise<void> {
  const { contacts, points } = await owner.withActor(actor, (tx) =>
    tx.one<{ contacts: number; points: number }>(sql`
      select (select count(*) from organisations.contact) as contacts,
        (select count(*) from organisations.contact_contact_point) as points`),
  );
  if (contacts !== CONTACTS || points !== 2 * CONTACTS)
    throw new Error(`${contacts} contacts with ${points} contact points`);
}

const copied = [sql`contact`, sql`contact_point`, sql`contact_contact_point`];

async function copyOnce(owner: Database): Promise<number> {
  const asBench = async (work: (name: (typeof copied)[number]) => ReturnType<typeof sql>) =>
    await owner.withActor(actor, async (tx) => {
      for (const name of copied) await tx.run(work(name));
    });
  await asBench(
    (name) => sql`create table public.${name} (like organisations.${name} including indexes)`,
  );
  const startedAt = performance.now();
  await asBench((name) => sql`insert into public.${name} select * from organisations.${name}`);
  const seconds = (performance.now() - startedAt) / 1000;
  await asBench((name) => sql`drop table public.${name}`);
  return seconds;
}
