/** The real mergers and splits of boards on 1 April 2026: one plan, and nobody loses reach. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { loadOperatingModel, type OperatingModel } from '#operating-model/index.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { secrets } from '../../../test/support/directory.ts';
import { startSite, type PageClient, type Site } from '../../../test/support/page-client.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { previewSuccession } from './preview.ts';
import { successionRoutes } from './routes-succession.ts';
import { applyDueSuccessions, confirmSuccession } from './succeed.ts';

const DATA = new URL('../../../../shared/data/icb-2026/', import.meta.url);
const skip = existsSync(DATA) ? false : 'real files are not beside the checkout';
const FIRST_DAY = '2026-04-01';

type Event = { readonly predecessor: string; readonly successor: string };

const officer = {
  kind: 'person' as const,
  id: newId(),
  name: 'Ada Okafor',
  permissions: new Set<Permission>(['directory.read', 'directory.write']),
};

describe('the boards of 1 April 2026', { skip }, () => {
  let db: Clone;
  let site: Site;
  let ada: PageClient;
  let model: OperatingModel;
  let events: readonly Event[];
  let handsOver: readonly string[];
  let followersOf: ReadonlyMap<string, readonly string[]>;

  before(async () => {
    const read = (name: string) => readFileSync(new URL(name, DATA));
    events = JSON.parse(read('icb-succession-2026-04-01.json').toString()) as Event[];
    followersOf = new Map(
      Map.groupBy(events, ({ predecessor }) => predecessor)
        .entries()
        .map(([code, own]) => [code, own.map(({ successor }) => successor)]),
    );
    handsOver = [...followersOf.keys()];
    const loaded = await loadOperatingModel('operating-model.yaml');
    assert.ok(loaded.ok);
    model = loaded.value;
    db = await cloneDatabase();
    site = await startSite({ routes: successionRoutes({ database: db.web, model }) });
    ada = site.visitorAs(officer);
    const options = { rules: model, secrets, startedAt: new Date() };
    const csv = (lines: readonly string[]) => Buffer.from(`${lines.join('\n')}\n`);
    const organisations = [
      'code,name,type,parent',
      ...handsOver.map((code) => `${code},Board ${code},board,`),
      ...handsOver.map((code) => `K-${code},Practice of ${code},practice,${code}`),
    ];
    // One of their own, and one on call for two neighbours.
    const contacts = [
      'organisation_code,name,role,rank,mobile',
      ...handsOver.flatMap((code, i) => [
        `${code},Chief ${code},ciso,1,07700 9006${String(i).padStart(2, '0')}`,
        `${code},On call,on_call_it,2,07700 9007${String(i >> 1).padStart(2, '0')}`,
      ]),
    ];
    await db.web.withActor(system('import'), async (tx) => {
      const take = async (importer: typeof importContacts, name: string, bytes: Buffer) => {
        const done = await importer(tx, { name, bytes }, options);
        assert.ok(done.ok && done.value.counts.refused === 0, JSON.stringify(done));
      };
      await take(importOrganisations, 'boards.json', read('icb-2026.json'));
      await take(importOrganisations, 'old.csv', csv(organisations));
      await take(importContacts, 'contacts.csv', csv(contacts));
    });
  });
  after(async () => {
    await site.close();
    await db.drop();
  });

  /** Numbers that alerts to each organisation go to, by code. */
  async function reach(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const rows = await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ code: string; shown: string }>(sql`
        select reachable.code, point.shown from organisations.v_reachable reachable
        join organisations.contact_point point on point.id = reachable.contact_point_id
        where reachable.in_use`),
    );
    const byCode = Map.groupBy(rows, ({ code }) => code);
    return new Map(
      byCode.entries().map(([code, own]) => [code, new Set(own.map(({ shown }) => shown))]),
    );
  }

  it('are 16 events of 12 boards and 7 that take over, not all from all', () => {
    assert.equal(events.length, 16);
    assert.equal(handsOver.length, 12);
    assert.equal(new Set(events.map(({ successor }) => successor)).size, 7);
    assert.deepEqual(followersOf.get('QNQ'), ['S9B9J', 'S0E4D', 'QRL']);
  });

  it('are planned line by line, seen as on the day, carried out, and nobody loses reach', async () => {
    const before = await reach();
    await ada.get('/organisations/successions/new');
    const pairs = handsOver.map((code) => `${code}: ${followersOf.get(code)!.join(', ')}`);
    const filled = { onDate: FIRST_DAY, pairs: pairs.join('\n') };
    const both = { ...filled, predecessors: 'QNQ', successors: 'QRL' };
    const refused = await ada.submit('See what it would do', both, { status: 422 });
    assert.match(refused.text, /the two fields above or these lines, not both/);
    const wrong = { onDate: FIRST_DAY, predecessors: '', successors: '', pairs: 'QNQ\nQXU: QQQ9' };
    const unknown = await ada.submit('See what it would do', wrong, { status: 422 });
    assert.match(unknown.text, /Say who takes over from QNQ/);
    const empty = { predecessors: '', successors: '' };
    const seen = await ada.submit('See what it would do', { ...filled, ...empty });
    const id = seen.path.split('/').at(-1)!;
    const preview = (await db.web.withActor(officer, (tx) => previewSuccession(tx, id)))!;
    for (const { body, heirs } of preview.after) {
      const givers = events.filter(({ successor }) => successor === body.code);
      assert.deepEqual(
        heirs.flatMap(({ name }) => (name.startsWith('Chief') ? [name] : [])),
        givers.map(({ predecessor }) => `Chief ${predecessor}`).toSorted(),
        `${body.code} has those of the boards that it takes over from, and no others`,
      );
    }
    assert.deepEqual(
      preview.below.moved.map(({ to, count }) => `${to.code} ${count}`),
      ['D7T5G 2', 'S0E4D 1', 'S1Y5D 3', 'S9B9J 3', 'T6Y0W 1', 'Z9B2Z 2'],
      'of a board that is split the first named takes who stood below',
    );
    const confirmed = await db.web.attempt(officer, (tx) =>
      confirmSuccession(tx, id, '2026-03-15'),
    );
    assert.ok(confirmed.ok, JSON.stringify(confirmed));
    assert.deepEqual(await reach(), before);
    assert.equal(await applyDueSuccessions(db.worker, '2026-03-31'), 0);
    assert.equal(await applyDueSuccessions(db.worker, FIRST_DAY), 1);
    const afterwards = await reach();
    for (const { predecessor, successor } of events) {
      assert.equal(afterwards.get(predecessor), undefined, `${predecessor} is closed`);
      for (const number of before.get(predecessor)!)
        assert.ok(afterwards.get(successor)?.has(number), `${number} at ${successor}`);
    }
    for (const [code, numbers] of afterwards) {
      const givers = events.filter(({ successor }) => successor === code);
      const known = new Set([code, ...givers.map(({ predecessor }) => predecessor)]);
      const own = new Set([...known].flatMap((one) => [...(before.get(one) ?? [])]));
      for (const number of numbers) assert.ok(own.has(number), `${number} is no one's at ${code}`);
    }
  });
});
