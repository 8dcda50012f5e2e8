import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { answersAt } from '../../test/support/answers.ts';
import {
  deliverRounds,
  messagesOf,
  numbers,
  openCentre,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { rulesWith } from '../../test/support/rules.ts';
import { claimItem } from './desk.ts';
import { deskMoves, deskStatesBefore, heldBy, otherHolder } from './desk-model.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const { liveAlert, deskItems, tidy, answersSent } = answersAt(() => centre);

const byOwner = <T>(statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

describe('one owner for an organisation', () => {
  it('takes all that waits of it; what comes later is theirs too, or nobody’s', async () => {
    const { alertId, codeOf } = await liveAlert();
    const eastvale = codeOf(numbers.eastvale);
    await textFrom(centre, numbers.eastvale, `${eastvale} HELP`);
    await textFrom(centre, numbers.eastvale, 'the roof is on fire');
    const mia = await centre.invite('Mia Berg', ['duty_officer']);
    const [first, second] = [centre.visit(centre.officer), centre.visit(mia)];
    const desk = await first.get('/');
    assert.equal(desk.elements('.tocsin-desk-item').length, 1, 'one entry for the organisation');
    const item = await first.click('Take it');
    assert.match(item.text, /the roof is on fire/);
    await first.submit('I take this');
    await textFrom(centre, numbers.eastvale, 'still burning');
    await second.get('/');
    const theirs = await second.click('Open');
    assert.match(theirs.text, /Amara Osei has this since/);
    const late = (
      await byOwner<{ id: string }>(sql`
      select id from responses.desk_item where state = 'open'`)
    )[0]!;
    const page = await second.get(`/desk/${late.id}`);
    assert.deepEqual(page.elements('form[action$="/claim"]'), [], 'no second owner');
    await first.get(`/desk/${late.id}`);
    await first.submit('I take this');
    await first.submit('Close all of it', { outcome: 'The brigade is there' });
    assert.deepEqual(await deskItems(), []);
    await tidy(alertId);
  });

  it('of two that share a number, whoever opens one sees the other, and who has it', async () => {
    const { alertId, dispatchId } = await liveAlert();
    // Their number is second in line of both.
    await deliverRounds(centre, dispatchId);
    const { code } = (await messagesOf(centre, dispatchId)).find(
      ({ number }) => number === numbers.sharedOnCall,
    )!;
    await textFrom(centre, numbers.sharedOnCall, `${code} HELP`);
    assert.equal((await deskItems()).length, 2);
    // One of them has the number for two of its people: either may have asked.
    const link = sql`contact_id = (select id from organisations.contact where name = 'Ada Okafor')
      and position = 9`;
    await byOwner(sql`
      insert into organisations.contact_contact_point
        (contact_id, contact_point_id, channel, position)
      select contact.id, item.contact_point_id, 'text', 9
      from organisations.contact join responses.desk_item item
        on item.organisation_id = contact.organisation_id
      where contact.name = 'Ada Okafor' and item.state = 'open'`);
    const [first, second] = [
      centre.visit(centre.officer),
      centre.visit(await centre.invite('Noa Lind', ['duty_officer'])),
    ];
    await first.get('/');
    const one = await first.click('Take it');
    const [, other] = /The same number asked for (.+?) too, which nobody has yet/.exec(one.text)!;
    await first.submit('I take this');
    await second.get('/');
    // What is left to take is the other one, and it says who has its twin.
    const twin = await second.click('Take it');
    assert.match(twin.text, new RegExp(other!));
    assert.match(twin.text, /too, which Amara Osei has: agree who rings/);
    const both = `${one.text} ${twin.text}`;
    assert.match(both, /Ada Okafor, [^.]*? may have asked: others have this number too/);
    assert.equal(both.split('may have asked').length, 3, 'of that organisation alone, both people');
    await byOwner(sql`delete from organisations.contact_contact_point where ${link}`);
    await tidy(alertId);
  });

  it('two who press at once: one has it', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    await textFrom(centre, numbers.eastvale, 'the roof is on fire');
    const items = await byOwner<{ id: string }>(sql`
      select id from responses.desk_item where state = 'open' order by kind`);
    const other = await centre.invite('Kim Lund', ['duty_officer']);
    const patient = rulesWith(['claim_holds_for: PT20M', 'claim_holds_for: PT45M']);
    const tries = await Promise.all(
      [centre.officer, other].map((actor, i) =>
        centre.db.web.attempt(actor, (tx) => claimItem(tx, items[i]!.id, patient)),
      ),
    );
    assert.equal(tries.filter(({ ok }) => ok).length, 1);
    const owners = await byOwner<{ by: string; minutes: number }>(sql`
      select distinct claimed_by as by,
        round(extract(epoch from claim_ends_at - claimed_at) / 60)::int as minutes
      from responses.desk_item where state <> 'closed'`);
    assert.deepEqual(
      owners.map(({ minutes }) => minutes),
      [45],
    );
    await tidy(alertId);
  });

  it('what came while the page was open stays when the rest is closed', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const officer = centre.visit(centre.officer);
    await officer.get('/');
    await officer.click('Take it');
    await officer.submit('I take this');
    await textFrom(centre, numbers.eastvale, 'and now the cellar');
    await officer.submit('Close it', { outcome: 'Rang them' });
    assert.deepEqual(await deskItems(), [{ kind: 'not_understood', organisation: 'Eastvale' }]);
    await tidy(alertId);
  });

  it('is given back, handed over, and free again after a silence', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const ida = await centre.invite('Ida Holm', ['duty_officer']);
    const [first, second] = [centre.visit(centre.officer), centre.visit(ida)];
    await first.get('/');
    const item = await first.click('Take it');
    await first.submit('I take this');
    await first.submit('Give it back to everybody');
    assert.match((await second.get(item.path)).body, /I take this/);
    await second.submit('I take this');
    await second.submit('Hand over', {}, { status: 422 });
    assert.match(second.page.body, /id="to-error"/);
    await second.submit('Hand over', { to: centre.approver.id }, { status: 422 });
    await second.submit('Hand over', { to: centre.officer.id });
    const mine = await first.get(item.path);
    assert.match(mine.text, /Yours since .*, from Ida Holm/);
    assert.match(mine.body, /href="tel:\+447700900203"/);
    assert.match((await second.get(item.path)).text, /Amara Osei has this since .*, from Ida Holm/);
    const form = new URLSearchParams({ outcome: 'x' });
    assert.equal((await second.request('POST', `${item.path}/close`, { form })).status, 409);
    await byOwner(
      sql`update responses.desk_item set claim_ends_at = now() where state = 'claimed'`,
    );
    const free = await second.get(item.path);
    assert.match(free.text, /Amara Osei took it .* and has said nothing since/);
    assert.match((await second.get('/')).text, /has said nothing since.*Take it/);
    // Until somebody does, whoever took it may still say what came of it.
    assert.match((await first.get(item.path)).text, /anybody may take it now/);
    await second.get(item.path);
    await second.submit('I take this');
    await first.submit('Close it', { outcome: 'I rang them' }, { status: 409 });
    assert.match(first.page.text, /Ida Holm has it now/);
    assert.match(first.page.text, /It was not saved. Copy it from here/);
    await second.submit('Close it', { outcome: 'Rang them' });
    const past = await second.get(item.path);
    assert.match(
      past.text,
      /Who had it [\d:]+ Amara Osei took it[\d:]+ Amara Osei gave it back to everybody[\d:]+ Ida Holm took it[\d:]+ Ida Holm handed it to Amara Osei[\d:]+ Ida Holm took it[\d:]+ Ida Holm closed it/,
    );
    await tidy(alertId);
  });
});

describe('the promise of a call', () => {
  it('is in the text, once, and the desk is told when it is broken', async () => {
    const { alertId, codeOf } = await liveAlert();
    const before = (await answersSent(numbers.southmere)).length;
    await textFrom(centre, numbers.southmere, `${codeOf(numbers.southmere)} HELP`);
    const { callBackAt } = (
      await byOwner<{ callBackAt: Date }>(sql`
      select call_back_at from responses.desk_item where state = 'open'`)
    )[0]!;
    const promised = Math.round((callBackAt.getTime() - Date.now()) / 60_000);
    assert.equal(promised, 15);
    const clock = clockOf(callBackAt);
    const officer = centre.visit(centre.officer);
    assert.match(
      (await officer.get('/')).text,
      new RegExp(`Our call due in 1[45] min \\(${clock}`),
    );
    await textFrom(centre, numbers.southmere, 'help!');
    await byOwner(sql`update responses.desk_item set call_back_at = now() - interval '3 minutes'
      where state = 'open'`);
    assert.match((await officer.get('/')).text, /Our call overdue by 3 min/);
    await textFrom(centre, numbers.southmere, 'help!!');
    const texts = (await answersSent(numbers.southmere)).slice(before);
    assert.deepEqual(
      texts.map((text) => /will ring this number( by [\d:]{5})?\./.exec(text)?.[1]),
      [` by ${clock}`, ` by ${clock}`, undefined],
    );
    await officer.click('Take it');
    await officer.submit('I take this');
    await officer.submit('Write down the time', {}, { status: 422 });
    await officer.submit('Write down the time', { inMinutes: '60' });
    assert.match(officer.page.text, /They expect our call by .*: due in (59 min|1 h)/);
    const { minutes } = (
      await byOwner<{ minutes: number }>(sql`
      select round(extract(epoch from claim_ends_at - now()) / 60)::int as minutes
      from responses.desk_item where state = 'claimed'`)
    )[0]!;
    assert.equal(minutes, 80, 'until then it stays with its owner');
    await tidy(alertId);
  });

  it('three organisations within half an hour raise a banner; a fourth hours later is alone', async () => {
    const { alertId, codeOf } = await liveAlert();
    const officer = centre.visit(centre.officer);
    await byOwner(sql`update responses.desk_item set created_at = now() - interval '1 day'`);
    for (const number of [numbers.northmoor, numbers.southmere] as const)
      await textFrom(centre, number, `${codeOf(number)} HELP`);
    assert.doesNotMatch((await officer.get('/')).text, /organisations asked for help/);
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const desk = await officer.get('/');
    assert.match(desk.text, /3 organisations asked for help (at|from \d\d:\d\d to) \d\d:\d\d\./);
    assert.doesNotMatch(desk.text, /from (\d\d:\d\d) to \1/, 'one minute is said once');
    assert.equal(desk.elements('[role="alert"]').length, 1);
    await byOwner(sql`update responses.desk_item set created_at = created_at - interval '2 hours'
      where state = 'open' and organisation_id = (select id
        from organisations.organisation where short_name = 'Northmoor')`);
    assert.doesNotMatch((await officer.get('/')).text, /organisations asked for help/);
    await tidy(alertId);
  });
});

const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', timeStyle: 'short' });

function clockOf(at: Date): string {
  return clock.format(at);
}

describe('the moves of a desk item', () => {
  it('are read backwards, and a silence ends ownership only for others', () => {
    assert.deepEqual(deskStatesBefore('closed'), ['claimed']);
    assert.deepEqual(deskStatesBefore('claimed'), ['open', 'claimed']);
    assert.deepEqual(deskStatesBefore('open'), ['claimed']);
    assert.deepEqual(deskMoves.closed, []);
    const item = { id: '1', state: 'claimed' as const, claimedBy: 'a', claimedByName: 'A' };
    assert.equal(otherHolder([{ ...item, isLapsed: false }], 'b')?.claimedByName, 'A');
    assert.equal(otherHolder([{ ...item, isLapsed: true }], 'b'), undefined);
    assert.equal(heldBy([{ ...item, isLapsed: true }], 'a').length, 1);
    assert.equal(heldBy([{ ...item, isLapsed: false }], 'b').length, 0);
  });
});
