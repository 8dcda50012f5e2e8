/** Spaces in a live installation: who leads one takes two persons, and what they do a passkey. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { Authenticator } from '../../../test/support/authenticator.ts';
import { openLiveSite, type LiveSite } from '../../../test/support/live-site.ts';
import { agreeTo, findAgreeing } from '../../../test/support/second-person.ts';

let live: LiveSite;

before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());

/** How many people lead this space, and how many were let in. */
async function countIn(spaceId: string): Promise<[leads: number, letIn: number]> {
  const { leads, letIn } = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.one<{ leads: number; letIn: number }>(sql`
      select (select count(*)::int from identity.role_grant
          where space_id = ${spaceId} and ended_at is null) as leads,
        (select count(*)::int from identity.reader_set_member
          where set_id = ${spaceId}) as let_in`),
  );
  return [leads, letIn];
}

test('the role takes two, letting in a passkey of this moment, and a closed space nobody', async () => {
  const [mira] = await live.administrator('Mira Opens');
  const [noor, device] = await live.administrator('Noor Agrees');
  const open = async (name: string) => {
    const fields = { name, purpose: 'Tests', formId: newId() };
    const opened = await live.post(mira, '/spaces/open', fields);
    return opened.headers.get('location')!.split(/[/?]/)[2]!;
  };
  const [spaceId, another] = [await open('Gateways'), await open('Mail')];
  const personId = await live.invite('Lou Leads', []);
  const ask = (space: string) =>
    live.post(mira, `/people/${personId}/roles`, { role: 'space_lead', space });
  assert.equal((await ask(spaceId)).status, 303);
  assert.deepEqual(await countIn(spaceId), [0, 0]);
  const shown = (await findAgreeing(noor, personId))!;
  assert.match(noor.page.text, /Lead of a space for Gateways, asked by Mira Opens/);
  assert.equal((await agreeTo(live, { client: noor, device }, shown)).status, 303);
  assert.deepEqual(await countIn(spaceId), [1, 0]);

  await ask(another);
  const late = (await findAgreeing(noor, personId))!;
  assert.equal((await live.post(mira, `/spaces/${another}/close`)).status, 303);
  assert.equal((await agreeTo(live, { client: noor, device }, late)).status, 409);
  assert.deepEqual(await countIn(another), [0, 0]);

  const lou = await live.byLink(personId);
  await live.invite('Rita Reads', []);
  const letIn = () =>
    live.post(lou, `/spaces/${spaceId}/readers`, {
      email: 'rita.reads@centre.test',
      until: '2027-01-31',
    });
  assert.equal((await letIn()).status, 403);
  assert.deepEqual(await countIn(spaceId), [1, 0], 'without a passkey');
  const hers = new Authenticator();
  assert.equal((await live.make(lou, hers)).status, 303);
  live.wait(6 * 60_000);
  const stale = await letIn();
  assert.equal(stale.status, 403);
  assert.deepEqual(await countIn(spaceId), [1, 0], 'a passkey of six minutes ago');
  await live.prove(lou, hers);
  assert.equal((await letIn()).status, 303);
  assert.deepEqual(await countIn(spaceId), [1, 1]);
});
