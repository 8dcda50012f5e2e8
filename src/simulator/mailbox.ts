import type { Notification } from './notifications.ts';

/** A mail that came by SMTP. */
export type SmtpMail = {
  readonly id: string;
  /** Microseconds. */
  readonly at: number;
  readonly envelopeFrom: string;
  readonly envelopeTo: readonly string[];
  readonly from: string;
  readonly subject: string;
  readonly messageId: string | null;
  /** The whole source; null once it is only in the ledger. */
  raw: string | null;
};

export type MailEntry = SmtpMail | Notification;

/** Sources of mails kept in memory; older ones keep their first lines here and live in the ledger. */
const RAW_LIMIT = 2_000;

export function isSmtp(entry: MailEntry): entry is SmtpMail {
  return 'envelopeTo' in entry;
}

export function addresseesOf(entry: MailEntry): readonly string[] {
  return isSmtp(entry) ? entry.envelopeTo : [entry.normalisedTo];
}

/** Every e-mail, whether sent through Notify or by SMTP, in order of arrival. */
export class Mailbox {
  readonly #entries: MailEntry[] = [];
  readonly #smtpById = new Map<string, SmtpMail>();
  readonly #withRaw: SmtpMail[] = [];

  addSmtp(mail: SmtpMail): void {
    this.#entries.push(mail);
    this.#smtpById.set(mail.id, mail);
    this.#withRaw.push(mail);
    if (this.#withRaw.length > RAW_LIMIT) this.#withRaw.shift()!.raw = null;
  }

  addNotification(row: Notification): void {
    if (row.channel === 'email' && row.keyType !== 'test') this.#entries.push(row);
  }

  findSmtp(id: string): SmtpMail | undefined {
    return this.#smtpById.get(id);
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Mails with `text` in an address or the subject, newest first. */
  search(text: string): MailEntry[] {
    const wanted = text.toLowerCase();
    return this.#entries
      .filter(
        (entry) =>
          wanted === '' ||
          (entry.subject ?? '').toLowerCase().includes(wanted) ||
          addresseesOf(entry).some((address) => address.toLowerCase().includes(wanted)),
      )
      .reverse();
  }
}
