/** Any valid rules and any directory: what must hold of every run (P1, P7). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  array,
  assert as holds,
  boolean,
  constantFrom,
  integer,
  option,
  property,
  record,
  subarray,
  uniqueArray,
  type Arbitrary,
} from 'fast-check';
import { composeRounds, type Lines, type Reachable } from '#alerts/index.ts';
import { stepsOf, type Channel, type Severity } from '#operating-model/index.ts';
import type { AskedFor, Planned, Run, Scene } from './model.ts';
import { simulate } from './simulate.ts';

const MINUTE = 60_000;

/**
 * Odd ladders: a chain of one, many rounds, waits of a millisecond, nights. More than the check of
 * a file lets through: a rank may be called twice.
 */
const severities: Arbitrary<Severity> = record({
  lane: integer({ min: 1, max: 3 }),
  channels: constantFrom<readonly Channel[]>(
    ['text'],
    ['mail'],
    ['text', 'mail'],
    ['mail', 'text'],
  ),
  rounds: array(record({ ranks: subarray([1, 2, 3, 4], { minLength: 1 }), gap: gaps() }), {
    minLength: 1,
    maxLength: 6,
  }),
  reminders: array(record({ ranks: subarray([1, 2, 3, 4], { minLength: 1 }), gap: gaps() }), {
    maxLength: 3,
  }),
  quietHours: option(
    record({
      fromMinute: integer({ min: 0, max: 1439 }),
      untilMinute: integer({ min: 0, max: 1439 }),
    }).filter(({ fromMinute, untilMinute }) => fromMinute !== untilMinute),
    { nil: undefined },
  ),
  tellRegionAfterMs: option(integer({ min: 1, max: 600 * MINUTE }), { nil: undefined }),
  recallWindowMs: constantFrom(0, 1, MINUTE),
  sendExpiresAfterMs: constantFrom(1, MINUTE, 240 * MINUTE, 3 * 1440 * MINUTE),
}).map(({ rounds, reminders, quietHours, tellRegionAfterMs, ...one }) => ({
  ...one,
  id: 'odd',
  label: 'Odd',
  rounds: inTurn(rounds),
  reminders: inTurn([...rounds, ...reminders]).slice(rounds.length),
  ...(quietHours && { quietHours }),
  ...(tellRegionAfterMs && { tellRegion: { afterMs: tellRegionAfterMs, wake: ['lead'] } }),
  acknowledgeWithinMs: 60 * MINUTE,
  nextUpdateWithinMs: 60 * MINUTE,
  decideUncertainAfterMs: 5 * MINUTE,
  askForReceiptAfterMs: [MINUTE],
}));

type Gap = { readonly ranks: number[]; readonly gap: number };

/** The first at once. */
function inTurn(steps: readonly Gap[]) {
  return steps.map(({ ranks }, i) => ({
    ranks,
    afterMs: steps.slice(1, i + 1).reduce((sum, { gap }) => sum + gap, 0),
  }));
}

function gaps(): Arbitrary<number> {
  return constantFrom(1, 1_000, MINUTE, 90 * MINUTE, 1440 * MINUTE);
}

const names = ['a', 'b', 'c', 'd', 'e', 'f'];

const organisations: Arbitrary<AskedFor[]> = uniqueArray(
  record({
    organisationId: constantFrom(...names),
    mustAnswer: boolean(),
    regionCode: constantFrom('north', 'south', null),
  }),
  { selector: ({ organisationId }) => organisationId, maxLength: 6 },
);

/** Shared numbers, several posts of one rank, organisations with nobody. */
const people: Arbitrary<Reachable[]> = array(
  record({
    organisationId: constantFrom(...names),
    shortName: constantFrom('North', 'South', 'East'),
    contactPointId: constantFrom('p', 'q', 'r', 's', 't', 'u'),
    channel: constantFrom('text', 'mail'),
    role: constantFrom('ciso', 'on_call_it'),
    rank: integer({ min: 1, max: 5 }),
    readerKind: constantFrom('technical', 'information'),
  }).map((one) => ({ ...one, contactPointId: `${one.contactPointId} ${one.channel}` })),
  { maxLength: 20 },
);

const line = option(
  record({
    ratePerSecond: constantFrom(0.1, 1, 49.5),
    burst: constantFrom(1, 3, 980),
    tokens: constantFrom(0, 1, 980),
    pausedForMs: constantFrom(0, 2_000),
    ahead: constantFrom(0, 5),
  }),
  { nil: undefined, freq: 9 },
);

const lines: Arbitrary<Lines> = record({ text: line, mail: line, isShared: boolean() });

type Answers = Readonly<Record<string, number | null>>;

const answers: Arbitrary<Answers> = array(
  option(integer({ min: 0, max: 300 * MINUTE }), { nil: null }),
  { minLength: 12, maxLength: 12 },
).map((times) =>
  Object.fromEntries(
    ['text', 'mail'].flatMap((channel, c) =>
      ['p', 'q', 'r', 's', 't', 'u'].map((point, i) => [
        `${point} ${channel}`,
        times[6 * c + i] ?? null,
      ]),
    ),
  ),
);

const scenes: Arbitrary<Scene> = record({
  severity: severities,
  organisations,
  people,
  lines,
  answers,
  releasedAtMs: integer({ min: Date.UTC(2027, 0, 1), max: Date.UTC(2027, 11, 31) }),
  perNumber: record({
    most: integer({ min: 1, max: 3 }),
    withinMs: constantFrom(MINUTE, 60 * MINUTE),
  }),
}).map(({ people: all, answers: given, ...scene }) => ({
  ...scene,
  messages: composed(scene, all),
  answerAfterMs: ({ contactPointId }) => given[contactPointId] ?? null,
}));

/** Of those that the audience means, as the freeze would compose them. */
function composed(
  { severity, organisations: asked }: Pick<Scene, 'severity' | 'organisations'>,
  all: readonly Reachable[],
): Planned[] {
  const ids = new Set(asked.map(({ organisationId }) => organisationId));
  const templates = stepsOf(severity).flatMap(({ ranks, afterMs, reminds }, i) =>
    severity.channels.map((channel) => ({
      round: i + 1,
      ranks,
      channel,
      opensAfterMs: afterMs,
      reminds,
      subject: null,
      body: '',
      own: {},
    })),
  );
  const within = all.filter(({ organisationId }) => ids.has(organisationId));
  return composeRounds(within, templates, ['information']).map(({ template, ...message }) => ({
    ...message,
    channel: template.channel,
    round: template.round,
    fragments: 1,
  }));
}

function check(rule: (scene: Scene, run: Run) => void): void {
  holds(
    property(scenes, (scene) => rule(scene, simulate(scene))),
    { numRuns: 1_000 },
  );
}

test('P7: everybody who must answer ends acknowledged, or on the call list', () => {
  check((scene, { fates }) => {
    assert.equal(fates.length, scene.organisations.length);
    for (const { mustAnswer, answeredAtMs, listedAtMs, why } of fates) {
      if (!mustAnswer) continue;
      assert.ok(answeredAtMs !== null || listedAtMs !== null);
      assert.equal(why === null, listedAtMs === null);
    }
  });
});

test('P7: nobody is listed before the end of their chain, and whoever is was told to its end', () => {
  check(({ messages, severity: { rounds } }, { fates, ended }) => {
    const isOfChain = ({ round }: Planned) => round <= rounds.length;
    for (const { organisationId: id, listedAtMs, why } of fates) {
      if (listedAtMs === null) continue;
      const own = ended.filter(({ message }) => message.organisationIds.includes(id));
      const chain = own.filter(({ message }) => isOfChain(message));
      const planned = messages.filter((m) => m.organisationIds.includes(id) && isOfChain(m));
      assert.equal(chain.length, planned.length);
      assert.ok(chain.every(({ atMs }) => atMs <= listedAtMs));
      assert.ok(chain.every(({ ending }) => ending !== 'called_off'));
      assert.equal(
        why === 'silent',
        own.some(({ ending }) => ending === 'sent'),
      );
    }
  });
});

test('P1: no rule fires twice: each message ends once, at most one to a number in a round', () => {
  check(({ messages }, { ended, rounds }) => {
    assert.equal(ended.length, messages.length);
    assert.equal(new Set(ended.map(({ message }) => message)).size, messages.length);
    const keys = messages.map((m) => `${m.contactPointId} ${m.channel} ${m.round}`);
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(new Set(rounds.map(({ round }) => round)).size, rounds.length);
  });
});

test('rounds open in order, never closer than planned, and nothing leaves before its round', () => {
  check(({ severity }, { rounds, ended }) => {
    for (const [i, { atMs }] of rounds.entries()) {
      const before = rounds[i - 1];
      if (before === undefined) continue;
      const steps = stepsOf(severity);
      const planned = steps[i]!.afterMs - steps[i - 1]!.afterMs;
      assert.ok(atMs - before.atMs >= planned);
    }
    for (const { message, atMs } of ended) assert.ok(atMs >= rounds[message.round - 1]!.atMs);
  });
});

test('round 1 is never called off, a later message only where all it counts for answered', () => {
  check((_, { ended, fates }) => {
    const answered = new Map(fates.map((fate) => [fate.organisationId, fate.answeredAtMs]));
    for (const { message, ending, atMs } of ended) {
      const isSettled = message.organisationIds.every(
        (id) => (answered.get(id) ?? Infinity) <= atMs,
      );
      if (ending === 'called_off') assert.ok(message.round > 1 && isSettled);
      if (ending === 'sent' && message.round > 1)
        assert.ok(message.organisationIds.some((id) => (answered.get(id) ?? Infinity) >= atMs));
    }
  });
});

test('no bucket gives more than it holds and gains', () => {
  check((scene, { ended }) => {
    const { text } = scene.lines;
    if (text === undefined || scene.lines.isShared) return;
    const texts = ended.filter(
      ({ message, ending }) => message.channel === 'text' && ending === 'sent',
    );
    for (const [from, to] of spansOf(texts.map(({ atMs }) => atMs))) {
      const gained: number = (text.ratePerSecond * (to.at - from.at)) / 1_000;
      assert.ok(to.place - from.place + 1 <= text.burst + gained + 0.001);
    }
  });
});

test('no number gets more texts than its share', () => {
  check((scene) => {
    const textsTo = new Map<string, number[]>();
    simulate({ ...scene, textsTo });
    const { most, withinMs } = scene.perNumber;
    for (const times of textsTo.values()) {
      const inOrder = times.toSorted((a, b) => a - b);
      for (const [i, at] of inOrder.slice(most).entries()) assert.ok(at - inOrder[i]! >= withinMs);
    }
  });
});

function spansOf(times: readonly number[]) {
  const all = times.map((at, place) => ({ at, place }));
  return all.flatMap((from) => all.slice(from.place).map((to) => [from, to] as const));
}

test('the same scene gives the same run', () => {
  check((scene, run) => assert.deepEqual(simulate(scene), run));
});
