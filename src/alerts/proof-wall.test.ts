/** Whoever may do everything, and has used no passkey: what they meet at an alert above AMBER. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  draftAlert,
  must,
  openCentre,
  releaseAlert,
  releaseVersion,
  wording,
  type Centre,
  type Person,
} from '../../test/support/centre.ts';
import { everybody } from '#organisations/index.ts';
import { abandonAlert, createAlert, findVersion, saveDraft } from './index.ts';
import { takeUpDraft } from './drafts/give-up.ts';

let centre: Centre;
let unproved: Person;

before(async () => {
  centre = await openCentre();
  unproved = {
    ...(await centre.invite('Una Holm', ['duty_officer'])),
    readsUpTo: centre.model.markingCeilings.withoutPasskey,
  };
});

after(() => centre.close());

test('what was typed into a form is kept, and goes on with the proof', async () => {
  const alertId = await draftAlert(centre, { marking: 'RED' });
  const path = `/alerts/${alertId}/edit`;
  const visitor = centre.visit(unproved);
  assert.match((await visitor.get(path, { status: 403 })).text, /marked TLP:RED/);
  const answer = await visitor.request('POST', path, {
    form: new URLSearchParams({ title: 'Typed while closed' }),
  });
  assert.equal(answer.status, 403);
  assert.match(answer.body, /Use your passkey and go on/);
  assert.match(answer.body, /value="Typed while closed"/);
});

test('nobody writes what they could not read', async () => {
  const closer = { wording: { ...wording, marking: 'RED' as const }, audience: everybody };
  const { web } = centre.db;
  const made = await web.attempt(unproved, (tx) => createAlert(tx, centre.model, closer));
  assert.match(JSON.stringify(made), /TLP:RED are for people who have used a passkey/);
  const alertId = await draftAlert(centre);
  const saved = await web.attempt(unproved, (tx) =>
    saveDraft(tx, { ...closer, alertId, revision: 1 }),
  );
  assert.match(JSON.stringify(saved), /TLP:RED are for people who have used a passkey/);

  const red = must(
    await web.attempt(centre.officer, (tx) => createAlert(tx, centre.model, closer)),
  );
  must(await web.attempt(centre.officer, (tx) => abandonAlert(tx, red.id)));
  const taken = await web.attempt(unproved, (tx) => takeUpDraft(tx, red.id));
  assert.equal(taken.ok, false);
  const version = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, red.id));
  assert.deepEqual([version?.state, version?.title], ['abandoned', wording.title]);
});

test('a stream ends when a closer version comes out', async () => {
  const { alertId } = await releaseAlert(centre, { title: 'Open until now' });
  await centre.visit(unproved).get(`/alerts/${alertId}/board`);
  const response = await fetch(`${centre.site.address}/alerts/${alertId}/board/events`, {
    headers: { cookie: `tocsin=${unproved.id}` },
    signal: AbortSignal.timeout(60_000),
  });
  let seen = '';
  let released: Promise<void> | undefined;
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    seen += piece;
    released ??= releaseVersion(centre, alertId, 'correction', {
      marking: 'RED',
      title: 'Quagga inside',
      ifActed: 'Quagga.',
    });
  }
  assert.ok(released !== undefined);
  await released;
  assert.doesNotMatch(seen, /Quagga/);
  await centre.visit(unproved).get(`/alerts/${alertId}/board`, { status: 403 });
});
