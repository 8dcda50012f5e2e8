import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HtmlValidate } from 'html-validate';
import { createTransport } from 'nodemailer';
import type { Simulator } from './index.ts';
import { suggestReplies } from './reply-suggestions.ts';
import { EMAIL_TEMPLATE, call, sendSms, settled, startForTest } from './kit-for-tests.ts';

const validator = new HtmlValidate({
  extends: ['html-validate:standard', 'html-validate:a11y'],
  rules: {
    'no-trailing-whitespace': 'off',
    'require-sri': 'off',
    'long-title': 'off',
    'no-inline-style': 'error',
    // Scrolling needs to be possible by keyboard, so regions take the focus.
    'no-implicit-button-type': 'error',
    'tel-non-breaking': 'off',
  },
});

async function page(simulator: Simulator, path: string): Promise<string> {
  const response = await fetch(`${simulator.notifyUrl}${path}`);
  const html = await response.text();
  assert.equal(response.status, 200, html);
  assert.match(response.headers.get('content-security-policy')!, /default-src 'none'/);
  const report = await validator.validateString(html);
  const faults = report.results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line }) => `${path}:${line} ${ruleId}: ${message}`),
  );
  assert.deepEqual(faults, []);
  assert.equal(html.match(/<h1/g)?.length, 1, 'one h1');
  assert.match(html, /no real phone rings/);
  assert.doesNotMatch(html, /nhs\.uk|Frutiger|style=/);
  return html;
}

describe('the phones page', () => {
  it('shows texts newest first, their fate, and what was replied', async (context) => {
    const simulator = await startForTest(context);
    await page(simulator, '/phones');
    await simulator.addFault({
      fault: 'receipt_status',
      status: 'temporary-failure',
      number: '07700900200',
    });
    await sendSms(simulator, {
      phone_number: '07700900200',
      personalisation: { body: '<b>first</b> & more' },
    });
    await sendSms(simulator, {
      phone_number: '07700900201',
      personalisation: { body: `second ${'x'.repeat(160)} Reply 4821=got it, 4821 HELP=call me` },
    });
    await settled(simulator);
    const html = await page(simulator, '/phones');
    assert.ok(html.indexOf('handset-447700900201') < html.indexOf('handset-447700900200'));
    assert.match(html, /&lt;b&gt;first&lt;\/b&gt; &amp; more/);
    assert.match(html, /07700 900 200/);
    assert.match(html, /Undelivered: phone off/);
    assert.match(
      html,
      /2 fragments<\/span>\s*<span class="bubble__tag bubble__tag--good">Delivered/,
    );
    assert.match(html, /name="chosen" value="4821 HELP"/);
    assert.equal(html.match(/handset--lit/g)?.length, 1);
    await page(simulator, '/phones/447700900200');
  });

  it('takes a reply from a plain form and comes back to the handset', async (context) => {
    const simulator = await startForTest(context);
    await sendSms(simulator);
    const reply = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      fetch(`${simulator.notifyUrl}/phones/447700900123/replies`, {
        method: 'POST',
        body: new URLSearchParams(fields),
        redirect: 'manual',
        headers,
      });
    const answer = await reply({ text: ' 4821 ', back: '/phones?page=2' });
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), '/phones?page=2#handset-447700900123');
    await reply({ chosen: '4821 HELP', text: '' });
    const away = await reply({ text: '', back: 'https://evil.test/' });
    assert.equal(away.headers.get('location'), '/phones#handset-447700900123');
    const foreign = await reply({ text: 'no' }, { 'sec-fetch-site': 'cross-site' });
    assert.equal(foreign.status, 403);
    const { body } = await call(simulator, '/v2/received-text-messages');
    const texts = body['received_text_messages'] as { content: string }[];
    assert.deepEqual(
      texts.map(({ content }) => content),
      ['4821 HELP', '4821'],
    );
  });

  it('finds a number however it is written, and pages sixty handsets', async (context) => {
    const simulator = await startForTest(context);
    for (let index = 120; index < 185; index += 1) {
      await sendSms(simulator, { phone_number: `07700900${index}` });
    }
    const first = await page(simulator, '/phones');
    assert.equal(first.match(/<article/g)?.length, 60);
    assert.match(first, /Page 1 of 2/);
    const second = await page(simulator, '/phones?page=2');
    assert.equal(second.match(/<article/g)?.length, 5);
    for (const search of ['07700 900 184', '%2B447700900184', '900184']) {
      const found = await page(simulator, `/phones?number=${search}`);
      assert.equal(found.match(/<article/g)?.length, 1, search);
    }
    await page(simulator, '/phones?number=999');
    assert.equal((await fetch(`${simulator.notifyUrl}/phones/999`)).status, 404);
  });

  it('opens a phone before its first text', async (context) => {
    const simulator = await startForTest(context);
    const found = await page(simulator, '/phones?number=07700900123');
    assert.match(found, /href="\/phones\/447700900123">Open 07700 900 123/);
    assert.match(await page(simulator, '/phones/447700900123'), /No text yet/);
    await sendSms(simulator);
    const rung = await page(simulator, '/phones/447700900123');
    assert.match(rung, /class="bubble__text"/);
    assert.doesNotMatch(rung, /No text yet/);
  });

  it('tells open pages which phones have news', async (context) => {
    const simulator = await startForTest(context);
    const response = await fetch(`${simulator.notifyUrl}/phones/events`);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read();
    await sendSms(simulator);
    const { value } = await reader.read();
    assert.equal(value, 'event: changed\ndata: ["447700900123"]\n\n');
    await reader.cancel();
  });

  it('serves its style without a foreign font', async (context) => {
    const simulator = await startForTest(context);
    const css = await (await fetch(`${simulator.notifyUrl}/_assets/base.css`)).text();
    assert.ok(css.length > 100_000);
    assert.doesNotMatch(css, /Frutiger|nhs\.uk/);
  });
});

describe('the mail page', () => {
  it('shows mail of both ways, with mark-up in a frame without rights', async (context) => {
    const simulator = await startForTest(context);
    await page(simulator, '/mail');
    await call(simulator, '/v2/notifications/email', {
      body: {
        email_address: 'ann@example.test',
        template_id: EMAIL_TEMPLATE,
        personalisation: { subject: 'By Notify', body: '# Head\n\n<script>no</script>' },
      },
    });
    await createTransport({ host: '127.0.0.1', port: simulator.smtpPort }).sendMail({
      from: 'a@tocsin.test',
      to: 'bob@example.test',
      subject: 'By <SMTP>',
      text: 'plain, https://tocsin.test/sign-in?a=1&b=2.',
      html: '<h1>rich</h1>',
      attachments: [{ filename: 'a.txt', content: 'x' }],
    });
    const list = await page(simulator, '/mail');
    const ids = [...list.matchAll(/href="\/mail\/([0-9a-f-]{36})"/g)].map((match) => match[1]!);
    assert.equal(ids.length, 2);
    const smtp = await page(simulator, `/mail/${ids[0]!}`);
    assert.match(smtp, /By &lt;SMTP&gt;/);
    assert.match(smtp, /a\.txt \(text\/plain, 1 bytes\)/);
    assert.match(smtp, /<a href="https:\/\/tocsin\.test\/sign-in\?a=1&amp;b=2"/);
    assert.match(smtp, /<iframe[^>]* sandbox=""/);
    const frame = await fetch(`${simulator.notifyUrl}/mail/${ids[0]!}/html`);
    assert.match(frame.headers.get('content-security-policy')!, /default-src 'none'.*sandbox$/);
    assert.match(await frame.text(), /<h1>rich<\/h1>/);
    const notify = await fetch(`${simulator.notifyUrl}/mail/${ids[1]!}/html`);
    const html = await notify.text();
    assert.match(html, /<h2>Head<\/h2>/);
    assert.doesNotMatch(html, /<script/);
    assert.match(await page(simulator, '/mail?search=bob@'), /1 mail matches/);
  });
});

describe('suggested replies', () => {
  const table: [string, string[]][] = [
    ['Isolate. Reply 4821=got it, 4821 HELP=call me', ['4821', '4821 HELP']],
    ['Reply 4821 YES (affected), 4821 NO or 4821 HELP', ['4821 YES', '4821 NO', '4821 HELP']],
    [
      'duty desk has your message. If it was an answer, send 4821 or 4821 HELP.',
      ['4821', '4821 HELP'],
    ],
    ['Nothing to answer here.', []],
  ];
  for (const [text, expected] of table) {
    it(text, () => assert.deepEqual(suggestReplies(text), expected));
  }
});
