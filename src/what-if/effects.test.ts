/**
 * Each rule that steers what leaves has an effect: changed in the file, it changes a rehearsal,
 * which asks the decisions that run live. A key that is read and then ignored is found here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ofRegion, permissionsIn, permissionsOf } from '#identity/index.ts';
import { parseOperatingModel, severityById, type OperatingModel } from '#operating-model/index.ts';
import { must, openCentre, type Centre } from '../../test/support/centre.ts';
import { seedGateway, seedNotify } from '../../test/support/dispatch.ts';
import { imagine } from './imagine.ts';
import { parseAsked, type Fields } from './parse.ts';
import { rehearse } from './rehearse.ts';
import { simulate } from './simulate.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

let centre: Centre;
before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  await seedGateway(centre.db.worker, { id: 'mail', channel: 'mail' });
});
after(async () => await centre.close());

const noon = '2027-01-12T12:00';
const critical: Fields = { severity: 'critical', behaviour: 'nobody', at: noon };
const medium: Fields = { severity: 'medium', behaviour: 'nobody', at: '2027-01-12T22:00' };
const exercise: Fields = { ...critical, exercise: 'yes' };
const evening: Fields = { ...exercise, at: '2027-01-12T17:50' };

/** All answer, in the first hour hardly ever all of them, in a day hardly ever none. */
const slow: Fields = {
  ...critical,
  behaviour: 'own',
  textShare: '100',
  textMedian: '300',
  mailShare: '0',
};

/** Rank 1 and 2 at once. */
const TOGETHER = '- { ranks: [1, 2], after: PT0M }';

/** What changes in the file, and the rehearsal that has to come out otherwise. */
const effects: [from: string, to: string, asked: Fields][] = [
  ['{ ranks: [2], after: PT15M }', '{ ranks: [2], after: PT20M }', critical],
  ['- { ranks: [1], after: PT0M }\n      - { ranks: [2], after: PT15M }', TOGETHER, critical],
  ['channels: [text, mail]', 'channels: [text]', critical],
  ['wake: [regional_lead], after: PT40M', 'wake: [regional_lead], after: PT45M', critical],
  ['recall_window: PT0M', 'recall_window: PT2M', critical],
  ['acknowledge_within: PT1H', 'acknowledge_within: PT24H', slow],
  ['spend_cap: 2000', 'spend_cap: 0.01', { ...critical, severity: 'high' }],
  ['fragment_pence: 2.4', 'fragment_pence: 2.5', critical],
  ['vat_percent: 20', 'vat_percent: 21', critical],
  ['{ ranks: [1], after: P3D }', '{ ranks: [1], after: P4D }', medium],
  ['until: "06:30"', 'until: "06:00"', medium],
  ['from: "21:00"', 'from: "22:30"', medium],
  ['sender: NHS CYBER ', `sender: ${'N'.repeat(20)} `, { ...critical, what: 'x'.repeat(40) }],
  ['mark: EXERCISE', 'mark: EXERCISE ONLY!', { ...exercise, what: 'x'.repeat(60) }],
  ['severities: [critical, high, medium, low]\n  hours', 'severities: [high]\n  hours', exercise],
  ['until: "18:00" }\n  most', 'until: "17:30" }\n  most', evening],
  ['from: "08:00", until', 'from: "09:00", until', evening],
  ['pages: { regions: false', 'pages: { regions: true', exercise],
];

async function comesTo(model: OperatingModel, fields: Fields): Promise<string> {
  const asked = must(parseAsked(fields, { model, now: new Date() }));
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const context = { origin: 'http://localhost', formatTime: (at: Date) => at.toISOString() };
    const { imagined } = must(await imagine(tx, context, asked));
    const [side] = must(await rehearse(tx, imagined, [model]));
    return JSON.stringify([side!.summary, side!.breaks]);
  });
}

function rulesOf(text: string): OperatingModel {
  return must(parseOperatingModel(text, 'rules'));
}

for (const [from, to, asked] of effects)
  test(`has an effect: ${to.replace('\n', ' ')}`, async () => {
    assert.ok(shipped.includes(from), from);
    const usual = await comesTo(rulesOf(shipped), asked);
    assert.notEqual(await comesTo(rulesOf(shipped.replace(from, to)), asked), usual);
  });

test('what steers nothing that leaves changes no rehearsal', async () => {
  const other = rulesOf(shipped.replace('most: 2, within: P1D', 'most: 1, within: P1D'));
  assert.equal(await comesTo(other, critical), await comesTo(rulesOf(shipped), critical));
});

/** Two texts at once by a gateway that takes one each two hours; the first number had 15. */
function simulated(model: OperatingModel): string {
  const releasedAtMs = Date.parse('2027-01-12T12:00:00Z');
  const text = (contactPointId: string, rank: number) => ({
    organisationIds: ['a'],
    contactPointId,
    channel: 'text' as const,
    round: 1,
    rank,
    role: 'ciso',
    fragments: 1,
  });
  const capacity = { ratePerSecond: 1 / 7200, burst: 1, tokens: 1, pausedForMs: 0, ahead: 0 };
  const earlier = Array.from({ length: 15 }, () => releasedAtMs - 30 * 60_000);
  const { ended } = simulate({
    severity: severityById(model, 'critical')!,
    releasedAtMs,
    organisations: [],
    messages: [text('one', 1), text('two', 2)],
    lines: { text: capacity, mail: undefined, isShared: false },
    perNumber: model.textsPerNumber,
    answerAfterMs: () => null,
    textsTo: new Map([['one', earlier]]),
  });
  return JSON.stringify(ended);
}

/** Decided without a directory: the life of a message, the limit of a number, who may what. */
const alone: [from: string, to: string, comesTo: (model: OperatingModel) => string][] = [
  ['send_expires_after: PT4H', 'send_expires_after: PT1H', simulated],
  ['most: 15\n  within: PT1H', 'most: 16\n  within: PT1H', simulated],
  ['most: 15\n  within: PT1H', 'most: 15\n  within: PT20M', simulated],
  [
    'may: [alert.read, alert.approve, dispatch.steer,',
    'may: [alert.read, alert.approve,',
    (model) => [...permissionsOf(model, ['approver'])].join(),
  ],
  [
    'given_for: region\n    may: [alert.read, response.record,',
    'given_for: region\n    may: [alert.read,',
    (model) => [...permissionsIn(model, [LEAD]).regional.keys()].join(),
  ],
];

const LEAD = { role: 'regional_lead', ...ofRegion('Y56') };

for (const [from, to, of] of alone)
  test(`has an effect without a directory: ${to.replaceAll('\n', ' ')}`, () => {
    assert.ok(shipped.includes(from), from);
    assert.notEqual(of(rulesOf(shipped.replace(from, to))), of(rulesOf(shipped)));
  });
