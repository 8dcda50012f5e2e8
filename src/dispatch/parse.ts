/** Bodies of Notify's callbacks, parsed at the edge. Fields we do not use are let through. */
import { z } from 'zod';

/** PostgreSQL keeps no NUL in a text: refused here, it would be an error of ours there. */
const withoutNul = (text: string) => !text.includes('\0');

export const receiptCallback = z.object({
  id: z.uuid(),
  reference: z.string().max(1000).refine(withoutNul).nullable(),
  status: z.string().min(1).max(50).refine(withoutNul),
  notification_type: z.enum(['sms', 'email', 'letter']).optional(),
});

export type ReceiptCallback = z.infer<typeof receiptCallback>;

export const replyCallback = z
  .object({
    id: z.uuid(),
    source_number: z.string().min(3).max(30),
    destination_number: z.string().min(3).max(30),
    message: z.string().max(10_000),
    date_received: z.iso.datetime({ offset: true }).nullable().optional(),
  })
  .transform((body) => ({
    id: body.id,
    sourceNumber: body.source_number,
    message: body.message,
    dateReceived: body.date_received ? new Date(body.date_received) : null,
  }));

export type ReplyCallback = z.infer<typeof replyCallback>;

/** The token of `Authorization: Bearer …`; the scheme is compared without case (RFC 9110, 11.1). */
export function bearerToken(header: string | undefined): string | undefined {
  return /^bearer ([\x21-\x7e]+)$/i.exec(header ?? '')?.[1];
}
