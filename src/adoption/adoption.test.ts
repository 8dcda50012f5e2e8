import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { listEntries } from '#audit/index.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { checkOperatingModel, findInForce, listAdoptions } from '#operating-model/index.ts';
import { must, openCentre, type Centre, type Person } from '../../test/support/centre.ts';
import { proposeModel } from './actions.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

/** The shipped file with these words changed. */
function changed(...changes: [from: string, to: string][]): string {
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, () => to);
  }, shipped);
}

const sooner = changed(['{ ranks: [2], after: PT30M }', '{ ranks: [2], after: PT15M }']);

let centre: Centre;
let keeper: Person;
before(async () => {
  centre = await openCentre();
  keeper = await centre.invite('Priya Raman', ['administrator']);
});
after(async () => {
  await centre.close();
});

const upload = (content: string) => ({ files: { file: { name: 'rules.yaml', content } } });

async function propose(yaml: string, reason = 'Deputies were asked too late', status = 200) {
  const visitor = centre.visit(keeper);
  await visitor.get('/operating-model/propose');
  return await visitor.submit('/operating-model/propose', { reason }, { status, ...upload(yaml) });
}

const inForce = async () => await centre.db.web.withActor(keeper, findInForce);

describe('proposing', () => {
  it('refuses a file with errors, each with its line, and keeps the reason', async () => {
    const wrong = changed(['lane: 1', 'lane: 9'], ['channels: [text, mail]', 'channels: [fax]']);
    const page = await propose(wrong, 'Kept words', 422);
    assert.match(page.text, /Error: rules\.yaml has 2 errors/);
    assert.match(page.text, /rules\.yaml:\d+: severities\.critical\.lane: allowed: 1/);
    assert.match(
      page.text,
      /rules\.yaml:\d+: severities\.critical\.channels\[0\]: ‘fax’ is not known/,
    );
    assert.match(page.body, /Kept words/);
  });

  it('refuses nothing, what is in force, no text, and no reason', async () => {
    assert.match((await propose('', 'x', 422)).text, /Choose the file/);
    assert.match((await propose(shipped, 'x', 422)).text, /is what is in force/);
    assert.match((await propose('a: \uFFFD\0', 'x', 422)).text, /Error/);
    assert.match((await propose(sooner, ' ', 422)).text, /Say why the rules are to change/);
  });

  it('refuses what would break the centre as it is now', async () => {
    const renamed = shipped
      .replaceAll(/\bapprover\b/g, 'signer')
      .replace('alert.write, alert.approve, dispatch', 'alert.write, dispatch')
      .replaceAll('wake: [signer, duty_officer]', 'wake: [signer]');
    const page = await propose(renamed, 'Another name', 422);
    assert.match(page.text, /Nobody could approve an alert any more\. Keep the old role/);
    const type = changed(['  practice: {', '  surgery: {']);
    const gone = await propose(type, 'Another name', 422);
    assert.match(
      gone.text,
      /1 organisations are of the type ‘GP practice’ \(practice\), which is gone/,
    );
  });

  it('is not for everybody', async () => {
    const approver = centre.visit(centre.approver);
    await approver.get('/operating-model/propose', { status: 403 });
    const answer = await centre.db.web.attempt(centre.approver, (tx) =>
      proposeModel(tx, centre.model, {
        id: '01900000-0000-7000-8000-000000000001',
        yaml: sooner,
        fileName: 'x',
        reason: 'x',
        now: new Date(),
      }),
    );
    assert.equal(!answer.ok && answer.kind, 'forbidden');
  });
});

describe('a change of the rules', () => {
  it('is shown in words, approved by another person, and in force', async () => {
    const shown = await propose(sooner);
    assert.match(shown.text, /High: second round after 15 min instead of 30 min/);
    assert.match(shown.text, /You proposed this, so somebody else has to approve it/);
    assert.doesNotMatch(shown.text, /Approve and put in force/);
    assert.equal(await inForce(), undefined);
    const desk = await centre.visit(centre.officer).get('/');
    assert.match(desk.text, /A change of the rules: Deputies were asked too late by Priya Raman/);

    const approver = centre.visit(centre.approver);
    const page = await approver.get(shown.path);
    assert.match(page.text, /High: second round after 15 min instead of 30 min/);
    const history = await approver.submit('Approve and put in force');
    assert.match(history.text, /Proposed by Priya Raman, approved by Tom Lindqvist: Deputies/);
    assert.equal((await inForce())?.yaml, sooner);
    const { entries } = await centre.db.web.withActor(keeper, (tx) =>
      listEntries(tx, { action: 'operating_model.adopted' }),
    );
    assert.equal(entries.length, 1);
    assert.equal(entries[0]!.actorId, centre.approver.id);
  });

  it('is approved once, whoever presses again', async () => {
    const [first] = await centre.db.web.withActor(keeper, listAdoptions);
    const approver = centre.visit(centre.approver);
    const path = `/operating-model/proposals/${first!.proposalId}`;
    const page = await approver.get(path);
    assert.match(page.text, /Approved by Tom Lindqvist/);
    const again = await approver.request('POST', `${path}/approve`, {
      form: new URLSearchParams({ hash: 'x' }),
    });
    assert.equal(again.status, 409);
    assert.equal((await centre.db.web.withActor(keeper, listAdoptions)).length, 1);
  });

  it('survives byte for byte, comments and all, and can be taken away again', async () => {
    const [first] = await centre.db.web.withActor(keeper, listAdoptions);
    const path = `/operating-model/versions/${first!.number}/operating-model.yaml`;
    const answer = await centre.visit(centre.officer).request('GET', path);
    assert.equal(answer.body, sooner);
    assert.match(answer.headers.get('content-disposition') ?? '', /operating-model\.yaml/);
  });
});

/** Proposed over what is in force now, by the rules that the process began with. */
async function proposed(yaml: string, reason: string): Promise<string> {
  const page = await propose(yaml, reason);
  return page.path;
}

describe('deciding', () => {
  const later = changed(['{ ranks: [2], after: PT30M }', '{ ranks: [2], after: PT20M }']);

  it('one change waits at a time; returned with a reason it is over', async () => {
    const path = await proposed(later, 'Not so soon');
    const second = centre.visit(centre.officer);
    const led = await second.get('/operating-model/propose');
    assert.equal(led.path, path);
    const approver = centre.visit(centre.approver);
    await approver.get(path);
    const bare = await approver.submit('Return', { reason: ' ' }, { status: 422 });
    assert.match(bare.text, /There is a problem Say what has to change/);
    const page = await approver.submit('Return', { reason: 'Ask the regions first' });
    assert.match(page.text, /Returned by Tom Lindqvist .*: Ask the regions first/);
    const rules = await centre.visit(keeper).get('/operating-model');
    assert.match(rules.text, /last change was returned by Tom Lindqvist: Ask the regions first/);
    assert.doesNotMatch(page.text, /Approve and put/);
  });

  it('taken back, nobody can approve it', async () => {
    const path = await proposed(later, 'Once more');
    const approver = centre.visit(centre.approver);
    const page = await approver.get(path);
    const hash = page.elements('input[name="hash"]')[0]!.attribs['value']!;
    const visitor = centre.visit(keeper);
    await visitor.get(path);
    await visitor.submit('Take it back');
    const late = await approver.request('POST', `${path}/approve`, {
      form: new URLSearchParams({ hash }),
    });
    assert.equal(late.status, 409);
  });

  it('is not approved where other rules came into force since', async () => {
    const path = await proposed(later, 'Over old rules');
    const approver = centre.visit(centre.approver);
    await approver.get(path);
    const other = changed(['model: Health and care', 'model: Health, and care']);
    const { model } = checkOperatingModel(other);
    await centre.db.owner.withActor(system('test'), async (tx) => {
      await tx.run(sql`insert into operating_model.version (sha256, yaml)
        values (${model!.version}, ${other})`);
      await tx.run(sql`insert into operating_model.adoption (sha256) values (${model!.version})`);
    });
    const page = await approver.submit('Approve and put in force', {}, { status: 409 });
    assert.match(page.text, /Other rules came into force since this was proposed/);
    const visitor = centre.visit(keeper);
    await visitor.get(path);
    await visitor.submit('Take it back');
  });

  it('and a proposal whose file was changed below it is none', async () => {
    const done = centre.db.web.withActor(keeper, (tx) =>
      tx.run(sql`update operating_model.proposal set yaml = 'x'`),
    );
    await assert.rejects(done, /permission denied/);
  });
});

describe('the history', () => {
  it('says what each version changed, and shows the rules as at a day', async () => {
    const officer = centre.visit(centre.officer);
    const page = await officer.get('/operating-model/history');
    assert.match(page.text, /“Health, and care” instead of Health and care/);
    const today = new Date().toISOString().slice(0, 10);
    const now = await officer.get(`/operating-model/as-at?day=${today}`);
    assert.match(now.text, /Health, and care: the rules STILL IN FORCE, since /);
    const [, first] = must({
      ok: true,
      value: await centre.db.web.withActor(keeper, listAdoptions),
    });
    const then = await officer.get(`/operating-model/versions/${first!.number}`);
    assert.match(then.text, /AS THEY WERE from .* until/);
    assert.doesNotMatch(then.text, /In force since/);
    const never = await officer.get('/operating-model/as-at?day=2001-01-01');
    assert.match(never.text, /No rules were in force on that day/);
    await officer.get('/operating-model/versions/999', { status: 404 });
  });

  it('cannot be changed', async () => {
    for (const change of [
      sql`update operating_model.adoption set sha256 = sha256`,
      sql`delete from operating_model.adoption`,
    ])
      await assert.rejects(
        centre.db.owner.withActor(system('test'), (tx) => tx.run(change)),
        /never changed or removed/,
      );
  });
});
