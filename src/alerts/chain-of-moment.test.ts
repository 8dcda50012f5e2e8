/** Hours, absences and kinds of reader, as the frozen texts have them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import {
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  type Centre,
} from '../../test/support/centre.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(async () => await centre.close());

async function contactId(code: string, rank: number): Promise<string> {
  const { id } = await centre.db.owner.withActor(centre.officer, (tx) =>
    tx.one<{ id: string }>(sql`
      select contact.id from organisations.contact
      join organisations.organisation on organisation.id = contact.organisation_id
      where organisation.code = ${code} and contact.rank = ${rank}`),
  );
  return id;
}

const run = async (statement: ReturnType<typeof sql>) =>
  await centre.db.owner.withActor(centre.officer, (tx) => tx.run(statement));

/** `round number` of the texts to these two organisations. */
async function texts(audience: object = {}): Promise<string[]> {
  const { dispatchId } = await releaseAlert(centre, {}, { include: [], ...audience });
  const messages = await messagesOf(centre, dispatchId);
  return messages
    .filter(({ channel }) => channel === 'text')
    .map(({ round, number }) => `${round} ${number}`)
    .toSorted();
}

const asEver = [
  `1 ${numbers.northmoor}`,
  `1 ${numbers.southmere}`,
  `1 ${numbers.eastvale}`,
  `2 ${numbers.sharedOnCall}`,
].toSorted();

test('without hours and absences everybody is told by rank', async () => {
  assert.deepEqual(await texts(), asEver);
});

test('who is away is told by the cover, whose own turn comes as well', async () => {
  const [away, cover] = [await contactId('ZZ-0001', 1), await contactId('ZZ-0001', 2)];
  // The shared desk has no address; whoever it stands in for must have none either.
  await run(sql`
    delete from organisations.contact_contact_point
    where contact_id = ${away} and channel = 'mail'`);
  await run(sql`
    insert into organisations.absence (contact_id, starts_at, ends_at, cover_id)
    values (${away}, now() - interval '1 hour', now() + interval '1 hour', ${cover})`);
  const expected = [
    ...asEver.filter((one) => !one.includes(numbers.northmoor)),
    `1 ${numbers.sharedOnCall}`,
  ];
  assert.deepEqual(await texts(), expected.toSorted());
  await run(sql`delete from organisations.absence`);
});

test('who is off duty is passed over for a colleague, and told where a role is asked for', async () => {
  const off = await contactId('ZZ-0001', 1);
  await run(sql`update organisations.contact set rank = 1
    where id = ${await contactId('ZZ-0001', 2)}`);
  // An hour of a day that is not today.
  await run(sql`
    insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
    values (${off}, extract(isodow from now() + interval '3 days')::smallint, '09:00', '10:00',
      'Europe/London')`);
  const told = await texts();
  assert.ok(!told.includes(`1 ${numbers.northmoor}`));
  assert.ok(told.includes(`1 ${numbers.sharedOnCall}`));
  const asked = await texts({ roles: ['ciso'] });
  assert.ok(asked.includes(`1 ${numbers.northmoor}`));
  await run(sql`delete from organisations.duty_hours`);
});

test('who reads for information is told with the first round and never chased', async () => {
  const reader = await contactId('ZZ-0002', 2);
  await run(sql`
    update organisations.contact set reader_kind = 'information' where id = ${reader}`);
  const told = await texts({ types: ['trust'] });
  const shared = told.filter((one) => one.endsWith(numbers.sharedOnCall));
  assert.deepEqual(shared, [`1 ${numbers.sharedOnCall}`]);
});

test('what changes while an alert is out is marked on its page and in the history', async () => {
  const { alertId, number } = await releaseAlert(centre, {}, { include: [] });
  const { id: organisationId } = await centre.db.owner.withActor(centre.officer, (tx) =>
    tx.one<{ id: string }>(sql`
      select id from organisations.organisation where code = 'ZZ-0003'`),
  );
  const client = centre.visit(centre.officer);
  const page = `/alerts/${alertId}/organisations/${organisationId}`;
  assert.doesNotMatch((await client.get(page)).text, /Changed since it went out/);
  const directory = await client.get(`/organisations/${organisationId}`);
  assert.match(directory.text, new RegExp(`Alert ${number} is out`));
  const path = `/organisations/${organisationId}/contacts/new`;
  await client.get(path);
  await client.submit(path, { name: 'Night shift', rank: '2', mobile: '07700 900219' });
  assert.match(client.page.text, new RegExp(`Night shift: added During alert ${number}`));
  const changed = await client.get(page);
  assert.match(changed.text, /Changed since it went out .* Amara Osei ?Night shift: added/);
  assert.doesNotMatch(changed.body, /900219/);
});
