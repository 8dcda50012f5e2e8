/** One text and one answer prove a number; a wrong code, a stranger and an alert's code do not. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nobody, system, type Actor, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { blindIndex } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { contactCard } from '../contacts/contact-card.ts';
import {
  ASK_AGAIN_AFTER_MS,
  askForProof,
  PROOF_ASKED_TASK,
  proveByReply,
  sendQuestion,
  type EnrolmentRules,
} from './enrol.ts';
import { findContactPointByIndex } from '../contacts/store-points.ts';
import { listOrganisations } from '../store.ts';

const model: EnrolmentRules = {
  version: '0'.repeat(64),
  sender: 'TEST',
  helpLine: '0300 000 0000',
  texts: {
    enrol: '{sender} holds this for {organisation} {purpose}: reply {code}',
    enrolled: '{organisation} proven, {link}',
    stillRight: '{organisation}: still right? {code}',
    stillRightNoted: '{organisation} noted',
  },
  attestation: { everyMs: 86_400_000, mail: { subject: 'Still right?', body: '{link}' } },
  proofMail: { subject: '{sender} proof', body: '{organisation}: {code} at {link}. {notice}' },
  ownDetails: { purpose: 'to warn you', notice: 'We keep this to warn you.' },
  passiveRepliesPerHour: 3,
};
const officer = {
  kind: 'person' as const,
  id: newId(),
  name: 'Ada Okafor',
  permissions: new Set<Permission>(['directory.read', 'directory.write']),
};

describe('enrolment', () => {
  let db: Clone;
  let organisationId = '';

  before(async () => {
    db = await cloneDatabase();
    const options = { rules, secrets, startedAt: new Date() };
    const file = (text: string) => ({ name: 'x.csv', bytes: Buffer.from(text) });
    const organisations = 'code,name,type\nAA-01,Northmoor,trust\nAA-02,Eastfirth,trust\n';
    const contacts = [
      'organisation_code,name,role,mobile,email,active',
      'AA-01,Sam,ciso,07700 900123,sam@a.test,',
      'AA-01,On call,on_call_it,07700 900124,,',
      'AA-01,Gone,ciso,07700 900125,,no',
      'AA-02,On call,on_call_it,07700 900124,,',
      '',
    ].join('\n');
    await db.web.withActor(system('import'), async (tx) => {
      assert.ok((await importOrganisations(tx, file(organisations), options)).ok);
      assert.ok((await importContacts(tx, file(contacts), options)).ok);
    });
    const [found] = await db.web.withActor(officer, (tx) =>
      listOrganisations(tx, { text: 'AA-01', limit: 1 }),
    );
    organisationId = found!.id;
  });
  after(async () => await db.drop());

  const ask = async (now = new Date(), pointId: string | null = null, actor: Actor = officer) => {
    const asked = await db.web.attempt(actor, (tx) =>
      askForProof(tx, { organisationId, pointId }, now),
    );
    const tasks = await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ payload: { contactPointId: string } }>(sql`
        select payload from graphile_worker._private_jobs job
        join graphile_worker._private_tasks task on task.id = job.task_id
        where task.identifier = ${PROOF_ASKED_TASK} order by job.id`),
    );
    // As the worker does, and does again after a kill.
    for (const { payload } of tasks)
      await sendQuestion(db.worker, payload.contactPointId, {
        rules: model,
        host: 'cyber.example',
        secrets,
      });
    return asked;
  };
  const texts = async () =>
    await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ id: string; code: string; body: string; state: string }>(sql`
        select contact_point_id as id, code, body, state from dispatch.message order by body, id`),
    );
  const pointOf = async (number: string) => {
    const index = blindIndex(secrets.blindIndexKey, 'text', number);
    return await db.worker.withActor(system('responses'), (tx) =>
      findContactPointByIndex(tx, 'text', index),
    );
  };
  const reply = async (contactPointId: string, code: string) =>
    await db.worker.withActor(system('responses'), (tx) =>
      proveByReply(tx, { contactPointId, code }, { rules: model, host: 'cyber.example' }),
    );

  it('is for whoever may change the directory', async () => {
    const reader = { ...officer, permissions: new Set<Permission>(['directory.read']) };
    assert.equal((await ask(new Date(), null, reader)).ok, false);
    assert.equal((await ask(new Date(), null, nobody)).ok, false);
    assert.deepEqual(await texts(), []);
  });

  it('tells each number and address of the active contacts once, with a code of its own', async () => {
    const asked = await ask();
    assert.deepEqual(asked.ok && asked.value, { asked: 3, tooSoon: 0 });
    const sent = await texts();
    const bodies = sent.map(({ body, code }) => body.replace(code, 'CODE'));
    assert.deepEqual(bodies.toSorted(), [
      'Northmoor: CODE at cyber.example/proof. We keep this to warn you.',
      'TEST holds this for Northmoor +1 to warn you: reply CODE',
      'TEST holds this for Northmoor to warn you: reply CODE',
    ]);
    assert.ok(sent.every(({ state }) => state === 'ready'));
  });

  it('does not text again while an answer may be on its way', async () => {
    const again = await ask();
    assert.deepEqual(again.ok && again.value, { asked: 0, tooSoon: 3 });
    assert.equal((await texts()).length, 3);
  });

  it('is proven by the code that went there, once, and by no other', async () => {
    const point = await pointOf('447700900124');
    const other = await pointOf('447700900123');
    const codes = (await texts()).map((text) => text.code);
    const code = (await texts()).find(({ id }) => id === point!.id)!.code;
    const wrong = ['0001', '0002', '0003'].find((one) => !codes.includes(one))!;
    assert.equal(await reply(point!.id, wrong), undefined);
    assert.equal(await reply(other!.id, wrong), undefined);
    const thanks = await reply(point!.id, code);
    assert.equal(thanks?.body, 'Northmoor +1 proven, cyber.example/ring-through');
    assert.equal(thanks.because.rule, 'texts.enrolled');
    assert.equal(await reply(point!.id, code), undefined);
  });

  it('asks afterwards only those that are not proven, or one of them again', async () => {
    const later = new Date(Date.now() + ASK_AGAIN_AFTER_MS + 1_000);
    const rest = await ask(later);
    assert.deepEqual(rest.ok && rest.value, { asked: 2, tooSoon: 0 });
    const nobodyThere = await ask(later, newId());
    assert.equal(!nobodyThere.ok && nobodyThere.kind, 'not_found');
  });

  it('never sends one number more than its share in an hour', async () => {
    const much = new Date(Date.now() + 10 * ASK_AGAIN_AFTER_MS);
    for (let i = 0; i < 3; i += 1) await ask(new Date(much.getTime() + i * 2 * ASK_AGAIN_AFTER_MS));
    const point = await pointOf('447700900123');
    assert.equal((await texts()).filter(({ id }) => id === point!.id).length, 3);
  });

  it('leaves an entry without number or code', async () => {
    const entries = await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ action: string; detail: object }>(sql`
        select action, detail from audit.entry
        where action in ('proof.asked', 'proof.given') order by at`),
    );
    assert.deepEqual(entries[0], { action: 'proof.asked', detail: { asked: 3 } });
    assert.deepEqual(entries[1], { action: 'proof.given', detail: { by: 'enrolment' } });
  });
});

describe('the contact card', () => {
  it('is a vCard with every number as it is dialled, and nothing that breaks a line', () => {
    const card = contactCard('A; B, C', ['0300 000 0000', '+44 7860 000000']);
    assert.ok(card.split('\r\n').every((line) => Buffer.byteLength(line) <= 75));
    const whole = card.replaceAll('\r\n ', '');
    assert.match(whole, /NOTE:.*Do Not Disturb.*Emergency Bypass.*Settings\\, Do Not Disturb/);
    assert.equal(
      whole.replace(/^NOTE:.*\r$/m, 'NOTE\r'),
      [
        'BEGIN:VCARD',
        'VERSION:3.0',
        'N:A\\; B\\, C;;;;',
        'FN:A\\; B\\, C',
        'ORG:A\\; B\\, C',
        'TEL;TYPE=CELL:03000000000',
        'TEL;TYPE=CELL:+447860000000',
        'NOTE',
        'END:VCARD',
        '',
      ].join('\r\n'),
    );
  });
});
