/** Quiet hours as people meet them: dry run, approval, board and the reasons for each step. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ZONE } from '#kernel/day.ts';
import { formatMinute } from '#kernel/quiet-hours.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  contactsCsv,
  contextOf,
  deliverAll,
  draftAlert,
  must,
  openCentre,
  organisationsCsv,
  releaseAlert,
  releaseVersion,
  submitDraft,
  type Centre,
} from '../../test/support/centre.ts';
import { withdrawReleased } from './withdraw.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-quiet-'));

/** An hour around now by the clock of London. */
function quietNow(): { from: string; until: string } {
  const { hour, minute } = Temporal.Now.zonedDateTimeISO(ZONE);
  const at = (shift: number) => formatMinute((hour * 60 + minute + shift + 1440) % 1440);
  return { from: at(-60), until: at(60) };
}

const { from, until } = quietNow();

let centre: Centre;

before(async () => {
  const modelFile = path.join(folder, 'operating-model.yaml');
  const changed = shipped.replace(
    'from: "20:00", until: "07:00"',
    `from: "${from}", until: "${until}"`,
  );
  assert.notEqual(changed, shipped);
  writeFileSync(modelFile, changed);
  centre = await openCentre('demonstration', {
    modelFile,
    organisationsCsv,
    contactsCsv,
    officerRole: 'duty_officer',
    approverRole: 'approver',
  });
});

after(async () => {
  await centre.close();
  rmSync(folder, { recursive: true });
});

const low = { severity: 'low' };

describe('in quiet hours', () => {
  it('dry run and approval say until when it waits, and because of which rule', async () => {
    const alertId = await draftAlert(centre, low);
    const officer = centre.visit(centre.officer);
    const run = await officer.get(`/alerts/${alertId}/dry-run`);
    assert.match(run.text, new RegExp(`held by quiet hours until ([^,]* at )?${until}`));
    assert.match(
      run.text,
      new RegExp(`Low, in quiet hours: from ${from} to ${until} no round opens`),
    );
    await submitDraft(centre, alertId);
    const approval = await officer.get(`/alerts/${alertId}`);
    assert.match(approval.text, new RegExp(`nothing leaves before ([^,]* at )?${until}`));
    assert.match(approval.body, /#rule-severities-low-quiet_hours/);
  });

  it('a release waits, its board says so, and an officer may send it at once', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre, low);
    const officer = centre.visit(centre.officer);
    const board = await officer.get(`/alerts/${alertId}/board`);
    assert.match(
      board.text,
      new RegExp(`Nothing has left yet: the first messages leave at ${until}`),
    );
    assert.match(board.body, /#rule-severities-low-quiet_hours/);
    const steps = await officer.get(`/alerts/${alertId}/because`);
    assert.match(steps.text, /quiet hours held it; opens/);
    assert.match(steps.text, new RegExp(`not in quiet hours, from ${from} to ${until}`));
    assert.match(steps.text, new RegExp(`quiet hours from ${from} to ${until} count in`));
    await officer.get(`/alerts/${alertId}/board`);
    await officer.submit('Send now');
    // The reminder waits for its day.
    assert.deepEqual(await statesOf(dispatchId), ['held', 'ready']);
  });

  it('a correction and a withdrawal of what left wait for nobody, an update does', async () => {
    for (const kind of ['correction', 'update'] as const) {
      const alertId = await goneAlert();
      const change = kind === 'update' ? { asksAgain: false } : { ifActed: 'Undo it.' };
      await releaseVersion(centre, alertId, kind, change);
      const following = await followingOf(alertId);
      assert.deepEqual(await statesOf(following), [kind === 'update' ? 'held' : 'ready'], kind);
    }
    const alertId = await goneAlert();
    must(
      await centre.db.web.attempt(centre.approver, (tx) =>
        withdrawReleased(tx, contextOf(centre), { alertId, reason: 'Wrong.' }),
      ),
    );
    const [{ id } = { id: '' }] = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ id: string }>(sql`select dispatch_id as id from alerts.v_live
        where alert_id = ${alertId}`),
    );
    assert.deepEqual(await statesOf(id), ['ready']);
  });
});

/** Released, sent by an officer whatever the hour, and delivered. */
async function goneAlert(): Promise<string> {
  const { alertId, dispatchId } = await releaseAlert(centre, low);
  const officer = centre.visit(centre.officer);
  await officer.get(`/alerts/${alertId}/board`);
  await officer.submit('Send now');
  await deliverAll(centre, dispatchId);
  return alertId;
}

async function statesOf(dispatchId: string): Promise<string[]> {
  const rows = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ state: string }>(sql`select distinct state from dispatch.message
      where dispatch_id = ${dispatchId} and state <> 'cancelled' order by 1`),
  );
  return rows.map(({ state }) => state);
}

async function followingOf(alertId: string): Promise<string> {
  const { id } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`select correction_dispatch_id as id from alerts.v_live
      where alert_id = ${alertId}`),
  );
  return id;
}
