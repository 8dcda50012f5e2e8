import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTransport } from 'nodemailer';
import { startSimulator } from './index.ts';
import { settled, startForTest, temporaryFolder } from './kit-for-tests.ts';

type Mails = { mails: { via: string; subject: string; envelopeTo: string[]; raw: string }[] };

const MAIL = {
  from: 'Tocsin <alerts@tocsin.test>',
  to: 'ann@example.test',
  subject: 'Hello',
  text: 'Text part',
  html: '<p>Mark-up</p>',
};

async function mailsOf(controlUrl: string, search = ''): Promise<Mails['mails']> {
  const response = await fetch(`${controlUrl}/_control/mail?search=${search}`);
  return ((await response.json()) as Mails).mails;
}

function transport(port: number): ReturnType<typeof createTransport> {
  return createTransport({ host: '127.0.0.1', port, secure: false });
}

describe('the mail server', () => {
  it('keeps mail, also over a restart', async (context) => {
    const dataDir = temporaryFolder(context);
    const first = await startSimulator({ dataDir });
    await transport(first.smtpPort).sendMail(MAIL);
    await transport(first.smtpPort).sendMail({ ...MAIL, to: 'bob@example.test' });
    await first.close();
    const second = await startForTest(context, { ledger: 'synced', dataDir });
    const mails = await mailsOf(second.controlUrl);
    assert.deepEqual(
      mails.map(({ envelopeTo }) => envelopeTo),
      [['bob@example.test'], ['ann@example.test']],
    );
    assert.match(mails[0]!.raw, /Text part/);
    assert.equal((await mailsOf(second.controlUrl, 'ann@')).length, 1);
  });

  it('refuses for good, or for now, whom a fault names', async (context) => {
    const simulator = await startForTest(context);
    await simulator.addFault({ fault: 'mail_refused', number: 'ann@*' });
    await simulator.addFault({ fault: 'mail_deferred', number: 'bob@*', times: 1 });
    const send = (to: string) => transport(simulator.smtpPort).sendMail({ ...MAIL, to });
    const hasCode = (code: number) => (error: { responseCode: number }) => {
      assert.equal(error.responseCode, code);
      return true;
    };
    await assert.rejects(send('ann@example.test'), hasCode(550));
    await assert.rejects(send('bob@example.test'), hasCode(451));
    await send('bob@example.test');
    assert.equal((await mailsOf(simulator.controlUrl)).length, 1);
  });

  it('keeps a mail and says nothing after the final dot', async (context) => {
    const simulator = await startForTest(context);
    await simulator.addFault({ fault: 'mail_dropped', times: 1 });
    await assert.rejects(transport(simulator.smtpPort).sendMail(MAIL));
    assert.equal((await mailsOf(simulator.controlUrl)).length, 1);
  });

  it('bounces to the envelope sender', async (context) => {
    const listener = await startForTest(context);
    const simulator = await startForTest(context, {
      bounceSmtp: { host: '127.0.0.1', port: listener.smtpPort },
    });
    await simulator.addFault({ fault: 'mail_bounced', number: 'ann@example.test' });
    await transport(simulator.smtpPort).sendMail({ ...MAIL, messageId: '<m1@tocsin.test>' });
    await settled(simulator);
    const until = performance.now() + 5_000;
    let bounces = await mailsOf(listener.controlUrl);
    while (bounces.length === 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      bounces = await mailsOf(listener.controlUrl);
    }
    assert.deepEqual(bounces[0]!.envelopeTo, ['alerts@tocsin.test']);
    assert.match(bounces[0]!.raw, /Final-Recipient: rfc822; ann@example\.test/);
    assert.match(bounces[0]!.raw, /<m1@tocsin\.test>/);
  });
});
