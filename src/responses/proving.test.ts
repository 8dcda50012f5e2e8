/** What a text back proves of a number, and what fails again and again is to be mended. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { blindIndex } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import {
  askForProof,
  findContactPointByIndex,
  listTrouble,
  sendQuestion,
} from '#organisations/index.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import {
  deliverAll,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';

const search = {
  mustAnswerOnly: false,
  proofHoldsForMs: 86_400_000,
  attestEveryMs: 86_400_000,
  silentAfter: 3,
  chased: ['technical'],
};
const ANSWERS = '00000000-0000-4000-8000-000000000000';

describe('proving a number by text', () => {
  let centre: Centre;

  before(async () => {
    centre = await openCentre();
    await seedNotify(centre.db.worker);
  });
  after(async () => await centre.close());

  const own = <T>(act: Parameters<typeof centre.db.owner.withActor<T>>[1]) =>
    centre.db.owner.withActor(system('test'), act);
  const point = async (number: string) => {
    const { blindIndexKey } = centre.product.seals.directory;
    const found = await own((tx) =>
      findContactPointByIndex(tx, 'text', blindIndex(blindIndexKey, 'text', number)),
    );
    return found!.id;
  };
  const organisationOf = async (pointId: string) =>
    (
      await own((tx) =>
        tx.one<{ id: string }>(sql`
          select contact.organisation_id as id from organisations.contact_contact_point link
          join organisations.contact on contact.id = link.contact_id
          where link.contact_point_id = ${pointId} limit 1`),
      )
    ).id;
  const ask = async (number: string) => {
    const pointId = await point(number);
    const organisationId = await organisationOf(pointId);
    await own((tx) => askForProof(tx, { organisationId, pointId: null }, new Date()));
    await sendQuestion(centre.db.worker, pointId, {
      rules: centre.product.model,
      host: 'cyber.example',
      secrets: centre.product.seals.directory,
    });
  };
  const textsTo = async (number: string) =>
    (await messagesOf(centre, ANSWERS)).filter((message) => message.number === number);
  const trouble = async () =>
    (await own((tx) => listTrouble(tx, search, { limit: 100 }))).map(
      (row) => `${row.name} ${row.trouble} ${row.failures}`,
    );
  const troubleOf = async (number: string) => {
    const pointId = await point(number);
    const rows = await own((tx) => listTrouble(tx, search, { limit: 100 }));
    return rows.find((row) => row.contactPointId === pointId)?.trouble ?? 'none';
  };
  const fail = async (dispatchId: string, number: string) => {
    const pointId = await point(number);
    await own((tx) =>
      tx.run(sql`
        update dispatch.message set state = 'undelivered', attempt = 1, accepted_at = now(),
          final_at = now()
        where dispatch_id = ${dispatchId} and contact_point_id = ${pointId} and state = 'ready'`),
    );
  };

  it('a reply with the code proves it, is thanked with the way to ring through, and no desk item', async () => {
    assert.equal(await troubleOf(numbers.northmoor), 'unproven');
    await ask(numbers.northmoor);
    const [question] = await textsTo(numbers.northmoor);
    const { sender, ownDetails, helpLine } = centre.product.model;
    assert.ok(
      question!.body.startsWith(`${sender} holds this number for Northmoor ${ownDetails.purpose}`),
      'who holds it, and why',
    );
    assert.match(question!.body, new RegExp(`reply \\d{4},.*${helpLine}`));
    await textFrom(centre, numbers.northmoor, question!.code);
    const [, thanks] = await textsTo(numbers.northmoor);
    assert.match(thanks!.body, /proven for Northmoor.*localhost\/ring-through/);
    assert.equal(await troubleOf(numbers.northmoor), 'none');
    const { items } = await own((tx) =>
      tx.one<{ items: number }>(sql`select count(*) as items from responses.desk_item`),
    );
    assert.equal(items, 0);
  });

  it('an alert answered with its code proves it as well, and its code proves nothing else', async () => {
    const { dispatchId } = await releaseAlert(centre);
    await deliverAll(centre, dispatchId);
    const [told] = (await messagesOf(centre, dispatchId)).filter(
      (message) => message.number === numbers.southmere,
    );
    assert.equal(await troubleOf(numbers.southmere), 'unproven');
    await textFrom(centre, numbers.southmere, `${told!.code} help`);
    assert.equal(await troubleOf(numbers.southmere), 'none');
  });

  it('the code of a mail is typed on a page; wrong pairs are told nothing and are counted', async () => {
    const { blindIndexKey } = centre.product.seals.directory;
    const mail = await own((tx) =>
      findContactPointByIndex(tx, 'mail', blindIndex(blindIndexKey, 'mail', 'desk@eastvale.test')),
    );
    const organisationId = await organisationOf(mail!.id);
    await own((tx) => askForProof(tx, { organisationId, pointId: mail!.id }, new Date()));
    const { model: rules, seals } = centre.product;
    const context = { rules, host: 'cyber.example', secrets: seals.directory };
    await sendQuestion(centre.db.worker, mail!.id, context);
    const sent = (await messagesOf(centre, ANSWERS)).find(({ channel }) => channel === 'mail');
    assert.match(sent!.subject ?? '', /prove this address/);
    assert.match(sent!.body, /open cyber\.example\/proof and enter the code \d{4}/);
    const visitor = centre.visit(centre.officer);
    visitor.forgetCookies();
    await visitor.get('/proof');
    const empty = await visitor.submit('Prove it', {}, { status: 422 });
    assert.match(empty.text, /Enter the four digits/);
    const wrong = sent!.code === '0001' ? '0002' : '0001';
    for (const address of ['desk@eastvale.test', 'nobody@nowhere.test']) {
      const { text } = await visitor.submit('Prove it', { address, code: wrong }, { status: 422 });
      assert.match(text, /Check the address and the four digits/);
    }
    const right = { address: 'Desk@eastvale.test', code: sent!.code };
    assert.match((await visitor.submit('Prove it', right)).text, /We know now that our messages/);
    await visitor.get('/proof');
    const { text } = await visitor.submit('Prove it', right, { status: 422 });
    assert.match(text, /Check the address/);
    const { tries } = await own((tx) =>
      tx.one<{ tries: number }>(sql`select count(*) as tries from responses.failed_try`),
    );
    assert.equal(tries, 3);
  });

  it('two texts in a row that did not arrive put it first; what arrives later clears it', async () => {
    const first = await releaseAlert(centre);
    await fail(first.dispatchId, numbers.northmoor);
    assert.equal(await troubleOf(numbers.northmoor), 'none');
    const second = await releaseAlert(centre);
    await fail(second.dispatchId, numbers.northmoor);
    assert.equal(await troubleOf(numbers.northmoor), 'failing');
    assert.match((await trouble())[0]!, /failing 2$/);
    const third = await releaseAlert(centre);
    await deliverAll(centre, third.dispatchId);
    assert.equal(await troubleOf(numbers.northmoor), 'none');
  });

  it('one text that did not arrive hides from nobody that they never answer', async () => {
    const told = await releaseAlert(centre);
    await deliverAll(centre, told.dispatchId);
    assert.equal(await troubleOf(numbers.northmoor), 'silent');
    const lost = await releaseAlert(centre);
    await fail(lost.dispatchId, numbers.northmoor);
    assert.equal(await troubleOf(numbers.northmoor), 'silent');
  });
});
