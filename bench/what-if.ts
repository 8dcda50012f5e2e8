/** Rehearsals: a year of alerts over 2,000 organisations, and one alert over 10,000. */
import { system } from '#kernel/actor.ts';
import { loadOperatingModel } from '#operating-model/index.ts';
import {
  imagine,
  parseAsked,
  readDirectory,
  rehearse,
  readYear,
  rehearseYears,
  type Subject,
  type Year,
} from '#what-if/index.ts';
import { upsertGateway } from '#dispatch/index.ts';
import type { Database } from '#db/database.ts';
import { fillDirectory } from './directory.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import type { Stage } from './stage.ts';

const YEAR_ORGANISATIONS = 2_000;
const YEAR_TARGET_S = 30;
const ALERT_ORGANISATIONS = 10_000;
const ALERT_TARGET_MS = 3_000;

const actor = system('bench');
const context = { origin: 'https://bench.test', formatTime: (at: Date) => at.toISOString() };

const posts = [1, 2, 3].map((rank) => ({ rank, channels: ['text', 'mail'] as const }));

export async function measureWhatIfYear(stage: Stage, runs: number): Promise<Measurement> {
  const model = await rules();
  return await onDirectory(stage, YEAR_ORGANISATIONS, async (database) => {
    const took: number[] = [];
    const reads: number[] = [];
    let year: Year | undefined;
    for (let run = 0; run < runs; run += 1) {
      const { imagined } = await subjectOf(database, model);
      [year] = await timed(took, async () =>
        rehearseYears(await database.withActor(actor, (tx) => readYear(tx, imagined, [model]))),
      );
      await timed(reads, () => sortAll(year!.texts + year!.mails));
    }
    return judge({
      id: 'what_if_year',
      title: `a year of ${year!.alerts} alerts over ${YEAR_ORGANISATIONS} organisations, rehearsed`,
      unit: 's',
      value: median(took) / 1_000,
      limit: median(reads) / 1_000,
      limitIs: 'as many moments as messages left, made and put in order',
      target: YEAR_TARGET_S,
      better: 'less',
      runs: took.map((ms) => ms / 1_000),
      notes: [`${year!.texts} texts and ${year!.mails} mails left on the simulated clock`],
    });
  });
}

export async function measureWhatIfAlert(stage: Stage, runs: number): Promise<Measurement> {
  const model = await rules();
  return await onDirectory(stage, ALERT_ORGANISATIONS, async (database) => {
    const took: number[] = [];
    const reads: number[] = [];
    let texts = 0;
    for (let run = 0; run < runs; run += 1) {
      const { imagined } = await subjectOf(database, model);
      const other = { ...model, version: 'b'.repeat(64) };
      await timed(took, () =>
        database.withActor(actor, async (tx) => {
          const sides = await rehearse(tx, imagined, [model, other]);
          if (!sides.ok) throw new Error(sides.message);
          texts = sides.value[0]!.summary.texts;
        }),
      );
      await timed(reads, () =>
        database.withActor(actor, (tx) => readDirectory(tx, imagined.question)),
      );
    }
    return judge({
      id: 'what_if_alert',
      title: `one alert over ${ALERT_ORGANISATIONS} organisations, rehearsed under two sets of rules`,
      unit: 'ms',
      value: median(took),
      limit: median(reads),
      limitIs: 'reading the directory, which both share',
      target: ALERT_TARGET_MS,
      better: 'less',
      runs: took,
      notes: [`${rounded(texts)} texts left under each`],
    });
  });
}

async function rules() {
  const loaded = await loadOperatingModel('operating-model.yaml');
  if (!loaded.ok) throw new Error(loaded.message);
  return loaded.value;
}

async function subjectOf(
  database: Database,
  model: Awaited<ReturnType<typeof rules>>,
): Promise<Subject> {
  const now = new Date(Date.UTC(2027, 0, 4, 9));
  const asked = parseAsked({ severity: 'critical', behaviour: 'working_day' }, { model, now });
  if (!asked.ok) throw new Error(asked.message);
  const subject = await database.withActor(actor, (tx) => imagine(tx, context, asked.value));
  if (!subject.ok) throw new Error(subject.message);
  return subject.value;
}

async function onDirectory(
  stage: Stage,
  organisations: number,
  measure: (database: Database) => Promise<Measurement>,
): Promise<Measurement> {
  const database = await stage.freshDatabase();
  try {
    await fillDirectory(database.owner, stage.sealingKey, posts, organisations);
    for (const channel of ['text', 'mail'] as const) await addGateway(database.owner, channel);
    return await measure(database.web);
  } finally {
    await database.drop();
  }
}

/** As fast as Notify, and on a bucket of its own. */
async function addGateway(owner: Database, channel: 'text' | 'mail'): Promise<void> {
  await owner.withActor(actor, (tx) =>
    upsertGateway(tx, {
      id: `bench-${channel}`,
      kind: channel === 'text' ? 'notify' : 'smtp',
      channel,
      bucket: { id: `bench-${channel}`, ratePerSecond: 49.5, burst: 980 },
      canBeAsked: channel === 'text',
      takesReplies: channel === 'text',
      settingsSealed: Buffer.from('unused'),
      callbackTokenHash: null,
    }),
  );
}

async function timed<T>(took: number[], work: () => T | Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  took.push(performance.now() - startedAt);
  return result;
}

function sortAll(moments: number): number {
  const all = Array.from({ length: moments }, (_, i) => ({ atMs: Math.imul(i, 0x9e3779b1) >>> 0 }));
  return all.toSorted((a, b) => a.atMs - b.atMs).length;
}
