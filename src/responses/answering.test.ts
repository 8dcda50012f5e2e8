import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { smsText } from '#kernel/sms-text.ts';
import { sql, type Sql } from '#db/sql.ts';
import { answersAt } from '../../test/support/answers.ts';
import {
  dealWithReplies,
  messagesOf,
  numbers,
  openCentre,
  textCameFrom,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { answerWithCodes } from './code-answers.ts';
import { insertFailedTries } from './store.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const { liveAlert, responsesTo, answersTo, deskItems, tidy, answersSent } = answersAt(() => centre);

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

  it('YES and NO are answered with what was understood', async () => {
    const { alertId, codeOf } = await liveAlert();
    const code = codeOf(numbers.northmoor);
    for (const [text, said] of [
      [`${code} YES`, 'affected'],
      [`${code} NO`, 'not affected'],
    ] as const) {
      await textFrom(centre, numbers.northmoor, text);
      const answered = (await answersSent(numbers.northmoor)).at(-1) ?? '';
      assert.match(answered, new RegExp(`Northmoor: ${said} \\d\\d:\\d\\d\\. Steps`));
      assert.equal(smsText(answered).fragments, 1, answered);
    }
    await tidy(alertId);
  });

  it('a mere yes says got it, and after the answer to it that they are affected', async () => {
    const { alertId } = await liveAlert();
    for (const affected of [null, 'yes']) {
      await textFrom(centre, numbers.eastvale, 'yes');
      const [response] = await responsesTo(alertId);
      assert.equal(response?.affected, affected);
    }
    await tidy(alertId);
  });

  it('with two alerts open, "ok" is asked back which, by the code of each, in one text', async () => {
    const first = await liveAlert();
    const second = await liveAlert();
    await textFrom(centre, numbers.southmere, 'ok');
    const asked = (await answersSent(numbers.southmere)).at(-1)!;
    const each = [second, first].map(
      ({ number, codeOf }) => `${codeOf(numbers.southmere)} is ${number} of \\d\\d:\\d\\d`,
    );
    assert.match(asked, new RegExp(`which alert\\? ${each.join(', ')}\\. Send that code`));
    assert.equal(smsText(asked).fragments, 1, asked);
    assert.deepEqual(await responsesTo(first.alertId), []);
    assert.deepEqual(await responsesTo(second.alertId), []);
    assert.deepEqual(await deskItems(), [{ kind: 'not_understood', organisation: 'Southmere' }]);
    await textFrom(centre, numbers.southmere, first.codeOf(numbers.southmere));
    assert.equal((await responsesTo(first.alertId)).length, 1);
    for (const { alertId } of [first, second]) await tidy(alertId);
  });

  it('a stranger, STOP and a wrong code acknowledge nothing', async () => {
    const { alertId } = await liveAlert();
    await textFrom(centre, '447700900999', '4821');
    await textFrom(centre, numbers.eastvale, 'STOP');
    await textFrom(centre, numbers.southmere, '0000');
    assert.deepEqual(
      (await deskItems()).map(({ kind }) => kind),
      ['unknown_sender', 'stop', 'wrong_code'],
    );
    assert.deepEqual(await responsesTo(alertId), []);
    assert.equal((await answersSent('447700900999')).length, 0);
    await tidy(alertId);
  });

  it('the same reply twice is one answer', async () => {
    const { alertId, codeOf } = await liveAlert();
    await textFrom(centre, numbers.eastvale, codeOf(numbers.eastvale));
    await dealWithReplies(centre);
    assert.equal(await answersTo(alertId), 1);
    await tidy(alertId);
  });

  it('of many that came together each counts, and of one organisation the later word', async () => {
    const { alertId, codeOf } = await liveAlert();
    const before = await answersSent(numbers.northmoor);
    const code = codeOf(numbers.eastvale);
    await textCameFrom(centre, numbers.eastvale, `${code} yes`);
    await textCameFrom(centre, numbers.northmoor, `${codeOf(numbers.northmoor)} no`);
    await textCameFrom(centre, numbers.eastvale, 'what?');
    await textCameFrom(centre, numbers.eastvale, `${code} no`);
    await dealWithReplies(centre);
    assert.deepEqual(
      (await responsesTo(alertId)).map(({ organisation, affected }) => [organisation, affected]),
      [
        ['Eastvale', 'no'],
        ['Northmoor', 'no'],
      ],
    );
    assert.equal(await answersTo(alertId), 3);
    assert.deepEqual(await deskItems(), [{ kind: 'not_understood', organisation: 'Eastvale' }]);
    assert.equal((await answersSent(numbers.northmoor)).length - before.length, 1);
    await tidy(alertId);
  });

  it('one that cannot be read waits, and does not hold up the others', async () => {
    const { alertId, codeOf } = await liveAlert();
    const spoilt = await textCameFrom(centre, numbers.southmere, 'spoilt');
    const own = (query: Sql) => centre.db.owner.withActor(system('test'), (tx) => tx.run(query));
    await own(sql`update dispatch.reply_inbox set content_sealed = '\\x00' where id = ${spoilt}`);
    await textCameFrom(centre, numbers.eastvale, codeOf(numbers.eastvale));
    await textCameFrom(centre, numbers.northmoor, codeOf(numbers.northmoor));
    await assert.rejects(dealWithReplies(centre));
    assert.equal(await answersTo(alertId), 2);
    const waiting = sql`select from dispatch.reply_inbox where id = ${spoilt} and handled_at is null`;
    assert.equal(await own(waiting), 1);
    await own(sql`update dispatch.reply_inbox set handled_at = now() where id = ${spoilt}`);
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
    const wrong = { address: '07700 900201', code: '0000' };
    await visitor.submit('Go on', wrong, { status: 422 });
    const code = codeOf(numbers.northmoor);
    // As it is read aloud.
    await visitor.submit('Go on', { ...wrong, code: `${code.slice(0, 2)} ${code.slice(2)}` });
    assert.deepEqual(await responsesTo(alertId), [], 'opening it is no answer (P7)');
    const done = await visitor.submit('We are affected', { kind: 'affected' });
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
    const guess = { address: 'desk@eastvale.test', code: '0000' };
    for (let i = 0; i < 5; i += 1) await visitor.submit('Go on', guess, { status: 422 });
    const right = { ...guess, code: codeOf(numbers.eastvale) };
    const page = await visitor.submit('Go on', right, { status: 429 });
    assert.match(page.text, /Too many wrong codes/);
    const form = new URLSearchParams({ ...right, kind: 'got_it' });
    const answer = await visitor.request('POST', `/${number}`, { form });
    assert.equal(answer.status, 429);
    assert.deepEqual(await responsesTo(alertId), []);
    await tidy(alertId);
  });

  it('guessing stops after fifty wrong codes from one network, with whatever addresses', async () => {
    const { alertId, number, codeOf } = await liveAlert();
    const { indexNetwork } = centre.product.seals;
    const fail = async (network: string, times: number) =>
      await centre.db.web.withActor(system('test'), (tx) =>
        insertFailedTries(
          tx,
          Array.from({ length: times }, (_, i) => ({
            addressIndex: Buffer.from(`somebody ${i}`),
            networkIndex: indexNetwork(network),
          })),
        ),
      );
    await fail('192.0.2.7', 60);
    await fail('127.0.0.1', 40);
    const visitor = centre.site.visitor();
    await visitor.get(`/${number}`);
    await visitor.submit('Go on', { address: '07700 900202', code: codeOf(numbers.southmere) });
    await visitor.submit('Got it', { kind: 'got_it' });
    await fail('127.0.0.1', 10);
    await visitor.get(`/${number}`);
    const manager = 'manager@hollow.test';
    const late = { address: manager, code: codeOf(manager) };
    const page = await visitor.submit('Go on', late, { status: 429 });
    assert.match(page.text, /Too many wrong codes from your network\. Reply to the text, or ring/);
    assert.match(page.body, /value="manager@hollow\.test"/);
    assert.equal((await responsesTo(alertId)).length, 1);
    await centre.db.worker.withActor(system('test'), (tx) =>
      tx.run(sql`delete from responses.failed_try`),
    );
    await tidy(alertId);
  });

  it('of many that come together each right one counts, and a sixth guess does not', async () => {
    const { alertId, number, codeOf } = await liveAlert();
    const { indexAddress, indexNetwork } = centre.product.seals;
    const answer = (address: string, code: string) => ({
      alertNumber: number,
      channel: 'text' as const,
      addressIndex: indexAddress('text', address),
      networkIndex: indexNetwork('192.0.2.99'),
      code,
      kind: 'affected' as const,
    });
    const wrong = Array.from({ length: 5 }, () => answer(numbers.eastvale, '0000'));
    const codes = { northmoor: codeOf(numbers.northmoor), eastvale: codeOf(numbers.eastvale) };
    const outcomes = await centre.db.web.withActor(system('test'), (tx) =>
      answerWithCodes(tx, centre.model, [
        answer(numbers.northmoor, codes.northmoor),
        ...wrong,
        answer(numbers.eastvale, codes.eastvale),
        { ...answer(numbers.northmoor, codes.northmoor), kind: 'not_affected' as const },
        answer('447700900999', codes.northmoor),
      ]),
    );
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.kind)),
      ['ok', ...wrong.map(() => 'invalid'), 'forbidden', 'ok', 'invalid'],
    );
    assert.deepEqual(
      (await responsesTo(alertId)).map(({ organisation, affected }) => [organisation, affected]),
      [['Northmoor', 'no']],
    );
    assert.equal(await answersTo(alertId), 2);
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
    const page = await visitor.submit('Go on', { address: 'me', code: '12' }, { status: 422 });
    assert.match(page.text, /Enter the mobile number or mail address/);
    assert.match(page.text, /Enter the four digits/);
    await tidy(alertId);
  });
});

/** Whether a word stands readable anywhere in the inbox, the audit or the jobs. */
async function inTheClear(word: string): Promise<{ rows: number }> {
  return await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ rows: number }>(sql`
      select (select count(*) from audit.entry where detail::text like ${`%${word}%`})
        + (select count(*) from dispatch.reply_inbox inbox
           where position(convert_to(${word}, 'UTF8') in inbox.content_sealed) > 0) as rows`),
  );
}
