/** The page of gateways: looked at, switched and weighed; and the same by API. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { checkDoors, fieldsOf, openApi, type ApiSite } from '../../test/support/api-client.ts';
import { assertAccessible, openBrowser, shoot, watchedPage } from '../../test/support/browser.ts';
import type { Person } from '../../test/support/centre.ts';
import { seedGateway } from '../../test/support/dispatch.ts';

let api: ApiSite;
let approver: Person;

const run = (statement: Sql) =>
  api.centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));

before(async () => {
  api = await openApi();
  ({ approver } = api.centre);
  const { worker } = api.centre.db;
  await seedGateway(worker, { id: 'notify', bucket: { ratePerSecond: 49.5, burst: 980 } });
  for (const id of ['second-service', 'aggregator']) await seedGateway(worker, { id });
  await seedGateway(worker, { id: 'smtp', channel: 'mail' });
  await run(sql`update dispatch.gateway set last_proven_at = now() - interval '2 minutes'
    where id in ('notify', 'smtp')`);
  await run(sql`update dispatch.gateway set last_failure_at = now() - interval '20 seconds',
    last_failure_code = 'UND_ERR_HEADERS_TIMEOUT' where id = 'second-service'`);
  await run(sql`update dispatch.breaker set state = 'open', reason = 'no_answer', openings = 1,
    retry_at = now() + interval '10 seconds' where gateway_id = 'second-service'`);
  await run(sql`update dispatch.bucket set paused_at = now(), pause_reason = 'clock_is_wrong',
    paused_until = now() + interval '5 minutes' where id = 'smtp'`);
  await run(sql`insert into dispatch.tally
      (gateway_id, turn, dispatch_id, accepted, rejected, unknown, failed)
    select 'notify', 1, gen_random_uuid(), 4000, 12, 3, 1
    union all select 'notify', 1, gen_random_uuid(), 181, 0, 0, 0
    union all select 'notify', 1, null, 7, 0, 0, 0`);
});

after(() => api.close());

describe('the page of gateways', () => {
  it('says of each whether it works, when it was proven, and what its failure means', async () => {
    const { text } = await api.centre.visit(api.centre.officer).get('/gateways');
    for (const words of [
      /notify Works/,
      /second-service Does not work/,
      /since .*: takes nothing for now; other gateways take what waits for it. It stopped because several/,
      /It did not answer in time\. \(UND_ERR_HEADERS_TIMEOUT\)/,
      /aggregator Never proven/,
      /smtp Paused/,
      /The clock of this machine is wrong/,
      /4,181 taken, 12 refused, 3 uncertain/,
      /49\.5 a second, 980 of 980/,
      /2 min ago/,
    ])
      assert.match(text, words);
  });

  it('is for those who may read it, its buttons for those who may steer', async () => {
    await api.centre.visit(approver).get('/gateways', { status: 403 });
    const reader = await api.centre.invite('Reads Only', ['duty_officer']);
    const permissions = new Set([...reader.permissions].filter((one) => one !== 'gateway.steer'));
    const visitor = api.centre.visit({ ...reader, permissions });
    const page = await visitor.get('/gateways');
    assert.equal(page.elements('main')[0] && page.text.includes('Switch off'), false);
    const refused = await visitor.request('POST', '/gateways/notify/off');
    assert.equal(refused.status, 403);
  });

  it('switches off and on, once, with an entry of the audit', async () => {
    const officer = api.centre.visit(api.centre.officer);
    await officer.get('/gateways');
    const off = await officer.submit('/gateways/aggregator/off');
    assert.match(off.text, /aggregator Switched off/);
    await officer.request('POST', '/gateways/aggregator/off').then(({ status }) => {
      assert.equal(status, 409);
    });
    const on = await officer.submit('/gateways/aggregator/on');
    assert.match(on.text, /aggregator Never proven/);
    for (const action of ['gateway.switched_off', 'gateway.switched_on']) {
      const { entries } = await api.centre.db.owner.withActor(system('test'), (tx) =>
        listEntries(tx, { action }),
      );
      assert.deepEqual(
        entries.map(({ subjectId, actorId }) => [subjectId, actorId]),
        [['aggregator', api.centre.officer.id]],
      );
    }
  });

  it('changes a weight, and gives back what is none', async () => {
    const officer = api.centre.visit(api.centre.officer);
    await officer.get('/gateways');
    assert.match(
      (await officer.submit('/gateways/notify/weight', { weight: '0' })).text,
      /reserve/,
    );
    for (const weight of ['1001', '-1', 'many', '1e3', ' ']) {
      await officer.get('/gateways');
      const back = await officer.submit('/gateways/notify/weight', { weight }, { status: 422 });
      assert.match(back.text, /Write a whole number from 0 to 1000/);
      assert.match(back.title, /^Error: /);
    }
    await officer.get('/gateways');
    await officer.submit('/gateways/notify/weight', { weight: '300' });
    const unknown = await officer.request('POST', '/gateways/nobody/weight', {
      form: new URLSearchParams({ weight: '5' }),
    });
    assert.equal(unknown.status, 409);
  });

  it('is accessible and fits a phone', async (t) => {
    const { browser, reason } = await openBrowser();
    if (browser === undefined) return t.skip(reason);
    const { officer, site } = api.centre;
    api.centre.visit(officer);
    const { page, verify } = await watchedPage(browser, site.address);
    const cookie = { name: 'tocsin', value: officer.id, url: site.address };
    await page.context().addCookies([cookie]);
    await page.goto(`${site.address}/gateways`);
    await assertAccessible(page);
    await page.getByText('Change second-service').click();
    await shoot(page, 'gateways');
    await assertAccessible(page);
    const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    assert.equal(await page.evaluate(wide), false, 'scrolls sideways at 390');
    verify();
    await browser.close();
  });
});

describe('the same by API', () => {
  it('has its doors', async () => {
    for (const path of ['/api/v1/gateways/notify/off', '/api/v1/gateways/notify/on'])
      await checkDoors(api, { method: 'POST', path }, 'gateway.steer');
    const path = '/api/v1/gateways/notify/weight';
    await checkDoors(api, { method: 'POST', path, body: { weight: 5 } }, 'gateway.steer');
  });

  it('switches and weighs; a second time, an unknown one and a wrong weight are refused', async () => {
    const at = (rest: string) => `/api/v1/gateways/${rest}`;
    const off = await api.post(at('smtp/off'));
    assert.deepEqual(off.value, { id: 'smtp', enabled: false, weight: 100 });
    assert.equal((await api.post(at('smtp/off'))).status, 409);
    assert.equal((await api.post(at('smtp/on'))).status, 200);
    assert.equal((await api.post(at('nobody/on'))).status, 404);
    assert.equal((await api.post(at('smtp/on'), { now: true })).status, 422);
    assert.equal((await api.post(at('smtp/weight'), { weight: 40 })).value['weight'], 40);
    for (const weight of [-1, 1_001, 2.5, '7', null])
      assert.deepEqual(fieldsOf(await api.post(at('smtp/weight'), { weight })), ['weight']);
  });
});
