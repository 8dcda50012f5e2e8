/** Who keeps an organisation's contacts, and what is on its network, is so at its successors. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { listContacts } from '../contacts/store-contact-list.ts';
import { listDomains, listOnOwnNetworkOnly } from '../contacts/store-domains.ts';
import { listBodies } from './store-succession.ts';
import { previewSuccession } from './preview.ts';
import { applyDueSuccessions, confirmSuccession, everyPair, planSuccession } from './succeed.ts';

const TODAY = '2026-11-23';
const startedAt = new Date(`${TODAY}T03:12:00Z`);
const officer = {
  kind: 'person' as const,
  id: newId(),
  name: 'Ada Okafor',
  permissions: new Set<Permission>(['directory.read', 'directory.write']),
};

describe('organisations that hand over', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
  });
  after(() => db.drop());

  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);

  /** Organisations with these codes, and somebody who keeps the contacts of the first. */
  async function keptBy(name: string, codes: readonly string[]): Promise<string> {
    const rows = ['code,name,type', ...codes.map((code) => `${code},Trust ${code},trust`)];
    const file = { name: 'x.csv', bytes: Buffer.from(`${rows.join('\n')}\n`) };
    const options = { rules, secrets, startedAt };
    const personId = newId();
    await db.web.withActor(system('import'), async (tx) => {
      assert.ok((await importOrganisations(tx, file, options)).ok);
    });
    await own(async (tx) => {
      await tx.run(sql`insert into identity.person (id, name, email, created_at, created_by)
        values (${personId}, ${name}, ${`${personId}@x.test`}, now(), 'test')`);
      await tx.run(sql`insert into identity.role_grant
          (id, person_id, role, organisation_id, given_at, given_by)
        select ${newId()}, ${personId}, 'organisation_administrator', organisation.id, now(), 'test'
        from organisations.organisation where code = ${codes[0]!}`);
    });
    return personId;
  }

  /** Codes of those whose contacts they keep. */
  const kept = async (personId: string): Promise<string[]> => {
    const rows = await own((tx) =>
      tx.rows<{ code: string }>(sql`select organisation.code from identity.role_grant held
        join organisations.organisation on organisation.id = held.organisation_id
        where held.person_id = ${personId} and held.ended_at is null order by organisation.code`),
    );
    return rows.map(({ code }) => code);
  };

  const plan = (onDate: string, predecessors: string[], successors: string[]) =>
    db.web.withActor(officer, async (tx) => {
      const id = newId();
      const planned = await planSuccession(tx, {
        id,
        onDate,
        parts: everyPair(predecessors, successors),
      });
      assert.ok(planned.ok, JSON.stringify(planned));
      return id;
    });

  it('have administrators who are named before, and keep each successor from its day on', async () => {
    const olga = await keptBy('Olga Brandt', ['KP-1', 'KP-2', 'KP-3']);
    const id = await plan(TODAY, ['KP-1'], ['KP-2', 'KP-3']);
    const preview = await db.web.withActor(officer, (tx) => previewSuccession(tx, id));
    assert.deepEqual(
      preview?.keepers.map(({ name }) => name),
      ['Olga Brandt'],
    );
    assert.deepEqual(await kept(olga), ['KP-1'], 'a look changes nothing');
    assert.ok((await db.web.withActor(officer, (tx) => confirmSuccession(tx, id, TODAY))).ok);
    assert.deepEqual(await kept(olga), ['KP-2', 'KP-3']);
    const entries = await own((tx) =>
      tx.rows<{ action: string; actorId: string }>(sql`
        select action, actor_id from audit.entry where subject_id = ${olga} order by action`),
    );
    assert.deepEqual(
      entries.map(({ action }) => action),
      ['role.ended', 'role.given', 'role.given'],
    );
  });

  it('keep them where one goes on, and the worker gives the role at midnight', async () => {
    const tam = await keptBy('Tam Dean', ['KP-4', 'KP-5']);
    const id = await plan('2026-12-01', ['KP-4'], ['KP-4', 'KP-5']);
    assert.ok((await db.web.withActor(officer, (tx) => confirmSuccession(tx, id, TODAY))).ok);
    assert.deepEqual(await kept(tam), ['KP-4']);
    await applyDueSuccessions(db.worker, '2026-12-01');
    assert.deepEqual(await kept(tam), ['KP-4', 'KP-5']);
  });

  it('hand over no role while they are cut off: what opens it may be in foreign hands', async () => {
    const mal = await keptBy('Mal Owned', ['KP-11', 'KP-12']);
    const id = await plan('2026-12-01', ['KP-11'], ['KP-12']);
    assert.ok((await db.web.withActor(officer, (tx) => confirmSuccession(tx, id, TODAY))).ok);
    await db.web.withActor(officer, (tx) =>
      tx.run(sql`insert into kernel.cut_off
          (id, organisation_id, domains, reason, cut_by, cut_by_name)
        select ${newId()}, organisation.id, '{}', 'Mail server taken over', 'test', 'Test'
        from organisations.organisation where code = 'KP-11'`),
    );
    const preview = await db.web.withActor(officer, (tx) => previewSuccession(tx, id));
    assert.deepEqual(preview?.keepers, []);
    await applyDueSuccessions(db.worker, '2026-12-01');
    assert.deepEqual(await kept(mal), [], 'neither there any more, nor at the successor');
  });

  it('hand their network over: a colleague with mail on it alone is warned of as before', async () => {
    await keptBy('Ann Roe', ['KP-7', 'KP-8', 'KP-9', 'KP-10']);
    const rows = [
      'organisation_code,name,role,email',
      'KP-7,Sam,ciso,sam@moor.test',
      'KP-7,Ida,on_call_it,ida@moor.test',
      'KP-7,Pat,on_call_it,pat@gmail.test',
      'KP-8,Kim,ciso,kim@firth.test',
    ];
    const file = { name: 'x.csv', bytes: Buffer.from(`${rows.join('\n')}\n`) };
    await db.web.withActor(system('import'), async (tx) => {
      const done = await importContacts(tx, file, { rules, secrets, startedAt });
      assert.ok(done.ok && done.value.counts.refused === 0);
    });
    const id = await plan('2026-12-01', ['KP-7'], ['KP-7', 'KP-9']);
    assert.ok((await db.web.withActor(officer, (tx) => confirmSuccession(tx, id, TODAY))).ok);
    const ownOf = async (code: string) => {
      const [body] = await own((tx) => listBodies(tx, [code]));
      const domains = await own((tx) => listDomains(tx, body!.id));
      const alone = await own((tx) => listOnOwnNetworkOnly(tx, [body!.id]));
      return [domains.filter(({ isOwn }) => isOwn).map(({ domain }) => domain), alone.length];
    };
    assert.deepEqual(await ownOf('KP-7'), [['moor.test'], 0], 'Pat is elsewhere');
    await own((tx) =>
      tx.run(sql`update organisations.contact set active = false
      where name = 'Pat' and organisation_id = (
        select id from organisations.organisation where code = 'KP-7')`),
    );
    assert.deepEqual(await ownOf('KP-7'), [['moor.test'], 1]);
    assert.equal(await applyDueSuccessions(db.worker, '2026-12-01'), 1);
    assert.deepEqual(await ownOf('KP-7'), [['moor.test'], 1], 'it goes on');
    assert.deepEqual(await ownOf('KP-9'), [['moor.test'], 1]);
    assert.deepEqual(await ownOf('KP-8'), [['firth.test'], 1]);
    const closing = await plan('2020-04-01', ['KP-8'], ['KP-10']);
    assert.ok((await db.web.withActor(officer, (tx) => confirmSuccession(tx, closing, TODAY))).ok);
    assert.deepEqual(await ownOf('KP-10'), [['firth.test'], 1]);
    const [body] = await own((tx) => listBodies(tx, ['KP-10']));
    const [kim] = await own((tx) => listContacts(tx, body!.id));
    assert.equal(kim!.points[0]!.sharedBy, 1, 'not shared with the one that has closed');
  });

  it('the worker gives no role in any other way', async () => {
    const [body] = await own((tx) => listBodies(tx, ['KP-5']));
    const personId = await keptBy('Kim Ford', ['KP-6']);
    await assert.rejects(
      db.worker.withActor(system('test'), (tx) =>
        tx.run(sql`insert into identity.role_grant
            (id, person_id, role, organisation_id, given_at, given_by)
          values (${newId()}, ${personId}, 'officer', ${body!.id}, now(), 'x')`),
      ),
      { code: '42501' },
    );
  });
});
