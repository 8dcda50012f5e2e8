import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { SmtpMail } from './mailbox.ts';
import type { Simulation } from './simulation.ts';

const SIZE_LIMIT_BYTES = 25 * 1024 * 1024;

/** Takes every mail on loopback, and keeps it. Only what a fault names is refused or bounced. */
export class MailServer {
  readonly #simulation: Simulation;
  readonly #server: SMTPServer;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#server = new SMTPServer({
      banner: 'Tocsin simulator',
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: (auth, _session, done) => done(null, { user: auth.username ?? 'anyone' }),
      size: SIZE_LIMIT_BYTES,
      logger: false,
      onRcptTo: (address, _session, done) => done(this.#refusal(address.address)),
      onData: (stream, session, done) => void this.#receive(stream, session, done),
    });
    // A caller that goes away in the middle is no failure of this server.
    this.#server.on('error', () => undefined);
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async open(): Promise<void> {
    const { smtpPort, host } = this.#simulation.settings;
    await new Promise<void>((resolve, reject) => {
      this.#server.server.once('error', reject);
      this.#server.listen(smtpPort, host, resolve);
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }

  #refusal(recipient: string): Error | null {
    const { faults } = this.#simulation;
    const subject = { recipient: recipient.toLowerCase(), reference: null };
    const refused = faults.take('mail_refused', subject);
    if (refused !== null) return smtpError(refused.code, '5.1.1 No such mailbox here');
    const deferred = faults.take('mail_deferred', subject);
    if (deferred !== null) return smtpError(deferred.code, '4.3.0 Try again later');
    return null;
  }

  async #receive(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    done: (error?: Error | null) => void,
  ): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      const mail = await toMail(Buffer.concat(chunks), session, this.#simulation.clock.next());
      await this.#simulation.receiveMail(mail);
      const { faults } = this.#simulation;
      const drops = mail.envelopeTo.some(
        (to) => faults.take('mail_dropped', { recipient: to, reference: null }) !== null,
      );
      // The socket is not in the public types; without it there is no way to say nothing.
      if (drops) closeConnection(this.#server, session);
      else done();
      for (const recipient of mail.envelopeTo) this.#bounce(mail, recipient);
    } catch (error) {
      done(error as Error);
    }
  }

  #bounce(mail: SmtpMail, recipient: string): void {
    const { faults, schedule, settings } = this.#simulation;
    const fault = faults.take('mail_bounced', { recipient, reference: null });
    const target = settings.bounceSmtp;
    if (fault === null || target === null || mail.envelopeFrom === '') return;
    schedule.after(fault.delayMs, () => {
      void sendBounce(target, mail, recipient).catch(() => undefined);
    });
  }
}

async function toMail(raw: Buffer, session: SMTPServerSession, at: number): Promise<SmtpMail> {
  // Loaded with the first mail: most runs send only texts.
  const { simpleParser } = await import('mailparser');
  const parsed = await simpleParser(raw, { skipImageLinks: true, skipHtmlToText: true });
  const { mailFrom, rcptTo } = session.envelope;
  return {
    id: randomUUID(),
    at,
    envelopeFrom: mailFrom === false ? '' : mailFrom.address.toLowerCase(),
    envelopeTo: rcptTo.map(({ address }) => address.toLowerCase()),
    from: parsed.from?.text ?? '',
    subject: parsed.subject ?? '',
    messageId: parsed.messageId ?? null,
    raw: raw.toString('utf8'),
  };
}

function smtpError(code: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode: code });
}

function closeConnection(server: SMTPServer, session: SMTPServerSession): void {
  const connections = (server as unknown as { connections: Set<SmtpConnection> }).connections;
  for (const connection of connections) {
    if (connection.session.id === session.id) connection._socket.destroy();
  }
}

type SmtpConnection = {
  readonly session: { readonly id: string };
  readonly _socket: { destroy(): void };
};

/** A delivery status notification (RFC 3464) to the envelope sender, from nobody. */
async function sendBounce(
  target: { host: string; port: number },
  mail: SmtpMail,
  recipient: string,
): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({ ...target, secure: false, ignoreTLS: true });
  const boundary = `bounce-${randomUUID()}`;
  const raw = [
    'From: Mail Delivery System <mailer-daemon@simulator.test>',
    `To: <${mail.envelopeFrom}>`,
    'Subject: Undelivered Mail Returned to Sender',
    `Message-ID: <${randomUUID()}@simulator.test>`,
    ...(mail.messageId === null ? [] : [`In-Reply-To: ${mail.messageId}`]),
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    `The mail could not be delivered to ${recipient}: mailbox unknown.`,
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; simulator.test',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 mailbox unknown',
    `--${boundary}`,
    'Content-Type: text/rfc822-headers',
    '',
    ...(mail.messageId === null ? [] : [`Message-ID: ${mail.messageId}`]),
    `Subject: ${mail.subject}`,
    `--${boundary}--`,
    '',
  ].join('\r\n');
  await transport.sendMail({ envelope: { from: '', to: [mail.envelopeFrom] }, raw });
  transport.close();
}
