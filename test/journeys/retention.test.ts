/**
 * The night's sweep, by every key of `retention`: nothing goes while a legal hold stands; then what
 * is older goes, what is younger stays, and the log of the audit is proved as before.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Actor } from '#kernel/actor.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import { liftLegalHold, Sequencer } from '#audit/index.ts';
import { auditCommand } from '#cli/audit.ts';
import { sweep } from '#main/sweep.ts';
import { putHold } from '#organisations/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import {
  deliverRounds,
  draftAlert,
  must,
  numbers,
  openCentre,
  releaseAlert,
  submitDraft,
  textFrom,
  type Centre,
} from '../support/centre.ts';
import { ran } from '../support/command.ts';
import { seedNotify } from '../support/dispatch.ts';

type Key = keyof OperatingModel['retention'];
type Age = 'old' | 'young';

const ages: readonly Age[] = ['old', 'young'];
const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-retention-'));
const files = {
  installation: '0193a5d2-0000-7000-8000-00000000000c',
  keysFile: path.join(folder, 'audit-keys.json'),
  checkpointsFile: path.join(folder, 'audit-checkpoints.jsonl'),
};

let centre: Centre;
let keeper: Actor;
/** What is counted of each class: rows of this age that are still there. */
const kept: { key: Key; what: string; age: Age; from: Sql }[] = [];

before(async () => {
  centre = await openCentre();
  keeper = await centre.invite('Ann Keeper', ['administrator']);
  await seedNotify(centre.db.worker);
  for (const age of ages) {
    await messagesOf(age);
    await frozenOf(age);
    await textOf(age);
    await contactOf(age);
    await notesOf(age);
    await signInsOf(age);
  }
});
after(async () => {
  await centre.close();
  rmSync(folder, { recursive: true });
});

const forgotten = (what: string) => sql`audit.entry where action = ${`${what}.forgotten`}`;
const own = async (statement: Sql) =>
  await centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
const count = async (from: Sql) => {
  const { rows } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ rows: number }>(sql`select count(*)::int as rows from ${from}`),
  );
  return rows;
};
const DAY_MS = 86_400_000;
const at = (key: Key, age: Age) =>
  new Date(Date.now() - centre.model.retention[key] + (age === 'old' ? -DAY_MS : DAY_MS));

async function messagesOf(age: Age): Promise<void> {
  const { dispatchId } = await releaseAlert(centre);
  await deliverRounds(centre, dispatchId);
  await own(sql`update dispatch.dispatch set state = 'done', ended_at = ${at('messagesMs', age)}
    where id = ${dispatchId}`);
  const from = sql`dispatch.message where dispatch_id = ${dispatchId}`;
  kept.push({ key: 'messagesMs', what: 'messages that left', age, from });
}

async function frozenOf(age: Age): Promise<void> {
  await submitDraft(centre, await draftAlert(centre));
  const { id } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`select id from dispatch.dispatch where state = 'held'
      order by created_at desc limit 1`),
  );
  await own(sql`update dispatch.dispatch set created_at = ${at('messagesMs', age)}
    where id = ${id}`);
  const from = sql`dispatch.message where dispatch_id = ${id}`;
  kept.push({ key: 'messagesMs', what: 'messages that were frozen', age, from });
}

async function textOf(age: Age): Promise<void> {
  const id = await textFrom(centre, numbers.eastvale, `hello, ${age}`);
  await own(sql`update dispatch.reply_inbox set received_at = ${at('inboxMs', age)}
    where id = ${id}`);
  kept.push({
    key: 'inboxMs',
    what: 'texts',
    age,
    from: sql`dispatch.reply_inbox where id = ${id}`,
  });
}

/** Who has left, with a number of theirs alone. */
async function contactOf(age: Age): Promise<void> {
  const name = age === 'old' ? 'Ada Okafor' : 'Ben Ferris';
  await own(sql`update organisations.contact
    set active = false, updated_at = ${at('leftMs', age)} where name = ${name}`);
  const [contact] = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ id: string; pointId: string }>(sql`
      select contact.id, link.contact_point_id as point_id from organisations.contact
      join organisations.contact_contact_point link on link.contact_id = contact.id
      where contact.name = ${name}`),
  );
  const { id, pointId } = contact!;
  for (const [what, from] of [
    ['contacts', sql`organisations.contact where id = ${id}`],
    ['numbers', sql`organisations.contact_point where id = ${pointId}`],
    ['history', sql`organisations.change where contact_id = ${id}`],
  ] as const)
    kept.push({ key: 'leftMs', what, age, from });
}

async function notesOf(age: Age): Promise<void> {
  const [when, id] = [at('notesMs', age), newId()];
  await own(sql`insert into responses.answer (id, alert_id, organisation_id, at, kind, evidence,
      note)
    values (${id}, ${newId()}, ${newId()}, ${when}, 'got_it', 'call', 'Ask for Kim')`);
  await own(sql`insert into responses.call (id, alert_id, organisation_id, claimed_by,
      claimed_by_name, claim_ends_at)
    values (${id}, ${newId()}, ${newId()}, 'x', 'X', now())`);
  await own(sql`insert into responses.call_attempt (id, call_id, alert_id, organisation_id, at,
      outcome, tried_by, tried_by_name, note)
    values (${id}, ${id}, ${newId()}, ${newId()}, ${when}, 'reached', 'x', 'X', 'Kim is ill')`);
  await own(sql`insert into responses.desk_item (id, kind, state, claimed_at, closed_at, outcome)
    values (${id}, 'stop', 'closed', ${when}, ${when}, 'Kim asked for it')`);
  for (const [what, from] of [
    ['answers', sql`responses.answer where id = ${id} and note is not null`],
    ['calls', sql`responses.call_attempt where id = ${id} and note is not null`],
    ['outcomes', sql`responses.desk_item where id = ${id} and outcome is not null`],
  ] as const)
    kept.push({ key: 'notesMs', what, age, from });
}

async function signInsOf(age: Age): Promise<void> {
  const [id, by] = [newId(), keeper.kind === 'person' ? keeper.id : ''];
  const [seen, ended] = [at('sessionsMs', age), at('invitationsMs', age)];
  const token = sql`sha256(${id}::text::bytea)`;
  await own(sql`insert into identity.session (id, token_sha256, person_id, device, created_at,
      last_seen_at, begun_by, place, vouched_by)
    values (${id}, ${token}, ${by}, 'Firefox', ${seen}, ${seen}, 'link', 'here', '{}')`);
  await own(sql`insert into identity.sign_in_link (id, token_sha256, person_id, created_at,
      created_by, expires_at, recovers)
    values (${id}, ${token}, ${by}, ${seen}, 'x', ${seen}, false)`);
  await own(sql`insert into identity.invitation (id, token_sha256, name, email, role,
      organisation_id, invited_by, invited_at, expires_at)
    values (${id}, ${token}, 'Kim', 'kim@x.test', 'r', ${newId()}, ${by},
      ${ended}::timestamptz - interval '1 day', ${ended})`);
  for (const [key, what, from] of [
    ['sessionsMs', 'sessions', sql`identity.session where id = ${id}`],
    ['sessionsMs', 'links', sql`identity.sign_in_link where id = ${id}`],
    ['invitationsMs', 'invitations', sql`identity.invitation where id = ${id}`],
  ] as const)
    kept.push({ key, what, age, from });
}

/** What is still there, as `key what age`. */
async function whatIsThere(): Promise<string[]> {
  const there = [];
  for (const { key, what, age, from } of kept)
    if ((await count(from)) > 0) there.push(`${key} ${what} ${age}`);
  return there;
}
const all = () => kept.map(({ key, what, age }) => `${key} ${what} ${age}`);
const night = async () => await sweep({ database: centre.db.worker, model: centre.model });

/** What the sequencer does every ten seconds, and then what the verifier says. */
async function signAndVerify(): Promise<string> {
  const log = { error: (event: string) => assert.fail(event) };
  await new Sequencer({ database: centre.db.sequencer, log, ...files }).turn();
  const { db, model } = centre;
  const context = { database: db.web, owner: db.owner, model, ...files };
  const verified = await ran((output) => auditCommand(context, ['verify'], output));
  assert.equal(verified.code, 0, verified.err);
  return verified.out;
}

test('every key has rows of both ages', async () => {
  const keys = new Set(kept.map(({ key }) => key));
  // How the directory was before an import has one age: below.
  assert.deepEqual(
    Object.keys(centre.model.retention).filter((key) => !keys.has(key as Key)),
    ['importsMs'],
  );
  assert.deepEqual(await whatIsThere(), all());
});

test('while a legal hold stands what proves something stays', async () => {
  await signAndVerify();
  const hold = { target: null, reason: 'Inquiry 12', reviewOn: '2099-01-01' };
  const id = must(await centre.db.web.attempt(keeper, (tx) => putHold(tx, hold, new Date())));
  await night();
  const provesNothing = /^(sessions|invitations)Ms .* old$/;
  assert.deepEqual(
    await whatIsThere(),
    all().filter((row) => !provesNothing.test(row)),
  );
  must(await centre.db.web.attempt(keeper, (tx) => liftLegalHold(tx, { id, reason: 'Over' })));
});

test('what is older goes, what is younger stays, and the log is proved as before', async () => {
  const entries = await count(sql`audit.entry`);
  const shared = sql`organisations.contact_point where contacts > 1`;
  assert.equal(await count(shared), 1);
  await night();
  assert.deepEqual(
    await whatIsThere(),
    all().filter((row) => row.endsWith(' young')),
  );
  assert.equal(await count(shared), 1, 'a number of others stays theirs');
  for (const table of [
    sql`responses.answer`,
    sql`responses.call_attempt`,
    sql`responses.desk_item`,
  ])
    assert.ok((await count(table)) >= 2, 'that somebody answered or was rung stays');
  assert.ok((await count(sql`audit.entry`)) > entries, 'what went is written down');
  for (const what of ['dispatch', 'inbox', 'contacts', 'notes', 'sign_ins'])
    assert.ok((await count(forgotten(what))) > 0, `${what} in the audit`);
  assert.match(await signAndVerify(), /whole|right|proved/i);
  // A second night finds nothing.
  const before_ = await count(sql`audit.entry`);
  await night();
  assert.equal(await count(sql`audit.entry`), before_);
});

test('how the directory was before an import goes by its own key', async () => {
  const images = sql`organisations.import_image`;
  for (const [age, stays] of [
    ['young', true],
    ['old', false],
  ] as const) {
    await own(sql`update organisations.import set finished_at = ${at('importsMs', age)},
      started_at = ${at('importsMs', age)}`);
    await night();
    assert.equal((await count(images)) > 0, stays, age);
    assert.equal((await count(forgotten('imports'))) > 0, !stays, age);
  }
});

test('nothing younger than thirty days goes, whoever asks, and the web may not ask', async () => {
  for (const call of [
    sql`select organisations.forget_left(now() - interval '29 days', 1)`,
    sql`select responses.forget_notes(now() - interval '29 days', 1)`,
  ]) {
    const ask = (database: typeof centre.db.web) =>
      database.withActor(system('test'), (tx) => tx.run(call));
    await assert.rejects(ask(centre.db.worker), { code: '23001' });
    await assert.rejects(ask(centre.db.web), { code: '42501' });
  }
});
