/** How many answers by the link of an alert a second the public page takes, and how fast. */
import { system } from '#kernel/actor.ts';
import { open } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { approve, contextOf, readModel, submitToEverybody } from './alert.ts';
import { fillDirectory } from './directory.ts';
import { inTheatre, NO_RECEIPTS, type Theatre } from './engine.ts';
import { judge, median, quantile, rounded, type Measurement } from './figure.ts';
import type { LoadAnswer } from './load-player.ts';
import { loadOpenly } from './player.ts';
import type { Stage } from './stage.ts';

const PER_SECOND = 500;
/** Processes that have just begun run every line for the first time: what a day later is not so. */
const WARMING = 2 * PER_SECOND;
const ANSWERS = WARMING + 10 * PER_SECOND;
const TARGET_MS = 200;
const RUNS = 3;
/** Whoever answers has his text; then sending goes on for as long as answers come. */
const BUCKET = { ratePerSecond: 100, burst: ANSWERS };
const LOOK_MS = 50;

/** Each answer is by another contact of an alert that went to 20,000 organisations. */
export async function measureAnswersByLink(stage: Stage): Promise<Measurement> {
  const answers: LoadAnswer[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    const { answerMs, refused, seconds } = await answersOnce(stage);
    answers.push({ answerMs, refused, seconds });
    stage.say(`  run ${run}: ${rounded(ANSWERS / seconds)} a second, ${refused} refused`);
  }
  const p99s = (from: number, to: number) =>
    answers.map(({ answerMs }) => quantile(answerMs.slice(from, to), 0.99));
  const runs = p99s(WARMING, ANSWERS);
  const tell = (numbers: readonly number[]) => numbers.map(rounded).join(', ');
  return judge({
    id: 'acknowledgements_link',
    title: `p99 of the answer to an acknowledgement by link, ${PER_SECOND} a second for 10 s while sending`,
    unit: 'ms',
    value: median(runs),
    limit: TARGET_MS,
    limitIs: 'the promise; there is no physical one',
    target: TARGET_MS,
    better: 'less',
    runs,
    alsoNeeds: answers.every(({ refused }) => refused === 0),
    notes: [
      `in the first two seconds of the processes ${tell(p99s(0, WARMING))} ms, not counted`,
      `${tell(answers.map(({ seconds }) => ANSWERS / seconds))} a second in all, ${tell(answers.map(({ refused }) => refused))} refused`,
    ],
  });
}

async function answersOnce(stage: Stage): Promise<LoadAnswer> {
  const { sealingKey } = stage;
  return await inTheatre(
    stage,
    { bucket: BUCKET, simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS], callsBack: true },
    async ({ database, door, startEngine }) => {
      await fillDirectory(database.owner, sealingKey);
      const context = contextOf(await readModel());
      const alert = await submitToEverybody(database.web, context);
      await startEngine();
      await approve(database.web, context, alert);
      const told = await untilTold(database, alert.dispatchId);
      stage.say(`  ${told.length} people are told`);
      const answer = await loadOpenly({
        url: `${door!.origin}/${alert.alertNumber}`,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
        },
        perSecond: PER_SECOND,
        requests: told.map(({ contactPointId, addressSealed, code }, i) => {
          const address = open([sealingKey], `contact_point|${contactPointId}`, addressSealed);
          const body = new URLSearchParams({ address, code, kind: 'got_it' }).toString();
          return { body, from: `10.${i >> 8}.${i & 255}.7` };
        }),
      });
      await checkStillSending(database, alert.dispatchId);
      return answer;
    },
  );
}

type Told = { contactPointId: string; addressSealed: Buffer; code: string };

/** So many people who have their text. */
async function untilTold({ owner }: Theatre['database'], dispatchId: string): Promise<Told[]> {
  for (;;) {
    const told = await owner.withActor(system('bench'), (tx) =>
      tx.rows<Told>(sql`
        select contact_point_id, address_sealed, code from dispatch.message
        where dispatch_id = ${dispatchId} and state = 'accepted' limit ${ANSWERS}`),
    );
    if (told.length === ANSWERS) return told;
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
