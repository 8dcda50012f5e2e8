/** A running alert keeps its rules, unless somebody moves it; what widens needs an update. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { ZONE } from '#kernel/day.ts';
import { system } from '#kernel/actor.ts';
import { formatMinute } from '#kernel/quiet-hours.ts';
import { sql } from '#db/sql.ts';
import { parseOperatingModel, type OperatingModel } from '#operating-model/index.ts';
import { contextOf, draftAlert, must, openCentre, type Centre } from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { approveAndRelease } from './decide.ts';
import { moveRules } from './move-rules.ts';
import { submitAlert } from './submit.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

function rules(...changes: [from: string, to: string][]): OperatingModel {
  const text = changes.reduce((before, [from, to]) => before.replace(from, to), shipped);
  assert.notEqual(text, shipped);
  return must(parseOperatingModel(text, 'other'));
}

/** Submitted and released under these rules; those that the pages obey are the shipped ones. */
async function releasedUnder(
  model: OperatingModel,
  change: Parameters<typeof draftAlert>[1] = {},
): Promise<string> {
  const alertId = await draftAlert(centre, change);
  const context = { ...contextOf(centre), model };
  const now = new Date();
  const submitted = await centre.db.web.attempt(centre.officer, (tx) =>
    submitAlert(tx, context, { alertId, revision: 1, now }),
  );
  const { hash } = must(submitted);
  must(
    await centre.db.web.attempt(centre.approver, (tx) =>
      approveAndRelease(tx, context, { alertId, hash, now }),
    ),
  );
  return alertId;
}

const own = <T>(statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

/** Minutes from the release to each round. */
async function minutesOf(alertId: string): Promise<number[]> {
  const rows = await own<{ minutes: number }>(sql`
    select round(extract(epoch from round.opens_at - dispatch.released_at) / 60)::int as minutes
    from alerts.v_live live
    join dispatch.round round on round.dispatch_id = live.dispatch_id
    join dispatch.dispatch dispatch on dispatch.id = live.dispatch_id
    where live.alert_id = ${alertId} order by round.round`);
  return rows.map(({ minutes }) => minutes);
}

const slower = rules(
  ['{ ranks: [2], after: PT15M }', '{ ranks: [2], after: PT20M }'],
  ['acknowledge_within: PT1H', 'acknowledge_within: PT2H'],
);

const QUIET = '    quiet_hours: { from: "20:00", until: "07:00" }\n';

/** Rules by which it is quiet now, and for an hour to come. */
function quietNow(): OperatingModel {
  const { hour, minute } = Temporal.Now.zonedDateTimeISO(ZONE);
  const at = (shift: number) => formatMinute((hour * 60 + minute + shift + 1440) % 1440);
  return rules([QUIET, `    quiet_hours: { from: "${at(-60)}", until: "${at(60)}" }\n`]);
}

describe('an alert that is out', () => {
  it('keeps its rules, and is moved by a button that says what changes', async () => {
    const alertId = await releasedUnder(slower);
    assert.deepEqual(await minutesOf(alertId), [0, 20, 30]);
    const page = centre.visit(centre.officer);
    const board = await page.get(`/alerts/${alertId}/board`);
    assert.match(board.text, /after 2 h: their answer is due/);
    const moving = await page.click('Move it to the rules in force');
    assert.match(moving.text, /second round after 15 min instead of 20 min/);
    assert.match(moving.text, /acknowledged within 1 h instead of 2 h/);
    const empty = await page.submit(
      'Move it to the rules in force',
      { reason: '' },
      { status: 422 },
    );
    assert.match(empty.text, /Say why, for the audit/);
    const moved = await page.submit('Move it to the rules in force', { reason: 'Too slow.' });
    assert.match(moved.text, /It obeys the rules in force now/);
    assert.match(moved.text, /after 1 h: their answer is due/);
    assert.doesNotMatch(moved.text, /Move it to the rules in force/);
    assert.deepEqual(await minutesOf(alertId), [0, 15, 30]);
    const [entry] = await own<{ detail: { from: string; to: string; reason: string } }>(sql`
      select detail from audit.entry where action = 'alert.rules_moved'`);
    assert.equal(entry?.detail.from, slower.version);
    assert.equal(entry.detail.to, centre.model.version);
    assert.equal(entry.detail.reason, 'Too slow.');
    await page.get(`/alerts/${alertId}/rules`, { status: 409 });
    // What happened before it was moved happened under the rules of then.
    const steps = await page.get(`/alerts/${alertId}/because`);
    const versionOf = (anchor: string) =>
      steps
        .elements('a')
        .map(({ attribs }) => attribs['href'] ?? '')
        .find((href) => href.endsWith(`#rule-${anchor}`))
        ?.split(/[/#]/)[3];
    assert.equal(versionOf('promises-approval'), slower.version);
    assert.equal(versionOf('severities-critical-rounds-0'), slower.version);
    assert.equal(versionOf('severities-critical-rounds-1'), centre.model.version);
    assert.equal(versionOf('severities-critical-acknowledge_within'), centre.model.version);
    const messages = await page.get(`/alerts/${alertId}/messages?channel=text`);
    assert.match(messages.body, new RegExp(`${slower.version}#rule-severities-critical-rounds-0`));
    assert.doesNotMatch(
      messages.body,
      new RegExp(`${slower.version}#rule-severities-critical-rounds-1`),
    );
  });

  it('leaves quiet hours behind: what they had put off comes back', async () => {
    const alertId = await releasedUnder(quietNow(), { severity: 'low' });
    const [held = 0, reminded = 0] = await minutesOf(alertId);
    assert.ok(held > 30);
    const model = rules([QUIET, '']);
    const moved = await centre.db.web.attempt(centre.officer, (tx) =>
      moveRules(tx, { model }, { alertId, to: model.version, reason: 'Not this night.' }),
    );
    must(moved);
    // One minute to recall it, and ten days until the reminder.
    assert.deepEqual(await minutesOf(alertId), [1, 1 + 10 * 1440]);
    assert.ok(reminded > 10 * 1440 + 30);
  });

  it('keeps its distance to a round that quiet hours had held and that is open', async () => {
    const alertId = await releasedUnder(quietNow(), { severity: 'low' });
    const [held = 0] = await minutesOf(alertId);
    await own(sql`
      update dispatch.round set opened_at = opens_at where round = 1 and dispatch_id =
        (select dispatch_id from alerts.v_live where alert_id = ${alertId})`);
    const model = rules([QUIET, '']);
    must(
      await centre.db.web.attempt(centre.officer, (tx) =>
        moveRules(tx, { model }, { alertId, to: model.version, reason: 'Not this night.' }),
      ),
    );
    assert.deepEqual(await minutesOf(alertId), [held, held + 10 * 1440]);
  });

  it('is not moved by one person where the new rules tell others', async () => {
    const alertId = await releasedUnder(rules(['      - { ranks: [3], after: PT30M }\n', '']));
    const page = centre.visit(centre.officer);
    const moving = await page.get(`/alerts/${alertId}/rules`);
    assert.match(
      moving.text,
      /cannot be moved by one person, because its rounds and reminders would tell other ranks/,
    );
    assert.match(moving.text, /Write the update/);
    const tried = await centre.db.web.attempt(centre.officer, (tx) =>
      moveRules(tx, centre.product, { alertId, to: centre.model.version, reason: 'Try.' }),
    );
    assert.ok(!tried.ok);
    assert.match(tried.message, /Send an update/);
  });

  it('is moved to the rules that were shown, or not at all', async () => {
    const alertId = await releasedUnder(slower);
    const move = async (to: string, by = centre.officer) =>
      await centre.db.web.attempt(by, (tx) =>
        moveRules(tx, centre.product, { alertId, to, reason: 'Try.' }),
      );
    const others = await move('0'.repeat(64));
    assert.ok(!others.ok);
    assert.match(others.message, /Other rules came into force/);
    const lead = await centre.inviteLead('Lea', ['RA']);
    const forbidden = await move(centre.model.version, lead);
    assert.ok(!forbidden.ok);
    assert.equal(forbidden.kind, 'forbidden');
    const both = await Promise.all([move(centre.model.version), move(centre.model.version)]);
    assert.equal(both.filter(({ ok }) => ok).length, 1);
  });
});
