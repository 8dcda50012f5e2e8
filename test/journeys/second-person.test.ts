/** A change that takes two, from the desk to what it does, in a demonstration. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openApi, type ApiSite } from '../support/api-client.ts';

let api: ApiSite;
before(async () => {
  api = await openApi();
});
after(() => api.close());

test('one proposes a key, the desk says so, another approves, a program uses it', async () => {
  const { centre } = api;
  const one = centre.visit(await centre.invite('Ines Falk', ['administrator']));
  assert.match((await one.get('/changes')).text, /Nothing waits\./);
  await one.get('/keys/new');
  const wish = { name: 'Feed', permissions: ['alert.read'], reason: 'Their desk reads it.' };
  const made = await one.submit('Propose', wish);
  const key = /tocsin_[0-9a-f]{8}_[\w-]{43}/.exec(made.text)![0];
  const call = async () => (await api.get('/api/v1/alerts', { key })).status;
  assert.equal(await call(), 401);
  const officer = centre.visit(centre.officer);
  const waits = /Waiting for a second person.*1 change of people, keys or sign-ins/;
  assert.match((await officer.get('/')).text, waits);
  const seen = await officer.get('/changes');
  assert.match(seen.text, /1 change waits for whoever manages people\./);
  assert.doesNotMatch(seen.text, /Feed/, 'what it is, they see who decide');
  const links = made.elements('a').map(({ attribs }) => attribs['href'] ?? '');
  const change = links.find((href) => href.startsWith('/changes/0'))!;
  await officer.get(change, { status: 404 });
  const two = centre.visit(await centre.invite('Olof Berg', ['administrator']));
  await two.get(change);
  assert.match((await two.submit('Approve, and do it')).text, /Approved by Olof Berg .*and done/);
  assert.equal(await call(), 200);
  assert.match((await officer.get('/changes')).text, /Nothing waits\./);
});
