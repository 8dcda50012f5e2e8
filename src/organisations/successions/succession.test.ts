/** Mergers and splits: what may be planned, what happens on the day, and that nobody loses reach. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { startSite, type Site } from '../../../test/support/page-client.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { saveAudience } from '../audiences/audiences.ts';
import { listHandingOver } from '../audiences/store-members.ts';
import { everybody, type AskedQuestion, type AudienceQuestion } from '../model.ts';
import { successionRoutes } from './routes-succession.ts';
import { listOrganisations } from '../store.ts';
import { listBodies, listComing } from './store-succession.ts';
import { applyDueSuccessions, confirmSuccession, everyPair, planSuccession } from './succeed.ts';

const now = new Date('2026-11-23T03:12:00Z');
const TODAY = '2026-11-23';
const officer = {
  kind: 'person' as const,
  id: newId(),
  name: 'Ada Okafor',
  permissions: new Set<Permission>(['alert.read', 'directory.read', 'directory.write']),
};

describe('mergers and splits', () => {
  let db: Clone;
  let site: Site;

  before(async () => {
    db = await cloneDatabase();
    site = await startSite({
      routes: successionRoutes({ database: db.web, model: rules }),
      navigation: [{ href: '/organisations', text: 'Directory', permission: 'directory.read' }],
      now: () => now,
    });
  });
  after(async () => {
    await site.close();
    await db.drop();
  });

  async function fill(organisations: readonly string[], contacts: readonly string[]) {
    const options = { rules, secrets, startedAt: now };
    const file = (rows: readonly string[]) => ({
      name: 'x.csv',
      bytes: Buffer.from(`${rows.join('\n')}\n`),
    });
    await db.web.withActor(system('import'), async (tx) => {
      const header = 'code,name,type,opened_on,closed_on';
      assert.ok((await importOrganisations(tx, file([header, ...organisations]), options)).ok);
      const columns = 'organisation_code,name,role,rank,mobile,active';
      const done = await importContacts(tx, file([columns, ...contacts]), options);
      assert.ok(done.ok && done.value.counts.refused === 0, JSON.stringify(done));
    });
  }

  /** Whom alerts go to today at these organisations, as `code name rank number`. */
  async function told(codes: readonly string[]): Promise<string[]> {
    const rows = await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ line: string }>(sql`
        select reachable.code || ' ' || contact.name || ' ' || reachable.rank || ' '
          || point.shown as line
        from organisations.v_reachable reachable
        join organisations.contact on contact.id = reachable.contact_id
        join organisations.contact_point point on point.id = reachable.contact_point_id
        where reachable.code = any(${[...codes]}::text[]) and reachable.in_use
        order by 1`),
    );
    return rows.map(({ line }) => line);
  }

  /** Contacts of an organisation with their numbers in order, open or not. */
  async function heirsAt(code: string): Promise<string[]> {
    const heirs = await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ line: string }>(sql`
        select contact.name || ' ' || contact.rank || ' ' || string_agg(point.shown, ' + '
          order by link.position) as line
        from organisations.contact
        join organisations.organisation on organisation.id = contact.organisation_id
        join organisations.contact_contact_point link on link.contact_id = contact.id
        join organisations.contact_point point on point.id = link.contact_point_id
        where organisation.code = ${code} and contact.active
        group by contact.id, contact.name, contact.rank
        order by contact.name collate "C"`),
    );
    return heirs.map(({ line }) => line).toSorted();
  }

  const visitor = (permissions = officer.permissions) =>
    site.visitorAs({ ...officer, permissions });

  /** Below whom these stand on a day, as `code parent`. */
  async function placesOn(day: string, like: string): Promise<string[]> {
    const rows = await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ line: string }>(sql`
        select child.code || ' ' || parent.code as line from organisations.parenthood
        join organisations.organisation child on child.id = parenthood.child_id
        join organisations.organisation parent on parent.id = parenthood.parent_id
        where child.code like ${like} and coalesce(parenthood.began_on, '-infinity') <= ${day}
          and coalesce(parenthood.ended_on, 'infinity') >= ${day} order by 1`),
    );
    return rows.map(({ line }) => line);
  }

  it('are planned, looked at and confirmed on a page, and done on their day', async () => {
    await fill(
      [
        'AA-01,Northmoor,trust,,',
        'AA-02,Eastfirth,trust,,',
        'AA-03,Moor and Firth,trust,2026-12-01,',
      ],
      [
        'AA-01,Sam,ciso,1,07700 900123,',
        'AA-01,Gone,ciso,2,07700 900129,no',
        'AA-02,Kim,ciso,1,07700 900124,',
        'AA-01,On call,on_call_it,2,07700 900127,',
        'AA-02,On call,on_call_it,2,07700 900125,',
        'AA-03,Kim,ciso,3,07700 900124,',
        'AA-03,Sam,ciso,2,07700 900126,no',
      ],
    );
    const ada = visitor();
    assert.match((await ada.get('/organisations/successions')).text, /None is planned/);
    await ada.get('/organisations/successions/new');
    const wrong = await ada.submit(
      'See what it would do',
      { predecessors: 'aa-01, ZZ-99', successors: '', onDate: '0000-01-01' },
      { status: 422 },
    );
    assert.match(wrong.text, /Enter the first day/);
    const unknown = await ada.submit(
      'See what it would do',
      { predecessors: 'aa-01 ZZ-99', successors: 'AA-03', onDate: '2026-12-01' },
      { status: 422 },
    );
    assert.match(unknown.text, /Not in the directory: ZZ-99/);
    const plan = await ada.submit('See what it would do', {
      predecessors: 'aa-01\nAA-02',
      successors: 'AA-03',
      onDate: '2026-12-01',
    });
    assert.match(plan.text, /Nothing is decided yet/);
    assert.match(plan.text, /Northmoor, Eastfirth close at the end of 30 November 2026/);
    assert.match(plan.text, /2 people have rank 1 and are told together/);
    assert.match(plan.text, /Kim is one contact from AA-02 and AA-03/);
    assert.match(plan.text, /2 ?On call \(AA-02\)/);
    await ada.submit('Confirm for 1 December 2026');
    assert.match((await ada.get('/organisations/successions')).text, /Confirmed/);
    const before = await told(['AA-01', 'AA-02', 'AA-03']);
    assert.equal(await applyDueSuccessions(db.worker, '2026-11-30'), 0);
    assert.deepEqual(await told(['AA-01', 'AA-02', 'AA-03']), before);
    assert.equal(await applyDueSuccessions(db.worker, '2026-12-01'), 1);
    assert.equal(await applyDueSuccessions(db.worker, '2026-12-01'), 0);
    // Before its day the successor is not open: its contacts are looked at beside the view.
    assert.deepEqual(await heirsAt('AA-03'), [
      'Kim 1 07700 ···124',
      'On call (AA-02) 2 07700 ···125',
      'On call 2 07700 ···127',
      'Sam (AA-01) 1 07700 ···123',
    ]);
    const done = await ada.get(plan.path);
    assert.equal(done.text.match(/On call \(AA-02\)/g)?.length, 1);
    assert.doesNotMatch(done.text, /is one contact from/);
    const ended = await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ code: string; closedOn: string | null }>(sql`
        select code, closed_on::text from organisations.organisation where code like 'AA-%'
        order by code`),
    );
    assert.deepEqual(
      ended.map(({ code, closedOn }) => `${code} ${closedOn}`),
      ['AA-01 2026-11-30', 'AA-02 2026-11-30', 'AA-03 null'],
    );
  });

  it('give each who stands below to a part by name, and the others to whom the plan says', async () => {
    const whole = ['KK-01,Whole,trust,', 'KK-02,North,trust,', 'KK-03,South,trust,'];
    const below = ['KK-11', 'KK-12', 'KK-13'].map((code) => `${code},${code},practice,KK-01`);
    const rows = ['code,name,type,parent', ...whole, ...below];
    const file = { name: 'x.csv', bytes: Buffer.from(`${rows.join('\n')}\n`) };
    await db.web.withActor(system('import'), (tx) =>
      importOrganisations(tx, file, { rules, secrets, startedAt: now }),
    );
    const ada = visitor();
    await ada.get('/organisations/successions/new');
    const plan = { onDate: '2026-12-01', pairs: 'KK-01: KK-01, KK-02, KK-03' };
    const planned = await ada.submit('See what it would do', plan);
    assert.match(planned.text, /3 organisations stay below Whole/);
    const save = 'Save who stands below whom';
    const [to11, to12, to13] = [
      { 'to-KK-11': 'KK-02' },
      { 'to-KK-12': 'KK-03' },
      { 'to-KK-13': '' },
    ];
    const chosen = { ...to11, ...to12, ...to13 };
    const wrong = await ada.submit(save, { ...chosen, places: 'AA-01: KK-13' }, { status: 422 });
    assert.match(wrong.text, /KK-13 goes to KK-01 or KK-02 or KK-03, not to AA-01/);
    const kept = await ada.submit(save, { ...chosen, places: 'KK-02: KK-13' });
    assert.match(
      kept.text,
      /2 organisations come to stand below North.*1 organisation comes .* South/s,
    );
    // Only what was changed on the page is said again: the other tab's word stays.
    const back = await ada.submit(save, { ...to11, ...to12, 'to-KK-13': '' });
    assert.match(back.text, /1 organisation stays below Whole/);
    await ada.submit('Confirm for 1 December');
    assert.equal(await applyDueSuccessions(db.worker, '2026-12-01'), 1);
    assert.deepEqual(await placesOn('2026-11-30', 'KK-1%'), [
      'KK-11 KK-01',
      'KK-12 KK-01',
      'KK-13 KK-01',
    ]);
    assert.deepEqual(await placesOn('2026-12-01', 'KK-1%'), [
      'KK-11 KK-02',
      'KK-12 KK-03',
      'KK-13 KK-01',
    ]);
    await ada.get(planned.path);
    assert.doesNotMatch(ada.page.text, /Save who stands below/);
    const late = new URLSearchParams({ places: 'KK-02: KK-13' });
    assert.equal(
      (await ada.request('POST', `${planned.path}/children`, { form: late })).status,
      409,
    );
  });

  it('are for whoever may change the directory; a reader looks only', async () => {
    const reader = visitor(new Set<Permission>(['directory.read']));
    const { text } = await reader.get('/organisations/successions');
    assert.doesNotMatch(text, /Plan a merger/);
    await reader.get('/organisations/successions/new', { status: 403 });
    await reader.get(`/organisations/successions/${newId()}`, { status: 404 });
  });

  it('hand over once: a second plan is refused, a withdrawn one is never carried out', async () => {
    await fill(
      ['BB-01,Westmere,trust,,', 'BB-02,Overwater,trust,,'],
      ['BB-01,Sam,ciso,1,07700 900131,'],
    );
    const plan = async (id: string) =>
      await db.web.attempt(officer, (tx) =>
        planSuccession(tx, {
          id,
          onDate: '2026-12-05',
          parts: everyPair(['BB-01'], ['BB-02']),
        }),
      );
    const id = newId();
    assert.ok((await plan(id)).ok);
    const second = await plan(newId());
    assert.equal(!second.ok && second.kind, 'conflict');
    const ada = visitor();
    await ada.get(`/organisations/successions/${id}`);
    await ada.submit('Withdraw');
    const late = await db.web.attempt(officer, (tx) => confirmSuccession(tx, id, TODAY));
    assert.equal(late.ok, false);
    assert.equal(await applyDueSuccessions(db.worker, '2026-12-31'), 0);
    assert.ok((await plan(newId())).ok);
  });

  it('waits where a successor was closed meanwhile: nobody closes, nobody loses reach', async () => {
    await fill(['EE-01,Fell,trust,,', 'EE-02,Dale,trust,,'], ['EE-01,Sam,ciso,1,07700 900161,yes']);
    const id = newId();
    const plan = { id, onDate: '2026-12-10', parts: everyPair(['EE-01'], ['EE-02']) };
    const done = await db.web.attempt(officer, async (tx) => {
      const planned = await planSuccession(tx, plan);
      return planned.ok ? await confirmSuccession(tx, id, TODAY) : planned;
    });
    assert.ok(done.ok);
    await fill(['EE-02,Dale,trust,,2026-11-30'], ['EE-01,Sam,ciso,1,07700 900161,yes']);
    assert.equal(await applyDueSuccessions(db.worker, '2026-12-10'), 0);
    assert.deepEqual(await told(['EE-01']), ['EE-01 Sam 1 07700 ···161']);
    const page = await visitor().get(`/organisations/successions/${id}`);
    assert.match(page.text, /It waits\. Closed on that day: EE-02/);
    await fill(['EE-02,Dale,trust,,'], ['EE-01,Sam,ciso,1,07700 900161,yes']);
    assert.equal(await applyDueSuccessions(db.worker, '2026-12-10'), 1);
  });

  it('one that cannot be carried out stops no other', async () => {
    await fill(
      ['GG-01,Ford,trust,,', 'GG-02,Mill,trust,,', 'GG-03,Dam,trust,,'],
      ['GG-01,Sam,ciso,1,07700 900181,yes', 'GG-02,Kim,ciso,1,07700 900182,yes'],
    );
    for (const from of ['GG-01', 'GG-02']) {
      const id = newId();
      const plan = { id, onDate: '2026-12-11', parts: everyPair([from], ['GG-03']) };
      const done = await db.web.attempt(officer, async (tx) => {
        const planned = await planSuccession(tx, plan);
        return planned.ok ? await confirmSuccession(tx, id, TODAY) : planned;
      });
      assert.ok(done.ok);
    }
    const own = (statement: Sql) => db.owner.withActor(system('test'), (tx) => tx.run(statement));
    await own(sql`alter table organisations.organisation
      add constraint for_ever check (code <> 'GG-01' or closed_on is null)`);
    await assert.rejects(applyDueSuccessions(db.worker, '2026-12-11'), /for_ever/);
    assert.deepEqual(await heirsAt('GG-03'), ['Kim 1 07700 ···182']);
    await own(sql`alter table organisations.organisation drop constraint for_ever`);
    assert.equal(await applyDueSuccessions(db.worker, '2026-12-11'), 1);
  });

  it('which audiences lose somebody is said before the day, and changes nothing', async () => {
    await fill(
      ['FF-01,Beck,trust,,', 'FF-02,Gill,trust,,', 'FF-03,Tarn,practice,,'],
      ['FF-01,Sam,ciso,1,07700 900171,yes', 'FF-02,Kim,ciso,1,07700 900172,yes'],
    );
    const save = async (name: string, question: Partial<AskedQuestion>) => {
      const asked = { ...everybody, audiences: [], ...question };
      const saved = await db.web.attempt(officer, (tx) =>
        saveAudience(tx, { id: newId(), name, question: asked, now }),
      );
      assert.ok(saved.ok, JSON.stringify(saved));
      return saved.value;
    };
    const trusts = await save('Trusts', { types: ['trust'] });
    await save('Beck and who follows', { include: ['FF-01'], types: ['practice'] });
    await save('All', {});
    const id = newId();
    const plan = { id, onDate: '2026-12-10', parts: everyPair(['FF-01'], ['FF-03']) };
    assert.ok((await db.web.attempt(officer, (tx) => planSuccession(tx, plan))).ok);
    const before = await told(['FF-01', 'FF-03']);
    const look = async () => (await visitor().get(`/organisations/successions/${id}`)).text;
    const page = await visitor().get(`/organisations/successions/${id}`);
    assert.ok(page.body.includes(`href="/audiences/${trusts.id}"`));
    assert.match(
      await look(),
      /Audiences that lose somebody.*in these\..*Trusts: Beck(?!.*: Beck)/s,
    );
    assert.deepEqual(await told(['FF-01', 'FF-03']), before);
    assert.ok((await db.web.attempt(officer, (tx) => confirmSuccession(tx, id, TODAY))).ok);
    assert.match(await look(), /Trusts: Beck/);
    const handing = await db.web.withActor(officer, (tx) => listHandingOver(tx, trusts.question));
    assert.deepEqual(
      handing.filter((one) => one.id === id),
      [{ id, onDate: '2026-12-10', organisations: 1 }],
    );
    const [beck] = await db.web.withActor(officer, (tx) => listBodies(tx, ['FF-01']));
    const coming = await db.web.withActor(officer, (tx) => listComing(tx, beck!.id));
    assert.deepEqual(
      coming.map((one) => [one.onDate, one.state, one.handsTo.map(({ code }) => code)]),
      [['2026-12-10', 'confirmed', ['FF-03']]],
    );
    const [heir] = await db.web.withActor(officer, (tx) => listBodies(tx, ['FF-03']));
    const [taking] = await db.web.withActor(officer, (tx) => listComing(tx, heir!.id));
    assert.deepEqual(
      [taking!.handsTo, taking!.takesFrom].map((side) => side.map(({ code }) => code)),
      [[], ['FF-01']],
    );
  });

  it('a question that names a predecessor means its successors, and theirs', async () => {
    await fill(
      ['DD-01,First,trust,,', 'DD-02,Second,trust,,', 'DD-03,Third,trust,,'],
      ['DD-01,Sam,ciso,1,07700 900151,'],
    );
    const asked = async (question: Partial<AudienceQuestion>) =>
      await db.web.withActor(officer, async (tx) => {
        const only = { ...everybody, regions: ['NOWHERE'], ...question };
        const found = await listOrganisations(tx, { question: only, limit: 10 });
        return found.map(({ code }) => code);
      });
    assert.deepEqual(await asked({ include: ['DD-01'] }), ['DD-01']);
    for (const [from, to] of [
      ['DD-01', 'DD-02'],
      ['DD-02', 'DD-03'],
    ] as const) {
      const id = newId();
      const today = new Date().toISOString().slice(0, 10);
      const done = await db.web.attempt(officer, async (tx) => {
        const plan = { id, onDate: today, parts: everyPair([from], [to]) };
        const planned = await planSuccession(tx, plan);
        return planned.ok ? await confirmSuccession(tx, id, today) : planned;
      });
      assert.ok(done.ok, JSON.stringify(done));
    }
    assert.deepEqual(await asked({ include: ['DD-01'] }), ['DD-03']);
    assert.deepEqual(await asked({ regions: [], types: ['trust'], exclude: ['DD-01'] }), [
      ...(await asked({ regions: [], types: ['trust'] })),
    ]);
  });

  it('whoever goes on stays open and keeps its own people; hours and cover follow', async () => {
    const pat = 'CC-01,Pat,on_call_it,2,07700 900143,';
    await fill(
      ['CC-01,Whole,trust,,', 'CC-02,Half,trust,,'],
      ['CC-01,Sam,ciso,1,07700 900141,', pat, 'CC-02,Ida,ciso,1,07700 900142,'],
    );
    const sam = sql`select sam.id from organisations.v_organisation organisation
      join organisations.contact sam on sam.organisation_id = organisation.organisation_id
      where organisation.code = 'CC-01' and sam.name = 'Sam'`;
    await db.owner.withActor(system('test'), async (tx) => {
      await tx.run(sql`
        insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
        values ((${sam}), 1, '09:00', '17:00', 'Europe/London')`);
      await tx.run(sql`
        insert into organisations.absence (contact_id, starts_at, ends_at, cover_id)
        select (${sam}), now() + day.n * interval '1 day', now() + (day.n + 1) * interval '1 day',
          (select id from organisations.contact where name = 'Pat')
        from (values (-9), (9)) day (n)`);
    });
    const id = newId();
    const planned = await db.web.attempt(officer, (tx) =>
      planSuccession(tx, {
        id,
        onDate: TODAY,
        parts: everyPair(['CC-01'], ['CC-01', 'CC-02']),
      }),
    );
    assert.ok(planned.ok);
    assert.ok((await db.web.attempt(officer, (tx) => confirmSuccession(tx, id, '2026-11-22'))).ok);
    assert.equal(await applyDueSuccessions(db.worker, TODAY), 1);
    assert.deepEqual(await told(['CC-01', 'CC-02']), [
      'CC-01 Pat 2 07700 ···143',
      'CC-01 Sam 1 07700 ···141',
      'CC-02 Ida 1 07700 ···142',
      'CC-02 Pat 2 07700 ···143',
      'CC-02 Sam 1 07700 ···141',
    ]);
    const times = await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ line: string }>(sql`
        select concat_ws(' ', contact.name, hours.starts_at, absence.starts_at > now(), cover.name,
          cover.organisation_id = contact.organisation_id) as line
        from organisations.duty_hours hours
        join organisations.absence on absence.contact_id = hours.contact_id
        join organisations.contact on contact.id = hours.contact_id and contact.has_times
        left join organisations.contact cover on cover.id = absence.cover_id
        where contact.id <> (${sam})`),
    );
    assert.deepEqual(times, [{ line: 'Sam 09:00:00 t Pat t' }]);
  });

  it('nobody loses reach, whoever follows whom', async () => {
    const person = fc.record({
      at: fc.nat(4),
      name: fc.constantFrom('Sam', 'sam', 'Kim', 'On call'),
      role: fc.constantFrom('ciso', 'on_call_it'),
      rank: fc.integer({ min: 1, max: 4 }),
      number: fc.integer({ min: 400, max: 420 }),
      active: fc.constantFrom('yes', 'no'),
    });
    let turn = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(person, {
          selector: ({ at, name, role }) => `${at} ${name.toLowerCase()} ${role}`,
          minLength: 1,
        }),
        fc.uniqueArray(fc.tuple(fc.nat(4), fc.nat(4)), {
          minLength: 1,
          maxLength: 5,
          selector: ([from, to]) => `${from} ${to}`,
        }),
        async (people, drawn) => {
          const [from, to] = [0, 1].map((side) => new Set(drawn.map((pair) => pair[side]!)));
          // Whoever takes over and hands over goes on.
          const both = [...from!].filter((one) => to!.has(one));
          if (both.length === from!.size && both.length === to!.size) return;
          const isDrawn = (one: number) => drawn.some(([a, b]) => a === one && b === one);
          const goingOn = both.filter((one) => !isDrawn(one)).map((one) => [one, one] as const);
          const pairs = [...drawn, ...goingOn];
          turn += 1;
          const code = (i: number) => `T${turn}-${i}`;
          const codes = [0, 1, 2, 3, 4].map(code);
          await fill(
            codes.map((one) => `${one},Body ${one},trust,,`),
            people.map(
              (p) => `${code(p.at)},${p.name},${p.role},${p.rank},07700 900${p.number},${p.active}`,
            ),
          );
          const numbersAt = async (at: number) =>
            new Set((await told([code(at)])).map((line) => line.split(' ').slice(-2).join(' ')));
          const before = new Map<number, ReadonlySet<string>>();
          for (const one of new Set(pairs.flat())) before.set(one, await numbersAt(one));
          const id = newId();
          const today = new Date().toISOString().slice(0, 10);
          const done = await db.web.attempt(officer, async (tx) => {
            const parts = pairs.map(([a, b]) => ({ predecessor: code(a), successor: code(b) }));
            const planned = await planSuccession(tx, { id, onDate: today, parts });
            return planned.ok ? await confirmSuccession(tx, id, today) : planned;
          });
          assert.ok(done.ok, JSON.stringify(done));
          for (const one of to!) {
            const reached = await numbersAt(one);
            const givers = pairs.flatMap(([a, b]) => (b === one ? [a] : []));
            for (const giver of givers)
              for (const number of before.get(giver)!)
                assert.ok(reached.has(number), `${number} of ${giver} at ${one}`);
            const known = new Set([one, ...givers].flatMap((at) => [...(before.get(at) ?? [])]));
            for (const number of reached)
              assert.ok(known.has(number), `${number} at ${one} is of nobody that it follows`);
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
