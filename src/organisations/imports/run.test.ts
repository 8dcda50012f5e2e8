import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { rulesWith } from '../../../test/support/rules.ts';
import { importOrganisations } from './actions.ts';
import { confirmRun } from './confirm-run.ts';
import {
  beginUndo,
  cancelRun,
  chooseColumns,
  findOwnRun,
  keepUpload,
  listOwnRuns,
  restartRun,
  sweepRuns,
} from './import-run.ts';
import { isAbandoned, runMoves, secondsLeft, statesBefore, type RunState } from './run.ts';
import { Runner } from './runner.ts';
import { beatRun, claimRun, listRows, moveRun } from './store-run.ts';

let db: Clone;
let runner: Runner;

before(async () => {
  db = await cloneDatabase();
  const onError = (error: unknown) => assert.fail(String(error));
  runner = new Runner({ database: db.worker, rules, secrets, onError });
});
after(async () => await db.drop());

const permissions = new Set(['alert.read', 'directory.read', 'directory.write'] as const);
const person = (): Actor => ({ kind: 'person', id: newId(), name: 'Ada Okafor', permissions });
const given = () => ({ secrets, now: new Date() });

async function keep(actor: Actor, text: string | Buffer, allOrNothing = false): Promise<string> {
  const upload = {
    kind: 'organisations',
    name: 'f.csv',
    bytes: Buffer.from(text),
    allOrNothing,
  } as const;
  const kept = await db.web.attempt(actor, (tx) => keepUpload(tx, upload, given()));
  assert.ok(kept.ok, kept.ok ? '' : kept.message);
  return kept.value;
}

async function runOf(actor: Actor, id: string) {
  const run = await db.web.withActor(actor, (tx) => findOwnRun(tx, id, given()));
  assert.ok(run);
  return run;
}

const confirm = async (actor: Actor, id: string, goodRowsOnly = false) =>
  await db.web.attempt(actor, (tx) => confirmRun(tx, id, { ...given(), goodRowsOnly, rules }));
const cancel = async (actor: Actor, id: string) =>
  await db.web.attempt(actor, (tx) => cancelRun(tx, id, given()));

async function work(actor: Actor, id: string): Promise<RunState> {
  const { attempt } = await runOf(actor, id);
  await runner.accept({ runId: id, attempt });
  await runner.idle();
  return (await runOf(actor, id)).state;
}

const count = async (): Promise<number> => {
  const { organisations } = await db.owner.withActor({ kind: 'system', name: 'test' }, (tx) =>
    tx.one<{ organisations: number }>(sql`
      select count(*) as organisations from organisations.organisation`),
  );
  return organisations;
};

function fileOf(rows: number, prefix: string): string {
  const lines = Array.from({ length: rows }, (_, i) => `${prefix}-${i + 1},Name ${i},trust`);
  return `code,name,type\n${lines.join('\n')}\n`;
}

test('every move of the table passes the statement, and no other does', async () => {
  const actor = person();
  const id = await keep(actor, fileOf(1, 'MV'));
  const states = Object.keys(runMoves) as RunState[];
  const result = JSON.stringify({ counts: {}, notes: [], at: '', withheld: false });
  for (const from of states)
    for (const to of states) {
      await db.owner.withActor(actor, (tx) =>
        tx.run(sql`update organisations.import_run set state = ${from}, beat_at = null,
          result = ${result}::jsonb, reason = case when ${from} = 'failed' then 'x' end
          where id = ${id}`),
      );
      // Only a work that ends writes a reason.
      if (to === 'failed') continue;
      const moved = await db.web.withActor(actor, (tx) =>
        moveRun(tx, id, { to, expiresAt: new Date(Date.now() + 60_000) }),
      );
      assert.equal(moved, (runMoves[from] as readonly string[]).includes(to), `${from} → ${to}`);
    }
  assert.deepEqual(statesBefore('imported'), ['importing']);
});

test('a file goes its way; presses at the same time import it once', async () => {
  const actor = person();
  const before = await count();
  const id = await keep(actor, fileOf(3, 'ONCE'));
  assert.equal(await work(actor, id), 'checked');
  assert.equal(await count(), before, 'a check writes nothing');
  const presses = await Promise.all(Array.from({ length: 4 }, () => confirm(actor, id)));
  assert.ok(presses.every((one) => one.ok));
  assert.equal(await work(actor, id), 'imported');
  assert.equal(await count(), before + 3);
  assert.ok((await confirm(actor, id)).ok, 'a late press finds it done');
  assert.equal((await runOf(actor, id)).attempt, 1);
});

async function imported(actor: Actor, prefix: string, rows = 3): Promise<string> {
  const id = await keep(actor, fileOf(rows, prefix));
  assert.equal(await work(actor, id), 'checked');
  assert.ok((await confirm(actor, id)).ok);
  assert.equal(await work(actor, id), 'imported');
  return (await runOf(actor, id)).importId!;
}

const undo = async (actor: Actor, id: string, importId: string) =>
  await db.web.attempt(actor, (tx) => beginUndo(tx, { id, importId }, given()));

test('an undo is a run: sent twice it is one, and it is done once', async () => {
  const actor = person();
  const before = await count();
  const importId = await imported(actor, 'BACK');
  const id = newId();
  const sent = await Promise.all([undo(actor, id, importId), undo(actor, id, importId)]);
  assert.ok(sent.every((one) => one.ok));
  assert.equal(await count(), before + 3, 'nothing is undone in the request');
  const second = newId();
  assert.ok((await undo(actor, second, importId)).ok);
  assert.equal(await work(actor, id), 'undone');
  assert.equal(await count(), before);
  assert.equal(await work(actor, second), 'failed');
  assert.match((await runOf(actor, second)).reason ?? '', /undone already/);
  const late = await undo(actor, newId(), importId);
  assert.match(late.ok ? '' : late.message, /undone already/);
  for (const one of [id, second])
    assert.ok(!(await db.web.attempt(actor, (tx) => restartRun(tx, one, given()))).ok);
  const shown = await db.web.withActor(actor, (tx) => listOwnRuns(tx, given()));
  assert.deepEqual(
    shown.map((run) => run.id),
    [second],
  );
});

test('an undo that is cancelled, or whose process is gone, leaves all as it was', async () => {
  const actor = person();
  const importId = await imported(actor, 'STAY', 2_000);
  const before = await count();
  const id = newId();
  await undo(actor, id, importId);
  assert.ok((await cancel(actor, id)).ok);
  assert.equal(await work(actor, id), 'cancelled');
  assert.equal(await count(), before);
  const lost = newId();
  await undo(actor, lost, importId);
  await db.worker.withActor({ kind: 'system', name: 'organisations' }, async (tx) => {
    await claimRun(tx, lost, 0);
    await tx.run(sql`
      update organisations.import_run set beat_at = now() - interval '1 minute'
      where id = ${lost}`);
  });
  assert.equal((await runOf(actor, lost)).state, 'interrupted');
  assert.equal(await count(), before);
  const again = newId();
  await undo(actor, again, importId);
  assert.equal(await work(actor, again), 'undone');
  assert.equal(await count(), before - 2_000);
});

const onlyFive = {
  importedAloneADay: rulesWith(['alone_a_day: 500', 'alone_a_day: 5']).importedAloneADay,
};

test('what one changes within a day is counted together, and asked again by who writes', async () => {
  const [actor, few] = [person(), { ...rules, ...onlyFive }];
  const press = async (id: string) =>
    await db.web.attempt(actor, (tx) =>
      confirmRun(tx, id, { ...given(), goodRowsOnly: false, rules: few }),
    );
  const [first, second] = [
    await keep(actor, fileOf(3, 'FEW')),
    await keep(actor, fileOf(3, 'SUM')),
  ];
  for (const id of [first, second]) assert.equal(await work(actor, id), 'checked');
  assert.ok((await press(first)).ok);
  assert.equal(await work(actor, first), 'imported');
  const late = await press(second);
  assert.ok(!late.ok && late.kind === 'forbidden', 'three and three are more than five');
  const before = await count();
  assert.ok((await confirm(actor, second)).ok, 'under other rules, which the worker does not have');
  const onError = (error: unknown) => assert.fail(String(error));
  const strict = new Runner({ database: db.worker, rules: few, secrets, onError });
  await strict.accept({ runId: second, attempt: 1 });
  await strict.idle();
  const { state, reason } = await runOf(actor, second);
  assert.deepEqual([state, reason?.slice(0, 29)], ['failed', 'Files that change more than 5']);
  assert.equal(await count(), before);
  const forged = sql`update organisations.import_run set approval_id = ${newId()}`;
  await assert.rejects(
    db.web.withActor(actor, (tx) => tx.run(sql`${forged} where id = ${second}`)),
    /takes two persons/,
  );
});

test('other columns of the same file are another check, though its rows are told alike', async () => {
  const actor = person();
  const columns = 'code,name,type,switchboard,of somebody\n';
  const id = await keep(actor, `${columns}DG-1,Name,trust,0113 496 0001,0113 496 0002\n`);
  const told: [digest: string | undefined, rows: unknown][] = [];
  for (const telephone of [3, 4, 3]) {
    const mapping = { code: 0, name: 1, type: 2, telephone };
    const chosen = await db.web.attempt(actor, (tx) => chooseColumns(tx, id, mapping, given()));
    assert.ok(chosen.ok);
    assert.equal(await work(actor, id), 'checked');
    const rows = await db.web.withActor(actor, (tx) =>
      listRows(tx, id, { outcomes: ['added'], limit: 9 }),
    );
    told.push([(await runOf(actor, id)).result?.digest, rows]);
  }
  const [one, other, again] = told;
  assert.deepEqual(other![1], one![1]);
  assert.notEqual(other![0], one![0]);
  assert.deepEqual(again, one);
});

test('all or nothing holds at the import too, and can be given up', async () => {
  const actor = person();
  const before = await count();
  const id = await keep(actor, `${fileOf(2, 'ALL')}ALL-9,No Type,castle\n`, true);
  assert.equal(await work(actor, id), 'checked');
  await confirm(actor, id);
  assert.equal(await work(actor, id), 'checked');
  assert.equal((await runOf(actor, id)).result?.withheld, true);
  assert.equal(await count(), before);
  await confirm(actor, id, true);
  assert.equal(await work(actor, id), 'imported');
  assert.equal(await count(), before + 2);
});

test('a cancelled import writes nothing, also in the middle of its work', async () => {
  const actor = person();
  const before = await count();
  const id = await keep(actor, fileOf(20_000, 'CANCEL'));
  assert.equal(await work(actor, id), 'checked');
  await confirm(actor, id);
  const { attempt } = await runOf(actor, id);
  await runner.accept({ runId: id, attempt });
  for (;;) {
    const { phase } = await runOf(actor, id);
    if (phase === 'writing' || phase === 'reading') break;
    assert.ok(phase !== null || (await runOf(actor, id)).state === 'importing');
  }
  assert.ok((await cancel(actor, id)).ok);
  const pressedAt = performance.now();
  await runner.idle();
  assert.ok(performance.now() - pressedAt < 5_000, 'the thread ends soon after');
  assert.equal((await runOf(actor, id)).state, 'cancelled');
  assert.equal(await count(), before);
  assert.ok((await cancel(actor, id)).ok, 'twice is once');
  await db.web.attempt(actor, (tx) => restartRun(tx, id, given()));
  assert.equal(await work(actor, id), 'checked', 'it can be started again');
});

test('a thread of an earlier attempt can write nothing', async () => {
  const actor = person();
  const before = await count();
  const id = await keep(actor, fileOf(2, 'LATE'));
  await work(actor, id);
  await confirm(actor, id);
  await cancel(actor, id);
  await runner.accept({ runId: id, attempt: 1 });
  await runner.idle();
  assert.equal((await runOf(actor, id)).state, 'cancelled');
  assert.equal(await count(), before);
});

test('a run whose process is gone says so, and starts again', async () => {
  const actor = person();
  const id = await keep(actor, fileOf(2, 'GONE'));
  const system: Actor = { kind: 'system', name: 'test' };
  await db.worker.withActor(system, (tx) => claimRun(tx, id, 0));
  assert.equal((await runOf(actor, id)).state, 'checking');
  await db.owner.withActor(system, (tx) =>
    tx.run(sql`update organisations.import_run set beat_at = now() - interval '20 s'
      where id = ${id}`),
  );
  const [listed] = await db.web.withActor(actor, (tx) => listOwnRuns(tx, given()));
  assert.equal(listed?.state, 'interrupted');
  assert.equal((await runOf(actor, id)).state, 'interrupted');
  const beat = { attempt: 0, phase: 'reading', progress: 0.5 } as const;
  assert.equal(await db.worker.withActor(system, (tx) => beatRun(tx, id, beat)), false);
  await db.web.attempt(actor, (tx) => restartRun(tx, id, given()));
  assert.equal(await work(actor, id), 'checked');
});

test('what cannot be read fails with a sentence', async () => {
  const actor = person();
  const id = await keep(actor, `${fileOf(5, 'RR')}AA-1,"B,trust\n`);
  assert.equal(await work(actor, id), 'failed');
  assert.match((await runOf(actor, id)).reason ?? '', /ends inside a quoted cell/);
});

test('a file comes in as it is, whatever its encoding', async () => {
  const actor = person();
  const latin = Buffer.from('code,name,type\r\nEE-01,Caf\u00e9,trust\r\n', 'latin1');
  const id = await keep(actor, latin);
  await work(actor, id);
  await confirm(actor, id);
  assert.equal(await work(actor, id), 'imported');
  const again = await db.web.withActor(actor, (tx) =>
    importOrganisations(
      tx,
      { name: 'x', bytes: Buffer.from('code,name,type\nEE-01,Café,trust\n') },
      { rules, secrets, startedAt: new Date() },
    ),
  );
  assert.equal(again.ok && again.value.counts.unchanged, 1);
});

test('of one person only the newest files are kept, and nobody else loses any', async () => {
  const [one, other] = [person(), person()];
  const now = new Date();
  for (let i = 0; i < 4; i++) {
    const id = await keep(one, fileOf(1, 'KEPT'));
    await cancel(one, id);
  }
  const id = await keep(other, fileOf(1, 'KEPT'));
  await cancel(other, id);
  await sweepRuns(db.web, now, 3);
  const left = async (actor: Actor) =>
    await db.web.withActor(actor, (tx) =>
      tx.one<{ runs: number }>(sql`select count(*) as runs from organisations.import_run`),
    );
  assert.deepEqual([(await left(one)).runs, (await left(other)).runs], [3, 1]);
  await sweepRuns(db.web, new Date(now.getTime() + 61 * 60 * 1000));
  assert.deepEqual([(await left(one)).runs, (await left(other)).runs], [0, 0]);
});

test('time left comes from what is done, and silence from the last beat', () => {
  assert.equal(secondsLeft({ progress: 0.25, elapsedMs: 5_000 }), 15);
  assert.equal(secondsLeft({ progress: 0.999, elapsedMs: 5_000 }), 1);
  assert.equal(secondsLeft({ progress: 0.01, elapsedMs: 5_000 }), undefined);
  assert.equal(secondsLeft({ progress: null, elapsedMs: null }), undefined);
  assert.equal(isAbandoned({ state: 'importing', silentMs: 20_000 }), true);
  assert.equal(isAbandoned({ state: 'importing', silentMs: null }), false);
  assert.equal(isAbandoned({ state: 'checked', silentMs: 20_000 }), false);
});
