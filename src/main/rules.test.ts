/** Which rules a process begins with, and that it follows what two people adopt. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { refused } from '#kernel/outcome.ts';
import { createLog } from '#log.ts';
import { sql } from '#db/sql.ts';
import {
  listAdoptions,
  parseOperatingModel,
  pinVersion,
  type OperatingModel,
} from '#operating-model/index.ts';
import { must } from '../../test/support/centre.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { followRules, readRules } from './rules.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const named = (name: string): OperatingModel =>
  must(parseOperatingModel(shipped.replace('model: Health and care', `model: ${name}`), 'x'));
const actor = system('test');

let clone: Clone;
before(async () => {
  clone = await cloneDatabase();
});
after(async () => {
  await clone.drop();
});

const configFor = () => clone.web.config;

const start = async (model: OperatingModel) =>
  must(await readRules(configFor, { file: { ok: true, value: model }, adopts: true }));

const history = async () => {
  const rows = await clone.owner.withActor(actor, listAdoptions);
  return rows.map(({ sha256 }) => sha256.slice(0, 6));
};

/** As if two people had adopted it: the proposal and its approval are tested with the pages. */
async function adopt(model: OperatingModel): Promise<void> {
  await clone.owner.withActor(actor, async (tx) => {
    await pinVersion(tx, model);
    await tx.run(sql`
      with proposed as (
        insert into operating_model.proposal (id, sha256, yaml, base, reason, proposed_by,
          proposed_by_name, proposed_at, approval_id, state, decided_by, decided_by_name,
          decided_at)
        values (kernel.uuid_v7(), ${model.version}, ${model.source}, ${model.version}, 'why', 'a',
          'A', now(), kernel.uuid_v7(), 'adopted', 'b', 'B', now()) returning id)
      insert into operating_model.adoption (sha256, proposal_id)
      select ${model.version}, id from proposed`);
  });
}

describe('the rules that a process begins with', () => {
  const [first, second, third] = ['One', 'Two', 'Three'].map(named) as [
    OperatingModel,
    OperatingModel,
    OperatingModel,
  ];

  it('are those of the file, and a command leaves no trace', async () => {
    const read = await readRules(configFor, { file: { ok: true, value: first }, adopts: false });
    assert.deepEqual(read, { ok: true, value: { model: first, notes: [] } });
    assert.deepEqual(await history(), []);
    const broken = refused('invalid', 'x.yaml has one error');
    assert.deepEqual(await readRules(configFor, { file: broken, adopts: true }), broken);
  });

  it('are those of the newest file while nobody adopted others, each once', async () => {
    const starts = await Promise.all([start(first), start(first)]);
    for (const { model } of starts) assert.equal(model.version, first.version);
    assert.equal((await start(second)).model.version, second.version);
    const short = (model: OperatingModel) => model.version.slice(0, 6);
    assert.deepEqual(await history(), [short(second), short(first)]);
  });

  it('stay as they were where the file has errors, and the errors are said', async () => {
    const broken = refused('invalid', 'x.yaml has one error:\nx.yaml:3: wrong');
    const read = must(await readRules(configFor, { file: broken, adopts: true }));
    assert.equal(read.model.version, second.version);
    assert.match(read.notes[0]!, /x\.yaml:3: wrong\nThe rules before it stay in force/);
  });

  it('are what two people adopted, whatever the file says; what it says else is said', async () => {
    await adopt(third);
    const { model, notes } = await start(first);
    assert.equal(model.version, third.version);
    assert.match(notes.join(), /adopted, and holds. The file would change: Model: One instead of/);
    assert.deepEqual((await start(third)).notes, []);
    assert.equal((await history()).length, 3);
  });
});

it('a process that runs follows, and what it does not understand changes nothing', async () => {
  const log = createLog({ level: 'silent' });
  const seen: string[] = [];
  const current = named('Three');
  const following = followRules(clone.worker, log, {
    current,
    onChange: ({ name }) => void seen.push(name),
  });
  const until = async (count: number) => {
    for (let i = 0; i < 200 && seen.length < count; i++) await delay(25);
  };
  await adopt(named('Four'));
  await until(1);
  assert.deepEqual(seen, ['Four']);
  await clone.owner.withActor(actor, async (tx) => {
    const yaml = 'model: of a release to come';
    await tx.run(sql`insert into operating_model.version (sha256, yaml)
      values (encode(sha256(convert_to(${yaml}, 'UTF8')), 'hex'), ${yaml})`);
    await tx.run(sql`insert into operating_model.adoption (sha256)
      values (encode(sha256(convert_to(${yaml}, 'UTF8')), 'hex'))`);
  });
  await adopt(named('Five'));
  await until(2);
  assert.deepEqual(seen, ['Four', 'Five']);
  await following.stop();
});
