/**
 * The simulator and the live engine agree: the same directory, rules and answers, once on the
 * simulated clock and once through the database, the engine and the reading of replies. PostgreSQL
 * asks a clock of the test for the time, so half an hour takes seconds. Compared is every message
 * (to whom, for whom, in which round, when to the second, or why not), every round, answer and name
 * on the call list.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  approveAndRelease,
  createAlert,
  findSubmission,
  findVersion,
  proveDispatch,
  submitAlert,
} from '#alerts/index.ts';
import { Engine, reserveTokens, type Gateway } from '#dispatch/index.ts';
import { severityFor, type Severity } from '#operating-model/index.ts';
import { everybody } from '#organisations/index.ts';
import {
  contextOf,
  messagesOf,
  must,
  openCentre,
  releaseAlert,
  textFrom,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import { nextAt, onClock, type Clocked } from '../../test/support/clock.ts';
import { quiet, seedGateway, until } from '../../test/support/dispatch.ts';
import { answerAfterMs, presets } from './behaviour.ts';
import type { Planned, Run } from './model.ts';
import { readDirectory } from './rehearse.ts';
import { planMessages } from './scene.ts';
import { simulate } from './simulate.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-agreement-'));
after(() => rmSync(folder, { recursive: true }));

const act = system('test');

/** One each two seconds once the first five are gone: rounds stand in line. */
const BUCKET = { ratePerSecond: 0.5, burst: 5 };

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

type Odd = {
  readonly name: string;
  readonly seed: number;
  readonly rules: string;
  /** An exercise that is released five seconds before its hours end. */
  readonly isExercise?: true;
};

/** Ladders of `critical` in place of the shipped one. */
const odd: readonly Odd[] = [
  { name: 'the shipped ladder', seed: 13, rules: shipped },
  {
    name: 'waits of seconds, two ranks at once, one text to a number in ten minutes, a reminder',
    seed: 14,
    rules: shipped
      .replace('{ ranks: [2], after: PT15M }', '{ ranks: [2, 4], after: PT4S }')
      .replace('{ ranks: [3], after: PT30M }', '{ ranks: [3], after: PT5M }')
      .replace('most: 15\n  within: PT1H', 'most: 1\n  within: PT10M')
      .replace(
        '    acknowledge_within: PT1H',
        '    reminders: [{ ranks: [1, 2], after: PT16M }]\n    acknowledge_within: PT1H',
      ),
  },
  {
    name: 'an exercise at the end of its hours: it stops, and goes on the next morning',
    seed: 15,
    rules: shipped
      .replace('{ ranks: [2], after: PT15M }', '{ ranks: [2], after: PT4S }')
      .replace('{ ranks: [3], after: PT30M }', '{ ranks: [3], after: PT5M }'),
    isExercise: true,
  },
];

const columns = 'code,name,short_name,type,region,region_name,system,system_name,telephone';

/** Ten organisations; some share a number, one has nobody, one a chain of one. */
function files() {
  const all = Array.from({ length: 10 }, (_, i) => i);
  const code = (i: number) => `ZX-${String(i).padStart(4, '0')}`;
  const organisation = (i: number) =>
    `${code(i)},Trust number ${i},Trust ${i},trust,RA,North,SA,Moors,`;
  const contacts = all.slice(1).flatMap((i) =>
    [1, 2, 3].slice(0, i === 1 ? 1 : 3).map((rank) => {
      const shared = (rank === 2 && i % 3 === 0) || (rank === 3 && i % 3 === 1);
      const number = 300 + (shared ? 90 : 3 * i + rank);
      const mail = rank === 1 ? `first${i}@x.test` : '';
      return `${code(i)},Person ${i} ${rank},person,ciso,${rank},07700 900${number},${mail}\n`;
    }),
  );
  return {
    organisationsCsv: [columns, ...all.map(organisation), ''].join('\n'),
    contactsCsv: `organisation_code,name,kind,role,rank,mobile,email\n${contacts.join('')}`,
  };
}

/** Takes everything at once. */
function takingGateway(id: string, channel: 'text' | 'mail'): Gateway {
  const can = { ask: false, list: false, replies: false } as unknown as Gateway['can'];
  return {
    id,
    channel,
    can,
    window: 8,
    sendMaxMs: 5_000,
    send: async () => ({ class: 'accepted', providerId: null }),
    meaningOf: () => undefined,
    close: async () => {},
  };
}

type Standing = {
  readonly at: number;
  readonly waits: number;
  /** Due, whether or not there is a token for it. */
  readonly ready: number;
  readonly nextMs: number | null;
};

/** From the release of the exercise to the end of its hours. */
const CLOSES_AFTER_MS = 5_000;

/** What the engine has still to do at this moment of the test's clock, and when there is more. */
async function standing(centre: Centre, dispatchId: string): Promise<Standing> {
  return await centre.db.owner.withActor(act, (tx) =>
    tx.one<Standing>(sql`
      with bucket as (
        select dispatch.tokens_at(bucket, now()) as tokens, rate_per_second
        from dispatch.bucket where id = 'notify'
      ), line as (
        select count(*) filter (where state = 'claimed') as claimed,
          count(*) filter (where state = 'ready' and due_at <= now() and expires_at > now())
            as ready,
          min(due_at) filter (where state = 'ready' and due_at > now()) as later
        from dispatch.message
      ), opening as (
        select count(*) filter (where opens_at <= now() or part_at is not null) as due,
          min(opens_at) filter (where opens_at > now()) as next
        from dispatch.round
        where dispatch_id = ${dispatchId} and (opened_at is null or part_at is not null)
      )
      select (extract(epoch from now()) * 1000)::float8 as at,
        line.claimed + opening.due
          + case when bucket.tokens >= 1 then line.ready else 0 end as waits,
        line.ready,
        (extract(epoch from least(opening.next, line.later, case when line.ready > 0
          then now() + (1 - bucket.tokens) / bucket.rate_per_second * interval '1 second' end))
          * 1000)::float8 as next_ms
      from bucket, line, opening`),
  );
}

type Live = {
  readonly rounds: readonly number[];
  /** By number or address, channel and round: how it ended, and how many ms after the release. */
  readonly messages: Readonly<Record<string, { ending: string; afterMs: number | null }>>;
  readonly answered: Readonly<Record<string, number>>;
  readonly listed: Readonly<Record<string, number>>;
};

const endings: Readonly<Record<string, string>> = {
  accepted: 'sent',
  cancelled: 'called_off',
  suppressed: 'suppressed',
  expired: 'expired',
};

/** Written, submitted and approved by two as an exercise, at this time. */
async function releaseExercise(centre: Centre, now: Date) {
  const draft = { wording, audience: everybody, exercise: true };
  const { officer, approver, db } = centre;
  const context = contextOf(centre);
  const { id: alertId } = must(
    await db.web.attempt(officer, (tx) => createAlert(tx, centre.model, draft)),
  );
  const { hash } = must(
    await db.web.attempt(officer, (tx) => submitAlert(tx, context, { alertId, revision: 1, now })),
  );
  must(
    await db.web.attempt(approver, (tx) => approveAndRelease(tx, context, { alertId, hash, now })),
  );
  return await db.web.withActor(officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    return { alertId, dispatchId: (await findSubmission(tx, version!.id))!.dispatchId };
  });
}

/**
 * Plays the alert through the database and the engine; people answer by text after `answerOf`.
 * `closesAtMs`: it is an exercise, and its hours end then: what is ready has to rest.
 */
async function play(
  { centre, setClock }: Clocked,
  answerOf: (contactPointId: string) => number | null,
  closesAtMs: number | undefined,
): Promise<Live> {
  const { dispatchId, alertId } =
    closesAtMs === undefined
      ? await releaseAlert(centre)
      : await releaseExercise(centre, new Date(closesAtMs - CLOSES_AFTER_MS));
  const gateways = [takingGateway('notify', 'text'), takingGateway('post', 'mail')];
  const { seals, installation } = centre.product;
  const { passkeyDomain } = centre.product;
  const proofContext = { ...contextOf(centre), passkeyDomain };
  const engine = new Engine({
    database: centre.db.worker,
    gateways,
    openAddress: seals.openAddress,
    installation: installation.id,
    seals,
    pauseWhenRefused: { share: 1, atLeast: 1_000_000 },
    log: quiet,
    clockOf: (time) => time.toISOString().slice(11, 16),
    prove: (tx, id) => proveDispatch(tx, proofContext, id),
  });
  engine.start();
  const listed: Record<string, number> = {};
  const answered = new Set<string>();
  const { at: releasedAtMs } = await standing(centre, dispatchId);
  try {
    for (;;) {
      const { at, nextMs } = await until(
        () => standing(centre, dispatchId),
        ({ waits }) => waits === 0,
      );
      await noteListed(centre, alertId, listed, at - releasedAtMs);
      const answers = await answersDue(centre, dispatchId, { answerOf, answered });
      const closing = closesAtMs !== undefined && at < closesAtMs ? closesAtMs : Infinity;
      const next = Math.min(nextMs ?? Infinity, answers[0]?.atMs ?? Infinity, closing);
      if (next === Infinity) break;
      await setClock(Math.max(at, next));
      if (next === closing)
        await until(
          () => standing(centre, dispatchId),
          ({ ready }) => ready === 0,
        );
      for (const one of answers.filter(({ atMs }) => atMs <= next)) {
        answered.add(one.key);
        await textFrom(centre, one.number, one.code);
      }
      await poke(centre, dispatchId);
    }
  } finally {
    await engine.stop();
  }
  return await readLive(centre, { dispatchId, alertId, releasedAtMs, listed });
}

/** A token is there now, by the test's clock; the sender sleeps by the real one. */
async function poke(centre: Centre, dispatchId: string): Promise<void> {
  await centre.db.worker.withActor(act, (tx) =>
    tx.run(sql`select pg_notify('tocsin_steer', ${dispatchId})`),
  );
}

async function noteListed(
  centre: Centre,
  alertId: string,
  listed: Record<string, number>,
  afterMs: number,
): Promise<void> {
  const rows = await centre.db.web.withActor(centre.officer, (tx) =>
    tx.rows<{ organisationId: string }>(sql`
      select organisation_id from responses.v_to_ring where alert_id = ${alertId}`),
  );
  for (const { organisationId } of rows) listed[organisationId] ??= afterMs;
}

async function answersDue(
  centre: Centre,
  dispatchId: string,
  { answerOf, answered }: { answerOf: (id: string) => number | null; answered: Set<string> },
) {
  const texts = await messagesOf(centre, dispatchId);
  const left = await centre.db.owner.withActor(act, (tx) =>
    tx.rows<{ id: string; contactPointId: string; atMs: number }>(sql`
      select id, contact_point_id, (extract(epoch from accepted_at) * 1000)::float8 as at_ms
      from dispatch.message
      where dispatch_id = ${dispatchId} and channel = 'text' and state = 'accepted'`),
  );
  return left
    .flatMap(({ id, contactPointId, atMs }) => {
      const afterMs = answerOf(contactPointId);
      if (afterMs === null || answered.has(id)) return [];
      const { number, code } = texts.find((one) => one.id === id)!;
      return [{ key: id, number, code, atMs: atMs + afterMs }];
    })
    .toSorted((a, b) => a.atMs - b.atMs);
}

async function readLive(
  centre: Centre,
  of: {
    dispatchId: string;
    alertId: string;
    releasedAtMs: number;
    listed: Record<string, number>;
  },
): Promise<Live> {
  const { dispatchId, alertId, releasedAtMs, listed } = of;
  return await centre.db.owner.withActor(act, async (tx) => {
    const rounds = await tx.rows<{ atMs: number }>(sql`
      select (extract(epoch from opened_at) * 1000)::float8 as at_ms from dispatch.round
      where dispatch_id = ${dispatchId} order by round`);
    const messages = await tx.rows<{ key: string; state: string; atMs: number | null }>(sql`
      select concat_ws(' ', contact_point_id, channel, round) as key, state,
        (extract(epoch from accepted_at) * 1000)::float8 as at_ms
      from dispatch.message where dispatch_id = ${dispatchId}`);
    const responses = await tx.rows<{ organisationId: string; atMs: number }>(sql`
      select organisation_id, (extract(epoch from acknowledged_at) * 1000)::float8 as at_ms
      from responses.response where alert_id = ${alertId}`);
    return {
      rounds: rounds.map(({ atMs }) => atMs - releasedAtMs),
      messages: Object.fromEntries(
        messages.map(({ key, state, atMs }) => [
          key,
          { ending: endings[state] ?? state, afterMs: atMs === null ? null : atMs - releasedAtMs },
        ]),
      ),
      answered: Object.fromEntries(
        responses.map(({ organisationId, atMs }) => [organisationId, atMs - releasedAtMs]),
      ),
      listed,
    };
  });
}

/** The same of a run. */
function asLive({ rounds, ended, fates, releasedAtMs }: Run): Live {
  const afterMs = (atMs: number) => atMs - releasedAtMs;
  const times = (of: (fate: Run['fates'][number]) => number | null) =>
    Object.fromEntries(
      fates.flatMap((fate) => {
        const atMs = of(fate);
        return atMs === null ? [] : [[fate.organisationId, afterMs(atMs)]];
      }),
    );
  return {
    rounds: rounds.map(({ atMs }) => afterMs(atMs)),
    messages: Object.fromEntries(
      ended.map(({ message: { contactPointId, channel, round }, ending, atMs }) => [
        [contactPointId, channel, round].join(' '),
        { ending, afterMs: ending === 'sent' ? afterMs(atMs) : null },
      ]),
    ),
    answered: times(({ answeredAtMs }) => answeredAtMs),
    listed: times(({ listedAtMs }) => listedAtMs),
  };
}

/** Times to the second. */
function toSeconds(live: Live): unknown {
  const seconds = (ms: number | null) => (ms === null ? null : Math.round(ms / 1000));
  const all = (times: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(times).map(([key, ms]) => [key, seconds(ms)]));
  return {
    rounds: live.rounds.map(seconds),
    messages: Object.fromEntries(
      Object.entries(live.messages).map(([key, { ending, afterMs }]) => [
        key,
        `${ending} ${seconds(afterMs)}`,
      ]),
    ),
    answered: all(live.answered),
    listed: all(live.listed),
  };
}

async function numbersById(centre: Centre): Promise<Map<string, string>> {
  const rows = await centre.db.owner.withActor(act, (tx) =>
    tx.rows<{ id: string; addressSealed: Buffer }>(sql`
      select id, address_sealed from organisations.contact_point`),
  );
  const { openAddress } = centre.product.seals;
  return new Map(rows.map(({ id, addressSealed }) => [id, openAddress(id, addressSealed)]));
}

async function rehearsedRun(
  centre: Centre,
  releasedAtMs: number,
  {
    answerOf,
    isExercise,
  }: { answerOf: (contactPointId: string) => number | null; isExercise: boolean },
): Promise<Run> {
  const alert = { severity: 'critical', exercise: isExercise };
  const severity: Severity = severityFor(centre.model, alert)!;
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const directory = await readDirectory(tx, everybody);
    const words = {
      wording,
      alertNumber: 4901,
      origin: 'http://localhost',
      formatTime: (at: Date) => at.toISOString(),
      exercise: isExercise,
      besideExercise: false,
    };
    const full = { ...BUCKET, tokens: BUCKET.burst, pausedForMs: 0, ahead: 0 };
    const post = { ratePerSecond: 1e6, burst: 1e6, tokens: 1e6, pausedForMs: 0, ahead: 0 };
    return simulate({
      severity,
      releasedAtMs,
      organisations: directory.organisations,
      messages: planMessages(directory, words, { model: centre.model, severity }),
      lines: { text: full, mail: post, isShared: false },
      perNumber: centre.model.textsPerNumber,
      answerAfterMs: ({ channel, contactPointId }: Planned) =>
        channel === 'text' ? answerOf(contactPointId) : null,
    });
  });
}

for (const { name, seed, rules, isExercise = false } of odd)
  test(`the simulator and the engine agree: ${name}`, { timeout: 240_000 }, async () => {
    const modelFile = join(folder, `${seed}.yaml`);
    writeFileSync(modelFile, rules);
    const roles = { officerRole: 'duty_officer', approverRole: 'approver' };
    const centre = await openCentre('demonstration', { modelFile, ...roles, ...files() });
    await seedGateway(centre.db.worker, { id: 'notify', bucket: BUCKET });
    await seedGateway(centre.db.worker, { id: 'post', channel: 'mail' });
    // Exercises keep their hands off most of a bucket; this one is small.
    if (isExercise) await centre.db.owner.withActor(act, (tx) => reserveTokens(tx, 0));
    const { behaviour } = presets['working_day']!;
    const numbers = await numbersById(centre);
    // By number: ids are others in each run, and so would be the answers.
    const answerOf = (id: string) =>
      answerAfterMs(behaviour, seed, { contactPointId: numbers.get(id)!, channel: 'text' });
    const startMs = isExercise ? nextAt(17, 59, 55) : 1000 * Math.ceil(Date.now() / 1000) + 60_000;
    const run = await rehearsedRun(centre, startMs, { answerOf, isExercise });
    const closesAtMs = isExercise ? startMs + CLOSES_AFTER_MS : undefined;
    const live = await play(await onClock(centre, startMs), answerOf, closesAtMs);
    assert.ok(run.ended.some(({ ending }) => ending === 'called_off'));
    assert.ok(run.fates.some(({ why }) => why === 'silent'));
    assert.ok(Object.keys(live.answered).length > 1);
    assert.deepEqual(toSeconds(asLive(run)), toSeconds(live));
    if (!isExercise) return;
    const sent = run.ended.filter(({ ending }) => ending === 'sent');
    const night = (ms: number) => ms > startMs + CLOSES_AFTER_MS && ms < startMs + 14 * 3_600_000;
    assert.ok(!sent.some(({ atMs }) => night(atMs)), 'an exercise texted by night');
    for (const round of [1, 2, 3])
      assert.ok(sent.some((one) => one.message.round === round && one.atMs > startMs + 50_000_000));
  });
