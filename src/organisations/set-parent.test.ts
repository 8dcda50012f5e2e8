/** Parents in the directory: by file with its undo, by page, and by a merger. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { rules, secrets } from '../../test/support/directory.ts';
import { startSite, type PageClient, type Site } from '../../test/support/page-client.ts';
import { importOrganisations } from './imports/actions.ts';
import { lineInWords } from './parents.ts';
import { organisationRoutes } from './routes.ts';
import { setParent, type ParentSaid } from './set-parent.ts';
import { listOrganisations } from './store.ts';
import { listChanges } from './store-history.ts';
import { readLines } from './store-parents.ts';
import { previewSuccession } from './successions/preview.ts';
import {
  applyDueSuccessions,
  confirmSuccession,
  everyPair,
  planSuccession,
  withdrawSuccession,
  type SuccessionPlan,
} from './successions/succeed.ts';
import { previewUndo, undoImport } from './imports/undo.ts';
import { historyLines } from './form-history.ts';

const now = new Date('2026-11-26T03:10:00Z');
const actor = system('import');
const model = {
  ...rules,
  organisationTypes: { ...rules.organisationTypes, board: { label: 'Board', mustAnswer: true } },
};

let db: Clone;
let site: Site;

before(async () => {
  db = await cloneDatabase();
  site = await startSite({
    routes: organisationRoutes({ database: db.web, model, secrets }),
    now: () => now,
  });
});
after(async () => {
  await site.close();
  await db.drop();
});

async function take(text: string | Buffer, more = {}) {
  const file = { name: 'f.csv', bytes: Buffer.from(text) };
  const options = { rules: model, secrets, startedAt: now, ...more };
  const outcome = await db.web.withActor(actor, (tx) => importOrganisations(tx, file, options));
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.value;
}

async function lines(prefix: string): Promise<string[]> {
  const found = await db.web.withActor(actor, readLines);
  return [...found]
    .filter(([code]) => code.startsWith(prefix))
    .map(([code, line]) => `${code}: ${lineInWords(line)}`)
    .sort();
}

async function idOf(code: string): Promise<string> {
  return await db.web.withActor(actor, async (tx) => {
    const [found] = await listOrganisations(tx, { text: code, limit: 1 });
    return found!.id;
  });
}

const HEADER = 'code,name,type,parent,parent_from,parent_until';

test('a file says who stands below whom; its children may come before their parents', async () => {
  const file = [
    HEADER,
    'AA-11,North surgery,practice,AA-02,01/04/2020,',
    'AA-12,South surgery,practice,aa-02,,',
    'AA-02,Trust,trust,AA-01,,',
    'AA-01,Board,board,,,',
    '',
  ].join('\n');
  assert.equal((await take(file)).counts.added, 4);
  assert.deepEqual(await lines('AA'), [
    'AA-02: AA-01',
    'AA-11: AA-02 from 2020-04-01',
    'AA-12: AA-02',
  ]);
  const again = await take(file);
  assert.deepEqual([again.counts.unchanged, again.importId], [4, undefined]);
});

test('each wrong parent is one sentence, and the row with it stays out whole', async () => {
  const rows = [
    'AA-02,Other name,trust,AA-11,,',
    'AA-21,Knows nobody,trust,AA-99,,',
    'AA-22,Below who is refused,trust,AA-21,,',
    'AA-23,Itself,trust,AA-23,,',
    'AA-24,Days,trust,AA-01,2026-02-01,2026-01-01',
    'AA-25,No day,trust,AA-01,2026-02-30,',
    'AA-26,Ended,trust,AA-01,,2020-01-01',
    'AA-27,Right,trust,AA-01,2026-01-01,2026-12-31',
  ];
  const before = await lines('AA-02');
  const done = await take([HEADER, ...rows, ''].join('\n'));
  assert.deepEqual(
    done.refusedRows.map(({ line, field, reason }) => `${line} ${field} ${reason}`),
    [
      '2 parent would stand below itself from 2026-11-26: AA-02 below AA-11 below AA-02',
      '3 parent is not in the directory, nor in this file',
      '4 parent is not in the directory, nor in this file',
      '5 parent is the organisation itself',
      '6 parent_until is before parent_from',
      '7 parent_from must be a date such as 2026-11-23',
    ],
  );
  assert.deepEqual([done.counts.added, done.counts.refused], [2, 6]);
  assert.deepEqual(await lines('AA-02'), before);
  assert.deepEqual(await lines('AA-2'), [
    'AA-26: AA-01 to 2020-01-01',
    'AA-27: AA-01 from 2026-01-01 to 2026-12-31',
  ]);
  const alone = await take('code,name,type,parent_from\nAA-27,Right,trust,2026-01-01\n');
  assert.deepEqual(alone.refusedRows[0]?.reason, 'is given without a parent');
});

test('an import that moves is undone to the day, with the parents that it brought', async () => {
  const before = await lines('AA');
  const moved = await take(
    [
      HEADER,
      'AA-03,New trust,trust,AA-01,,',
      'AA-11,North surgery,practice,AA-03,2026-10-01,',
      '',
    ].join('\n'),
  );
  assert.deepEqual([moved.counts.added, moved.counts.moved], [1, 1]);
  assert.deepEqual(await lines('AA-11'), [
    'AA-11: AA-02 from 2020-04-01 to 2026-09-30, AA-03 from 2026-10-01',
  ]);
  const preview = await db.web.withActor(actor, (tx) => previewUndo(tx, moved.importId));
  const counts = { removed: 1, ended: 0, putBack: 1, left: 0 };
  assert.deepEqual(preview.ok && preview.value.counts, counts);
  const undone = await db.web.attempt(actor, (tx) => undoImport(tx, { now }));
  assert.deepEqual(undone.ok && undone.value.counts, counts);
  assert.deepEqual(await lines('AA'), before);
  await take([HEADER, 'AA-11,North surgery,practice,AA-01,,', ''].join('\n'));
  await say({ organisationId: await idOf('AA-11'), parent: 'AA-02' });
  const kept = await db.web.attempt(actor, (tx) => undoImport(tx, { now }));
  assert.equal(kept.ok && kept.value.counts.left, 1, 'somebody moved it since');
});

async function say(said: Partial<ParentSaid> & Pick<ParentSaid, 'organisationId'>) {
  const rest = { parent: null, from: null, until: null, saidBy: 'Kim', today: '2026-11-26' };
  return await db.web.attempt(actor, (tx) => setParent(tx, { ...rest, ...said }));
}

function visitor(...permissions: readonly Permission[]): PageClient {
  const held = new Set(
    permissions.length === 0 ? (['directory.read', 'directory.write'] as const) : permissions,
  );
  return site.visitorAs({ kind: 'person', id: newId(), name: 'Ada Okafor', permissions: held });
}

test('by page: said, refused beside the field, seen above and below, and in the history', async () => {
  const id = await idOf('AA-12');
  const ada = visitor();
  const path = `/organisations/${id}/parent`;
  await ada.get(path);
  for (const [values, words] of [
    [{ parent: 'ZZ-77', saidBy: 'Kim' }, /No organisation has this code/],
    [{ parent: 'AA-12', saidBy: 'Kim' }, /It cannot stand below itself/],
    [{ parent: 'AA-01', saidBy: '' }, /Say who told you/],
    [
      { parent: 'AA-01', from: '2026-02-01', until: '2026-01-01', saidBy: 'Kim' },
      /before the first day/,
    ],
    [{ parent: 'AA-01', until: '2025-01-01', saidBy: 'Kim' }, /say the first one too/],
    [{ parent: 'AA-01', from: 'soon', saidBy: 'Kim' }, /Give a day/],
  ] as const) {
    assert.match((await ada.submit(path, values, { status: 422 })).text, words);
    await ada.get(path);
  }
  const page = await ada.submit(path, { parent: 'aa-01', from: '2027-04-01', saidBy: 'Register' });
  assert.match(page.text, /Parent ?Trust to 31 March 2027/);
  assert.match(page.text, /Coming ?Board from 1 April 2027/);
  assert.match(page.text, /below AA-02 to 2027-03-31; below AA-01 from 2027-04-01/);
  const board = await ada.get(`/organisations/${await idOf('AA-01')}`);
  assert.match(board.text, /Below it ?\d organisations/);
  const below = await ada.get(`/organisations/${await idOf('AA-02')}/below`);
  assert.match(below.text, /South surgery/);
  const { entries } = await db.web.withActor(actor, (tx) =>
    listEntries(tx, { action: 'organisation.parent_set' }),
  );
  assert.deepEqual(entries[0]?.detail, { parent: 'AA-01', from: '2027-04-01', until: null });
});

test('two tabs: the later one is told, and a reader may only look', async () => {
  const id = await idOf('AA-12');
  const [one, other] = [visitor(), visitor()];
  const path = `/organisations/${id}/parent`;
  await one.get(path);
  await other.get(path);
  await one.submit(path, { parent: '', saidBy: 'Kim' });
  const late = await other.submit(path, { parent: 'AA-01', saidBy: 'Lee' }, { status: 409 });
  assert.match(late.text, /Somebody changed its parents after you opened this page/);
  const reader = visitor('directory.read');
  await reader.get(path, { status: 403 });
  assert.doesNotMatch((await reader.get(`/organisations/${id}`)).text, /Change the parent/);
});

test('who closes while others below it go on is told of, by page and by file', async () => {
  const ada = visitor();
  const path = `/organisations/${await idOf('AA-02')}/edit`;
  await ada.get(path);
  const asked = await ada.submit(path, { closed_on: '2027-03-31' }, { status: 422 });
  assert.match(asked.text, /\d organisations? (goes|go) on below it: say on their pages whom/);
  const file = 'code,name,type,closed_on\nAA-02,Trust,trust,2027-03-31\n';
  const { notes } = await take(file, { dryRun: true });
  assert.match(notes.join(' '), /AA-02 closes and \d organisations? below it (goes|go) on/);
});

test('two forms at once cannot make a ring, and the database takes no second parent', async () => {
  await take('code,name,type\nCC-1,One,trust\nCC-2,Two,trust\n');
  const [first, second] = [await idOf('CC-1'), await idOf('CC-2')];
  const done = await Promise.all([
    say({ organisationId: first, parent: 'CC-2' }),
    say({ organisationId: second, parent: 'CC-1' }),
  ]);
  assert.equal(done.filter(({ ok }) => ok).length, 1);
  assert.equal((await lines('CC')).length, 1);
  const twice = db.owner.withActor(actor, (tx) =>
    tx.run(sql`
      insert into organisations.parenthood (child_id, parent_id, said_by)
      select child_id, parent_id, 'x' from organisations.parenthood`),
  );
  await assert.rejects(twice, /one_parent_at_a_time/);
});

test('a merger takes children along and says so before', async () => {
  await take(
    [
      HEADER,
      'DD-00,Top,board,,,',
      'DD-01,Old,trust,DD-00,,',
      'DD-02,New,trust,,,',
      'DD-11,Surgery,practice,DD-01,2020-04-01,',
      '',
    ].join('\n'),
  );
  const id = newId();
  const day = '2026-11-26';
  const ids = { old: await idOf('DD-01') };
  await db.web.withActor(actor, async (tx) => {
    const plan = { id, onDate: day, parts: everyPair(['DD-01'], ['DD-02']) };
    assert.ok((await planSuccession(tx, plan)).ok);
    assert.ok((await confirmSuccession(tx, id, day)).ok);
  });
  assert.deepEqual(await lines('DD'), [
    'DD-01: DD-00 to 2026-11-25',
    'DD-02: DD-00 from 2026-11-26',
    'DD-11: DD-01 from 2020-04-01 to 2026-11-25, DD-02 from 2026-11-26',
  ]);
  const changes = await db.web.withActor(actor, (tx) => listChanges(tx, ids.old, { limit: 5 }));
  assert.match(historyLines(changes, model)[0]!.words, /below DD-00 to 2026-11-25/);
});

test('of a split the part that is named takes the children, else the first; seen before, done at midnight', async () => {
  await take(
    [
      HEADER,
      'EE-01,Whole,trust,,,',
      'EE-02,North,trust,EE-01,,',
      'EE-03,South,trust,,,',
      'EE-11,Surgery,practice,EE-01,,',
      '',
    ].join('\n'),
  );
  const onDate = '2026-12-01';
  const split = { onDate, parts: everyPair(['EE-01'], ['EE-03', 'EE-02']) };
  const seen = async (plan: Partial<SuccessionPlan>) =>
    await db.web.withActor(actor, async (tx) => {
      const id = newId();
      const planned = await planSuccession(tx, { id, ...split, ...plan });
      if (!planned.ok) return { id, said: planned.fields };
      const { below } = (await previewSuccession(tx, id))!;
      return { id, said: below.moved.map(({ to, count }) => `${count} to ${to.code}`).join() };
    });
  assert.deepEqual((await seen({ childrenTo: 'EE-01' })).said, {
    childrenTo: 'Name one of those who take over',
  });
  const first = await seen({});
  assert.equal(first.said, '1 to EE-03');
  await db.web.withActor(actor, (tx) => withdrawSuccession(tx, first.id));
  const { id, said } = await seen({ childrenTo: 'EE-02' });
  assert.equal(said, '1 to EE-02');
  await db.web.withActor(actor, async (tx) =>
    assert.ok((await confirmSuccession(tx, id, '2026-11-30')).ok),
  );
  assert.deepEqual(await lines('EE'), ['EE-02: EE-01', 'EE-11: EE-01']);
  assert.equal(await applyDueSuccessions(db.worker, onDate), 1);
  assert.deepEqual(await lines('EE'), [
    'EE-02: EE-01 to 2026-11-30',
    'EE-11: EE-01 to 2026-11-30, EE-02 from 2026-12-01',
  ]);
});

const DATA = new URL('../../../shared/data/', import.meta.url);
const hasData = existsSync(DATA);

test('real files: trusts come below their boards once those are there', async (t) => {
  if (!hasData) return t.skip('the folder of real files is absent');
  const read = (name: string) => readFileSync(new URL(name, DATA));
  const alone = await take(read('ods-trusts/etr-2025-07.csv'));
  assert.match(alone.notes.join(' '), /name a parent that is not in the directory/);
  await take(read('icb-2026/icb-2026.json'));
  const placed = await take(read('ods-trusts/etr-2025-07.csv'));
  assert.equal(placed.counts.refused, 0);
  assert.ok(placed.counts.moved > 100, JSON.stringify(placed.counts));
  const again = await take(read('ods-trusts/etr-2025-07.csv'));
  assert.equal(again.importId, undefined);
});
