/** One person: everything held on them is handed over, then taken out, and the log stays whole. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { record, Sequencer } from '#audit/index.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { identifier, sql, type Sql } from '#db/sql.ts';
import {
  deliverAll,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { ran } from '../../test/support/command.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { auditCommand } from './audit.ts';
import { dataSubjectCommand } from './data-subject.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-subject-'));
const by = ['--by', 'ann.keeper@centre.test'];
const ada = ['--person', 'ada okafor', '--number', '07700 900201'];

let centre: Centre;
let dispatchId: string;

before(async () => {
  centre = await openCentre();
  await centre.invite('Ann Keeper', ['administrator']);
  await seedNotify(centre.db.worker);
  ({ dispatchId } = await releaseAlert(centre));
  await deliverAll(centre, dispatchId);
  const sent = await messagesOf(centre, dispatchId);
  const { code } = sent.find(({ number }) => number === numbers.northmoor)!;
  await textFrom(centre, numbers.northmoor, code);
  // The history of the organisation has both names.
  for (const name of ['Ada B. Okafor', 'Ada Okafor'])
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update organisations.contact set name = ${name} where name like 'Ada%'`),
    );
  await offerNumberOfAda();
  await noteCallAbout('Ada Okafor says all is isolated');
  await centre.db.web.withActor(centre.officer, (tx) =>
    record(tx, {
      action: 'contact.spoken_to',
      subject: { kind: 'organisation', id: 'x' },
      detail: { reason: 'Rang Ada Okafor, who is on leave.' },
    }),
  );
});

after(async () => {
  await centre.close();
  rmSync(folder, { recursive: true });
});

/** She typed a new number at her own details, and has not proven it. */
async function offerNumberOfAda(): Promise<void> {
  const { seals } = centre.product;
  const [pointId, index] = [newId(), seals.indexAddress('text', '447700900988')];
  const own = (statement: Sql) =>
    centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
  await own(sql`insert into organisations.contact_point (id, channel, address_sealed,
      address_index, shown, contacts)
    values (${pointId}, 'text', ${seals.sealAddress(pointId, '447700900988')}, ${index},
      '07700 ···988', 0)`);
  await own(sql`insert into organisations.one_time_code (id, channel, address_index,
      network_index, asked_at, contact_id, contact_point_id)
    select ${newId()}, 'text', ${index}, ${Buffer.alloc(32)}, now(), id, ${pointId}
    from organisations.contact where name like 'Ada%'`);
}

/** Rung by the switchboard: the note has the name, and the answer no number of hers. */
async function noteCallAbout(note: string): Promise<void> {
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into responses.answer (id, alert_id, organisation_id, kind, evidence, note)
      values (${newId()}, ${newId()}, ${newId()}, 'got_it', 'call', ${note})`),
  );
}

async function call(verb: string, ...args: string[]) {
  const { db, model, product } = centre;
  const context = { database: db.web, owner: db.owner, model, seals: product.seals };
  return await ran((output) => dataSubjectCommand(context, [verb, ...args], output));
}

const files = {
  installation: '0193a5d2-0000-7000-8000-00000000000b',
  keysFile: path.join(folder, 'audit-keys.json'),
  checkpointsFile: path.join(folder, 'audit-checkpoints.jsonl'),
};

/** What the sequencer does every ten seconds. */
async function sign(): Promise<void> {
  const log = { error: (event: string) => assert.fail(event) };
  await new Sequencer({ database: centre.db.sequencer, log, ...files }).turn();
}

/** In how many rows of all tables these words stand, in any column that is text or jsonb. */
async function countEverywhere(words: string): Promise<string[]> {
  return await centre.db.owner.withActor(system('test'), async (tx) => {
    const tables = await tx.rows<{ name: string }>(sql`
      select schemaname || '.' || tablename as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema', 'graphile_worker')`);
    const found = [];
    for (const { name } of tables) {
      const { n } = await tx.one<{ n: number }>(sql`
        select count(*)::int as n from ${identifier(name)} t
        where t::text ilike ${`%${words}%`}`);
      if (n > 0) found.push(name);
    }
    return found;
  });
}

test('an export has what the person was sent, answered, and who named them', async () => {
  const { code, out } = await call('export', ...by, ...ada, '--json');
  assert.equal(code, 0);
  const subject = JSON.parse(out);
  assert.equal(subject.contacts[0].organisationCode, 'ZZ-0001');
  const addresses = subject.points.map(({ address }: { address: string }) => address);
  const all = [numbers.northmoor, '447700900988', 'ada@northmoor.test'];
  assert.deepEqual(addresses.toSorted(), all);
  assert.ok(subject.messages.some(({ body }: { body: string }) => body.includes('Citrix')));
  assert.match(subject.replies[0].content, /^\d{4}$/);
  assert.equal(subject.answers.answers[0].kind, 'got_it');
  assert.ok(subject.entries.some(({ hasName }: { hasName: boolean }) => hasName));
  assert.doesNotMatch(out, /Sealed|ben@southmere/);
  const told = await call('export', ...by, ...ada);
  assert.match(
    told.out,
    /^Ada Okafor, ciso of Northmoor.*\n.*\n.*\n.*\n\d+ messages to them, 1 texts/,
  );
});

test('nobody, no right and no word for it are refused', async () => {
  assert.equal((await call('export', ...by)).code, 2);
  assert.equal((await call('export', ...by, '--person', 'Nobody')).code, 1);
  assert.equal((await call('export', ...by, '--person', 'Ben Ferris', ...ada.slice(2))).code, 1);
  const officer = ['--by', 'amara.osei@centre.test'];
  assert.match((await call('export', ...officer, ...ada)).err, /may not keep the audit/);
  assert.match((await call('erase', ...by, ...ada)).err, /add --yes/);
});

test('who signs in and is no contact has a right to see it too, and stays answerable', async () => {
  for (const who of [
    ['--person', 'tom lindqvist'],
    ['--address', 'tom.lindqvist@centre.test'],
  ]) {
    const { code, out, err } = await call('export', ...by, ...who, '--json');
    assert.equal(code, 0, err);
    const { contacts, accounts, entries } = JSON.parse(out);
    assert.deepEqual(contacts, []);
    assert.equal(accounts[0].email, 'tom.lindqvist@centre.test');
    assert.deepEqual(
      accounts[0].roles.map(({ role }: { role: string }) => role),
      ['approver'],
    );
    assert.ok(entries.some(({ action }: { action: string }) => action === 'alert.released'));
    assert.doesNotMatch(out, /Sealed|sha256/);
    const erased = await call('erase', ...by, ...who, '--yes');
    assert.deepEqual([erased.code, erased.out], [1, '']);
    assert.match(erased.err, /^They are no contact, but sign in or were invited here/);
  }
});

test('while a message may still leave, nothing is erased', async () => {
  await sign();
  const { code, err } = await call('erase', ...by, ...ada, '--yes');
  assert.equal(code, 1);
  assert.match(err, /messages to them are under way/);
  assert.equal((await call('export', ...by, ...ada)).code, 0);
});

test('after an erase nothing leads to the person, others stay, and the log is whole', async () => {
  await centre.db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`update dispatch.dispatch set state = 'done', ended_at = now()
      where id = ${dispatchId}`);
    await tx.run(sql`update dispatch.message set state = 'cancelled', final_at = now()
      where state in ('held', 'ready')`);
  });
  await sign();
  assert.ok((await countEverywhere('okafor')).includes('organisations.change'));
  const count = async () => (await messagesOf(centre, dispatchId)).length;
  const before = await count();
  const { code, out, err } = await call('erase', ...by, ...ada, '--yes', '--json');
  assert.equal(code, 0, err);
  assert.match(err, /Stays:\n- that messages left/);
  const { contacts, points, replies, details } = JSON.parse(out);
  assert.deepEqual([contacts, points, replies, details], [1, 3, 1, 1]);
  assert.deepEqual(await countEverywhere('okafor'), []);
  assert.deepEqual(await countEverywhere('ada@northmoor'), []);
  assert.equal((await call('export', ...by, '--person', 'Ada Okafor')).code, 1);
  const left = await messagesOf(centre, dispatchId);
  assert.equal(left.length, before, 'the ledger still adds up');
  assert.ok(left.every(({ number }) => number !== numbers.northmoor));
  assert.ok(left.some(({ number }) => number === numbers.southmere));
  await sign();
  const { db, model } = centre;
  const context = { database: db.web, owner: db.owner, model, ...files };
  const verified = await ran((output) => auditCommand(context, ['verify'], output));
  assert.match(verified.out, /^The log is whole/);
  assert.match(verified.out, /details of 1 entries were erased/);
});

test('a number that others have too stays theirs', async () => {
  await sign();
  const done = await call('erase', ...by, '--person', 'Ben Ferris', '--yes', '--json');
  assert.equal(done.code, 0, done.err);
  const shared = await call('export', ...by, '--number', '07700 900210', '--json');
  assert.equal(JSON.parse(shared.out).contacts.length, 2);
  const named = await call('export', ...by, '--person', 'On-call IT');
  assert.match(named.err, /That name is in 2 organisations and need not be one person/);
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update organisations.contact set name = 'Night desk' where id in (
      select max(id::text)::uuid from organisations.contact where name = 'On-call IT')`),
  );
  for (const verb of ['export', 'erase']) {
    const several = await call(verb, ...by, '--number', '07700 900210', '--yes');
    assert.deepEqual([several.code, several.out], [1, '']);
    assert.match(several.err, /^2 people have that, such as .*Night desk.* Say whom by --person/);
  }
});
