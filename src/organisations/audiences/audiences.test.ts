import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system, type Actor, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { Outcome } from '#kernel/outcome.ts';
import { listEntries } from '#audit/index.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { importOrganisations } from '../imports/actions.ts';
import {
  bringBackAudience,
  changeAudience,
  findCycle,
  retireAudience,
  saveAudience,
} from './audiences.ts';
import { differenceInWords, questionInWords } from './audience-words.ts';
import { importDemonstrationAudiences } from '../demonstration/demonstration-audiences.ts';
import { readNames } from './form-audience.ts';
import { everybody, spellingKey, type AskedQuestion, type Join } from '../model.ts';
import { endUseToday, mergeProduct, renameOrMerge, sayUse } from '../suppliers/suppliers.ts';
import { previewAudience } from './preview.ts';
import {
  countChanges,
  listCame,
  listMembers,
  listWent,
  listWillCome,
  listWillGo,
} from './store-members.ts';
import { applyDueSuccessions } from '../successions/succeed.ts';
import { findAudience, listAudiences, listAudienceVersions } from './store-saved.ts';
import {
  findSupplierByName,
  listSuppliers,
  listUsesOfOrganisation,
} from '../suppliers/store-supplier.ts';
import { listTags } from '../suppliers/store-tag.ts';
import { removeTag, renameTagTo, tagOrganisation, untagOrganisation } from '../suppliers/tags.ts';
import { whyIn, whyOut } from './membership.ts';

const now = new Date();
const writer: Actor = {
  kind: 'person',
  id: newId(),
  name: 'Ada Okafor',
  permissions: new Set<Permission>(['directory.read', 'directory.write']),
};
const reader: Actor = { ...writer, permissions: new Set<Permission>(['directory.read']) };

const ORGANISATIONS = [
  'code,name,type,region,region_name,system',
  'AA-01,Northmoor,trust,R1,North,S1',
  'AA-02,Eastfirth,trust,R1,North,S2',
  'AA-03,Westmere,trust,R2,South,S3',
  'AA-04,Mill Lane,practice,R2,South,S3',
  '',
].join('\n');

let db: Clone;
before(async () => {
  db = await cloneDatabase();
  await db.web.withActor(system('test'), async (tx) => {
    const file = { name: 'x.csv', bytes: Buffer.from(ORGANISATIONS) };
    assert.ok((await importOrganisations(tx, file, { rules, secrets, startedAt: now })).ok);
  });
});
after(async () => await db.drop());

const run = async <T>(work: (tx: Tx) => Promise<T>, actor: Actor = writer) =>
  await db.web.withActor(actor, work);

const ask = (part: Partial<AskedQuestion>): AskedQuestion => ({ ...everybody, ...part });

async function save(name: string, question: Partial<AskedQuestion> = {}): Promise<string> {
  const id = newId();
  const saved = await db.web.attempt(writer, (tx) =>
    saveAudience(tx, { id, name, question: ask(question), now }),
  );
  assert.ok(saved.ok, saved.ok ? '' : JSON.stringify(saved));
  return id;
}

async function change(id: string, version: number, question: Partial<AskedQuestion>, name = '') {
  const before = await run((tx) => findAudience(tx, id));
  return await db.web.attempt(writer, (tx) =>
    changeAudience(tx, { id, version, name: name || before!.name, question: ask(question), now }),
  );
}

const part = (how: Join, id: string) => ({ how, id });

async function idOf(code: string): Promise<string> {
  const { id } = await run((tx) =>
    tx.one<{ id: string }>(sql`select id from organisations.organisation where code = ${code}`),
  );
  return id;
}

async function count(id: string): Promise<number> {
  return await run(async (tx) => {
    const audience = await findAudience(tx, id);
    return (await previewAudience(tx, audience!.question)).organisations;
  });
}

test('a change makes a version; the old one stays as it was, and the difference is in words', async () => {
  const id = await save('Trusts of the north', { types: ['trust'], regions: ['R1'] });
  assert.equal(await count(id), 2);
  const changed = await change(id, 1, { types: ['trust'], regions: ['R1', 'R2'] });
  assert.ok(changed.ok && changed.value.version === 2);
  const names = await run((tx) => readNames(tx, rules));
  const [second, first] = await run((tx) => listAudienceVersions(tx, id));
  assert.deepEqual(questionInWords(first!.question, names), [
    { what: 'Type', says: 'NHS trust' },
    { what: 'Region', says: 'North' },
  ]);
  assert.deepEqual(differenceInWords(first!.question, second!.question, names), [
    { what: 'Region', says: 'added South' },
  ]);
  assert.deepEqual([first!.organisations, second!.organisations], [2, 3]);
  const entries = await run((tx) => listEntries(tx, { subject: { kind: 'audience', id } }));
  assert.deepEqual(
    entries.entries.map(({ action }) => action),
    ['audience.changed', 'audience.saved'],
  );
});

test('somebody else saved meanwhile: told, and nothing is lost', async () => {
  const id = await save('Overtaken');
  assert.ok((await change(id, 1, { types: ['trust'] })).ok);
  const late = await change(id, 1, { types: ['practice'] });
  assert.ok(!late.ok && late.kind === 'conflict');
  assert.match(late.message, /Ada Okafor saved version 2/);
  const same = await change(id, 2, { types: ['trust'] });
  assert.ok(same.ok && same.value.version === 2, 'the same again makes no version');
});

test('posted twice it is one; another question under that id, or a taken name, is refused', async () => {
  const id = newId();
  const post = (name: string, question: Partial<AskedQuestion> = {}, as = id) =>
    db.web.attempt(writer, (tx) =>
      saveAudience(tx, { id: as, name, question: ask(question), now }),
    );
  const all = await Promise.all([post('Once'), post('Once'), post('Once')]);
  assert.ok(all.every((one) => one.ok && one.value.version === 1));
  const other = await post('Once', { types: ['trust'] });
  assert.ok(!other.ok && other.kind === 'conflict');
  const taken = await post('  oNCE ', {}, newId());
  assert.ok(!taken.ok && taken.fields['name'] === 'Another audience is called so');
  const unknown = await post('Unknown', { regions: ['R9'], tags: ['no such tag'] }, newId());
  assert.ok(!unknown.ok);
  assert.deepEqual(unknown.fields, {
    regions: 'Not in the directory: R9',
    tags: 'Not in the directory: no such tag',
  });
  const ghost = await post('Ghost', { audiences: [part('and', newId())] }, newId());
  assert.ok(!ghost.ok && /not there/.test(ghost.fields['audiences'] ?? ''));
});

test('who builds on an audience follows it, each in a version of its own', async () => {
  const base = await save('Base', { types: ['practice'] });
  const left = await save('Left', { namedOnly: true, audiences: [part('or', base)] });
  const top = await save('Top', { audiences: [part('and', left), part('not', base)] });
  assert.deepEqual([await count(left), await count(top)], [1, 0]);
  assert.ok((await change(base, 1, { types: ['trust'] })).ok);
  assert.equal(await count(left), 3);
  const versions = await run((tx) => listAudienceVersions(tx, top));
  const newest = versions[0]!.question.audiences;
  assert.deepEqual(
    newest.map(({ name, version }) => `${name} ${version}`),
    ['Left 2', 'Base 2'],
  );
  const [followed] = await run((tx) => listAudienceVersions(tx, left));
  assert.equal(followed!.followedName, 'Base');
});

test('a circle is refused with a sentence that names it', async () => {
  const first = await save('First');
  const second = await save('Second', { audiences: [part('and', first)] });
  const third = await save('Third', { audiences: [part('or', second)] });
  const circle = await change(first, 1, { audiences: [part('not', third)] });
  assert.ok(!circle.ok);
  assert.equal(
    circle.fields['audiences'],
    'An audience cannot be built on itself: “First” → “Third” → “Second” → “First”',
  );
  const self = findCycle([], {
    id: first,
    name: 'First',
    question: ask({ audiences: [part('and', first)] }),
  });
  assert.match(self ?? '', /“First” → “First”/);
});

test('retired and brought back, however often the button is pressed', async () => {
  const id = await save('Old');
  for (const verb of [retireAudience, retireAudience, bringBackAudience, bringBackAudience])
    assert.ok((await db.web.attempt(writer, (tx) => verb(tx, id, now))).ok);
  const { entries } = await run((tx) => listEntries(tx, { subject: { kind: 'audience', id } }));
  assert.deepEqual(
    entries.map(({ action }) => action),
    ['audience.brought_back', 'audience.retired', 'audience.saved'],
  );
});

test('only who may write the directory changes it', async () => {
  const id = await save('Guarded');
  const organisationId = await idOf('AA-01');
  const said = { supplier: 'X', product: '', saidBy: 'x', saidOn: '2026-01-01', usedUntil: null };
  const verbs: ((tx: Tx) => Promise<Outcome<unknown>>)[] = [
    (tx) => saveAudience(tx, { id: newId(), name: 'No', question: everybody, now }),
    (tx) => changeAudience(tx, { id, version: 1, name: 'No', question: everybody, now }),
    (tx) => retireAudience(tx, id, now),
    (tx) => sayUse(tx, { ...said, organisationId, now }),
    (tx) => endUseToday(tx, { id: newId(), organisationId, now }),
    (tx) => renameOrMerge(tx, { id: newId(), name: 'No', mayMerge: true }),
    (tx) => mergeProduct(tx, { id: newId(), into: 'No' }),
    (tx) => tagOrganisation(tx, { organisationId, tag: 'No', now }),
    (tx) => untagOrganisation(tx, { organisationId, tagId: newId(), now }),
    (tx) => renameTagTo(tx, { id: newId(), name: 'No' }),
    (tx) => removeTag(tx, newId()),
  ];
  for (const verb of verbs) {
    const done: Outcome<unknown> = await run(verb, reader);
    assert.ok(!done.ok && done.kind === 'forbidden');
  }
});

test('a contact who answers sees no audience, no supplier and no tag', async () => {
  const organisationIds = [await idOf('AA-01')];
  await db.web.attempt(writer, (tx) =>
    tagOrganisation(tx, { organisationId: organisationIds[0]!, tag: 'seen by us', now }),
  );
  const contact: Actor = { kind: 'contact', id: 'c', organisationIds };
  const seen = await run(
    (tx) =>
      tx.one(sql`
        select (select count(*) from organisations.audience) as audiences,
          (select count(*) from organisations.audience_version) as versions,
          (select count(*) from organisations.audience_member) as members,
          (select count(*) from organisations.use) as uses,
          (select count(*) from organisations.supplier) as suppliers,
          (select count(*) from organisations.organisation_tag) as tagged,
          (select count(*) from organisations.tag) as tags`),
    contact,
  );
  assert.deepEqual(Object.values(seen as object), [0, 0, 0, 0, 0, 0, 0]);
});

test('who went out and who came in since it was saved, and why', async () => {
  const id = await save('Northern trusts', { types: ['trust'], regions: ['R1'] });
  const question = (await run((tx) => findAudience(tx, id)))!.question;
  const kept = { audienceId: id, question };
  const set = async (code: string, what: ReturnType<typeof sql>) =>
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update organisations.organisation set ${what} where code = ${code}`),
    );
  assert.deepEqual(await run((tx) => countChanges(tx, kept)), { came: 0, went: 0 });
  await set('AA-01', sql`closed_on = '2020-03-31'`);
  await set('AA-02', sql`region_code = 'R2'`);
  await set('AA-03', sql`region_code = 'R1'`);
  const names = await run((tx) => readNames(tx, rules));
  const [went, came] = await run(async (tx) => [
    await listWent(tx, kept, 10),
    await listCame(tx, kept, 10),
  ]);
  assert.deepEqual(
    went.map((row) => `${row.code}: ${whyOut(question, row, names, row.before).join('; ')}`),
    ['AA-02: moved to region South from North', 'AA-01: last day 31 March 2020'],
  );
  assert.deepEqual(
    came.map((row) => `${row.code}: ${whyIn(question, row, names).join('; ')}`),
    ['AA-03: type NHS trust, region North'],
  );
  assert.deepEqual(await run((tx) => countChanges(tx, kept)), { came: 1, went: 2 });
  await set('AA-01', sql`closed_on = null`);
  await set('AA-02', sql`region_code = 'R1', type = 'practice'`);
  await set('AA-03', sql`region_code = 'R2'`);
  const [now2] = await run((tx) => listWent(tx, kept, 10));
  assert.deepEqual(whyOut(question, now2!, names, now2!.before), [
    'is now GP practice, was NHS trust',
  ]);
  await set('AA-02', sql`type = 'trust'`);
});

test('who will go and come by a day: last days, openings, ends of use', async () => {
  const organisationId = await idOf('AA-03');
  const later = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
  const said = { product: '', saidBy: 'a list', saidOn: '2026-01-01' };
  const use = { ...said, supplier: 'Endway', usedUntil: later, organisationId, now };
  assert.ok((await db.web.attempt(writer, (tx) => sayUse(tx, use))).ok);
  const set = async (code: string, what: ReturnType<typeof sql>) =>
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update organisations.organisation set ${what} where code = ${code}`),
    );
  await set('AA-01', sql`closed_on = current_date + 10`);
  await set('AA-04', sql`opened_on = current_date + 10`);
  const codes = async (list: typeof listWillGo, question: Partial<AskedQuestion>, days: number) =>
    (await run((tx) => list(tx, ask(question) as typeof everybody, { days, limit: 10 }))).map(
      ({ code }) => code,
    );
  assert.deepEqual(await codes(listWillGo, {}, 90), ['AA-01']);
  assert.deepEqual(await codes(listWillGo, {}, 10), [], 'the last day is still one of it');
  assert.deepEqual(await codes(listWillGo, {}, 11), ['AA-01']);
  assert.deepEqual(await codes(listWillGo, { suppliers: ['endway'] }, 90), ['AA-03']);
  assert.deepEqual(await codes(listWillGo, { suppliers: ['endway'] }, 29), []);
  assert.deepEqual(await codes(listWillCome, {}, 90), ['AA-04']);
  await set('AA-01', sql`closed_on = null`);
  await set('AA-04', sql`opened_on = null`);
});

test('a use is said, said again, ended; who uses a supplier is counted', async () => {
  const organisationId = await idOf('AA-01');
  const say = async (supplier: string, product: string, saidBy: string, saidOn = '2026-01-01') => {
    const said = { supplier, product, saidBy, saidOn, usedUntil: null, organisationId, now };
    const done = await db.web.attempt(writer, (tx) => sayUse(tx, said));
    return done.ok ? done.value : assert.fail(JSON.stringify(done));
  };
  const first = await say('Citrix', 'NetScaler', 'Kim Lee');
  assert.equal(await say('CITRIX ', 'netscaler', 'Sam Hill', '2026-02-02'), first);
  const uses = async () =>
    (await run((tx) => listUsesOfOrganisation(tx, organisationId)))
      .filter(({ supplierName }) => supplierName.startsWith('Citrix'))
      .map((one) => `${one.productName} ${one.saidBy} ${one.saidOn} ${one.hasEnded}`);
  assert.deepEqual(await uses(), ['NetScaler Sam Hill 2026-02-02 false']);
  const users = async (name: string) =>
    (await run((tx) => listSuppliers(tx))).find((one) => one.name === name)?.organisations;
  assert.equal(await users('Citrix'), 1);
  const wrong = await db.web.attempt(writer, (tx) =>
    sayUse(tx, {
      supplier: 'Other',
      product: 'NetScaler',
      saidBy: 'x',
      saidOn: '2026-01-01',
      usedUntil: null,
      organisationId,
      now,
    }),
  );
  assert.ok(!wrong.ok && wrong.fields['product'] === 'NetScaler is a product of Citrix');
  const personal = {
    supplier: 'Citrix',
    product: '',
    saidBy: 'Kim, 07700 900123',
    usedUntil: null,
  };
  const number = await db.web.attempt(writer, (tx) =>
    sayUse(tx, { ...personal, saidOn: '2026-01-01', organisationId, now }),
  );
  assert.ok(!number.ok && /No number/.test(number.fields['saidBy'] ?? ''));
  const end = () =>
    db.web.attempt(writer, (tx) => endUseToday(tx, { id: first, organisationId, now }));
  assert.ok((await end()).ok);
  assert.equal((await end()).ok, false);
  assert.equal(await users('Citrix'), 0);
  assert.notEqual(await say('Citrix', 'NetScaler', 'Kim Lee'), first);
  assert.equal((await uses()).length, 2);
});

test('two spellings become one; a question by the old one still finds', async () => {
  const [one, two] = [await idOf('AA-02'), await idOf('AA-03')];
  const said = { product: '', saidBy: 'x', saidOn: '2026-01-01', usedUntil: null, now };
  for (const [organisationId, supplier] of [
    [one, 'Advanced'],
    [two, 'Advanced Computer Software'],
    [one, 'Advanced Computer Software'],
  ] as const)
    assert.ok(
      (await db.web.attempt(writer, (tx) => sayUse(tx, { ...said, supplier, organisationId }))).ok,
    );
  const id = await save('Users of Advanced', { suppliers: ['advanced'] });
  assert.equal(await count(id), 1);
  const from = (await run((tx) => findSupplierByName(tx, 'Advanced')))!.id;
  const rename = (mayMerge: boolean) =>
    db.web.attempt(writer, (tx) =>
      renameOrMerge(tx, { id: from, name: 'ADVANCED computer software', mayMerge }),
    );
  const asked = await rename(false);
  assert.ok(!asked.ok && /is there already/.test(asked.fields['name'] ?? ''));
  const merged = await rename(true);
  assert.ok(merged.ok && merged.value.merged);
  assert.equal(await count(id), 2);
  assert.equal((await run((tx) => findSupplierByName(tx, 'advanced')))?.id, merged.value.id);
  const uses = (await run((tx) => listUsesOfOrganisation(tx, one))).filter(
    ({ hasEnded }) => !hasEnded,
  );
  assert.equal(uses.length, 1, 'used once, not twice');
});

test('a tag is made on use, once; renamed it is still found; removed it is gone', async () => {
  const organisationId = await idOf('AA-01');
  const tag = (word: string) =>
    db.web.attempt(writer, (tx) => tagOrganisation(tx, { organisationId, tag: word, now }));
  await Promise.all([tag('Stroke centre'), tag('stroke CENTRE'), tag(' Stroke  centre')]);
  const tags = async () =>
    (await run((tx) => listTags(tx))).filter(({ name }) => spellingKey(name).includes('stroke'));
  const [made] = await tags();
  assert.deepEqual([(await tags()).length, made!.organisations], [1, 1]);
  const id = await save('Strokes', { tags: ['stroke centre'] });
  assert.ok(
    (
      await db.web.attempt(writer, (tx) =>
        renameTagTo(tx, { id: made!.id, name: 'Hyperacute stroke' }),
      )
    ).ok,
  );
  assert.equal(await count(id), 1);
  const removed = await db.web.attempt(writer, (tx) => removeTag(tx, made!.id));
  assert.ok(removed.ok && removed.value === 1);
  assert.equal(await count(id), 0);
});

test('the demonstration has suppliers, tags and audiences that mean somebody', async () => {
  const made = await db.web.attempt(writer, (tx) => importDemonstrationAudiences(tx, { now }));
  assert.ok(made.ok);
  const meant = await run((tx) => listAudiences(tx));
  for (const name of ['All who must answer', 'Users of Brightwater Gateway', 'Stroke centres'])
    assert.ok(meant.find((one) => one.name === name)!.organisations > 0, name);
});

test('whoever takes the place of another uses what it used, and is tagged alike', async () => {
  const [before, heir] = [await idOf('AA-02'), await idOf('AA-03')];
  const said = { supplier: 'Handover', product: '', saidBy: 'x', saidOn: '2026-01-01' };
  const use = { ...said, usedUntil: null, organisationId: before, now };
  assert.ok((await db.web.attempt(writer, (tx) => sayUse(tx, use))).ok);
  const tagging = { organisationId: before, tag: 'handed over', now };
  assert.ok((await db.web.attempt(writer, (tx) => tagOrganisation(tx, tagging))).ok);
  const users = await save('Handover users', { suppliers: ['Handover'], tags: ['handed over'] });
  const named = await save('Named', { namedOnly: true, include: ['AA-02'] });
  await db.owner.withActor(system('test'), async (tx) => {
    const id = newId();
    await tx.run(sql`
      insert into organisations.succession (id, on_date, state, planned_by, confirmed_by,
        confirmed_at) values (${id}, current_date, 'confirmed', 'x', 'x', now())`);
    await tx.run(sql`
      insert into organisations.succession_part (succession_id, predecessor_id, successor_id,
        takes_children)
      values (${id}, ${before}, ${heir}, true)`);
  });
  await applyDueSuccessions(db.worker, now.toISOString().slice(0, 10));
  assert.deepEqual([await count(users), await count(named)], [1, 1]);
  const names = await run((tx) => readNames(tx, rules));
  const question = (await run((tx) => findAudience(tx, named)))!.question;
  const [member] = await run((tx) => listMembers(tx, { question, limit: 2 }));
  assert.deepEqual(
    [member!.code, whyIn(question, member!, names)],
    ['AA-03', ['took the place of AA-02, which is named']],
  );
});
