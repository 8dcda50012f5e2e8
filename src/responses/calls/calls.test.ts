import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import { answersAt } from '../../../test/support/answers.ts';
import {
  numbers,
  openCentre,
  releaseVersion,
  textFrom,
  type Centre,
} from '../../../test/support/centre.ts';
import { seedNotify } from '../../../test/support/dispatch.ts';
import { claimCall } from './calls.ts';
import { nextWay } from './model.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const { liveAlert, responsesTo, deskItems, tidy } = answersAt(() => centre);

const byOwner = <T>(statement: Sql) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

async function idOf(shortName: string): Promise<string> {
  const rows = await byOwner<{ id: string }>(sql`
    select id from organisations.organisation where short_name = ${shortName}`);
  return rows[0]!.id;
}

/** The page of a name, by the call list. */
async function namePath(alertId: string, shortName: string): Promise<string> {
  return `/alerts/${alertId}/calls/${await idOf(shortName)}`;
}

describe('the call list', () => {
  it('has who is unreachable, then who is silent; nobody who is still being asked', async () => {
    const { alertId } = await liveAlert();
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/board`);
    const list = await officer.click('Call list');
    assert.equal(list.elements('tr').length - 1, 2);
    assert.match(list.text, /Lonely Trust.*Nothing reaches them.*Eastvale.*Reached, silent/);
    await tidy(alertId);
  });

  it('number by number to the switchboard, and round again; a wrong one never more', async () => {
    const { alertId } = await liveAlert();
    const officer = centre.visit(centre.officer);
    const page = await officer.get(await namePath(alertId, 'Eastvale'));
    assert.doesNotMatch(page.body, /href="tel:/);
    await officer.submit('I ring them');
    assert.match(officer.page.body, /href="tel:\+447700900203">07700 900203</);
    await officer.submit('Write it down', {}, { status: 422 });
    assert.match(officer.page.body, /id="outcome-error"/);
    await officer.submit('Write it down', { outcome: 'no_answer' });
    assert.match(officer.page.body, /href="tel:03069990003">0306 999 0003</);
    assert.doesNotMatch(officer.page.body, /900203/, 'of what is not to be rung now the mask only');
    await officer.submit('Write it down', { outcome: 'wrong_number' });
    assert.match(officer.page.body, /href="tel:\+447700900203"/);
    await officer.submit('Write it down', { outcome: 'left_word' }, { status: 422 });
    assert.match(officer.page.body, /id="note-error"/);
    await officer.submit('Write it down', { outcome: 'left_word', note: 'The night porter' });
    assert.match(officer.page.text, /Eastvale.*3 times, last .* by Amara Osei: left word/);
    const { looks } = (
      await byOwner<{ looks: number }>(sql`
      select count(*)::int as looks from audit.entry where action = 'contact.looked_up'
        and subject_kind = 'contact_point'`)
    )[0]!;
    assert.ok(looks >= 2, 'each look at a number is kept');
    await tidy(alertId);
  });

  it('whoever is reached has answered, by phone; a second press is no second call', async () => {
    const { alertId } = await liveAlert();
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    const path = await namePath(alertId, 'Lonely');
    await first.get(path);
    const mine = await first.submit('I ring them');
    assert.match(mine.body, /href="tel:03069990005"/, 'nobody on file: the switchboard');
    const formId = mine.elements('input[name="formId"]')[0]?.attribs['value'] ?? '';
    await second.get(path);
    const said = { outcome: 'help', note: 'The porter fetched the CIO', formId };
    await first.submit('Write it down', said);
    await second.submit('Write it down', said);
    assert.deepEqual(await responsesTo(alertId), [
      { organisation: 'Lonely', evidence: 'call', affected: null, help: true },
    ]);
    assert.deepEqual(await deskItems(), [{ kind: 'help', organisation: 'Lonely' }]);
    await second.get(path);
    assert.match(second.page.text, /They have answered, .*: nobody need ring/);
    await tidy(alertId);
  });

  it('two who press at once: one has the name, the other is told who', async () => {
    const { alertId } = await liveAlert();
    const mia = await centre.invite('Mia Berg', ['duty_officer']);
    const name = { alertId, organisationId: await idOf('Lonely') };
    const tries = await Promise.all(
      [centre.officer, mia].map((actor) =>
        centre.db.web.attempt(actor, (tx) => claimCall(tx, name, centre.model)),
      ),
    );
    assert.equal(tries.filter(({ ok }) => ok).length, 1);
    const loser = centre.visit(tries[0]!.ok ? mia : centre.officer);
    await loser.get(`/alerts/${alertId}/calls/${name.organisationId}`);
    assert.match(loser.page.text, /(Amara Osei|Mia Berg) rings them since/);
    assert.doesNotMatch(loser.page.body, /Write it down/);
    await tidy(alertId);
  });

  it('a name is given back; after a silence anybody may take it; who answers ends the call', async () => {
    const { alertId, codeOf } = await liveAlert();
    const kim = await centre.invite('Kim Lund', ['duty_officer']);
    const [first, second] = [centre.visit(centre.officer), centre.visit(kim)];
    const path = await namePath(alertId, 'Eastvale');
    await first.get(path);
    await first.submit('I ring them');
    await first.submit('Give it back to everybody');
    await second.get(path);
    await second.submit('I ring them');
    await byOwner(sql`update responses.call set claim_ends_at = now() where ended_at is null`);
    assert.match((await first.get(path)).text, /Kim Lund took it .* and has said nothing since/);
    await first.submit('I ring them');
    const late = await second.request('POST', `${path}/attempts`, {
      form: new URLSearchParams({ outcome: 'got_it', note: 'Spoke to the desk' }),
    });
    assert.equal(late.status, 409);
    assert.match(late.body, /Amara Osei has this name now/);
    assert.match(late.body, /It was not saved[^]*Spoke to the desk/);
    await textFrom(centre, numbers.eastvale, codeOf(numbers.eastvale));
    assert.match((await first.get(path)).text, /They have answered/);
    const ends = await byOwner<{ endedHow: string }>(sql`
      select ended_how from responses.call where organisation_id = ${await idOf('Eastvale')}
        and alert_id = ${alertId} order by claimed_at`);
    assert.deepEqual(
      ends.map(({ endedHow }) => endedHow),
      ['given_back', 'lapsed', 'answered'],
    );
    await tidy(alertId);
  });
});

describe('who was told by phone', () => {
  /** The officer rings this name of the list, and reaches somebody. */
  async function tell(alertId: string, shortName: string): Promise<void> {
    const officer = centre.visit(centre.officer);
    await officer.get(await namePath(alertId, shortName));
    await officer.submit('I ring them');
    await officer.submit('Write it down', { outcome: 'got_it', note: 'Spoke to the porter' });
  }

  it('is rung first after a correction, and told what they know does not hold', async () => {
    const { alertId } = await liveAlert();
    await tell(alertId, 'Lonely');
    const correction = { doNow: 'Do NOT isolate Citrix.', ifActed: 'If you did, reconnect.' };
    await releaseVersion(centre, alertId, 'correction', correction);
    const officer = centre.visit(centre.officer);
    const told = /Told by phone \d\d:\d\d, before the correction: ring again\./;
    assert.match((await officer.get(`/alerts/${alertId}/calls`)).text, told);
    const name = await officer.get(await namePath(alertId, 'Lonely'));
    assert.match(name.text, told);
    assert.match(
      name.text,
      /Do NOT isolate Citrix\. ?If they acted already: If you did, reconnect\./,
    );
    await tidy(alertId);
  });

  it('of what is withdrawn is rung once more, where nothing else tells them', async () => {
    const { alertId } = await liveAlert();
    await tell(alertId, 'Lonely');
    await tell(alertId, 'Eastvale');
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/withdrawal`);
    await officer.submit('Withdraw the alert now', { reason: 'the source took it back' });
    assert.match((await officer.get('/')).text, /Withdrawn 49\d\d .* 1 told by phone: ring them/);
    const list = await officer.get(`/alerts/${alertId}/calls`);
    assert.match(list.text, /Lonely Trust.*Told by phone, withdrawn since/);
    assert.doesNotMatch(list.text, /Eastvale/, 'their text says so');
    const name = await officer.get(await namePath(alertId, 'Lonely'));
    assert.match(name.text, /It is withdrawn: it does not hold any more/);
    assert.doesNotMatch(name.text, /nobody need ring|Isolate/);
    await officer.submit('I ring them');
    await officer.submit('Write it down', { outcome: 'got_it', note: 'The porter again' });
    assert.match((await officer.get(`/alerts/${alertId}/calls`)).text, /Nobody is to be rung/);
    assert.doesNotMatch((await officer.get('/')).text, /told by phone: ring them/);
  });
});

describe('a regional lead', () => {
  it('sees and takes the names of the region, and no other’s', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.northmoor, `${codeOf(numbers.northmoor)} HELP`);
    const east = centre.visit(await centre.inviteLead('Eda East', ['RB']));
    const north = centre.visit(await centre.inviteLead('Nils North', ['RA']));
    const list = await east.get(`/alerts/${alertId}/calls`);
    assert.match(list.text, /Lonely Trust.*Eastvale/);
    assert.match((await north.get(`/alerts/${alertId}/calls`)).text, /Nobody is to be rung/);
    const lonely = await namePath(alertId, 'Lonely');
    await north.get(lonely, { status: 404 });
    assert.equal((await north.request('POST', `${lonely}/claim`)).status, 404);
    await east.get(lonely);
    await east.submit('I ring them');

    assert.match((await north.get('/')).text, /Northmoor Teaching Hospitals.*Take it/);
    const item = await north.click('Take it');
    await north.submit('I take this');
    assert.match(north.page.body, /href="tel:\+447700900201"/);
    const desk = await east.get('/');
    assert.doesNotMatch(desk.text, /Northmoor/);
    await east.get(item.path, { status: 404 });
    assert.equal((await east.request('POST', `${item.path}/claim`)).status, 404);
    const board = await east.get(`/alerts/${alertId}/board`);
    assert.doesNotMatch(board.text, /Nils North|Northmoor/);
    const northmoor = `/alerts/${alertId}/organisations/${await idOf('Northmoor')}`;
    await east.get(northmoor, { status: 404 });
    const form = new URLSearchParams({ kind: 'got_it' });
    assert.equal((await east.request('POST', `${northmoor}/call`, { form })).status, 404);
    const behind = await east.get(`/alerts/${alertId}/organisations?show=must_answer`);
    assert.match(behind.text, /Eastvale.*Lonely/);
    assert.doesNotMatch(behind.text, /Northmoor|Southmere/);
    const file = await east.request('GET', `/alerts/${alertId}/organisations.csv?show=must_answer`);
    assert.doesNotMatch(file.body, /Northmoor|Southmere/);
    assert.match(board.text, /4 organisations must answer/, 'the numbers are of the whole sector');
    const numbersOf = `/organisations/${await idOf('Northmoor')}/numbers`;
    assert.equal((await east.request('POST', numbersOf)).status, 403);
    await east.get('/organisations/call-list');
    await east.submit('Make the list');
    assert.doesNotMatch(east.page.text, /Northmoor/);
    assert.match(east.page.text, /Lonely Trust/);
    await tidy(alertId);
  });
});

describe('the next number', () => {
  const [first, second, board] = ['1', '2', null].map((contactPointId) => ({ contactPointId }));
  const tried = (contactPointId: string | null, outcome: 'no_answer' | 'wrong_number') => ({
    contactPointId,
    outcome,
  });

  it('is the first of the chain that was not tried, then the one tried longest ago', () => {
    const ways = [first!, second!, board!];
    assert.equal(nextWay(ways, []), first);
    assert.equal(nextWay(ways, [tried('1', 'no_answer')]), second);
    assert.equal(nextWay(ways, [tried('1', 'no_answer'), tried('2', 'wrong_number')]), board);
    const once = [tried('1', 'no_answer'), tried('2', 'wrong_number'), tried(null, 'no_answer')];
    assert.equal(nextWay(ways, once), first);
    assert.equal(nextWay(ways, [...once, tried('1', 'no_answer')]), board);
    assert.equal(nextWay([], []), undefined);
    assert.equal(nextWay([first!], [tried('1', 'wrong_number')]), undefined);
  });
});
