import { existsSync, statSync } from 'node:fs';
import type { ReceivedText } from './handsets.ts';
import type { LedgerEntry } from './ledger-entries.ts';
import { dropTornTail, readLedger } from './ledger-reader.ts';
import type { SmtpMail } from './mailbox.ts';
import { FINAL_STATUSES, type Notification, type Status } from './notifications.ts';
import type { Channel, KeyType } from './settings.ts';
import type { Simulation } from './simulation.ts';
import { parseTimestamp } from './timestamps.ts';

type Unsent = {
  readonly rows: Map<string, Notification>;
  readonly texts: Map<string, ReceivedText>;
};

/**
 * Rebuilds the state from the ledger before the doors open. Rows that were under way go on; a
 * callback without a recorded end is sent again, as the live service's queue would.
 */
export async function restoreFromLedger(simulation: Simulation): Promise<void> {
  const path = simulation.ledger.path;
  if (path === null || !existsSync(path)) return;
  const unsent: Unsent = { rows: new Map(), texts: new Map() };
  let end = 0;
  for await (const line of readLedger(path)) {
    apply(simulation, line.entry, unsent);
    end = line.end;
  }
  if (end < statSync(path).size) dropTornTail(path, end);
  for (const row of simulation.notifications.all()) {
    if (!FINAL_STATUSES.has(row.status)) simulation.lifeCycle.begin(row);
  }
  for (const row of unsent.rows.values()) simulation.lifeCycle.resend(row);
  for (const reply of unsent.texts.values()) void simulation.sendReply(reply);
}

function apply(simulation: Simulation, entry: LedgerEntry, unsent: Unsent): void {
  const id = entry['id'] as string;
  switch (entry.type) {
    case 'accepted':
      simulation.restore(rowFrom(simulation, entry));
      return;
    case 'simulated':
      simulation.counts.simulated += 1;
      return;
    case 'deleted': {
      const row = simulation.notifications.find(id);
      if (row !== undefined) simulation.notifications.delete(row);
      simulation.counts.deleted += 1;
      return;
    }
    case 'status':
      applyStatus(simulation, entry, unsent);
      return;
    case 'callback':
      unsent.rows.delete(id);
      unsent.texts.delete(id);
      return;
    case 'reply': {
      const reply = replyFrom(entry);
      simulation.clock.advanceTo(reply.createdAt);
      simulation.handsets.addReply(reply);
      if (simulation.callbacks.hasUrl('texts')) unsent.texts.set(id, reply);
      return;
    }
    case 'mail':
      simulation.mailbox.addSmtp(mailFrom(entry));
      return;
    case 'template':
      applyTemplate(simulation, entry);
  }
}

function applyStatus(simulation: Simulation, entry: LedgerEntry, unsent: Unsent): void {
  const row = simulation.notifications.find(entry['id'] as string);
  if (row === undefined) return;
  row.status = entry['status'] as Status;
  row.updatedAt = parseTimestamp(entry.at);
  row.sentAt ??= row.updatedAt;
  simulation.clock.advanceTo(row.updatedAt);
  if (entry['callback'] === true) unsent.rows.set(row.id, row);
}

function applyTemplate(simulation: Simulation, entry: LedgerEntry): void {
  const id = entry['id'] as string;
  // The versions of the settings come first; the ledger holds what was changed after.
  simulation.templates.put(
    {
      id,
      type: entry['channel'] as Channel,
      name: entry['name'] as string,
      body: entry['body'] as string,
      ...(entry['subject'] === null ? {} : { subject: entry['subject'] as string }),
      archived: entry['archived'] as boolean,
    },
    parseTimestamp(entry.at),
  );
}

function rowFrom(simulation: Simulation, entry: LedgerEntry): Notification {
  const templateId = entry['templateId'] as string;
  const template =
    simulation.templates.find(templateId, entry['templateVersion'] as number) ??
    simulation.templates.find(templateId) ??
    // The template was in the settings of an earlier run only; the row keeps its text anyway.
    simulation.templates.put({ id: templateId, type: entry['channel'] as Channel }, 0);
  return {
    id: entry['id'] as string,
    channel: entry['channel'] as Channel,
    keyType: entry['keyType'] as KeyType,
    reference: entry['reference'] as string | null,
    to: entry['to'] as string,
    normalisedTo: entry['normalisedTo'] as string,
    template,
    body: entry['body'] as string,
    subject: entry['subject'] as string | null,
    unsubscribeUrl: entry['unsubscribeUrl'] as string | null,
    fragments: entry['fragments'] as number,
    isInternational: entry['isInternational'] as boolean,
    rateMultiplier: entry['rateMultiplier'] as number,
    createdAt: parseTimestamp(entry.at),
    status: 'created',
    sentAt: null,
    updatedAt: null,
    isDeleted: false,
  };
}

function replyFrom(entry: LedgerEntry): ReceivedText {
  return {
    id: entry['id'] as string,
    createdAt: parseTimestamp(entry.at),
    userNumber: entry['number'] as string,
    notifyNumber: entry['notifyNumber'] as string,
    content: entry['text'] as string,
  };
}

function mailFrom(entry: LedgerEntry): SmtpMail {
  return {
    id: entry['id'] as string,
    at: parseTimestamp(entry.at),
    envelopeFrom: entry['envelopeFrom'] as string,
    envelopeTo: entry['envelopeTo'] as string[],
    from: entry['from'] as string,
    subject: entry['subject'] as string,
    messageId: entry['messageId'] as string | null,
    raw: entry['raw'] as string | null,
  };
}
