/** The page on which somebody decides over what nobody can say, as visited and as seen. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { assertAccessible, openBrowser, shoot, watchedPage } from '../../test/support/browser.ts';
import {
  must,
  openCentre,
  releaseAlert,
  releaseVersion,
  type Centre,
} from '../../test/support/centre.ts';
import { putInState, rowsOf, seedNotify } from '../../test/support/dispatch.ts';
import { beginVersion } from './index.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

async function uncertainAlert(): Promise<{ alertId: string; texts: number }> {
  const { alertId, dispatchId } = await releaseAlert(centre);
  const texts = await centre.db.owner.withActor(system('test'), async (tx) => {
    const rows = (await rowsOf(tx, dispatchId)).filter(({ round }) => round === 1);
    for (const { id } of rows) await putInState(tx, id, 'unknown', { owner: newId() });
    await tx.run(sql`update dispatch.attempt set claimed_at = now() - interval '1 hour'`);
    return rows.length;
  });
  return { alertId, texts };
}

describe('what is uncertain, before the officer', () => {
  it('stands on the board, is decided with a reason, and is said', async () => {
    const { alertId, texts } = await uncertainAlert();
    const officer = centre.visit(centre.officer);
    const board = await officer.get(`/alerts/${alertId}/board`);
    assert.match(board.text, new RegExp(`${texts} messages are uncertain`));
    const page = await officer.get(`/alerts/${alertId}/uncertain`);
    assert.match(page.text, new RegExp(`whether ${texts} messages left`));
    const wrong = await officer.submit(
      `/alerts/${alertId}/uncertain`,
      { reason: '' },
      { status: 422 },
    );
    assert.match(wrong.text, /Say why/);
    const kept = await officer.submit(
      `/alerts/${alertId}/uncertain`,
      { reason: 'ring 07700 900123' },
      { status: 422 },
    );
    assert.match(kept.body, /ring 07700 900123/, 'what was typed is given back');
    const done = await officer.submit(`/alerts/${alertId}/uncertain`, { reason: 'they must know' });
    assert.match(done.text, new RegExp(`${texts} messages go again`));
  });

  it('is that of a correction too, also while the next version is written', async () => {
    const { alertId } = await uncertainAlert();
    const change = { doNow: 'Do NOT isolate.', ifActed: 'If you did, reconnect.' };
    await releaseVersion(centre, alertId, 'correction', change);
    const texts = await centre.db.owner.withActor(system('test'), async (tx) => {
      const rows = await tx.rows<{ id: string }>(sql`
        select message.id from alerts.v_live live
        join dispatch.message on message.dispatch_id = live.correction_dispatch_id
          and message.state = 'ready'
        where live.alert_id = ${alertId}`);
      for (const { id } of rows) await putInState(tx, id, 'unknown', { owner: newId() });
      await tx.run(sql`update dispatch.attempt set claimed_at = now() - interval '1 hour'`);
      return rows.length;
    });
    assert.ok(texts > 0);
    const begun = { alertId, kind: 'update' } as const;
    must(
      await centre.db.web.attempt(centre.officer, (tx) => beginVersion(tx, centre.model, begun)),
    );
    const officer = centre.visit(centre.officer);
    const board = await officer.get(`/alerts/${alertId}/board`);
    assert.match(board.text, new RegExp(`${texts} messages are uncertain`));
    await officer.get(`/alerts/${alertId}/uncertain`);
    const done = await officer.submit(`/alerts/${alertId}/uncertain`, { reason: 'they must know' });
    assert.match(done.text, new RegExp(`${texts} messages go again`));
  });

  it('reads well on a desk and on a phone, for everybody', async (context) => {
    const opened = await openBrowser();
    if (opened.browser === undefined) return context.skip(opened.reason);
    const { alertId } = await uncertainAlert();
    const { address } = centre.site;
    const { page, verify } = await watchedPage(opened.browser, address);
    context.after(() => opened.browser.close());
    centre.visit(centre.officer);
    await page.context().addCookies([{ name: 'tocsin', value: centre.officer.id, url: address }]);
    for (const [path, name] of [
      [`/alerts/${alertId}/board`, 'board-uncertain'],
      [`/alerts/${alertId}/uncertain`, 'uncertain'],
    ] as const) {
      await page.goto(`${address}${path}`);
      await assertAccessible(page);
      await shoot(page, name);
    }
    verify();
  });

  it('is being asked for, before there is anything to decide', async () => {
    const { alertId } = await uncertainAlert();
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.attempt set claimed_at = now()`),
    );
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}/uncertain`);
    assert.match(
      page.text,
      /whether they left: they are being handed over, or the provider is being asked/,
    );
    assert.doesNotMatch(page.text, /Nothing is uncertain|Send them again/);
  });

  it('is nothing to decide where all is known, and not there for what was never sent', async () => {
    const { alertId } = await releaseAlert(centre);
    const officer = centre.visit(centre.officer);
    const page = await officer.get(`/alerts/${alertId}/uncertain`);
    assert.match(page.text, /Nothing is uncertain/);
    await officer.get(`/alerts/${newId()}/uncertain`, { status: 404 });
  });

  it('held sending is said on the desk and on the board', async () => {
    const { alertId } = await releaseAlert(centre);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.continuity set held_since = now(),
        held_start = pg_postmaster_start_time(), held_reason = 'a test'`),
    );
    const officer = centre.visit(centre.officer);
    for (const path of ['/', `/alerts/${alertId}/board`])
      assert.match((await officer.get(path)).text, /Sending is held: a test\./);
  });
});
