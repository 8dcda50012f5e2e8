/** A rehearsal plans exactly what a submission freezes, whoever shares a number. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { createAlert, textFor } from '#alerts/index.ts';
import { everybody } from '#organisations/index.ts';
import {
  contactsCsv,
  draftAlert,
  messagesOf,
  must,
  openCentre,
  organisationsCsv,
  releaseAlert,
  submitDraft,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import { seedGateway, seedNotify } from '../../test/support/dispatch.ts';
import { imagine } from './imagine.ts';
import { parseAsked } from './parse.ts';
import { readDirectory, rehearse } from './rehearse.ts';
import { planMessages } from './scene.ts';

const ranks = [1, 2, 3, 3, 2];

/** Forty organisations; every third contact shares a number or address with others. */
function crowdedFiles() {
  const rows = Array.from({ length: 40 }, (_, i) => i);
  const code = (i: number) => `ZY-${String(i).padStart(4, '0')}`;
  return {
    organisationsCsv: `${organisationsCsv}${rows
      .map((i) => `${code(i)},Trust number ${i},Trust ${i} é,trust,RA,North,SA,Moors,\n`)
      .join('')}`,
    contactsCsv: `${contactsCsv.replace('mobile,email\n', 'mobile,email\n')}${rows
      .flatMap((i) =>
        ranks.map((rank, n) => {
          const shared = (i + n) % 3 === 0 ? i % 4 : 20 + 5 * i + n;
          const mobile = `07700 900${String(300 + (shared % 600)).padStart(3, '0')}`;
          return `${code(i)},Person ${i} ${n},person,ciso,${rank},${mobile},p${shared}@crowd.test\n`;
        }),
      )
      .join('')}`,
  };
}

let centre: Centre;
before(async () => {
  centre = await openCentre('demonstration', {
    modelFile: 'operating-model.yaml',
    officerRole: 'duty_officer',
    approverRole: 'approver',
    ...crowdedFiles(),
  });
  await seedNotify(centre.db.worker);
  await seedGateway(centre.db.worker, { id: 'mail', channel: 'mail' });
});
after(async () => await centre.close());

const context = { origin: 'http://localhost', formatTime: (at: Date) => at.toISOString() };

async function imagined(fields: Parameters<typeof parseAsked>[0]) {
  const asked = must(parseAsked(fields, { model: centre.model, now: new Date() }));
  return await centre.db.web.withActor(centre.officer, async (tx) =>
    must(await imagine(tx, context, asked)),
  );
}

test('it plans what the freeze writes: to whom, for whom, in which round, in how many parts', async () => {
  const readerWords = { manager: { what: 'an attack on gateways', doNow: '', ifActed: '' } };
  const alertId = await draftAlert(centre, { readerWords });
  const subject = await imagined({ alert: alertId });
  const planned = await centre.db.web.withActor(centre.officer, async (tx) => {
    const directory = await readDirectory(tx, everybody);
    const model = centre.model;
    return planMessages(directory, subject.imagined, { model, severity: model.severities[0]! });
  });
  await submitDraft(centre, alertId);
  const [{ dispatchId }] = (await centre.db.web.withActor(centre.officer, (tx) =>
    tx.rows<{ dispatchId: string }>(sql`
      select submission.dispatch_id from alerts.submission
      join alerts.version on version.id = submission.version_id
      where version.alert_id = ${alertId}`),
  )) as [{ dispatchId: string }];
  const frozen = await centre.db.owner.withActor(centre.officer, (tx) =>
    tx.rows<{ id: string; contactPointId: string; rank: number; organisationId: string }>(sql`
      select id, contact_point_id, rank, organisation_id from dispatch.message
      where dispatch_id = ${dispatchId}`),
  );
  const byId = new Map(frozen.map((one) => [one.id, one]));
  const written = (await messagesOf(centre, dispatchId)).map((message) => {
    const { contactPointId, rank, organisationId } = byId.get(message.id)!;
    const fragments =
      message.channel === 'mail'
        ? 0
        : textFor(message.body, { organisation: '', code: '' }).fragments;
    const { channel, round } = message;
    return [
      contactPointId,
      channel,
      round,
      rank,
      organisationId,
      message.organisations.length,
      fragments,
    ].join(' ');
  });
  const said = planned.map((one) =>
    [
      one.contactPointId,
      one.channel,
      one.round,
      one.rank,
      one.organisationIds[0],
      one.organisationIds.length,
      one.fragments,
    ].join(' '),
  );
  assert.ok(planned.length > 200 && planned.some((one) => one.organisationIds.length > 3));
  assert.deepEqual(said.toSorted(), written.toSorted());
});

test('two sets of rules are rehearsed with the same people answering', async () => {
  const { imagined: alert } = await imagined({ behaviour: 'working_day', seed: '7' });
  const [critical, ...others] = centre.model.severities;
  const rounds = critical!.rounds.map((one, i) => (i === 1 ? { ...one, afterMs: 300_000 } : one));
  const sooner = {
    ...centre.model,
    version: 'b'.repeat(64),
    severities: [{ ...critical!, rounds }, ...others],
  };
  const [now, then] = await centre.db.web.withActor(centre.officer, async (tx) =>
    must(await rehearse(tx, alert, [centre.model, sooner])),
  );
  assert.ok(now!.summary.texts > 0);
  assert.equal(then!.summary.rounds[1]!.opensAfterMs, 300_000);
  assert.equal(then!.summary.rounds[0]!.texts, now!.summary.rounds[0]!.texts);
  assert.ok(
    then!.summary.texts > now!.summary.texts,
    'a second round that comes sooner tells more',
  );
  assert.ok(now!.breaks.some(({ names }) => names.includes('Lonely Trust')));
  const again = await centre.db.web.withActor(centre.officer, async (tx) =>
    must(await rehearse(tx, alert, [centre.model, sooner])),
  );
  assert.deepEqual(again[0]!.summary, now!.summary);
});

test('nobody answers: everybody who must stands on the call list at the end of the chain', async () => {
  await releaseAlert(centre);
  const { imagined: alert } = await imagined({ behaviour: 'nobody', cap: '1' });
  const [side] = await centre.db.web.withActor(centre.officer, async (tx) =>
    must(await rehearse(tx, alert, [centre.model])),
  );
  const { list, mustAnswer, reached } = side!.summary;
  assert.equal(list.silent + list.unreachable, mustAnswer);
  assert.equal(list.firstSilentMs, 0, 'the chain of Eastvale ends with rank 1');
  assert.ok(reached.every(({ answered }) => answered === 0));
  assert.ok(side!.breaks.some(({ says }) => /The texts cost £.*, more than £1\.00/.test(says)));
});

test('a written exercise goes by the rules of exercises: lane, hours, mark, and how many', async () => {
  const draft = { wording, audience: everybody, exercise: true };
  const { web } = centre.db;
  const { id } = must(
    await web.attempt(centre.officer, (tx) => createAlert(tx, centre.model, draft)),
  );
  const sideOf = async (fields: Parameters<typeof parseAsked>[0]) => {
    const { imagined: of } = await imagined({ behaviour: 'nobody', ...fields });
    return await web.withActor(
      centre.officer,
      async (tx) => must(await rehearse(tx, of, [centre.model]))[0]!,
    );
  };
  const noon = '2027-01-12T12:00';
  const live = await sideOf({ at: noon });
  const exercise = await sideOf({ alert: id, at: noon });
  assert.deepEqual([live.severity.lane, exercise.severity.lane], [1, 4]);
  assert.deepEqual(exercise.breaks, live.breaks);
  // The mark is counted in every text.
  const partsOf = async (fields: { exercise?: string }) => {
    let parts = 0;
    for (let length = 20; length < 120; length += 8) {
      const side = await sideOf({ what: 'x'.repeat(length), at: noon, ...fields });
      parts += side.summary.fragments;
    }
    return parts;
  };
  assert.ok((await partsOf({ exercise: 'yes' })) > (await partsOf({})));
  // Half an hour before the end of its hours the next rounds wait for the morning.
  const evening = await sideOf({ alert: id, at: '2027-01-12T17:50' });
  assert.ok(evening.summary.rounds[1]!.opensAfterMs > 14 * 3_600_000);
  const night = await sideOf({ exercise: 'yes', at: '2027-01-12T23:00' });
  assert.match(night.breaks[0]!.says, /Exercises are sent from 08:00 until 18:00 only/);
  assert.equal(night.breaks[0]!.level, 'breaks');
});
