import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { findContactPointByIndex, listOrganisationsOfContactPoint } from '#organisations/index.ts';
import {
  dealWith,
  deliverAll,
  messagesOf,
  must,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { takeAnswer } from './actions.ts';
import { insertFailedTry } from './store.ts';
import { seedNotify } from '../../test/support/dispatch.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

/** Released and delivered; with the code that each number was sent. */
async function liveAlert() {
  const alert = await releaseAlert(centre);
  await deliverAll(centre, alert.dispatchId);
  const messages = await messagesOf(centre, alert.dispatchId);
  const codeOf = (number: string) =>
    messages.find((message) => message.number === number && message.round === 1)!.code;
  return { ...alert, codeOf };
}

type Answered = { organisation: string; evidence: string; affected: string | null; help: boolean };

async function responsesTo(alertId: string): Promise<Answered[]> {
  return await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<Answered>(sql`
      select organisation.short_name as organisation, evidence, affected,
        help_asked_at is not null as help
      from responses.response response
      join organisations.organisation organisation on organisation.id = response.organisation_id
      where alert_id = ${alertId} order by 1`),
  );
}

async function answersTo(alertId: string): Promise<number> {
  const { count } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ count: number }>(sql`
      select count(*) from responses.answer where alert_id = ${alertId}`),
  );
  return count;
}

async function deskItems(): Promise<{ kind: string; organisation: string | null }[]> {
  return await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows(sql`
      select kind, organisation.short_name as organisation from responses.desk_item item
      left join organisations.organisation organisation on organisation.id = item.organisation_id
      where state <> 'closed' order by item.created_at`),
  );
}

/** Ends what waits, so that the next test starts with an empty desk and no live alert. */
async function tidy(alertId: string): Promise<void> {
  await centre.db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`update alerts.version set state = 'closed', closed_at = now()
      where alert_id = ${alertId} and state = 'released'`);
    await tx.run(sql`update responses.desk_item set state = 'closed', claimed_at = now(),
      closed_at = now() where state <> 'closed'`);
  });
}

/** What we texted back, newest last. */
async function answersSent(number: string): Promise<string[]> {
  const all = await messagesOf(centre, '00000000-0000-4000-8000-000000000000');
  return all.filter((message) => message.number === number).map(({ body }) => body);
}

describe('answering by text', () => {
  it('a code acknowledges, thanks with a link and calls off later rounds', async () => {
    const { alertId, dispatchId, number, codeOf } = await liveAlert();
    const code = codeOf(numbers.northmoor);
    await textFrom(centre, numbers.northmoor, code);
    assert.deepEqual(await responsesTo(alertId), [
      { organisation: 'Northmoor', evidence: 'text_with_code', affected: null, help: false },
    ]);
    const [thanks] = await answersSent(numbers.northmoor);
    assert.match(
      thanks ?? '',
      new RegExp(`Northmoor: got it .*Steps: localhost/${number}\\. Next news`),
    );
    const later = (await messagesOf(centre, dispatchId)).filter(({ round }) => round === 2);
    // The on-call number is also Southmere's, who have not answered: it still goes (P1).
    assert.deepEqual(
      later.map(({ state, organisations }) => [state, organisations]),
      [['held', ['Northmoor', 'Southmere']]],
    );
    await textFrom(centre, numbers.southmere, codeOf(numbers.southmere));
    const settled = (await messagesOf(centre, dispatchId)).filter(({ round }) => round === 2);
    assert.deepEqual(
      settled.map(({ state }) => state),
      ['cancelled'],
    );
    await tidy(alertId);
  });

  it('HELP acknowledges and stands on the duty desk, once for each organisation', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    await textFrom(centre, numbers.eastvale, 'help!!');
    assert.deepEqual(await deskItems(), [{ kind: 'help', organisation: 'Eastvale' }]);
    const [{ help, evidence } = { help: false, evidence: '' }] = await responsesTo(alertId);
    assert.deepEqual([help, evidence], [true, 'text_with_code']);
    await tidy(alertId);
  });

  it('words nobody understands go to a person and are readable there, nowhere else', async () => {
    const { alertId } = await liveAlert();
    await textFrom(centre, numbers.eastvale, 'someone is on our roof <b>now</b>');
    assert.deepEqual(await deskItems(), [{ kind: 'not_understood', organisation: 'Eastvale' }]);
    const desk = await centre.visit(centre.officer).get('/');
    assert.match(desk.text, /someone is on our roof <b>now<\/b>/);
    const { rows } = await inTheClear('roof');
    assert.equal(rows, 0);
    assert.deepEqual(await responsesTo(alertId), []);
    await tidy(alertId);
  });

  it('a stranger, STOP and a wrong code acknowledge nothing', async () => {
    const { alertId } = await liveAlert();
    await textFrom(centre, '447700900999', '4821');
    await textFrom(centre, numbers.eastvale, 'STOP');
    await textFrom(centre, numbers.southmere, '0000');
    assert.deepEqual(
      (await deskItems()).map(({ kind }) => kind),
      ['unknown_sender', 'stop', 'not_understood'],
    );
    assert.deepEqual(await responsesTo(alertId), []);
    assert.equal((await answersSent('447700900999')).length, 0);
    await tidy(alertId);
  });

  it('the same reply twice is one answer', async () => {
    const { alertId, codeOf } = await liveAlert();
    const id = await textFrom(centre, numbers.eastvale, codeOf(numbers.eastvale));
    await dealWith(centre, id);
    assert.equal(await answersTo(alertId), 1);
    await tidy(alertId);
  });

  it('two machines do not text each other for ever', async () => {
    const { alertId } = await liveAlert();
    const before = (await answersSent(numbers.southmere)).length;
    for (let i = 0; i < 8; i += 1)
      await textFrom(centre, numbers.southmere, `what? ${'a'.repeat(i)}`);
    const sent = (await answersSent(numbers.southmere)).length;
    assert.ok(sent <= centre.model.passiveRepliesPerHour, `${sent} answers, ${before} before`);
    await tidy(alertId);
  });
});

describe('answering on the page', () => {
  it('the address and the code together answer; each alone does not', async () => {
    const { alertId, number, codeOf } = await liveAlert();
    const visitor = centre.site.visitor();
    await visitor.get(`/${number}`);
    const wrong = { address: '07700 900201', code: '0000', kind: 'got_it' };
    await visitor.submit(`/${number}`, wrong, { status: 422 });
    const code = codeOf(numbers.northmoor);
    // As it is read aloud.
    const right = { ...wrong, code: `${code.slice(0, 2)} ${code.slice(2)}`, kind: 'affected' };
    const done = await visitor.submit(`/${number}`, right);
    assert.match(done.heading, /Thank you/);
    assert.deepEqual(await responsesTo(alertId), [
      { organisation: 'Northmoor', evidence: 'link_with_code', affected: 'yes', help: false },
    ]);
    await tidy(alertId);
  });

  it('guessing stops after five wrong codes, also for the right one', async () => {
    const { alertId, number, codeOf } = await liveAlert();
    const visitor = centre.site.visitor();
    await visitor.get(`/${number}`);
    const guess = { address: 'desk@eastvale.test', code: '0000', kind: 'got_it' };
    for (let i = 0; i < 5; i += 1) await visitor.submit(`/${number}`, guess, { status: 422 });
    const right = { ...guess, code: codeOf(numbers.eastvale) };
    const page = await visitor.submit(`/${number}`, right, { status: 429 });
    assert.match(page.text, /Too many wrong codes/);
    assert.deepEqual(await responsesTo(alertId), []);
    await tidy(alertId);
  });

  it('guessing stops after fifty wrong codes from one network, with whatever addresses', async () => {
    const { alertId, number, codeOf } = await liveAlert();
    const { indexNetwork } = centre.product.seals;
    const fail = async (network: string, times: number) =>
      await centre.db.web.withActor(system('test'), async (tx) => {
        for (let i = 0; i < times; i += 1)
          await insertFailedTry(tx, {
            addressIndex: Buffer.from(`somebody ${i}`),
            networkIndex: indexNetwork(network),
          });
      });
    await fail('192.0.2.7', 60);
    await fail('127.0.0.1', 40);
    const visitor = centre.site.visitor();
    await visitor.get(`/${number}`);
    const right = { address: '07700 900202', code: codeOf(numbers.southmere), kind: 'got_it' };
    await visitor.submit(`/${number}`, right);
    await fail('127.0.0.1', 10);
    await visitor.get(`/${number}`);
    const manager = 'manager@hollow.test';
    const late = { address: manager, code: codeOf(manager), kind: 'help' };
    const page = await visitor.submit(`/${number}`, late, { status: 429 });
    assert.match(page.text, /Too many wrong codes from your network\. Reply to the text, or ring/);
    assert.match(page.body, /value="manager@hollow\.test"/);
    assert.equal((await responsesTo(alertId)).length, 1);
    await centre.db.worker.withActor(system('test'), (tx) =>
      tx.run(sql`delete from responses.failed_try`),
    );
    await tidy(alertId);
  });

  it('opening the page, however often, is no answer (P7)', async () => {
    const { alertId, number } = await liveAlert();
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'GET'])
      await centre.site.visitor().request(method, `/${number}`);
    assert.deepEqual(await responsesTo(alertId), []);
    await tidy(alertId);
  });

  it('bad input comes back with its reason', async () => {
    const { alertId, number } = await liveAlert();
    const visitor = centre.site.visitor();
    await visitor.get(`/${number}`);
    const page = await visitor.submit(`/${number}`, { address: 'me', code: '12' }, { status: 422 });
    assert.match(page.text, /Enter the mobile number or mail address/);
    assert.match(page.text, /Enter the four digits/);
    assert.match(page.text, /Choose your answer/);
    await tidy(alertId);
  });
});

describe('at the desk', () => {
  it('a recorded call acknowledges, with who wrote it down', async () => {
    const { alertId } = await liveAlert();
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/organisations?show=unreachable`);
    await officer.click('Lonely Trust');
    await officer.submit('Write it down', { note: 'x' }, { status: 422 });
    const page = await officer.submit('Write it down', { kind: 'got_it', note: 'CIO knows' });
    assert.match(page.text, /Got it.*by phone, written down by an officerCIO knows/);
    assert.deepEqual(await responsesTo(alertId), [
      { organisation: 'Lonely', evidence: 'call', affected: null, help: false },
    ]);
    await tidy(alertId);
  });

  it('one person takes a call for help; the second is told who has it', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const other = await centre.invite(`Other ${alertId.slice(0, 8)}`, ['duty_officer']);
    const [first, second] = [centre.visit(centre.officer), centre.visit(other)];
    await first.get('/');
    const item = await first.click('Take it');
    await second.get(item.path);
    await first.submit('I take this');
    const late = await second.submit('I take this', {}, { status: 409 });
    assert.match(late.text, /Somebody else took it first[^]*Amara Osei has this since/);
    await first.submit('Close it', { outcome: '' }, { status: 422 });
    await first.submit('Close it', { outcome: 'Rang the CISO' });
    assert.deepEqual(await deskItems(), []);
    await tidy(alertId);
  });
});

describe('what an officer typed', () => {
  it('who took a call for help sees who asked and the whole number; each look is kept', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.northmoor, `${codeOf(numbers.northmoor)} HELP`);
    await askedByOnCall(alertId);
    const other = await centre.invite('Mia Berg', ['duty_officer']);
    const [first, second] = [centre.visit(centre.officer), centre.visit(other)];
    await first.get('/');
    const item = await first.click('Take it');
    assert.match(item.body, /<strong>Ada Okafor<\/strong>, CISO or head of cyber asked/);
    assert.match(item.body, /<strong>On-call IT<\/strong>/);
    const lookedUp = async () => {
      const { rows } = await centre.db.owner.withActor(system('test'), (tx) =>
        tx.one<{ rows: number }>(sql`
          select count(*) as rows from audit.entry
          where action = 'contact.looked_up' and subject_id = ${item.path.slice('/desk/'.length)}`),
      );
      return rows;
    };
    assert.doesNotMatch(item.body, /tel:\+/);
    assert.equal(await lookedUp(), 0);
    const mine = await first.submit('I take this');
    assert.match(mine.body, /href="tel:\+447700900201">07700 900201</);
    assert.match(mine.body, /href="mailto:ada@northmoor\.test"/);
    assert.match(mine.body, /href="tel:\+447700900210">07700 900210</);
    assert.equal(await lookedUp(), 1);
    const theirs = await second.get(item.path);
    assert.match(theirs.body, /Amara Osei has this since/);
    assert.doesNotMatch(theirs.body, /tel:\+|mailto:/);
    assert.equal(await lookedUp(), 1);
    await tidy(alertId);
  });

  it('whoever rings sees the numbers of an organisation, and each look is kept', async () => {
    const { alertId } = await liveAlert();
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/organisations?show=must_answer`);
    const masked = await officer.click('Northmoor');
    assert.doesNotMatch(masked.body, /tel:\+|mailto:/);
    const shown = await officer.submit('Show their numbers');
    assert.match(shown.body, /href="tel:\+447700900201">07700 900201</);
    const { rows } = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.one<{ rows: number }>(sql`
        select count(*) as rows from audit.entry
        where action = 'contact.looked_up' and subject_kind = 'organisation'`),
    );
    assert.equal(rows, 1);
    await tidy(alertId);
  });

  it('a stranger who texted can be rung back by who took it, and by nobody else', async () => {
    await textFrom(centre, '07700900987', 'HELP, who are you?');
    const officer = centre.visit(centre.officer);
    await officer.get('/');
    const item = await officer.click('Take it');
    assert.match(item.body, /Somebody who is not in the directory<\/strong> wrote/);
    assert.doesNotMatch(item.body, /tel:\+|900987/);
    const mine = await officer.submit('I take this');
    assert.match(mine.body, /href="tel:\+447700900987">07700 900987</);
    await officer.submit('Close it', { outcome: 'A wrong number' });
  });

  it('comes back beside its error: an outcome that is too long, or came too late', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    await first.get('/');
    const item = await first.click('Take it');
    await first.submit('I take this');
    await second.get(item.path);
    const long = `Rang the CISO ${'x'.repeat(1000)}`;
    const refused = await first.submit('Close it', { outcome: long }, { status: 422 });
    assert.match(refused.body, /id="outcome-error"[^]{0,120}in 1,000 characters or fewer/);
    assert.ok(refused.body.includes(long));
    await first.submit('Close it', { outcome: 'Rang the CISO' });
    const late = await second.submit('Close it', { outcome: 'Sent the rota' }, { status: 409 });
    assert.match(late.body, /id="outcome-error"[^]{0,120}It is closed already, with other words/);
    assert.match(late.text, /What you wrote It was not saved.*Sent the rota/);
    assert.match(late.text, /Closed by Amara Osei .*: Rang the CISO/);
    await tidy(alertId);
  });

  it('an outcome sent twice is one outcome, and no error', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, `${codeOf(numbers.eastvale)} HELP`);
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    await first.get('/');
    const item = await first.click('Take it');
    await first.submit('I take this');
    await second.get(item.path);
    for (const tab of [first, second]) await tab.submit('Close it', { outcome: 'Rang the CISO' });
    await tidy(alertId);
  });

  it('is one call, however often its form is posted; other words are another', async () => {
    const { alertId } = await liveAlert();
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    const list = `/alerts/${alertId}/organisations?show=unreachable`;
    await first.get(list);
    const opened = await first.click('Lonely Trust');
    const formId = opened.elements('input[name="formId"]')[0]?.attribs['value'] ?? '';
    await second.get(list);
    await second.click('Lonely Trust');
    const call = { kind: 'got_it', note: 'CIO knows', formId };
    await first.submit('Write it down', call);
    await second.submit('Write it down', call);
    assert.equal(await answersTo(alertId), 1);
    await second.submit('Write it down', { ...call, note: 'Rang again' }, { status: 409 });
    assert.match(second.page.body, /id="note-error"[^]{0,120}used for a call that is written down/);
    assert.match(second.page.body, /Rang again<\/textarea>/);
    await second.submit('Write it down');
    assert.equal(await answersTo(alertId), 2);
    await tidy(alertId);
  });

  it('comes back beside its error: a note of a call that is too long', async () => {
    const { alertId } = await liveAlert();
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/organisations?show=unreachable`);
    await officer.click('Lonely Trust');
    const note = `CIO knows ${'x'.repeat(1000)}`;
    const page = await officer.submit('Write it down', { kind: 'help', note }, { status: 422 });
    assert.match(page.body, /id="note-error"[^]{0,120}Use 1,000 characters or fewer/);
    assert.ok(page.body.includes(note));
    assert.match(page.body, /value="help"[^>]* checked/);
    await tidy(alertId);
  });
});

/** The second contact of Northmoor calls for help too, while the first call waits. */
async function askedByOnCall(alertId: string): Promise<void> {
  await centre.db.web.withActor(system('test'), async (tx) => {
    const indexed = centre.product.seals.indexAddress('text', numbers.sharedOnCall);
    const point = await findContactPointByIndex(tx, 'text', indexed);
    const organisations = await listOrganisationsOfContactPoint(tx, point!.id);
    const northmoor = organisations.find(({ shortName }) => shortName === 'Northmoor')!;
    must(
      await takeAnswer(tx, {
        alertId,
        organisationIds: [northmoor.organisationId],
        kind: 'help',
        evidence: 'text_with_code',
        contactPointId: point!.id,
        recordedBy: null,
        note: null,
      }),
    );
  });
}

/** Whether a word stands readable anywhere in the inbox, the audit or the jobs. */
async function inTheClear(word: string): Promise<{ rows: number }> {
  return await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ rows: number }>(sql`
      select (select count(*) from audit.entry where detail::text like ${`%${word}%`})
        + (select count(*) from dispatch.reply_inbox inbox
           where position(convert_to(${word}, 'UTF8') in inbox.content_sealed) > 0) as rows`),
  );
}
