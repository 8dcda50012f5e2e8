/** Switching a sign-in of others on again takes two. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql, type Sql } from '#db/sql.ts';
import { system, type Actor } from '#kernel/actor.ts';
import { must } from '../../../test/support/centre.ts';
import { issuerSeals } from '../../../test/support/identity-seals.ts';
import { openLiveSite, type LiveSite } from '../../../test/support/live-site.ts';
import { decideChange, type Signer } from '../../../test/support/second-person.ts';
import { saveIssuer } from '../index.ts';
import { permissionsOf } from '../model.ts';

let live: LiveSite;
let mira: Signer & { id: string };
let noor: Signer & { id: string };

const save = async (wish: { acr?: string[] } = {}) =>
  must(
    await live.clone.web.attempt(system('test'), (tx) =>
      saveIssuer(
        tx,
        {
          id: 'northmoor',
          url: 'https://issuer.example',
          label: 'Northmoor',
          organisationId: null,
          clientId: 'tocsin',
          sendsSecretBy: 'basic',
          origins: [],
          acr: ['high'],
          amr: [],
          authAgeMaxMs: 3_600_000,
          ...wish,
        },
        { seals: issuerSeals, now: live.now() },
      ),
    ),
  );

const isOn = async () =>
  await live.clone.owner.withActor(system('test'), async (tx) => {
    const { on } = await tx.one<{ on: boolean }>(sql`
      select off_at is null as on from identity.issuer where id = 'northmoor'`);
    return on;
  });

const asMira = async (statement: Sql) => {
  const permissions = permissionsOf(live.model, ['administrator']);
  const actor: Actor = { kind: 'person', id: mira.id, name: 'Mira', permissions };
  return await live.clone.web.withActor(actor, (tx) => tx.run(statement));
};

async function propose(reason = 'Their incident is over.'): Promise<string> {
  await mira.client.get('/issuers');
  const page = await mira.client.submit('Propose to switch on Northmoor', { reason });
  return page.path;
}

before(async () => {
  live = await openLiveSite('centre.example');
  const people: (Signer & { id: string })[] = [];
  for (const name of ['Mira Asks', 'Noor Agrees']) {
    const [client, device, id] = await live.administrator(name);
    people.push({ client, device, id });
  }
  [mira, noor] = people as [typeof mira, typeof noor];
  await save();
});
after(() => live.close());
beforeEach(async () => {
  live.wait(60_000);
  await live.post(mira.client, '/issuers/northmoor/off');
});

test('one switches it off, two switch it on', async () => {
  assert.equal(await isOn(), false);
  const path = await propose();
  assert.equal(await isOn(), false);
  const seen = await noor.client.get(path);
  assert.match(seen.text, /on: Northmoor.*https:\/\/issuer\.example.*everybody who is linked/);
  assert.match(seen.text, /level high, not older than/);
  assert.equal((await decideChange(live, mira, path)).status, 403);
  assert.equal((await decideChange(live, noor, path)).status, 303);
  assert.equal(await isOn(), true);
});

test('no person switches it on alone by a statement, nor changes what it is', async () => {
  const on = sql`update identity.issuer set off_at = null, off_by = null`;
  await assert.rejects(asMira(sql`${on} where id = 'northmoor'`), /on by two persons/);
  // By the approval of the last time.
  await assert.rejects(
    asMira(sql`${on}, on_by_approval = (select approval_id from identity.proposed_change limit 1)`),
    /on by two persons/,
  );
  for (const set of [sql`client_id = 'mine'`, sql`acr = '{}'`, sql`settings_sealed = 'x'`])
    await assert.rejects(asMira(sql`update identity.issuer set ${set}`), /saved at the server/);
});

test('other settings since then make it void', async () => {
  const path = await propose();
  live.wait(1_000);
  await save({ acr: ['low'] });
  assert.equal((await decideChange(live, noor, path)).status, 303);
  assert.match((await noor.client.get(path)).text, /Void .*What it stood on has changed/);
  assert.equal(await isOn(), false);
});

test('it says why, and is not proposed of one that is on', async () => {
  await mira.client.get('/issuers');
  await mira.client.submit('Propose to switch on Northmoor', { reason: ' ' }, { status: 422 });
  assert.match(mira.client.page.text, /Say why, for whoever approves it/);
  const path = await propose();
  assert.equal((await decideChange(live, noor, path)).status, 303);
  const again = await live.post(mira.client, '/issuers/northmoor/on', { reason: 'Again.' });
  assert.equal(again.status, 409);
});
