import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NotifyClient } from 'notifications-node-client';
import { DEFAULT_API_KEYS } from './index.ts';
import { EMAIL_TEMPLATE, SMS_TEMPLATE, settled, startForTest } from './kit-for-tests.ts';

type Data = Record<string, unknown>;
type Answer = { readonly status: number; readonly data: Data };

describe('the official client', () => {
  it('sends, reads and previews', async (context) => {
    const simulator = await startForTest(context);
    const client = new NotifyClient(simulator.notifyUrl, DEFAULT_API_KEYS.live);
    const text = (await client.sendSms(SMS_TEMPLATE, '07700 900123', {
      personalisation: { body: 'Hello' },
      reference: 'text-1',
    })) as Answer;
    assert.equal(text.status, 201);
    const mail = (await client.sendEmail(EMAIL_TEMPLATE, 'ann@example.com', {
      personalisation: { subject: 'S', body: 'B' },
      reference: 'mail-1',
    })) as Answer;
    assert.equal(mail.status, 201);
    await settled(simulator);

    const one = (await client.getNotificationById(text.data['id'] as string)) as Answer;
    assert.equal(one.data['status'], 'delivered');
    const list = (await client.getNotifications('email', 'delivered', 'mail-1')) as Answer;
    assert.equal((list.data['notifications'] as Data[])[0]!['id'], mail.data['id']);
    const older = (await client.getNotifications(
      undefined,
      undefined,
      undefined,
      text.data['id'] as string,
    )) as Answer;
    assert.deepEqual(older.data['notifications'], []);
  });

  it('reads templates, versions and previews', async (context) => {
    const simulator = await startForTest(context);
    const client = new NotifyClient(simulator.notifyUrl, DEFAULT_API_KEYS.live);
    simulator.simulation.changeTemplate({ id: SMS_TEMPLATE, body: 'Changed: ((body))' });
    const newest = (await client.getTemplateById(SMS_TEMPLATE)) as Answer;
    assert.equal(newest.data['version'], 2);
    assert.deepEqual(newest.data['personalisation'], { body: { required: true } });
    const first = (await client.getTemplateByIdAndVersion(SMS_TEMPLATE, 1)) as Answer;
    assert.equal(first.data['body'], '((body))');
    const all = (await client.getAllTemplates('email')) as Answer;
    assert.equal((all.data['templates'] as Data[]).length, 1);
    const preview = (await client.previewTemplateById(SMS_TEMPLATE, { body: 'x' })) as Answer;
    assert.equal(preview.data['body'], 'Changed: x');
    await assert.rejects(
      client.previewTemplateById(SMS_TEMPLATE, {}),
      (error: { response: Answer }) => {
        assert.equal(error.response.status, 400);
        return true;
      },
    );
  });

  it('reads replies', async (context) => {
    const simulator = await startForTest(context);
    const client = new NotifyClient(simulator.notifyUrl, DEFAULT_API_KEYS.live);
    await simulator.reply('07700 900123', '4821');
    await simulator.reply('07700 900124', '4821 HELP');
    const received = (await client.getReceivedTexts()) as Answer;
    const texts = received.data['received_text_messages'] as Data[];
    assert.deepEqual(
      texts.map((text) => [text['user_number'], text['content']]),
      [
        ['447700900124', '4821 HELP'],
        ['447700900123', '4821'],
      ],
    );
    const older = (await client.getReceivedTexts(texts[0]!['id'] as string)) as Answer;
    assert.equal((older.data['received_text_messages'] as Data[]).length, 1);
  });
});
