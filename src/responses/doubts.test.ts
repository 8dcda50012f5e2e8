/** Texts that doubt or refuse: CHECK, codes of others, STOP; and who of an organisation has it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import { setPhone } from '#identity/index.ts';
import { answersAt } from '../../test/support/answers.ts';
import {
  deliverAll,
  numbers,
  openCentre,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const { liveAlert, responsesTo, deskItems, tidy, answersSent } = answersAt(() => centre);

const byOwner = <T>(statement: Sql) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

describe('is this text genuine?', () => {
  it('CHECK is answered from what left, acknowledges nothing, and troubles nobody', async () => {
    const { alertId, number, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, 'CHECK');
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} check`);
    const texts = await answersSent(numbers.eastvale);
    assert.equal(texts.length, 2);
    for (const text of texts)
      assert.match(
        text,
        new RegExp(`genuine\\. Alert ${number} for Eastvale left us \\d\\d:\\d\\d\\. Got it\\?`),
      );
    assert.deepEqual(await responsesTo(alertId), []);
    assert.deepEqual(await deskItems(), []);
    await tidy(alertId);
  });

  it('by a code that went there in another text it is genuine too, by any other it is not', async () => {
    const { alertId, codeOf } = await liveAlert();
    const code = codeOf(numbers.southmere);
    await tidy(alertId);
    const foreign = code === '9999' ? '9998' : '9999';
    await textFrom(centre, numbers.southmere, `${foreign} CHECK`);
    await textFrom(centre, numbers.southmere, `${code} CHECK`);
    const [no, yes] = await answersSent(numbers.southmere);
    assert.match(no ?? '', /no text like that went from us to this number\. Do nothing/);
    assert.match(yes ?? '', /genuine\. Alert \d+ for Southmere left us/);
    assert.deepEqual(await deskItems(), [{ kind: 'wrong_code', organisation: 'Southmere' }]);
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get('/')).text, /Code never issued to them/);
    await tidy(alertId);
  });

  it('where nothing of ours ever went, the desk hears of it', async () => {
    await byOwner(sql`update dispatch.message set accepted_at = null, state = 'cancelled',
      final_at = now() where contact_point_id in (
        select id from organisations.contact_point where shown like '%210')`);
    await textFrom(centre, numbers.sharedOnCall, 'is this real?');
    const [text] = await answersSent(numbers.sharedOnCall);
    assert.match(text ?? '', /no text like that went from us/);
    // Two organisations have this number: it stands alone on the desk.
    assert.deepEqual(await deskItems(), [{ kind: 'not_ours', organisation: null }]);
    const officer = centre.visit(centre.officer);
    await officer.get('/');
    const item = await officer.click('Take it');
    assert.match(item.text, /Somebody may be sending texts in our name/);
    await officer.submit('I take this');
    assert.match(officer.page.body, /href="tel:\+447700900210"/);
    await officer.submit('Close it', { outcome: 'Their own drill' });
  });
});

describe('a code that was never issued to the number', () => {
  it('is a signal on the desk, with whose code it is; other digits are words', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.northmoor)} got it`);
    assert.deepEqual(await responsesTo(alertId), []);
    assert.deepEqual(await deskItems(), [{ kind: 'wrong_code', organisation: 'Eastvale' }]);
    const officer = centre.visit(centre.officer);
    await officer.get('/');
    const item = await officer.click('Take it');
    assert.match(item.text, /It is the code of Northmoor Teaching Hospitals \(alert \d+\)/);
    await textFrom(centre, numbers.eastvale, 'we have 2000 screens down');
    assert.deepEqual(
      (await deskItems()).map(({ kind }) => kind),
      ['wrong_code', 'not_understood'],
    );
    await tidy(alertId);
  });
});

describe('STOP', () => {
  it('is a to-do of whoever keeps their contacts, until the number answers again', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, 'STOP');
    assert.deepEqual(await deskItems(), [{ kind: 'stop', organisation: 'Eastvale' }]);
    const [{ id } = { id: '' }] = await byOwner<{ id: string }>(sql`
      select id from organisations.organisation where short_name = 'Eastvale'`);
    const keeper = centre.visit({
      kind: 'person',
      id: '01900000-0000-7000-8000-000000000009',
      name: 'Nora Quist',
      permissions: new Set(['directory.own']),
      organisationIds: [id],
    });
    const todo = /Shared desk.*07700 ···203.*Asked us to stop texted STOP/;
    assert.match((await keeper.get('/our-contacts')).text, todo);
    const officer = centre.visit(centre.officer);
    const mend = await officer.get('/organisations/mend/people?kind=stop');
    assert.match(mend.text, todo);
    assert.doesNotMatch(mend.text, /Ask now/, 'no further text to who asked for none');
    await textFrom(centre, numbers.eastvale, codeOf(numbers.eastvale));
    assert.doesNotMatch((await keeper.get('/our-contacts')).text, /Asked us to stop/);
    await tidy(alertId);
  });
});

describe('who has it', () => {
  it('is said to the next of the organisation who answers, by role and never by name', async () => {
    const { alertId, number, codeOf } = await liveAlert();
    await textFrom(centre, numbers.northmoor, codeOf(numbers.northmoor));
    const visitor = centre.site.visitor();
    await visitor.get(`/${number}`);
    const mail = { address: 'ada@northmoor.test', code: codeOf('ada@northmoor.test') };
    await visitor.submit('Go on', mail);
    assert.match(visitor.page.text, /CISO or head of cyber has this since \d\d:\d\d/);
    const page = await visitor.submit('We need help', { kind: 'help' });
    assert.match(page.text, /CISO or head of cyber has this since \d\d:\d\d\./);
    assert.match(page.text, /Somebody will call you by \d\d:\d\d\./);
    assert.doesNotMatch(page.text, /Ada|Okafor|900201/);
    await visitor.get(`/${number}`);
    await visitor.submit('Go on', { address: '07700 900203', code: codeOf(numbers.eastvale) });
    const first = await visitor.submit('Got it', { kind: 'got_it' });
    assert.match(first.text, /You have this since \d\d:\d\d\./);
    await tidy(alertId);
  });
});

describe('a text from the number that somebody of the centre is woken on', () => {
  const own = '447700900299';

  before(async () => {
    const { id } = await centre.invite('Tom Fern', ['approver']);
    const phone = centre.product.seals.sealPhone(id, own);
    await centre.db.web.attempt(centre.officer, (tx) =>
      setPhone(tx, id, { ...phone, mask: '07700 ····99' }),
    );
  });

  it('approves and answers nothing: the desk reads it, and they are told to sign in', async () => {
    const { alertId, codeOf } = await liveAlert();
    const help = `${codeOf(numbers.eastvale)} HELP`;
    for (const words of ['ok', help, 'I am driving', 'STOP']) await textFrom(centre, own, words);
    assert.deepEqual(
      (await deskItems()).map(({ kind }) => kind),
      ['colleague', 'colleague', 'colleague'],
      'a telephone that answers by itself says nothing',
    );
    assert.deepEqual(await responsesTo(alertId), []);
    const texts = await answersSent(own);
    assert.equal(texts.length, 2, 'who texts STOP gets no text for it');
    for (const text of texts)
      assert.match(text, /has your words, \d\d:\d\d\. Nothing is approved.*sign in/);
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get('/')).text, /Tom Fern From the centre/);
    const item = await officer.click('Take it');
    assert.match(item.text, /Nothing was approved, answered or taken over by it/);
    await officer.submit('I take this');
    assert.match(officer.page.body, new RegExp(`href="tel:\\+${own}"`));
    await tidy(alertId);
  });

  it('CHECK is answered from what left to them, like anybody’s', async () => {
    await textFrom(centre, own, 'is this real?');
    assert.match((await answersSent(own)).at(-1) ?? '', /no text like that went from us/);
    assert.deepEqual(await deskItems(), [{ kind: 'not_ours', organisation: null }]);
    const desk = await centre.visit(centre.officer).get('/');
    assert.match(desk.text, /Tom Fern A text that is not ours/);
    await deliverAll(centre, '00000000-0000-4000-8000-000000000000');
    await textFrom(centre, own, 'CHECK');
    assert.match((await answersSent(own)).at(-1) ?? '', /genuine\. Our last text like that/);
    await byOwner(sql`update identity.person set active = false where name = 'Tom Fern'`);
    await textFrom(centre, own, 'ok');
    assert.deepEqual(
      (await deskItems()).map(({ kind }) => kind),
      ['not_ours', 'unknown_sender'],
      'who is locked is nobody of the centre any more',
    );
  });
});
