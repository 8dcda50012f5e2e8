/**
 * Mail by SMTP. Every message keeps one Message-ID for all its attempts, so that a mailbox that
 * gets two copies after a fault shows one. After the final dot without an answer it is unknown
 * (RFC 5321, section 6.1), and SMTP cannot be asked.
 *
 * We drive single connections, not the library's pool: the pool queues a mail again by itself, five
 * times, when its connection closes, and reports a connection lost in the middle of the content
 * with the same code as one that never opened. Here the content is a stream that is first read
 * when the server has said 354, so the moment from which a copy may exist is known exactly.
 */
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Outgoing, ReceiptMeaning, SendResult } from '../model.ts';
import type { Gateway } from './gateway.ts';

export type SmtpSettings = {
  /** `smtp://user:password@host:port`, or `smtps:` for TLS from the first byte. */
  readonly url: string;
  /** `Name <address>` of the sender. */
  readonly from: string;
};

const WINDOW = 5;
const CONNECT_MAX_MS = 5_000;
const SOCKET_MAX_MS = 30_000;
/** Idle connections are closed by us before a server is likely to. */
const IDLE_MAX_MS = 4_000;

export type SmtpFailure = { code?: string; command?: string; responseCode?: number };

/**
 * What a failure of one mail means. A reply decides where there is one: 5yz refuses for good, 4yz
 * surely did not take it (RFC 5321, section 4.2.1). Without one it matters whether the content was
 * begun.
 */
export function classifySmtp(failure: SmtpFailure, contentBegun: boolean): SendResult {
  const reply = failure.responseCode ?? 0;
  const code = String(failure.responseCode ?? failure.code ?? 'no_code');
  // Refused credentials and our own limits would refuse every mail, so they are not this mail's.
  if (failure.code === 'EAUTH') return { class: 'not_sent', code };
  if (reply >= 500 && reply < 600) return { class: 'rejected', code };
  if (reply >= 400 && reply < 500) return { class: 'not_sent', code };
  return contentBegun ? { class: 'unknown', code } : { class: 'not_sent', code };
}

class SmtpGateway implements Gateway {
  readonly channel = 'mail';
  readonly window = WINDOW;
  readonly sendMaxMs = CONNECT_MAX_MS + 2 * SOCKET_MAX_MS;
  readonly id: string;
  #url: URL;
  #from: string;
  #domain: string;
  #idle: SMTPConnection[] = [];

  constructor(id: string, settings: SmtpSettings) {
    this.id = id;
    this.#url = new URL(settings.url);
    this.#from = settings.from;
    this.#domain = settings.from.replace(/^.*@/, '').replace(/>.*$/, '');
  }

  async send(message: Outgoing): Promise<SendResult> {
    let connection: SMTPConnection;
    try {
      connection = this.#idle.pop() ?? (await this.#connect());
    } catch (error) {
      return classifySmtp(error as SmtpFailure, false);
    }
    const progress = { begun: false };
    try {
      const content = await this.#compose(message);
      await deliver(connection, {
        envelope: { from: addressOf(this.#from), to: [message.address] },
        content: marked(content, progress),
      });
      this.#keep(connection);
      return { class: 'accepted', providerId: null };
    } catch (error) {
      connection.close();
      return classifySmtp(error as SmtpFailure, progress.begun);
    }
  }

  meaningOf(): ReceiptMeaning | undefined {
    return undefined;
  }

  close(): Promise<void> {
    for (const connection of this.#idle) connection.quit();
    this.#idle = [];
    return Promise.resolve();
  }

  async #connect(): Promise<SMTPConnection> {
    const { hostname, port, protocol, username, password } = this.#url;
    const connection = new SMTPConnection({
      host: hostname,
      port: Number(port || (protocol === 'smtps:' ? 465 : 25)),
      secure: protocol === 'smtps:',
      connectionTimeout: CONNECT_MAX_MS,
      greetingTimeout: CONNECT_MAX_MS,
      socketTimeout: SOCKET_MAX_MS,
    });
    // Kept for the whole life of the connection: an error without a listener ends the process.
    connection.on('error', () => {});
    connection.once('end', () => this.#drop(connection));
    await settledOnce(connection, (done) => connection.connect(done));
    if (username !== '') {
      const credentials = {
        user: decodeURIComponent(username),
        pass: decodeURIComponent(password),
      };
      await settledOnce(connection, (done) => connection.login({ credentials }, done));
    }
    return connection;
  }

  /** Back to the idle ones, for a while; a server that closes it meanwhile takes it out. */
  #keep(connection: SMTPConnection): void {
    this.#idle.push(connection);
    setTimeout(() => {
      if (!this.#idle.includes(connection)) return;
      this.#drop(connection);
      connection.quit();
    }, IDLE_MAX_MS).unref();
  }

  #drop(connection: SMTPConnection): void {
    this.#idle = this.#idle.filter((other) => other !== connection);
  }

  async #compose(message: Outgoing): Promise<Buffer> {
    const [stable] = message.reference.split(/-\d+-\d+$/);
    const composer = new MailComposer({
      from: this.#from,
      to: message.address,
      subject: message.subject ?? '',
      text: message.body,
      messageId: `<${stable}@${this.#domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    return await composer.compile().build();
  }
}

function addressOf(from: string): string {
  return /<([^>]+)>/.exec(from)?.[1] ?? from;
}

/** The content as a stream that notes when it is first read. */
function marked(content: Buffer, progress: { begun: boolean }): Readable {
  return new Readable({
    read() {
      progress.begun = true;
      this.push(content);
      this.push(null);
    },
  });
}

async function deliver(
  connection: SMTPConnection,
  mail: { envelope: { from: string; to: string[] }; content: Readable },
): Promise<void> {
  await settledOnce(connection, (done) =>
    connection.send(mail.envelope, mail.content, (error) => done(error)),
  );
}

/** One step of a connection: ends with its callback, or with the connection itself. */
function settledOnce(
  connection: SMTPConnection,
  step: (done: (error?: Error | null) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error | null) => {
      connection.removeListener('error', finish);
      connection.removeListener('end', ended);
      if (error) reject(error);
      else resolve();
    };
    const ended = () => finish(Object.assign(new Error('connection ended'), { code: 'EEND' }));
    connection.on('error', finish);
    connection.on('end', ended);
    step(finish);
  });
}

export function openSmtpGateway(id: string, settings: SmtpSettings): Gateway {
  return new SmtpGateway(id, settings);
}
