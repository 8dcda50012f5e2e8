import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_API_KEYS } from './index.ts';
import {
  bearer,
  call,
  firstError,
  sendSms,
  settled,
  smsBody,
  startForTest,
} from './kit-for-tests.ts';

type Row = Record<string, unknown>;
type Page = { notifications: Row[]; links: { current: string; next?: string } };

describe('reading', () => {
  it('shows a text with every field', async (context) => {
    const simulator = await startForTest(context, { prefixOn: true, serviceName: 'Northmoor' });
    const sent = await sendSms(simulator, {
      phone_number: ' 07700 900123 ',
      reference: 'r',
      personalisation: { body: 'a'.repeat(155) },
    });
    await settled(simulator);
    const { body } = await call(simulator, `/v2/notifications/${sent.body['id'] as string}`);
    for (const name of ['created_at', 'sent_at', 'completed_at']) {
      assert.match(body[name] as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      delete body[name];
    }
    const template = sent.body['template'] as { id: string };
    assert.deepEqual(body, {
      id: sent.body['id'],
      reference: 'r',
      email_address: null,
      phone_number: '07700 900123',
      line_1: null,
      line_2: null,
      line_3: null,
      line_4: null,
      line_5: null,
      line_6: null,
      postcode: null,
      type: 'sms',
      status: 'delivered',
      template: {
        version: 1,
        id: template.id,
        uri: `${simulator.notifyUrl}/v2/template/${template.id}/version/1`,
      },
      body: 'a'.repeat(155),
      subject: null,
      created_by_name: null,
      scheduled_for: null,
      postage: null,
      one_click_unsubscribe_url: null,
      // The prefix is not in the body, but it is in the bill.
      cost_details: {
        billable_sms_fragments: 2,
        international_rate_multiplier: 1,
        sms_rate: 0.024,
      },
      cost_in_pounds: 0.048,
      is_cost_data_ready: true,
    });
  });

  it('pages 250 at a time and ends with an empty page without next', async (context) => {
    const simulator = await startForTest(context);
    const references = Array.from({ length: 253 }, (_, index) => `r-${index}`);
    for (const reference of references) await sendSms(simulator, { reference });
    const seen: string[] = [];
    let path: string | undefined = '/v2/notifications?template_type=sms';
    let pages = 0;
    while (path !== undefined) {
      const page = (await call(simulator, path)).body as Page;
      seen.push(...page.notifications.map((row) => row['reference'] as string));
      path = page.links.next?.slice(simulator.notifyUrl.length);
      pages += 1;
    }
    assert.equal(pages, 3);
    assert.deepEqual(seen, references.toReversed());
  });

  it('filters by reference, status and kind of key', async (context) => {
    const simulator = await startForTest(context);
    await sendSms(simulator, { reference: 'same' });
    await sendSms(simulator, { reference: 'same' });
    await sendSms(simulator, { reference: 'other' });
    const test = bearer({ key: DEFAULT_API_KEYS.test });
    const failing = smsBody({ phone_number: '07700900002', reference: 'same' });
    await call(simulator, '/v2/notifications/sms', { body: failing, authorization: test });
    await settled(simulator);
    const count = async (query: string, authorization = bearer()): Promise<number> => {
      const page = await call(simulator, `/v2/notifications?${query}`, { authorization });
      return (page.body as Page).notifications.length;
    };
    assert.equal(await count('reference=same'), 2);
    assert.equal(await count('reference=none'), 0);
    assert.equal(await count('status=received'), 3);
    assert.equal(await count('status=failed'), 0);
    assert.equal(await count('status=failed&status=created', test), 1);
    assert.equal(await count('status=permanent-failure&reference=same', test), 1);
    assert.equal(await count('template_type=email'), 0);
    assert.equal(await count('older_than=00000000-0000-4000-8000-000000000000'), 0);
  });

  const faults: [string, string][] = [
    ['/v2/notifications/abc', '400 ValidationError: notification_id is not a valid UUID'],
    [
      '/v2/notifications?x=1&y=2',
      '400 ValidationError: Additional properties are not allowed (x, y were unexpected)',
    ],
    ['/v2/notifications?older_than=1', '400 ValidationError: older_than is not a valid UUID'],
    ['/v2/template/abc', '400 ValidationError: id is not a valid UUID'],
    ['/v2/template/00000000-0000-4000-8000-000000000000', '404 NoResultFound: No result found'],
  ];
  it('reports faults of a path or query', async (context) => {
    const simulator = await startForTest(context);
    for (const [path, expected] of faults) {
      assert.equal(firstError(await call(simulator, path)), expected);
    }
    const status = await call(simulator, '/v2/notifications?status=lost');
    assert.match(firstError(status), /^400 ValidationError: status lost is not one of \[/);
  });

  it('answers unknown URLs and wrong methods in the older shape, and _status to anyone', async (context) => {
    const simulator = await startForTest(context);
    const unknown = await call(simulator, '/v2/nothing');
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body['result'], 'error');
    const wrong = await call(simulator, '/v2/notifications/sms');
    assert.equal(wrong.status, 405);
    const status = await call(simulator, '/_status?simple=1', { authorization: null });
    assert.deepEqual(status, { status: 200, body: { status: 'ok' } });
    const anonymous = await call(simulator, '/v2/notifications', { authorization: null });
    assert.match(firstError(anonymous), /^401/);
  });
});
