/** Reads a report about delivery (RFC 3464): what became of a mail that we handed over. */
import { simpleParser } from 'mailparser';
import type { ReceiptMeaning } from './model.ts';

/** The words for what became of it (RFC 3464, section 2.3.3), and what they mean to us. */
export const reportActions: Readonly<Record<string, ReceiptMeaning>> = {
  failed: 'undelivered',
  // It is still tried, for days perhaps.
  delayed: 'retained',
  delivered: 'delivered',
  relayed: 'retained',
  expanded: 'retained',
};

export type Report = {
  readonly action: string;
  /** Such as 5.1.1 (RFC 3463); 4.x.x with *failed* was given up in the end. */
  readonly code: string;
};

/** What the mail reports; undefined where it is no report, or says nothing we can read. */
export async function readReport(raw: Buffer): Promise<Report | undefined> {
  const { attachments } = await simpleParser(raw, {
    keepDeliveryStatus: true,
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
  });
  const part = attachments.find(({ contentType }) => contentType === 'message/delivery-status');
  if (part === undefined) return undefined;
  // The fields of the recipient stand after those of the mail; ours has one recipient.
  const fields = part.content.toString('latin1').replaceAll(/\r?\n[ \t]+/g, ' ');
  const action = /^action:\s*([a-z]+)/im.exec(fields)?.[1]?.toLowerCase();
  const code = /^status:\s*([245]\.\d{1,3}\.\d{1,3})/im.exec(fields)?.[1];
  if (action === undefined || code === undefined) return undefined;
  return Object.hasOwn(reportActions, action) ? { action, code } : undefined;
}
