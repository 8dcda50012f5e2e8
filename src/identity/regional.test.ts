/** A role that is given for regions: nothing of it holds anywhere else. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mayIn, regionsOf, system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { must, openCentre, type Centre, type Person } from '../../test/support/centre.ts';
import {
  listHolders,
  ofCentre,
  ofRegion,
  permissionsIn,
  sessionsOf,
  signInForDemonstration,
} from './index.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
});

after(async () => await centre.close());

/** As the person really signs in: with the roles of this moment. */
async function signedIn(person: Person): Promise<Person> {
  const token = must(
    await centre.db.web.withActor(system('test'), (tx) =>
      signInForDemonstration(tx, person.id, { now: new Date(), device: 'test', place: '' }),
    ),
  );
  const session = await sessionsOf(centre.db.web, centre.model).findSession(token, new Date());
  assert.equal(session?.actor.kind, 'person');
  return session.actor;
}

describe('regional leads', () => {
  it('get the role for regions, one by one, and lose it so', async () => {
    const page = centre.visit(await centre.invite('Ines Falk', ['administrator']));
    const lead = await centre.invite('Rea Lund', []);
    await page.get(`/people/${lead.id}`);
    const none = await page.submit('Give for this region', { region: '' }, { status: 422 });
    assert.match(none.text, /Choose a region/);
    await page.submit('Give for this region', { region: 'RA' });
    await page.submit('Give for this region', { region: 'RB' });
    await page.submit('Give for this region', { region: 'RB' });
    assert.match(page.page.text, /for East.*for North/);
    const both = await signedIn(lead);
    assert.deepEqual(regionsOf(both, 'response.record')?.toSorted(), ['RA', 'RB']);
    const end = new URLSearchParams({ role: 'regional_lead', region: 'RA' });
    await page.request('POST', `/people/${lead.id}/roles/end`, { form: end });
    const one = await signedIn(lead);
    assert.ok(mayIn(one, 'response.record', 'RB'));
    assert.ok(!mayIn(one, 'response.record', 'RA'));
    assert.ok(!mayIn(one, 'response.record', null));
    const { status } = await page.request('POST', `/people/${lead.id}/roles`, {
      form: new URLSearchParams({ role: 'duty_officer', region: 'RA' }),
    });
    assert.equal(status, 422, 'a role of the centre is given for no region');
  });

  it('who also holds a role of the centre is bound by neither more nor less', () => {
    const lead = { role: 'regional_lead', ...ofRegion('RA') };
    const alone = permissionsIn(centre.model, [lead]);
    assert.deepEqual(alone.regional.get('alert.read'), ['RA']);
    const approver = permissionsIn(centre.model, [lead, { role: 'approver', ...ofCentre }]);
    assert.equal(approver.regional.get('alert.read'), undefined);
    assert.deepEqual(approver.regional.get('response.record'), ['RA']);
    const officer = permissionsIn(centre.model, [lead, { role: 'duty_officer', ...ofCentre }]);
    assert.equal(officer.regional.size, 0);
    const nowhere = permissionsIn(centre.model, [{ role: 'regional_lead', ...ofCentre }]);
    assert.equal(nowhere.permissions.size, 0);
  });

  it('give no program for the whole centre what they may do in a region', async () => {
    const both = await centre.invite('Ola Both', ['administrator']);
    const giver = centre.visit(await centre.invite('Ines Gives', ['administrator']));
    await giver.get(`/people/${both.id}`);
    await giver.submit('Give for this region', { region: 'RA' });
    const page = centre.visit(await signedIn(both));
    await page.get('/keys/new');
    const offered = page.page.elements('input').map(({ attribs }) => attribs['value']);
    assert.ok(offered.includes('directory.read'));
    assert.ok(!offered.includes('response.record'));
    const key = { name: 'Desk of the region', days: '9', reason: 'Ours.', formId: newId() };
    const form = new URLSearchParams({ ...key, permissions: 'response.record' });
    assert.equal((await page.request('POST', '/keys/new', { form })).status, 403);
  });

  it('propose for the whole centre only as long as they hold it there', async () => {
    const both = await centre.invite('Uma Moves', ['administrator', 'duty_officer']);
    const giver = centre.visit(await centre.invite('Ina Agrees', ['administrator']));
    const page = centre.visit(await signedIn(both));
    await page.get('/keys/new');
    const key = { name: 'Desk', permissions: ['response.record'], reason: 'Ours.' };
    const made = await page.submit('Propose', key);
    const hrefs = made.elements('a').map(({ attribs }) => attribs['href'] ?? '');
    const change = hrefs.find((href) => href.startsWith('/changes/0'))!;
    await giver.get(`/people/${both.id}`);
    await giver.submit('Give for this region', { region: 'RA' });
    const end = new URLSearchParams({ role: 'duty_officer' });
    await giver.request('POST', `/people/${both.id}/roles/end`, { form: end });
    assert.match((await giver.get(change)).text, /may not do so any more/);
  });

  it('are listed with their regions where a colleague is chosen', async () => {
    await centre.inviteLead('Eda East', ['RB']);
    const holders = await centre.db.web.withActor(centre.officer, (tx) =>
      listHolders(tx, centre.model, 'response.record'),
    );
    assert.deepEqual(holders.find(({ name }) => name === 'Eda East')?.regionCodes, ['RB']);
    assert.equal(holders.find(({ name }) => name === 'Amara Osei')?.regionCodes, null);
    assert.equal(
      holders.find(({ name }) => name === 'Tom Lindqvist'),
      undefined,
    );
  });
});
