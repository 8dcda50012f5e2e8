import { randomUUID } from 'node:crypto';
import { Authenticator } from './auth.ts';
import { CallbackSender } from './callbacks.ts';
import { type ActiveFault, type Fault, FaultSet, seededRandom } from './faults.ts';
import { Handsets, type ReceivedText } from './handsets.ts';
import { acceptedEntry, mailEntry, replyEntry, templateEntry } from './ledger-entries.ts';
import { Ledger } from './ledger.ts';
import { LifeCycle } from './life-cycle.ts';
import { DailyLimits, RateLimiter } from './limiter.ts';
import { LiveEvents } from './live-events.ts';
import { Mailbox, type SmtpMail } from './mailbox.ts';
import { type Notification, NotificationStore } from './notifications.ts';
import { Schedule } from './schedule.ts';
import { type Draft, SendChecks } from './send.ts';
import type { Doors } from './doors.ts';
import type { Settings } from './settings.ts';
import { type Template, type TemplateChange, TemplateStore } from './templates.ts';
import { MicrosecondClock, formatTimestamp } from './timestamps.ts';

/** The whole simulated world, without any server in front of it. */
export class Simulation {
  readonly settings: Settings;
  readonly clock: MicrosecondClock;
  readonly schedule = new Schedule();
  readonly ledger: Ledger;
  readonly faults: FaultSet;
  readonly templates: TemplateStore;
  readonly notifications = new NotificationStore();
  readonly handsets = new Handsets();
  readonly mailbox = new Mailbox();
  readonly live = new LiveEvents();
  readonly callbacks: CallbackSender;
  readonly lifeCycle: LifeCycle;
  readonly authenticator: Authenticator;
  readonly dailyLimits: DailyLimits;
  readonly checks: SendChecks;
  limiter: RateLimiter;
  /** Set once the servers are there; null in tests without any. */
  doors: Doors | null = null;
  readonly counts = { accepted: 0, simulated: 0, refused: 0, deleted: 0 };

  constructor(settings: Settings) {
    this.settings = settings;
    this.clock = new MicrosecondClock(settings.now);
    const random = seededRandom(settings.seed);
    this.ledger = new Ledger(settings.ledger === 'off' ? null : settings.dataDir);
    this.faults = new FaultSet(random);
    this.templates = new TemplateStore(settings.templates, this.clock.next());
    this.authenticator = new Authenticator(settings.serviceId, settings.apiKeys);
    this.limiter = new RateLimiter(settings.limitPerMinute);
    this.dailyLimits = new DailyLimits(settings.dailyLimits);
    this.callbacks = new CallbackSender(
      {
        urls: settings.callbackUrls,
        token: settings.callbackToken,
        retryMs: settings.callbackRetryMs,
        timeoutMs: settings.callbackTimeoutMs,
      },
      this.schedule,
    );
    this.checks = new SendChecks(this);
    this.lifeCycle = new LifeCycle(
      {
        schedule: this.schedule,
        clock: this.clock,
        ledger: this.ledger,
        faults: this.faults,
        callbacks: this.callbacks,
        random,
        onChange: (row) => this.#announce(row),
      },
      settings.receiptDelayMs,
    );
  }

  /** Puts a fault in force; one that is down for a time ends by itself. */
  addFault(fault: Fault): ActiveFault {
    const added = this.faults.add(fault);
    if (fault.fault === 'down' && fault.forMs !== undefined) {
      setTimeout(() => {
        this.faults.clear(added.id);
        void this.doors?.settle();
      }, fault.forMs).unref();
    }
    return added;
  }

  /** Stores an accepted request; `done` is called when it is on disk and may be answered. */
  accept({ row, isSimulated }: Draft, done: () => void): void {
    row.createdAt = this.clock.next();
    if (isSimulated) {
      this.counts.simulated += 1;
      this.ledger.append(acceptedEntry(row, 'simulated'), done);
      return;
    }
    this.counts.accepted += 1;
    this.notifications.insert(row);
    this.#countAgainstLimits(row);
    this.ledger.append(acceptedEntry(row, 'accepted'), done);
  }

  /** Hands an accepted row to the network: its phone or mailbox has it, receipts will follow. */
  dispatch(row: Notification): void {
    this.handsets.addText(row);
    this.mailbox.addNotification(row);
    this.lifeCycle.begin(row);
    this.#announce(row);
  }

  /** Makes an accepted row disappear, as when the live service cannot queue what it stored. */
  remove(row: Notification): void {
    this.counts.deleted += 1;
    this.notifications.delete(row);
    this.ledger.append({
      type: 'deleted',
      at: formatTimestamp(this.clock.next()),
      id: row.id,
      reference: row.reference,
    });
  }

  /** A handset texts the service. Resolves when it is on disk; the callback goes on its own. */
  async reply(number: string, content: string): Promise<ReceivedText> {
    const reply: ReceivedText = {
      id: randomUUID(),
      createdAt: this.clock.next(),
      userNumber: number,
      notifyNumber: this.settings.inboundNumber,
      content,
    };
    this.handsets.addReply(reply);
    await new Promise<void>((resolve) => this.ledger.append(replyEntry(reply), resolve));
    this.live.announce(number);
    const subject = { recipient: number, reference: null };
    if (this.faults.take('reply_lost', subject) !== null) return reply;
    const copies = this.faults.take('reply_doubled', subject)?.copies ?? 1;
    for (let copy = 0; copy < copies; copy += 1) void this.sendReply(reply);
    return reply;
  }

  async sendReply(reply: ReceivedText): Promise<void> {
    const end = await this.callbacks.send('texts', () => ({
      id: reply.id,
      source_number: reply.userNumber,
      destination_number: reply.notifyNumber,
      message: reply.content,
      date_received: formatTimestamp(reply.createdAt),
    }));
    if (end.outcome === 'unset') return;
    const at = formatTimestamp(this.clock.next());
    this.ledger.append({ type: 'callback', at, kind: 'texts', id: reply.id, ...end });
  }

  /** Stores a mail that came by SMTP; resolves when it is on disk. */
  async receiveMail(mail: SmtpMail): Promise<void> {
    this.mailbox.addSmtp(mail);
    await new Promise<void>((resolve) => this.ledger.append(mailEntry(mail), resolve));
    this.live.announce('mail');
  }

  changeTemplate(change: TemplateChange): Template {
    const at = this.clock.next();
    const template = this.templates.put(change, at);
    this.ledger.append(templateEntry(template, at));
    return template;
  }

  /** Puts back a row read from the ledger. */
  restore(row: Notification): void {
    this.counts.accepted += 1;
    this.clock.advanceTo(row.updatedAt ?? row.createdAt);
    this.notifications.insert(row);
    this.#countAgainstLimits(row);
    this.handsets.addText(row);
    this.mailbox.addNotification(row);
  }

  get isIdle(): boolean {
    return this.schedule.size === this.callbacks.waitingToRetry && this.callbacks.pending === 0;
  }

  async close(): Promise<void> {
    this.schedule.close();
    this.live.close();
    await this.callbacks.close();
    await this.ledger.close();
  }

  #countAgainstLimits(row: Notification): void {
    const nowMs = row.createdAt / 1000;
    this.dailyLimits.count(row.channel, row.keyType, nowMs);
    if (row.channel === 'sms' && !row.normalisedTo.startsWith('44')) {
      this.dailyLimits.count('international_sms', row.keyType, nowMs);
    }
  }

  #announce(row: Notification): void {
    this.live.announce(row.channel === 'sms' ? row.normalisedTo : 'mail');
  }
}
