/**
 * How many answers to an alert a second are taken while it is being sent, and how fast: by the page
 * that its texts name, and by text.
 */
import { newId } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import { open } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { approve, contextOf, readModel, submitToEverybody, type Submitted } from './alert.ts';
import { fillDirectory } from './directory.ts';
import { inTheatre, NO_RECEIPTS, type CallbackDoor, type Theatre } from './engine.ts';
import { judge, median, quantile, rounded, type Measurement } from './figure.ts';
import type { LoadAnswer, LoadOrder } from './load-player.ts';
import { loadOpenly, startPlayer } from './player.ts';
import type { ReplyOrder } from './reply-player.ts';
import { SINGLE_ROWS, tellSingleRows, timeSingleRows, type SingleRows } from './single-rows.ts';
import type { BenchDatabase, Stage } from './stage.ts';

const PER_SECOND = 500;
/** Processes that have just begun run every line for the first time: what a day later is not so. */
const WARMING = 2 * PER_SECOND;
const ANSWERS = WARMING + 10 * PER_SECOND;
const TARGET_MS = 200;
const RUNS = 3;
/** Whoever answers has his text; then sending goes on for as long as answers come. */
const BUCKET = { ratePerSecond: 100, burst: ANSWERS };
const LOOK_MS = 50;
const TIMEOUT_MS = 300_000;

/** Somebody who has his text, and the code that came in it. */
type Told = { readonly address: string; readonly code: string };

type Way = {
  readonly id: string;
  readonly title: string;
  /** Where and how the answers of these people are posted. */
  readonly post: (
    door: CallbackDoor,
    told: readonly Told[],
    alertNumber: number,
  ) => Omit<LoadOrder, 'perSecond'>;
};

const byLink: Way = {
  id: 'acknowledgements_link',
  title: 'an acknowledgement by link',
  post: ({ origin }, told, alertNumber) => ({
    url: `${origin}/${alertNumber}`,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
    },
    requests: told.map(({ address, code }, i) => {
      const body = new URLSearchParams({ address, code, kind: 'got_it' }).toString();
      return { body, from: `10.${i >> 8}.${i & 255}.7` };
    }),
  }),
};

const byText: Way = {
  id: 'acknowledgements',
  title: 'a received text that acknowledges',
  post: ({ url, token }, told) => ({
    url: `${url}/texts`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    requests: told.map(({ address, code }) => ({
      body: JSON.stringify({
        id: newId(),
        source_number: address,
        destination_number: '07700900998',
        message: code,
        date_received: new Date().toISOString(),
      }),
    })),
  }),
};

type Answered = LoadAnswer & {
  /** From the last answer until all were acknowledgements. */
  readonly handledAfterMs: number;
  readonly singleRows: SingleRows;
};

export function measureAnswersByLink(stage: Stage): Promise<Measurement> {
  return measureAnswers(stage, byLink);
}

export function measureAnswersByText(stage: Stage): Promise<Measurement> {
  return measureAnswers(stage, byText);
}

/** Each answer is by another contact of an alert that went to 20,000 organisations. */
async function measureAnswers(stage: Stage, way: Way): Promise<Measurement> {
  const answers: Answered[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    const one = await answersOnce(stage, way);
    answers.push(one);
    stage.say(
      `  run ${run}: ${rounded(ANSWERS / one.seconds)} a second, ${one.refused} refused, all acknowledged ${rounded(one.handledAfterMs)} ms after the last`,
    );
  }
  const p99s = (from: number, to: number) =>
    answers.map(({ answerMs }) => quantile(answerMs.slice(from, to), 0.99));
  const runs = p99s(WARMING, ANSWERS);
  const tell = (of: (answer: Answered) => number) =>
    answers.map((one) => rounded(of(one))).join(', ');
  return judge({
    id: way.id,
    title: `p99 of the answer to ${way.title}, ${PER_SECOND} a second for 10 s while sending`,
    unit: 'ms',
    value: median(runs),
    limit: median(answers.map(({ singleRows }) => singleRows.p99Ms)),
    limitIs: SINGLE_ROWS,
    target: TARGET_MS,
    better: 'less',
    runs,
    alsoNeeds: answers.every(({ refused }) => refused === 0),
    notes: [
      `in the first two seconds of the processes ${p99s(0, WARMING).map(rounded).join(', ')} ms, not counted`,
      `${tell(({ seconds }) => ANSWERS / seconds)} a second in all, ${tell(({ refused }) => refused)} refused`,
      `all were acknowledgements ${tell(({ handledAfterMs }) => handledAfterMs)} ms after the last answer`,
      tellSingleRows(answers.map(({ singleRows }) => singleRows)),
    ],
  });
}

async function answersOnce(stage: Stage, way: Way): Promise<Answered> {
  const { sealingKey } = stage;
  const options = {
    bucket: BUCKET,
    simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS],
    callsBack: true,
  };
  return await inTheatre(stage, options, async ({ database, door, startEngine }) => {
    const replies = startPlayer<object>('reply-player.ts');
    try {
      const { ownerConfig: owner, workerConfig: worker } = database;
      await replies.ask({ owner, worker, sealingKey } satisfies ReplyOrder);
      await fillDirectory(database.owner, sealingKey);
      const context = contextOf(await readModel());
      const alert = await submitToEverybody(database.web, context);
      const engine = await startEngine();
      await approve(database.web, context, alert);
      const told = await untilTold(stage, database, alert);
      stage.say(`  ${told.length} people are told`);
      const posts = way.post(door!, told, alert.alertNumber);
      const answer = await loadOpenly({ ...posts, perSecond: PER_SECOND });
      const answeredAt = performance.now();
      await checkStillSending(database, alert.dispatchId);
      await untilAcknowledged(database, alert.alertId);
      const handledAfterMs = performance.now() - answeredAt;
      await engine.stop();
      return { ...answer, handledAfterMs, singleRows: await timeSingleRows(database, PER_SECOND) };
    } finally {
      await replies.stop();
    }
  });
}

/** So many people who have their text. */
async function untilTold(
  { sealingKey }: Stage,
  { owner }: BenchDatabase,
  { dispatchId }: Submitted,
): Promise<Told[]> {
  type Row = { contactPointId: string; addressSealed: Buffer; code: string };
  for (;;) {
    const rows = await owner.withActor(system('bench'), (tx) =>
      tx.rows<Row>(sql`
        select contact_point_id, address_sealed, code from dispatch.message
        where dispatch_id = ${dispatchId} and state = 'accepted' limit ${ANSWERS}`),
    );
    if (rows.length === ANSWERS)
      return rows.map(({ contactPointId, addressSealed, code }) => ({
        address: open([sealingKey], `contact_point|${contactPointId}`, addressSealed),
        code,
      }));
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Answers that came when nothing was sent any more would be easier than what is asked. */
async function checkStillSending(
  { owner }: Theatre['database'],
  dispatchId: string,
): Promise<void> {
  const { left } = await owner.withActor(system('bench'), (tx) =>
    tx.one<{ left: boolean }>(sql`
      select exists (select from dispatch.message
        where dispatch_id = ${dispatchId} and channel = 'text' and state = 'ready') as left`),
  );
  if (!left) throw new Error('all had left before the last answer');
}

/** An answer that was taken and came to nothing is none: waits until each acknowledges the alert. */
async function untilAcknowledged({ owner }: BenchDatabase, alertId: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const { people } = await owner.withActor(system('bench'), (tx) =>
      tx.one<{ people: number }>(sql`
        select count(distinct contact_point_id) as people from responses.answer
        where alert_id = ${alertId} and kind = 'got_it'`),
    );
    if (people === ANSWERS) return;
    if (performance.now() > deadline)
      throw new Error(`${people} of ${ANSWERS} answers were acknowledgements`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
