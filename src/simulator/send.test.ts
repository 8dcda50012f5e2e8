import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_API_KEYS, type Simulator, startSimulator } from './index.ts';
import {
  EMAIL_TEMPLATE,
  SMS_TEMPLATE,
  bearer,
  call,
  firstError,
  sendSms,
  smsBody,
  startForTest,
} from './kit-for-tests.ts';

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';
const SENDER_ID = '00000000-0000-4000-8000-000000000005';
const SERVICE_ID = DEFAULT_API_KEYS.live.slice(-73, -37);
const ARCHIVED = {
  id: '00000000-0000-4000-8000-000000000007',
  type: 'sms',
  name: 'Old',
  body: 'Old ((name))',
} as const;

describe('sending', () => {
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator({
      ledger: 'off',
      templates: [
        { id: SMS_TEMPLATE, type: 'sms', name: 'Text', body: '((body))' },
        {
          id: EMAIL_TEMPLATE,
          type: 'email',
          name: 'Mail',
          subject: '((subject))',
          body: '((body))',
        },
        ARCHIVED,
      ],
      smsSenders: { [SENDER_ID]: '447700900555' },
      teamRecipients: ['+44 7700 900321'],
    });
    simulator.simulation.changeTemplate({ id: ARCHIVED.id, archived: true });
  });
  after(() => simulator.close());

  it('answers a text as the live service does', async () => {
    const { status, body } = await sendSms(simulator, {
      reference: 'ref-1',
      personalisation: { Body: '“Hi” … there' },
    });
    assert.equal(status, 201);
    const id = body['id'] as string;
    assert.deepEqual(body, {
      id,
      reference: 'ref-1',
      uri: `${simulator.notifyUrl}/v2/notifications/${id}`,
      template: {
        id: SMS_TEMPLATE,
        version: 1,
        uri: `${simulator.notifyUrl}/services/${SERVICE_ID}/templates/${SMS_TEMPLATE}`,
      },
      scheduled_for: null,
      content: { from_number: 'TOCSIN', body: '"Hi" ... there' },
    });
  });

  it('answers an e-mail as the live service does', async () => {
    const { status, body } = await call(simulator, '/v2/notifications/email', {
      body: {
        email_address: 'Ann@Example.COM',
        template_id: EMAIL_TEMPLATE,
        personalisation: { subject: 'A "b"', body: '# Hi\n\nsee foo.com' },
        one_click_unsubscribe_url: 'https://example.com/u',
        sanitise_content_for: ['subject', 'body'],
      },
    });
    assert.equal(status, 201);
    assert.equal(body['reference'], null);
    const content = body['content'] as Record<string, unknown>;
    assert.deepEqual(content, {
      from_email: 'tocsin@notifications.service.gov.uk',
      body: '\\# Hi\n\nsee foo\\. com',
      subject: 'A “b”',
      one_click_unsubscribe_url: 'https://example.com/u',
    });
    assert.deepEqual(body['sanitised_content'], {
      body: { unsanitised: '# Hi\n\nsee foo.com', sanitised: '\\# Hi\n\nsee foo\\. com' },
    });
  });

  const tooLong = 'a'.repeat(919);
  const refusals: [string, object, string][] = [
    ['an unknown template', { template_id: UNKNOWN_ID }, '400 BadRequestError: Template not found'],
    [
      'a template of another kind',
      { template_id: EMAIL_TEMPLATE },
      '400 BadRequestError: email template is not suitable for sms notification',
    ],
    [
      'an archived template',
      { template_id: ARCHIVED.id },
      '400 BadRequestError: Template has been deleted',
    ],
    [
      'a missing value',
      { personalisation: { body: null } },
      '400 BadRequestError: Missing personalisation: body',
    ],
    [
      'an empty text',
      { personalisation: { body: ' \n' } },
      '400 BadRequestError: Your message is empty.',
    ],
    [
      'a file in a text',
      { personalisation: { body: { file: 'abc' } } },
      '400 BadRequestError: Can only send a file by email',
    ],
    [
      'an unknown sender',
      { sms_sender_id: UNKNOWN_ID },
      `400 BadRequestError: sms_sender_id ${UNKNOWN_ID} does not exist in database for service id ${SERVICE_ID}`,
    ],
    [
      'a number abroad',
      { phone_number: '+33122334455' },
      '400 BadRequestError: Cannot send to international mobile numbers',
    ],
    [
      'a landline',
      { phone_number: '020 7946 0991' },
      '400 InvalidPhoneError: Not a UK mobile number',
    ],
    [
      'a text of 919 characters',
      { personalisation: { body: tooLong } },
      '400 BadRequestError: Your message is too long. Text messages cannot be longer than 918 characters. Your message is 919 characters long.',
    ],
    [
      // The recipient is checked before the length, and the sender before the recipient.
      'two faults: the earlier check wins',
      { phone_number: '+33122334455', personalisation: { body: tooLong } },
      '400 BadRequestError: Cannot send to international mobile numbers',
    ],
    [
      'a bad sender and a recipient abroad',
      { phone_number: '+33122334455', sms_sender_id: UNKNOWN_ID },
      `400 BadRequestError: sms_sender_id ${UNKNOWN_ID} does not exist in database for service id ${SERVICE_ID}`,
    ],
  ];
  for (const [name, fields, expected] of refusals) {
    it(`refuses ${name}`, async () => {
      assert.equal(firstError(await sendSms(simulator, fields)), expected);
    });
  }

  const schema: [string, unknown, string[]][] = [
    [
      'an empty object',
      {},
      ['phone_number is a required property', 'template_id is a required property'],
    ],
    ['null', null, ['phone_number is a required property', 'template_id is a required property']],
    ['a list', [1], ['[1] is not of type object']],
    [
      'several faults at once',
      {
        reference: null,
        phone_number: '07',
        template_id: 'x',
        personalisation: 'it’s',
        b: 1,
        a: 2,
      },
      [
        'reference None is not of type string',
        'phone_number Number is not valid – double check the phone number you entered',
        'template_id is not a valid UUID',
        'personalisation it’s is not of type object',
        'Additional properties are not allowed (a, b were unexpected)',
      ],
    ],
    [
      'a long reference',
      smsBody({ reference: 'r'.repeat(1_001) }),
      [`reference ${'r'.repeat(1_001)} is too long`],
    ],
    [
      'a sender id that is null',
      smsBody({ sms_sender_id: null }),
      ['sms_sender_id is not a valid UUID'],
    ],
    [
      'a time in the past',
      smsBody({ scheduled_for: '2020-01-01T00:00' }),
      ['scheduled_for datetime can not be in the past'],
    ],
  ];
  for (const [name, body, messages] of schema) {
    it(`reports every schema fault: ${name}`, async () => {
      const answer = await call(simulator, '/v2/notifications/sms', { body });
      assert.equal(answer.status, 400);
      const errors = messages.map((message) => ({ error: 'ValidationError', message }));
      assert.deepEqual(answer.body, { status_code: 400, errors });
    });
  }

  it('refuses a body that is not JSON, and letters', async () => {
    const bad = await call(simulator, '/v2/notifications/sms', { body: '{' });
    assert.equal(firstError(bad), '400 BadRequestError: Invalid JSON supplied in POST data');
    const letter = await call(simulator, '/v2/notifications/letter', { body: {} });
    assert.equal(firstError(letter), '400 BadRequestError: Service is not allowed to send letters');
  });

  it('lets a team key send to the team only, a test key to anyone', async () => {
    const team = bearer({ key: DEFAULT_API_KEYS.team });
    const path = '/v2/notifications/sms';
    const stranger = await call(simulator, path, { authorization: team, body: smsBody() });
    assert.equal(
      firstError(stranger),
      '400 BadRequestError: Can’t send to this recipient using a team-only API key',
    );
    const member = smsBody({ phone_number: '07700900321' });
    assert.equal((await call(simulator, path, { authorization: team, body: member })).status, 201);
    const test = bearer({ key: DEFAULT_API_KEYS.test });
    assert.equal(
      (await call(simulator, path, { authorization: test, body: smsBody() })).status,
      201,
    );
  });

  it('answers 201 for the smoke-test numbers and stores nothing', async () => {
    const { status, body } = await sendSms(simulator, { phone_number: '+44 7700 900111' });
    assert.equal(status, 201);
    const look = await call(simulator, `/v2/notifications/${body['id'] as string}`);
    assert.equal(firstError(look), '404 NoResultFound: No result found');
  });

  it('uses the chosen sender and ignores a time of sending', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const { body } = await sendSms(simulator, { sms_sender_id: SENDER_ID, scheduled_for: soon });
    assert.equal((body['content'] as { from_number: string }).from_number, '447700900555');
    assert.equal(body['scheduled_for'], null);
  });
});

describe('the order of checks', () => {
  it('is: token, rate limit, daily limit, JSON, schema', async (context) => {
    const simulator = await startForTest(context, {
      limiter: { perMinute: 6 },
      dailyLimits: { sms: 1 },
      now: () => 1_800_000_000_000,
    });
    const authorization = bearer({ claims: { iss: SERVICE_ID, iat: 1_800_000_000 } });
    const send = (body: unknown, header = authorization) =>
      call(simulator, '/v2/notifications/sms', { body, authorization: header });
    // Three tokens at the start, of which two may be spent; bad requests cost one each.
    assert.match(firstError(await send('{', 'Bearer x')), /^403/);
    assert.equal((await send(smsBody())).status, 201);
    assert.equal(
      firstError(await send('{')),
      '429 TooManyRequestsError: Exceeded send limits (sms: 1) for today',
    );
    assert.equal(
      firstError(await send('{')),
      '429 RateLimitError: Exceeded rate limit for key type LIVE of 6 requests per 60 seconds',
    );
  });

  it('keeps a bucket for each key type, and none for reading', async (context) => {
    const simulator = await startForTest(context, { limiter: { perMinute: 3 } });
    assert.equal((await sendSms(simulator)).status, 201);
    assert.equal((await sendSms(simulator)).status, 429);
    const authorization = bearer({ key: DEFAULT_API_KEYS.test });
    const test = await call(simulator, '/v2/notifications/sms', { body: smsBody(), authorization });
    assert.equal(test.status, 201);
    for (let index = 0; index < 5; index += 1) {
      assert.equal((await call(simulator, '/v2/notifications')).status, 200);
    }
  });

  it('treats a service in trial mode as the live service does', async (context) => {
    const simulator = await startForTest(context, { trialMode: true });
    assert.match(firstError(await sendSms(simulator)), /when service is in trial mode – see https/);
  });
});
