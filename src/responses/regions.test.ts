/** Regions are told of their silent organisations: by the model, once, each of theirs. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { REGIONS_TASK } from '#alerts/index.ts';
import {
  deliverAll,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  tasksFor,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';

let centre: Centre;

const phones = { north: '447700900401', both: '447700900402' };

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  const north = await centre.inviteLead('Nora North', ['RA']);
  const both = await centre.inviteLead('Bo Both', ['RA', 'RB']);
  await centre.inviteLead('Without Number', ['RB']);
  for (const [person, number] of [
    [north, phones.north],
    [both, phones.both],
  ] as const) {
    const page = centre.visit(person);
    await page.get('/account');
    await page.submit('Save the number', { phone: `+${number}` });
  }
});

after(async () => {
  await centre.close();
});

beforeEach(async () => {
  await own(sql`delete from dispatch.message where body like '%silent. Their call list%'`);
});

const own = <T>(statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

const tell = (alertId: string) => tasksFor(centre)[REGIONS_TASK]!({ alertId });

async function texts(): Promise<{ number: string; body: string }[]> {
  const rows = await own<{ contactPointId: string; addressSealed: Buffer; body: string }>(sql`
    select contact_point_id, address_sealed, body from dispatch.message
    where body like '%silent. Their call list%' order by body`);
  return rows.map(({ contactPointId, addressSealed, body }) => ({
    number: centre.product.seals.openAddress(contactPointId, addressSealed),
    body,
  }));
}

/** Released so many minutes ago, and everybody has it. */
async function liveFor(minutes: number, severity = 'critical') {
  const live = await releaseAlert(centre, { severity });
  await deliverAll(centre, live.dispatchId);
  await own(sql`update alerts.version set asked_at = asked_at - ${minutes} * interval '1 minute'
    where alert_id = ${live.alertId}`);
  return live;
}

it('leads are texted once, each with the numbers of theirs, and no word of the alert', async () => {
  const live = await liveFor(41);
  const sent = await messagesOf(centre, live.dispatchId);
  const { code } = sent.find(({ number }) => number === numbers.northmoor)!;
  await textFrom(centre, numbers.northmoor, code);
  await tell(live.alertId);
  await tell(live.alertId);
  const told = await texts();
  assert.deepEqual(
    told.map(({ number, body }) => [number, /: (\d of \d in .*) are silent/.exec(body)?.[1]]),
    [
      [phones.north, '1 of 2 in North'],
      [phones.both, '3 of 4 in East +1'],
    ].toSorted(([, a], [, b]) => (a! < b! ? -1 : 1)),
  );
  for (const { body } of told) assert.doesNotMatch(body, /Citrix|http/);
  const board = await centre.visit(centre.officer).get(`/alerts/${live.alertId}/board`);
  assert.match(board.text, /Told of their silent organisations: Bo Both \d\d:\d\d, Nora North/);
  assert.match(board.body, /#rule-severities-critical-tell_region/);
});

it('before its time a timer is set, and nobody is texted', async () => {
  const { alertId } = await liveFor(10);
  await tell(alertId);
  assert.deepEqual(await texts(), []);
  const jobs = await own<{ minutes: number }>(sql`
    select round(extract(epoch from run_at - now()) / 60)::int as minutes
    from graphile_worker.jobs where key = ${`regions ${alertId}`}`);
  assert.deepEqual(jobs, [{ minutes: 30 }]);
  const board = await centre.visit(centre.officer).get(`/alerts/${alertId}/board`);
  assert.match(board.text, /Regions are told of their silent organisations \d\d:\d\d/);
});

it('nobody is told where the severity says so, where all have answered, or it is over', async () => {
  const medium = await liveFor(600, 'medium');
  await tell(medium.alertId);
  const answered = await liveFor(41);
  for (const organisation of await own<{ id: string }>(
    sql`select id from organisations.organisation`,
  ))
    await own(sql`
      insert into responses.response (alert_id, organisation_id, acknowledged_at, evidence)
      values (${answered.alertId}, ${organisation.id}, now(), 'call')`);
  await tell(answered.alertId);
  const stopped = await liveFor(41);
  const page = centre.visit(centre.officer);
  await page.get(`/alerts/${stopped.alertId}/board`);
  await page.submit('Stop sending for good');
  await tell(stopped.alertId);
  assert.deepEqual(await texts(), []);
});

it('a pause puts it off', async () => {
  const { alertId } = await liveFor(41);
  const page = centre.visit(centre.officer);
  await page.get(`/alerts/${alertId}/board`);
  await page.submit('Pause sending');
  await tell(alertId);
  assert.deepEqual(await texts(), []);
});
