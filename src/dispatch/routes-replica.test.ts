/** The page of the replica: who sees it, who decides, and what stands on desk and boards. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { assertAccessible, openBrowser, shoot, watchedPage } from '../../test/support/browser.ts';
import { openCentre, releaseAlert, type Centre } from '../../test/support/centre.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(() => centre.close());

const run = (statement: Sql) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
const goAway = () => run(sql`update dispatch.continuity set replica_away_since = now()`);
const comeBack = () =>
  run(sql`update dispatch.continuity set replica_away_since = null, alone_since = null,
    alone_reason = null`);

describe('the page of the replica', () => {
  it('has nothing to decide while none is away', async () => {
    await comeBack();
    const officer = centre.visit(centre.officer);
    const page = await officer.get('/replica');
    assert.match(page.text, /This database has no replica that sending waits for/);
    assert.doesNotMatch(page.text, /leave without/);
    const form = new URLSearchParams({ reason: 'too late' });
    const early = await officer.request('POST', '/replica/go-on', { form });
    assert.equal(early.status, 409);
    assert.equal((await officer.request('POST', '/replica/wait')).status, 409);
  });

  it('asks for a reason; what was decided stands on desk and board, and can be taken back', async () => {
    await goAway();
    const { alertId } = await releaseAlert(centre);
    const officer = centre.visit(centre.officer);
    const places = ['/', `/alerts/${alertId}/board`];
    for (const place of places)
      assert.match((await officer.get(place)).text, /Sending waits: the replica .* not answered/);
    await officer.get('/replica');
    for (const [reason, complaint] of [
      [' ', /Say why/],
      ['ring 07700 900123', /Leave out phone numbers/],
      ['x'.repeat(501), /Use 500 characters or fewer/],
    ] as const)
      assert.match(
        (await officer.submit('/replica/go-on', { reason }, { status: 422 })).text,
        complaint,
      );
    const done = await officer.submit('/replica/go-on', { reason: 'An alert cannot wait' });
    assert.match(done.text, /Messages leave without it since .*: An alert cannot wait\./);
    for (const place of places)
      assert.match((await officer.get(place)).text, /messages leave without it .* cannot wait/);
    await officer.get('/replica');
    assert.match((await officer.submit('/replica/wait')).text, /Nothing leaves/);
    for (const action of ['dispatch.sends_without_replica', 'dispatch.waits_for_replica']) {
      const { entries } = await centre.db.owner.withActor(system('test'), (tx) =>
        listEntries(tx, { action }),
      );
      assert.deepEqual(
        entries.map(({ actorId }) => actorId),
        [centre.officer.id],
      );
    }
  });

  it('is decided only by those who may steer', async () => {
    await goAway();
    const permissions = new Set(centre.officer.permissions);
    permissions.delete('dispatch.steer');
    const reader = centre.visit({ ...centre.officer, permissions });
    assert.doesNotMatch((await reader.get('/replica')).text, /for the audit/);
    for (const path of ['/replica/go-on', '/replica/wait'])
      assert.equal((await reader.request('POST', path)).status, 403);
  });

  it('is accessible and fits a phone', async (t) => {
    const { browser, reason } = await openBrowser();
    if (browser === undefined) return t.skip(reason);
    await goAway();
    const { officer, site } = centre;
    const visitor = centre.visit(officer);
    const { page, verify } = await watchedPage(browser, site.address);
    await page.context().addCookies([{ name: 'tocsin', value: officer.id, url: site.address }]);
    const look = async (path: string, name: string) => {
      await page.goto(`${site.address}${path}`);
      await assertAccessible(page);
      await shoot(page, name);
      const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
      assert.equal(await page.evaluate(wide), false, 'scrolls sideways at 390');
    };
    await look('/replica', 'replica-away');
    await look('/', 'desk-replica-away');
    await visitor.get('/replica');
    await visitor.submit('/replica/go-on', { reason: 'An alert cannot wait' });
    await look('/replica', 'replica-alone');
    await look('/', 'desk-replica-alone');
    verify();
    await browser.close();
  });
});
