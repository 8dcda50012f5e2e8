/**
 * The listener for mail that comes back, and for nothing else. It takes what has no sender (RFC
 * 5321, section 4.5.5) and is for a return path that we signed; a report in it becomes a receipt.
 */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import { readReport, type Report } from './bounce-report.ts';
import { formatReference, type Reference } from './model.ts';
import { readReturnPath } from './return-path.ts';
import { insertReceiptOfAttempt } from './store-inbox.ts';

export type BounceOptions = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The domain of our return paths. */
  readonly domain: string;
  readonly key: Buffer;
  readonly installation: string;
  readonly database: Database;
  readonly log: Log;
};

export type BounceListener = { readonly port: number; close(): Promise<void> };

/** A report quotes little of the mail; what is larger is no report. */
const BYTES_MAX = 256 * 1024;
/** One mail comes back to one return path. */
const RECIPIENTS_MAX = 1;
const CLIENTS_MAX = 50;
const SOCKET_TIMEOUT_MS = 30_000;

export async function startBounceListener(options: BounceOptions): Promise<BounceListener> {
  const server = new SMTPServer({
    name: options.domain,
    banner: 'mail that comes back, and no other',
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: BYTES_MAX,
    maxClients: CLIENTS_MAX,
    socketTimeout: SOCKET_TIMEOUT_MS,
    closeTimeout: 1_000,
    logger: false,
    onMailFrom: ({ address }, _session, done) =>
      done(address === '' ? null : refusal(550, '5.7.1 only mail without a sender')),
    onRcptTo: ({ address }, session, done) => {
      if (session.envelope.rcptTo.length >= RECIPIENTS_MAX)
        done(refusal(452, '4.5.3 one at a time'));
      else if (attemptOf(address, options) === undefined) done(refusal(550, '5.1.1 nobody here'));
      else done();
    },
    onData: (stream, session, done) => {
      take(stream, session, options).then(
        (error) => done(error),
        (error: unknown) => {
          options.log.error('dispatch.bounce_not_kept', { error });
          // It comes again.
          done(refusal(451, '4.3.0 not now'));
        },
      );
    },
  });
  server.on('error', (error) => options.log.warn('dispatch.bounce_connection', { error }));
  server.listen(options.port, options.host);
  await once(server.server, 'listening');
  const { port } = server.server.address() as { port: number };
  return {
    port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function attemptOf(address: string, options: BounceOptions): Reference | undefined {
  const at = address.lastIndexOf('@');
  if (address.slice(at + 1).toLowerCase() !== options.domain.toLowerCase()) return undefined;
  return readReturnPath(options.key, options.installation, address.slice(0, at));
}

/** Keeps what a report says; mail that is none (an answer while somebody is away) is let go. */
async function take(
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  options: BounceOptions,
): Promise<Error | null> {
  const raw = await readUpTo(stream, BYTES_MAX);
  if (raw === undefined) return refusal(552, '5.3.4 too large');
  const [recipient] = session.envelope.rcptTo;
  const attempt = recipient && attemptOf(recipient.address, options);
  const report = await readReport(raw);
  if (attempt === undefined || report === undefined) {
    options.log.info('dispatch.bounce_without_report', {});
    return null;
  }
  await keep(attempt, report, options.database);
  return null;
}

async function keep(attempt: Reference, report: Report, database: Database): Promise<void> {
  const reference = formatReference(attempt);
  await database.withActor(system('bounces'), (tx) =>
    insertReceiptOfAttempt(tx, {
      ...attempt,
      reference,
      status: `${report.action} ${report.code}`,
    }),
  );
}

/** All of it; undefined where there is more. The stream is read to its end either way. */
async function readUpTo(stream: Readable, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length;
    if (bytes <= most) chunks.push(chunk as Buffer);
  }
  return bytes > most ? undefined : Buffer.concat(chunks);
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
