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
import { reportActions } from '../bounce-report.ts';
import { returnPath } from '../return-path.ts';
import { capabilitiesOf } from './capabilities.ts';
import type { Gateway } from './gateway.ts';
import { isLoopback } from './http.ts';

export type SmtpSettings = {
  /** `smtp://user:password@host:port`, or `smtps:` for TLS from the first byte. */
  readonly url: string;
  /** `Name <address>` of the sender. */
  readonly from: string;
  /** Where our listener gets what comes back; absent: it goes to the sender's address. */
  readonly bounceDomain?: string | undefined;
};

export type SmtpOptions = {
  /** Signs the return path of each mail. */
  readonly returnPathKey?: Buffer | undefined;
  /** The longest one mail may take. Tests shorten it. */
  readonly sendMaxMs?: number;
};

/** One mail under way: what its deadline must close, and whether a copy may exist. */
type Attempt = {
  connection: SMTPConnection | undefined;
  begun: boolean;
  isLate: boolean;
  readonly mayStart: () => boolean;
};

const WINDOW = 5;
const CONNECT_MAX_MS = 5_000;
const SOCKET_MAX_MS = 30_000;
/** Idle connections are closed by us before a server is likely to. */
const IDLE_MAX_MS = 4_000;

export type SmtpFailure = { code?: string; command?: string; responseCode?: number };

/**
 * What a failure of one mail means. A reply decides where there is one: 4yz surely did not take it,
 * 5yz refuses for good (RFC 5321, section 4.2.1), but only where it answers the recipient or the
 * content. A 5yz to the greeting, the credentials or the sender would refuse every mail, so it is
 * not this mail's. Without a reply it matters whether the content was begun.
 */
export function classifySmtp(failure: SmtpFailure, contentBegun: boolean): SendResult {
  const reply = failure.responseCode ?? 0;
  const code = String(failure.responseCode ?? failure.code ?? 'no_code');
  const { command = '' } = failure;
  const isOurs = ['RCPT TO', 'DATA'].includes(command);
  if (isOurs && reply >= 500 && reply < 600) return { class: 'rejected', code };
  // 421 may come at any time and ends the session: what it answers was not taken.
  if ((isOurs && reply >= 400) || reply === 421) return { class: 'not_sent', code };
  // The library refuses an address with a line break or without a form before it asks.
  if (failure.code === 'EENVELOPE' && command === 'API') return { class: 'rejected', code };
  return contentBegun ? { class: 'unknown', code } : { class: 'not_sent', code };
}

class SmtpGateway implements Gateway {
  readonly channel = 'mail';
  readonly can = capabilitiesOf('smtp', 'mail');
  readonly window = WINDOW;
  readonly sendMaxMs: number;
  readonly id: string;
  #url: URL;
  #from: string;
  #domain: string;
  #returnsTo: (reference: string) => string | undefined;
  #idle: SMTPConnection[] = [];

  constructor(id: string, settings: SmtpSettings, options: SmtpOptions) {
    this.id = id;
    this.sendMaxMs = options.sendMaxMs ?? CONNECT_MAX_MS + 2 * SOCKET_MAX_MS;
    this.#url = new URL(settings.url);
    this.#from = settings.from;
    this.#domain = settings.from.replace(/^.*@/, '').replace(/>.*$/, '');
    const { bounceDomain } = settings;
    const key = options.returnPathKey;
    this.#returnsTo = (reference) => {
      const local = bounceDomain && key && returnPath(key, reference);
      return local === undefined ? undefined : `${local}@${bounceDomain}`;
    };
  }

  async send(message: Outgoing, mayStart = () => true): Promise<SendResult> {
    const attempt: Attempt = { connection: undefined, begun: false, isLate: false, mayStart };
    // Over all steps: a server that says a little now and then never times out. Closing makes the
    // running step fail, and what was begun decides as always. The lease relies on it.
    const timer = setTimeout(() => {
      attempt.isLate = true;
      attempt.connection?.close();
    }, this.sendMaxMs);
    try {
      return await this.#sendOnce(message, attempt);
    } finally {
      clearTimeout(timer);
    }
  }

  async #sendOnce(message: Outgoing, attempt: Attempt): Promise<SendResult> {
    let connection: SMTPConnection;
    try {
      connection = this.#idle.pop() ?? (await this.#connect(attempt));
    } catch (error) {
      return classifySmtp(error as SmtpFailure, false);
    }
    attempt.connection = connection;
    try {
      if (attempt.isLate || !attempt.mayStart())
        throw Object.assign(new Error('too late'), { code: 'ETIMEDOUT' });
      const content = await this.#compose(message);
      await deliver(connection, {
        envelope: {
          from: this.#returnsTo(message.reference) ?? addressOf(this.#from),
          to: [message.address],
        },
        content: marked(content, attempt),
      });
      this.#keep(connection);
      return { class: 'accepted', providerId: null };
    } catch (error) {
      connection.close();
      return classifySmtp(error as SmtpFailure, attempt.begun);
    }
  }

  /** Of a report that came back: its action, and the code that stands after it. */
  meaningOf(status: string): ReceiptMeaning | undefined {
    return reportActions[status.split(' ')[0]!];
  }

  close(): Promise<void> {
    for (const connection of this.#idle) connection.quit();
    this.#idle = [];
    return Promise.resolve();
  }

  async #connect(attempt: Attempt): Promise<SMTPConnection> {
    const { hostname, port, protocol, username } = this.#url;
    const connection = new SMTPConnection({
      host: hostname,
      port: Number(port || (protocol === 'smtps:' ? 465 : 25)),
      secure: protocol === 'smtps:',
      // Credentials never leave in the clear (P12): a man in the middle need only hide STARTTLS.
      requireTLS: username !== '' && protocol !== 'smtps:' && !isLoopback(hostname),
      connectionTimeout: CONNECT_MAX_MS,
      greetingTimeout: CONNECT_MAX_MS,
      socketTimeout: SOCKET_MAX_MS,
    });
    attempt.connection = connection;
    // Kept for the whole life of the connection: an error without a listener ends the process.
    connection.on('error', () => {});
    connection.once('end', () => this.#drop(connection));
    try {
      await this.#greet(connection);
    } catch (error) {
      // Refused credentials leave a connection that nobody would close.
      connection.close();
      throw error;
    }
    return connection;
  }

  async #greet(connection: SMTPConnection): Promise<void> {
    const { username, password } = this.#url;
    await settledOnce(connection, (done) => connection.connect(done));
    if (username !== '') {
      const credentials = {
        user: decodeURIComponent(username),
        pass: decodeURIComponent(password),
      };
      await settledOnce(connection, (done) => connection.login({ credentials }, done));
    }
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
function marked(content: Buffer, progress: Attempt): Readable {
  return new Readable({
    read() {
      // Never begun, so not sent: the connection is closed and the library reports it.
      if (!progress.mayStart()) {
        progress.connection?.close();
        this.destroy(Object.assign(new Error('too late'), { code: 'ETIMEDOUT' }));
        return;
      }
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

export function openSmtpGateway(
  id: string,
  settings: SmtpSettings,
  options: SmtpOptions = {},
): Gateway {
  return new SmtpGateway(id, settings, options);
}
