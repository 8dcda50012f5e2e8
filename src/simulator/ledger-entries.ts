import type { ReceivedText } from './handsets.ts';
import type { SmtpMail } from './mailbox.ts';
import type { Notification } from './notifications.ts';
import type { Template } from './templates.ts';
import { formatTimestamp } from './timestamps.ts';

/**
 * The lines of the ledger. `accepted` is the one an auditor counts: one line for each request the
 * API took in, whatever the caller was told. Times print as the API prints them.
 */
export type LedgerEntry = {
  readonly type:
    | 'accepted'
    | 'simulated'
    | 'deleted'
    | 'status'
    | 'callback'
    | 'reply'
    | 'mail'
    | 'template';
  readonly at: string;
  readonly [field: string]: unknown;
};

export function acceptedEntry(row: Notification, type: 'accepted' | 'simulated'): LedgerEntry {
  return {
    type,
    at: formatTimestamp(row.createdAt),
    id: row.id,
    channel: row.channel,
    keyType: row.keyType,
    reference: row.reference,
    to: row.to,
    normalisedTo: row.normalisedTo,
    templateId: row.template.id,
    templateVersion: row.template.version,
    body: row.body,
    subject: row.subject,
    unsubscribeUrl: row.unsubscribeUrl,
    fragments: row.fragments,
    isInternational: row.isInternational,
    rateMultiplier: row.rateMultiplier,
  };
}

export function replyEntry(reply: ReceivedText): LedgerEntry {
  return {
    type: 'reply',
    at: formatTimestamp(reply.createdAt),
    id: reply.id,
    number: reply.userNumber,
    notifyNumber: reply.notifyNumber,
    text: reply.content,
  };
}

export function mailEntry(mail: SmtpMail): LedgerEntry {
  const { at, ...rest } = mail;
  return { type: 'mail', at: formatTimestamp(at), ...rest };
}

export function templateEntry(template: Template, at: number): LedgerEntry {
  return {
    type: 'template',
    at: formatTimestamp(at),
    id: template.id,
    version: template.version,
    channel: template.type,
    name: template.name,
    body: template.body,
    subject: template.subject,
    archived: template.archived,
  };
}
