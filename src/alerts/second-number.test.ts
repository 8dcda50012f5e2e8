/** Whom the first number fails, the second one tells: in the freeze, the dry run and the lists. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { importContacts } from '#organisations/index.ts';
import {
  contextOf,
  draftAlert,
  messagesOf,
  must,
  numbers,
  openCentre,
  releaseAlert,
  type Centre,
} from '../../test/support/centre.ts';
import { dryRun } from './dry-run.ts';
import { findVersion } from './index.ts';

const SECOND = '447700900250';
const THIRD_MAIL = 'home@elsewhere.test';

let centre: Centre;
before(async () => {
  centre = await openCentre();
  const csv = `organisation_code,name,kind,role,mobile,second_mobile,email,second_email
ZZ-0001,Ada Okafor,person,ciso,07700 900201,07700 900250,ada@northmoor.test,${THIRD_MAIL}
`;
  await centre.db.owner.withActor(system('test'), async (tx) => {
    const { model: rules, product } = centre;
    const options = { rules, secrets: product.seals.directory, startedAt: new Date() };
    must(
      await importContacts(tx, { name: 'c.csv', bytes: new TextEncoder().encode(csv) }, options),
    );
  });
});
after(async () => await centre.close());

/** Releases to Ada's organisation alone and says where round 1 goes. */
async function toldNow(): Promise<{ dispatchId: string; told: string[] }> {
  const audience = { include: ['ZZ-0001'], namedOnly: true };
  const { dispatchId } = await releaseAlert(centre, {}, audience);
  const messages = await messagesOf(centre, dispatchId);
  return {
    dispatchId,
    told: messages
      .filter(({ round }) => round === 1)
      .map(({ number }) => number)
      .toSorted(),
  };
}

async function becomes(dispatchId: string, number: string, state: string): Promise<void> {
  const sent = await messagesOf(centre, dispatchId);
  const ids = sent.filter((one) => one.number === number).map(({ id }) => id);
  assert.equal(ids.length, 1, number);
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      update dispatch.message set state = ${state}, attempt = 1, due_at = now(),
        accepted_at = now(), final_at = clock_timestamp()
      where id = any(${ids}::uuid[])`),
  );
}

async function dryTexts(): Promise<{ failedOnly: number; names: readonly number[] }> {
  const alertId = await draftAlert(centre, {}, { include: ['ZZ-0001'], namedOnly: true });
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    const dry = must(
      await dryRun(tx, contextOf(centre), {
        version: version!,
        now: new Date(),
        page: { limit: 10 },
      }),
    );
    return { failedOnly: dry.failedOnly, names: dry.rounds.map(({ messages }) => messages) };
  });
}

async function page(): Promise<string> {
  const { id } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`select id from organisations.organisation where code = 'ZZ-0001'`),
  );
  return (await centre.visit(centre.officer).get(`/organisations/${id}`)).text;
}

const MAIL = 'ada@northmoor.test';

test('alerts go to the first, then to the second once the first has failed twice', async () => {
  const first = await toldNow();
  assert.deepEqual(first.told, [numbers.northmoor, MAIL].toSorted());
  await becomes(first.dispatchId, numbers.northmoor, 'undelivered');
  const once = await toldNow();
  assert.deepEqual(once.told, [numbers.northmoor, MAIL].toSorted(), 'once says little');
  assert.doesNotMatch(await page(), /Alerts go here/);
  await becomes(once.dispatchId, numbers.northmoor, 'undelivered');
  const before = await dryTexts();
  assert.deepEqual((await toldNow()).told, [SECOND, MAIL].toSorted());
  assert.equal(before.failedOnly, 0);
  assert.match(await page(), /···201 Fails .*···250 Alerts go here/s);
});

test('a mail that came back once sends the next to the other address', async () => {
  const { dispatchId } = await toldNow();
  await becomes(dispatchId, MAIL, 'rejected');
  assert.deepEqual((await toldNow()).told, [SECOND, THIRD_MAIL].toSorted());
});

test('where the second is known to fail too, alerts stay with the first', async () => {
  for (let i = 0; i < 2; i += 1) {
    const { dispatchId } = await toldNow();
    await becomes(dispatchId, SECOND, 'undelivered');
  }
  assert.deepEqual((await toldNow()).told, [numbers.northmoor, THIRD_MAIL].toSorted());
});

test('once something arrives at the first, alerts go there again', async () => {
  const { dispatchId } = await toldNow();
  await becomes(dispatchId, numbers.northmoor, 'delivered');
  assert.deepEqual((await toldNow()).told, [numbers.northmoor, THIRD_MAIL].toSorted());
});

test('who stands in for somebody is told by the number that works, too', async () => {
  for (let i = 0; i < 2; i += 1) {
    const { dispatchId } = await toldNow();
    await becomes(dispatchId, numbers.northmoor, 'undelivered');
  }
  // The second one works again.
  await centre.db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`
      update organisations.contact_point set proven_at = clock_timestamp()
      where shown = '07700 ···250'`);
    await tx.run(sql`
      insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
      select id, 1, '09:00', '10:00', 'Europe/London' from organisations.contact
      where name = 'Ada Okafor'`);
  });
  assert.deepEqual((await toldNow()).told, [SECOND, THIRD_MAIL].toSorted());
});

test('the call list has the number first that works', async () => {
  const officer = centre.visit(centre.officer);
  await officer.get('/organisations/call-list');
  await officer.submit('/organisations/call-list', { include: 'ZZ-0001' });
  assert.match(officer.page.text, /07700 900250.*07700 900201/s);
});
