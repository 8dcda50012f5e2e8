/** Before organisations merge: which alerts wait for an answer of those who hand over. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import {
  deliverAll,
  messagesOf,
  must,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../../../test/support/centre.ts';
import { seedNotify } from '../../../test/support/dispatch.ts';
import { everyPair, planSuccession } from './succeed.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});
after(async () => await centre.close());

test('the preview names them by number, with a way to each organisation, until they answer', async () => {
  const { alertId, dispatchId, number } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const id = newId();
  const parts = everyPair(['ZZ-0001', 'ZZ-0002'], ['ZZ-0003']);
  must(
    await centre.db.web.attempt(centre.officer, (tx) =>
      planSuccession(tx, { id, onDate: '2099-04-01', parts }),
    ),
  );
  const officer = centre.visit(centre.officer);
  const look = () => officer.get(`/organisations/successions/${id}`);
  const waiting = (names: string) =>
    new RegExp(`Alerts that wait for an answer.*Alert ${number}: ${names}\\b(?!,)`, 's');
  assert.match((await look()).text, waiting('Northmoor, Southmere'));
  assert.ok(officer.page.body.includes(`href="/alerts/${alertId}"`));
  const link = officer.page
    .elements('a')
    .find(({ attribs }) => attribs['href']?.startsWith(`/alerts/${alertId}/organisations/`));
  assert.ok((await officer.get(link!.attribs['href']!)).text.includes('Northmoor'));
  const told = (await messagesOf(centre, dispatchId)).find(
    (message) => message.number === numbers.northmoor,
  );
  await textFrom(centre, numbers.northmoor, told!.code);
  assert.match((await look()).text, waiting('Southmere'));
  const reader = centre.visit({
    ...centre.officer,
    id: newId(),
    permissions: new Set<Permission>(['directory.read']),
  });
  const { text } = await reader.get(`/organisations/successions/${id}`);
  assert.doesNotMatch(text, /wait for an answer/, 'alerts are for whoever may read them');
});
